"""ISO/IEC 19794-2:2005 records: what is written is read back; whatever else a stranger hands us is a TemplateError."""

from __future__ import annotations

import dataclasses
import math
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.domain.biometric import FingerTemplate
from egate.errors import TemplateError
from egate.matching.finger.format.iso19794 import read_record, write_record
from egate.matching.finger.format.rescale import rescale
from egate.matching.finger.minutiae import compare, prepare
from tests import corpus
from tests.matching.finger_samples import SIDE, empty, finger
from tests.matching.finger_templates import templates, turn

CORPUS = corpus.CORPUS / "fingers"
ISO = CORPUS / "iso_secugen"
RECORD = write_record([finger(1)])
MINUTIAE_START = 28

# Written by hand from the clauses, so that reader and writer cannot share a mistake: 300 x 400 px at 197 px/cm, right index
# finger, quality 60; an ending at (16, 32), 90 degrees, quality 80; a bifurcation at (299, 399), 358.6 degrees, not rated.
BY_HAND = bytes.fromhex(
    "464d5200 20323000 0000002a 0000 012c 0190 00c5 00c5 01 0002 00 3c 024010 0020 40 50812b 018f ff 000000"
)


def test_a_record_written_by_hand_reads_as_meant() -> None:
    (found,) = read_record(BY_HAND)
    assert (found.width, found.height, found.position) == (300, 400, 2)
    assert found.x.tolist() == [16.0, 299.0]
    assert found.y.tolist() == [32.0, 399.0]
    assert found.angle.tolist() == pytest.approx([math.pi / 2, math.tau * 255 / 256])
    assert found.ending.tolist() == [True, False]
    assert found.quality.tolist() == pytest.approx([0.8, 0.0])


def test_the_writer_writes_what_was_written_by_hand() -> None:
    (found,) = read_record(BY_HAND)
    written = write_record([found])
    assert written[:26] == BY_HAND[:26]
    assert written[27:] == BY_HAND[27:]
    assert written[26] == 40  # the mean of the minutiae, where the hand wrote 60


@settings(max_examples=40, deadline=None)
@given(st.lists(templates(), min_size=1, max_size=4))
def test_round_trip_within_the_precision_of_the_format(views: list[FingerTemplate]) -> None:
    back = read_record(write_record(views))
    assert len(back) == len(views)
    for one, other in zip(views, back, strict=True):
        assert (one.width, one.height, one.position) == (other.width, other.height, other.position)
        order = np.argsort(-np.rint(one.quality * 100), kind="stable")
        assert np.abs(one.x[order] - other.x).max(initial=0) <= 0.5
        assert np.abs(one.y[order] - other.y).max(initial=0) <= 0.5
        assert turn(one.angle[order], other.angle).max(initial=0) <= math.tau / 512 + 1e-5
        assert (one.ending[order] == other.ending).all()
        assert np.abs(one.quality[order] - other.quality).max(initial=0) <= 0.005 + 1e-6
        assert (np.diff(other.quality) <= 0).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(templates(), min_size=1, max_size=3))
def test_writing_what_was_read_is_the_same_record(views: list[FingerTemplate]) -> None:
    once = write_record(read_record(write_record(views)))
    assert write_record(read_record(once)) == once


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    expect_template_or_refusal(data)
    expect_template_or_refusal(RECORD[:24] + data)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(RECORD) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_records_are_read_or_refused(damage: list[tuple[int, int]]) -> None:
    data = bytearray(RECORD)
    for offset, value in damage:
        data[offset] = value
    expect_template_or_refusal(bytes(data))


def expect_template_or_refusal(data: bytes) -> None:
    try:
        views = read_record(data)
    except TemplateError:
        return
    for view in views:
        assert np.isfinite([view.x, view.y, view.angle, view.quality]).all()
        assert (view.angle < math.tau).all() and (view.x < view.width).all() and (view.y < view.height).all()


def test_every_truncation_is_refused() -> None:
    """As it is, and with the stated length corrected."""
    for length in range(len(RECORD)):
        restated = RECORD[:8] + struct.pack(">I", length) + RECORD[12:length] if length >= 12 else b""
        for data in (RECORD[:length], restated):
            with pytest.raises(TemplateError):
                read_record(data)


