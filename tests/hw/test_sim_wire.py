"""What goes over the simulator's socket comes out as it went in."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import date

import cv2
import numpy as np
import pytest

from hw.emrtd.chip.personalisation import Limits, Personalisation
from hw.emrtd.protocol.chip_key import ChipKey
from hw.sim.issuer import invent_holder, issue
from hw.sim.issuer_profile import vary_profile
from hw.sim.wire import decode, encode

PORTRAIT = cv2.imencode(".jpg", np.full((40, 30, 3), 90, np.uint8))[1].tobytes()
FULL = Personalisation(
    files={"dg1": b"\x00\xff"},
    mrz_information=b"L1",
    can="123456",
    chip_authentication_keys=(ChipKey(b"1", 2**500 + 1, 7), ChipKey(b"2", 3)),
    mapping_key=ChipKey(b"3", 4),
    active_authentication_key=b"\x30",
    active_authentication_hash="sha1",
    cvca=(b"a", b"b"),
    denied=frozenset({"dg3"}),
    limits=Limits(256, 65536, 0x6C00, 200),
)


def test_decode_inverts_encode() -> None:
    chips = [
        issue(invent_holder(seed, date(2026, 6, 1)), PORTRAIT, profile=vary_profile(seed)).personalisation
        for seed in range(8)
    ]
    for chip in (*chips, FULL, Personalisation({})):
        assert chip is not None
        again = decode(json.loads(json.dumps(encode(chip))))
        for item in fields(Personalisation):
            assert getattr(again, item.name) == getattr(chip, item.name), item.name


def test_every_field_travels() -> None:
    """A field that somebody adds to Personalisation must be added here, too."""
    assert set(encode(FULL)) == {item.name for item in fields(Personalisation)}
    assert set(encode(FULL)["limits"]) == {item.name for item in fields(Limits)}
    defaults = Personalisation({})
    assert all(
        getattr(FULL, item.name) != getattr(defaults, item.name)
        for item in fields(Personalisation)
        if item.name != "access"
    )
    assert decode(encode(replace(FULL, access=frozenset()))).access == frozenset()


@pytest.mark.parametrize("body", [{}, {**encode(FULL), "files": {"dg1": "!"}}, {**encode(FULL), "access": ["DOOR"]}])
def test_anything_else_is_refused(body: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        decode(body)
