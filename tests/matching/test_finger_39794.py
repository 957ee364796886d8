"""Extensible minutiae blocks: what is written is read back, what is unknown is skipped, what is damaged is refused.

The bytes by hand follow the table in `iso39794`, whose inner tags are still to be compared with the schema.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.domain.biometric import FingerTemplate
from egate.errors import TemplateError
from egate.matching.finger.format.iso39794 import read_block, write_block
from tests.matching.finger_samples import empty, finger
from tests.matching.finger_templates import templates, turn

VERSION = "a007 800103 810207e7"
HEAD = "a003800102 a103800100 a208 8002012c 81020190 a307 800201f4 810100"
ENDING = "3014 a003800101 a107 80010f 81020120 820140 830150"
BIFURCATION = "3013 a003800102 a108 8002012b 8102018f 820200ff"
QUALITY = "a510 300e a007 80020101 810101 a103 80013c"


def block(*representations: str, version: str = VERSION) -> bytes:
    members = b"".join(bytes((0x30, 0x81, len(one))) + one for one in map(bytes.fromhex, representations))
    body = bytes.fromhex(version) + bytes((0xA1, 0x82)) + len(members).to_bytes(2, "big") + members
    return bytes((0x62, 0x82)) + len(body).to_bytes(2, "big") + body


def minutiae(*members: str) -> str:
    content = bytes.fromhex("".join(members))
    return bytes((0xA4, len(content))).hex() + content.hex()


BY_HAND = block(HEAD + minutiae(ENDING, BIFURCATION) + QUALITY)


def test_a_block_written_by_hand_reads_as_meant() -> None:
    (found,) = read_block(BY_HAND)
    assert (found.width, found.height, found.position) == (300, 400, 2)
    assert found.x.tolist() == [15.0, 299.0]
    assert found.y.tolist() == [288.0, 399.0]
    assert found.angle.tolist() == pytest.approx([math.pi / 2, math.tau * 255 / 256])
    assert found.ending.tolist() == [True, False]
    assert found.quality.tolist() == pytest.approx([0.8, 0.0])


def test_the_writer_writes_the_fields_written_by_hand() -> None:
    (found,) = read_block(BY_HAND)
    written = write_block([found], [60])
    assert bytes.fromhex(HEAD + minutiae(ENDING, BIFURCATION) + QUALITY) in written
    assert bytes.fromhex(VERSION) in written
    assert bytes.fromhex(QUALITY) not in write_block([found])


@settings(max_examples=25, deadline=None)
@given(st.lists(templates(80), min_size=1, max_size=4))
def test_round_trip_within_the_precision_of_the_format(views: list[FingerTemplate]) -> None:
    back = read_block(write_block(views))
    assert len(back) == len(views)
    for one, other in zip(views, back, strict=True):
        assert (one.width, one.height, one.position) == (other.width, other.height, other.position)
        order = np.argsort(-np.rint(one.quality.astype(np.float64) * 100), kind="stable")
        assert np.abs(one.x[order] - other.x).max(initial=0) <= 0.5
        assert np.abs(one.y[order] - other.y).max(initial=0) <= 0.5
        assert turn(one.angle[order], other.angle).max(initial=0) <= math.tau / 512 + 1e-5
        assert (one.ending[order] == other.ending).all()
        assert np.abs(one.quality[order] - other.quality).max(initial=0) <= 0.005 + 1e-6


def test_unknown_fields_are_skipped_and_fall_backs_used() -> None:
    """Extensibility: a later edition may add fields, and codes with one to fall back to."""
    later = HEAD.replace("a103800100", "a10a a108 800108 8103abcdef") + minutiae(ENDING) + "ae0101 9f1f0102"
    (found,) = read_block(block(later))
    assert len(found.x) == 1


@pytest.mark.parametrize(("rate", "factor"), [("800207d0 810100", 0.25), ("800200c5 810101", 1.0)])
def test_other_sampling_rates_are_scaled(rate: str, factor: float) -> None:
    fine = HEAD.replace("a307 800201f4 810100", f"a307 {rate}") + minutiae(ENDING)
    (found,) = read_block(block(fine))
    assert found.x[0] == pytest.approx(15.0 * factor)
    assert (found.width, found.height) == (300 * factor, 400 * factor)


@pytest.mark.parametrize(
    "data",
    [
        block(HEAD + minutiae(ENDING), version="a007 800102 810207e7"),  # another generation
        block(),
        block(HEAD),  # no list of minutiae
        block(HEAD.replace("a003800102", "a00380010b", 1) + minutiae()),  # position 11
        block(HEAD.replace("8002012c", "80020000") + minutiae()),  # no width
        block(HEAD.replace("800201f4", "80020001") + minutiae()),  # one dot an inch
        block(HEAD.replace("810100", "810102") + minutiae()),  # unit 2
        block(HEAD + minutiae(ENDING.replace("80010f", "8001ff"))),  # a negative number
        block(HEAD + minutiae(ENDING.replace("a003800101", "a003800103"))),  # kind 3
        block(HEAD + minutiae(ENDING.replace("830150", "830165"))),  # quality 101
        block(HEAD + minutiae(ENDING.replace("820140", "840140"))),  # no angle
        block(HEAD + minutiae(ENDING.replace("81020120", "81020190"))),  # below the image
        block(HEAD + minutiae(BIFURCATION.replace("820200ff", "82020100"))),  # an angle beyond a turn
        block(HEAD + minutiae(BIFURCATION.replace("8002012b", "8002012c"))),  # right of the image
        block(HEAD + minutiae("3100")),
        block(HEAD + "a003800102" + minutiae()),  # a field twice
        BY_HAND + b"\x00",
        BY_HAND[:-1],
        b"\x63" + BY_HAND[1:],
        b"",
    ],
)
def test_what_cannot_be_meant_is_refused(data: bytes) -> None:
    with pytest.raises(TemplateError) as refusal:
        read_block(data)
    assert refusal.value.code == "TEMPLATE_MALFORMED"


def test_every_truncation_is_refused() -> None:
    for length in range(len(BY_HAND)):
        with pytest.raises(TemplateError):
            read_block(BY_HAND[:length])


def test_limits_hold() -> None:
    with pytest.raises(TemplateError) as refusal:
        read_block(bytes((1 << 20) + 1))
    assert refusal.value.code == "TEMPLATE_SIZE"
    crowd = write_block([finger(1)] * 40)
    assert len(read_block(crowd)) == 40
    for bad in (
        [],
        [finger(1)] * 41,
        [dataclasses.replace(finger(1), width=20000)],
        [dataclasses.replace(finger(1), position=11)],
    ):
        with pytest.raises(TemplateError) as unwritten:
            write_block(bad)
        assert unwritten.value.code == "TEMPLATE_NOT_WRITABLE"
    with pytest.raises(TemplateError):
        write_block([finger(1)], [101])


def test_too_many_representations_or_minutiae_are_refused() -> None:
    one = HEAD + minutiae()
    with pytest.raises(TemplateError):
        read_block(block(*[one] * 41))
    many = bytes.fromhex("3000") * 256
    listed = HEAD + "a482" + len(many).to_bytes(2, "big").hex() + many.hex()
    members = bytes.fromhex(listed)
    inner = b"\x30\x82" + len(members).to_bytes(2, "big") + members
    body = bytes.fromhex(VERSION) + b"\xa1\x82" + len(inner).to_bytes(2, "big") + inner
    with pytest.raises(TemplateError, match="too many"):
        read_block(b"\x62\x82" + len(body).to_bytes(2, "big") + body)


def test_a_template_without_minutiae_is_a_block() -> None:
    assert len(read_block(write_block([empty()]))[0].x) == 0