def patched(offset: int, data: bytes) -> bytes:
    return RECORD[:offset] + data + RECORD[offset + len(data) :]


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("length", patched(8, struct.pack(">I", len(RECORD) + 1))),
        ("trailing byte", patched(8, struct.pack(">I", len(RECORD) + 1)) + b"\x00"),
        ("width", patched(14, b"\x00\x00")),
        ("resolution", patched(18, b"\x00\x00")),
        ("no view", patched(22, b"\x00")),
        ("view missing", patched(22, b"\x02")),
        ("position", patched(24, b"\x0b")),
        ("quality", patched(26, b"\x65")),
        ("count", patched(27, b"\xff")),
        ("minutia outside", patched(MINUTIAE_START, b"\x41\x90")),
        ("minutia type", patched(MINUTIAE_START, b"\xc0\x01")),
        ("minutia quality", patched(MINUTIAE_START + 5, b"\x65")),
    ],
)
def test_what_the_standard_forbids_is_refused(what: str, data: bytes) -> None:
    with pytest.raises(TemplateError) as refusal:
        read_record(data)
    assert refusal.value.code == "TEMPLATE_MALFORMED"


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("TEMPLATE_FORMAT_UNKNOWN", patched(0, b"FIR\x00")),
        ("TEMPLATE_FORMAT_UNKNOWN", patched(4, b" 30\x00")),
        ("TEMPLATE_SIZE", b"FMR\x00 20\x00" + bytes(1 << 20)),
        ("TEMPLATE_SIZE", b"FMR\x00 20\x00"),
    ],
)
def test_what_is_no_record_is_told_apart(code: str, data: bytes) -> None:
    with pytest.raises(TemplateError) as refusal:
        read_record(data)
    assert refusal.value.code == code


def with_extended(block: bytes) -> bytes:
    data = RECORD[:-2] + struct.pack(">H", len(block)) + block
    return data[:8] + struct.pack(">I", len(data)) + data[12:]


def test_extended_data_are_skipped_if_they_fit() -> None:
    area = struct.pack(">HH", 1, 8) + b"abcd"
    assert len(read_record(with_extended(area + area))[0].x) == len(finger(1).x)
    for block in (area[:-1], area + b"\x00", struct.pack(">HH", 1, 0), struct.pack(">HH", 1, 3), b"\x00"):
        with pytest.raises(TemplateError):
            read_record(with_extended(block))


def test_reserved_bits_of_y_are_ignored() -> None:
    """7.4.2 reserves them, and devices write what they like there."""
    (plain,), (odd,) = read_record(BY_HAND), read_record(BY_HAND[:30] + b"\xc0\x20" + BY_HAND[32:])
    assert odd.y.tolist() == plain.y.tolist()


def test_other_resolutions_are_scaled_to_500_dpi() -> None:
    (found,) = read_record(patched(18, struct.pack(">HH", 394, 394)))
    assert np.allclose(found.x, read_record(RECORD)[0].x * 196.85 / 394, atol=0.01)
    assert found.width == 200


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [finger(1)] * 17,
        [dataclasses.replace(finger(1), position=11)],
        [dataclasses.replace(finger(1), width=20000)],
        [dataclasses.replace(finger(1), width=90)],
        [dataclasses.replace(finger(1), x=np.full(40, np.nan, np.float32))],
    ],
)
def test_what_the_format_cannot_hold_is_not_written(bad: list[FingerTemplate]) -> None:
    with pytest.raises(TemplateError):
        write_record(bad)


def test_images_of_several_sizes_share_the_largest() -> None:
    """Prints cut out of an image of four fingers never have one size."""
    wide, high = dataclasses.replace(finger(1), width=500), dataclasses.replace(finger(2), height=600)
    for view, one in zip(read_record(write_record([wide, high])), (wide, high), strict=True):
        assert (view.width, view.height) == (500, 600)
        assert np.allclose(np.sort(view.x), np.sort(one.x), atol=0.51)


