"""Any bytes are SecurityInfos or a DocumentError, in EF.CardAccess, EF.CardSecurity's content and DG14; no answer proves a key that
the chip does not have."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from egate.document.chip.active_authentication import verify_active
from egate.document.chip.security_info import parse_card_access, parse_security_infos
from egate.document.chip.security_info_writer import write_security_infos
from egate.document.encoding.tlv import element
from egate.errors import DocumentError
from hw.sim.issuer_profile import DEFAULT, vary_profile
from hw.sim.pki_keys import Algorithm, generate_key
from tests.fuzz.sources import published, specimen
from tests.fuzz.target import Target


def parse(data: bytes) -> None:
    for function in (parse_security_infos, parse_card_access):
        try:
            infos = function(data)
        except DocumentError:
            continue
        assert len(repr(infos)) < 100_000
        for _ in (infos.pace, infos.chip_authentication, infos.chip_authentication_keys, infos.terminal_authentication):
            pass


def answer(data: bytes) -> None:
    """An answer to INTERNAL AUTHENTICATE from a chip that does not have the key of DG15."""
    for dg15 in _keys():
        try:
            assert not verify_active(dg15, None, b"challeng", data)
        except DocumentError:
            pass


@cache
def _keys() -> tuple[bytes, ...]:
    return tuple(element(0x6F, generate_key(Algorithm(name)).spki()) for name in ("rsa2048", "secp256r1"))


def seeds() -> Sequence[bytes]:
    own = [
        write_security_infos([pace.info for pace in profile.pace])
        for profile in (DEFAULT, vary_profile(1), vary_profile(2))
    ]
    return own + [dg14[4:] for dg14 in specimen("DG14")] + published("vectors/**/*card_access*", 4)


def _answers() -> Sequence[bytes]:
    return [bytes(255) + b"\x01", b"\x01" * 64, bytes.fromhex("3006020101020101")]


TARGETS = (Target("parse", parse, seeds, 20), Target("answer", answer, _answers, 1))
