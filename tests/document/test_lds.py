"""Data groups: writer and parser invert each other, any bytes parse or are refused, and a foreign specimen is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.face_record import FaceEncoding, FaceImage, parse_dg2, write_dg2
from egate.document.finger_record import FingerEncoding, FingerImage, parse_dg3, write_dg3
from egate.document.lds import parse_dg1, parse_ef_com, write_dg1, write_ef_com
from egate.document.mrz import parse_mrz, split_mrz
from egate.document.tlv import FILE_SIZE_MAX, element, elements
from egate.errors import DocumentError

from .test_mrz import TD3, TODAY

SPECIMEN = Path(os.environ.get("EGATE_CORPUS", "../shared/corpus")) / "documents" / "lds_tsemrtd"
PARSERS: list[Callable[[bytes], object]] = [parse_ef_com, parse_dg1, parse_dg2, parse_dg3]
FACE = FaceImage(FaceEncoding.JPEG, 413, 531, b"\xff\xd8 portrait")
FINGERS = (
    FingerImage(2, FingerEncoding.PNG, 300, 400, b"\x89PNG finger"),
    FingerImage(7, FingerEncoding.RAW, 3, 2, b"\x00\x40\x80\xc0\xff\x00"),
)
FILES = [write_ef_com((1, 2, 3)), write_dg1(TD3), write_dg2(FACE), write_dg3(FINGERS)]


def test_files_written_are_read_back() -> None:
    assert parse_ef_com(FILES[0]).data_groups == (1, 2, 3)
    assert parse_dg1(FILES[1]) == "".join(TD3)
    assert parse_dg2(FILES[2]) == FACE
    assert parse_dg3(FILES[3]) == FINGERS
    assert parse_dg3(write_dg3(())) == ()


@given(st.binary(min_size=1, max_size=70_000), st.integers(0, 65_535), st.integers(0, 65_535))
def test_any_face_is_read_back(image: bytes, width: int, height: int) -> None:
    face = FaceImage(FaceEncoding.JPEG2000, width, height, image)
    assert parse_dg2(write_dg2(face)) == face


@given(st.lists(st.tuples(st.integers(0, 10), st.binary(min_size=1, max_size=300)), max_size=9))
def test_any_fingers_are_read_back(content: list[tuple[int, bytes]]) -> None:
    fingers = tuple(FingerImage(position, FingerEncoding.WSQ, 1, 1, image) for position, image in content)
    assert parse_dg3(write_dg3(fingers)) == fingers


@pytest.mark.parametrize("index", range(4))
def test_every_truncation_is_refused(index: int) -> None:
    for size in range(len(FILES[index])):
        with pytest.raises(DocumentError):
            PARSERS[index](FILES[index][:size])
    with pytest.raises(DocumentError):
        PARSERS[index](FILES[index] + b"\x00")


@pytest.mark.parametrize("index", range(4))
@given(data=st.data())
def test_any_change_parses_or_is_refused(index: int, data: st.DataObject) -> None:
    content = bytearray(FILES[index])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        PARSERS[index](bytes(content))
    except DocumentError:
        pass


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_refused(content: bytes) -> None:
    for parser in PARSERS:
        for wrapped in (content, element(0x75, element(0x7F61, content)), element(0x63, element(0x7F61, content))):
            try:
                parser(wrapped)
            except DocumentError:
                pass


def test_limits_are_held() -> None:
    with pytest.raises(DocumentError, match="too long"):
        parse_dg1(element(0x61, bytes(FILE_SIZE_MAX)))
    with pytest.raises(DocumentError, match="too many"):
        list(elements(b"\x02\x00" * 65))
    with pytest.raises(DocumentError, match="differs"):
        parse_dg2(element(0x75, element(0x7F61, element(0x02, b"\x02"))))


def test_raw_finger_becomes_a_file_and_foreign_compression_is_refused() -> None:
    assert FINGERS[1].file() == b"P5\n3 2\n255\n" + FINGERS[1].image
    assert FINGERS[0].file() == FINGERS[0].image
    with pytest.raises(DocumentError, match="not supported"):
        FingerImage(1, FingerEncoding.WSQ, 1, 1, b"w").file()


def test_finger_of_another_resolution_is_refused() -> None:
    changed = FILES[3].replace((500).to_bytes(2, "big") * 4, (250).to_bytes(2, "big") * 4)
    with pytest.raises(DocumentError, match="500 dpi"):
        parse_dg3(changed)


def test_repr_shows_no_image() -> None:
    assert "portrait" not in repr(FACE)
    assert "finger" not in repr(FINGERS)


@pytest.mark.corpus
@pytest.mark.skipif(not SPECIMEN.is_dir(), reason="no corpus: set EGATE_CORPUS")
def test_specimen_of_another_issuer_is_read() -> None:
    """BSI TR-03105-5 reference data set: what another implementation wrote."""
    com, dg1, dg2, dg3 = ((SPECIMEN / f"EF_{name}.bin").read_bytes() for name in ("COM", "DG1", "DG2", "DG3"))
    assert parse_ef_com(com).data_groups == (1, 2, 3, 14)
    mrz = parse_mrz(split_mrz(parse_dg1(dg1)), TODAY)
    assert (mrz.data.primary_identifier, mrz.data.issuing_state, mrz.wrong_check_digits) == ("MUSTERMANN", "D", ())
    face = parse_dg2(dg2)
    assert (face.encoding, face.width, face.height) == (FaceEncoding.JPEG2000, 337, 449)
    assert face.image[4:8] == b"jP  "  # JPEG 2000 signature box, ISO/IEC 15444-1 annex I
    fingers = parse_dg3(dg3)
    assert [(finger.encoding, finger.width, finger.height) for finger in fingers] == [
        (FingerEncoding.WSQ, 620, 620)
    ] * 2
    assert all(finger.image[:2] == b"\xff\xa0" for finger in fingers)  # WSQ start of image