def test_quality_of_a_view_is_what_the_writer_was_told() -> None:
    record = write_record([finger(1), finger(2)], [73, None])
    assert record[26] == 73
    assert (
        record[24 + 4 + 40 * 6 + 2 + 2] == write_record([finger(2)])[26]
    )  # the mean of its minutiae, as when none is told
    with pytest.raises(TemplateError):
        write_record([finger(1)], [101])
    with pytest.raises(ValueError, match="shorter"):
        write_record([finger(1), finger(2)], [73])


def test_minutiae_found_in_the_margin_are_left_out() -> None:
    """LEADER finds some up to 3 px beyond the image it was given; a print was refused for it."""
    moved = finger(1)
    y = moved.y.copy()
    y[0], y[1] = SIDE + 2.0, -3.0
    (back,) = read_record(write_record([dataclasses.replace(moved, y=y)]))
    assert len(back.x) == len(moved.x) - 2


def test_minutiae_come_out_by_falling_quality_and_other_types_as_endings() -> None:
    first, second = BY_HAND[28:34], BY_HAND[34:40]
    (found,) = read_record(BY_HAND[:28] + second + bytes((first[0] & 0x3F,)) + first[1:] + BY_HAND[40:])
    assert found.x.tolist() == [16.0, 299.0]
    assert found.ending.tolist() == [True, False]


def test_views_of_one_finger_are_numbered() -> None:
    left, right = (dataclasses.replace(finger(1), position=position) for position in (7, 2))
    views = [right, left, right, right]
    record = write_record(views)
    size = 4 + 40 * 6 + 2
    assert [record[24 + index * size + 1] >> 4 for index in range(4)] == [0, 0, 1, 2]
    assert [view.position for view in read_record(record)] == [2, 7, 2, 2]


def test_a_template_without_minutiae_is_a_record() -> None:
    assert len(read_record(write_record([empty()]))[0].x) == 0


def test_the_record_still_matches_its_template() -> None:
    """The format's precision costs little of the score."""
    one = finger(4)
    (back,) = read_record(write_record([one]))
    whole, rounded = compare(prepare(one), prepare(one)), compare(prepare(one), prepare(back))
    assert rounded > 0.9 * whole


def test_messages_show_nothing_of_the_template() -> None:
    with pytest.raises(TemplateError) as refusal:
        read_record(patched(MINUTIAE_START, b"\x41\x90"))
    assert not any(character.isdigit() for character in str(refusal.value))


@pytest.mark.corpus
@pytest.mark.skipif(not ISO.is_dir(), reason="corpus absent: set EGATE_CORPUS")
def test_third_party_records_are_read_and_matched() -> None:
    """SecuGen's templates of two impressions of ten fingers; coordinates un-scaled as the corpus README says."""
    folder = ISO / "fvc2002" / "DB1_B"
    fingers = [f"{number}_{one}" for number in range(101, 111) for one in (1, 2)]
    ready = {name: prepare(unscaled(folder / f"{name}.iso")) for name in fingers}
    mated = [compare(ready[f"{n}_1"], ready[f"{n}_2"]) for n in range(101, 111)]
    others = [compare(ready[f"{n}_1"], ready[f"{m}_2"]) for n in range(101, 111) for m in range(101, 111) if n != m]
    assert np.median(mated) > 10.0
    assert np.median(others) < 0.1
    assert np.mean(np.array(mated) > max(others)) >= 0.9


def unscaled(path: Path) -> FingerTemplate:
    (found,) = read_record(path.read_bytes())
    image = cv2.imread(str(CORPUS / path.relative_to(ISO).with_suffix(".png")), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    height, width = image.shape
    return rescale(found, width, height)


@pytest.mark.corpus
@pytest.mark.skipif(not ISO.is_dir(), reason="corpus absent: set EGATE_CORPUS")
def test_every_third_party_record_is_well_formed() -> None:
    paths = sorted(ISO.rglob("*.iso"))
    assert len(paths) == 400
    assert all(len(read_record(path.read_bytes())) == 1 for path in paths)
