"""Goal: portraits and prints of the 2019 formats come out as those of 2005 do. Method: own writers, and blocks written out byte by byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.encoding.tlv import element
from egate.document.lds.face_record import FaceEncoding, FaceImage, parse_dg2, write_dg2_39794
from egate.document.lds.finger_record import FingerEncoding, FingerImage, parse_dg3, write_dg3_39794
from egate.errors import DocumentError

FACE = FaceImage(FaceEncoding.JPEG2000, 413, 531, b"\xff\x4f\xff\x51 portrait")
RAW = FingerImage(7, FingerEncoding.RAW, 3, 2, b"\x00\x40\x80\xc0\xff\x00")
WSQ = FingerImage(2, FingerEncoding.WSQ, 0, 0, b"\xff\xa0 print")
FILES: list[tuple[Callable[[bytes], object], bytes]] = [
    (parse_dg2, write_dg2_39794(FACE)),
    (parse_dg3, write_dg3_39794((WSQ, RAW))),
]


def dg2(block: str) -> bytes:
    header = element(0xA1, bytes.fromhex("870201018802002a"))
    template = header + element(0x7F2E, element(0xA1, bytes.fromhex(block)))
    return element(0x75, element(0x7F61, b"\x02\x01\x01" + element(0x7F60, template)))


# Version 3, 2019; representation 0; image FFD8, JPEG 2000 lossy; an unknown field [5].
MANDATORY = "6525 a007 8001038102 07e3 a11a 3018 800100 a113 a011 a00f 8002ffd8 a109 a003800103 a5020500"


def test_files_written_are_read_back() -> None:
    assert parse_dg2(FILES[0][1]) == FACE
    assert parse_dg3(FILES[1][1]) == (WSQ, RAW)


@given(st.binary(min_size=1, max_size=70_000), st.integers(0, 65_535), st.integers(0, 65_535))
def test_any_face_is_read_back(image: bytes, width: int, height: int) -> None:
    face = FaceImage(FaceEncoding.JPEG, width, height, b"\xff\xd8" + image)
    assert parse_dg2(write_dg2_39794(face)) == face


def test_block_with_mandatory_fields_alone() -> None:
    face = parse_dg2(dg2(MANDATORY))
    assert (face.encoding, face.width, face.height, face.image) == (FaceEncoding.JPEG2000, 0, 0, b"\xff\xd8")


def test_code_falls_back_to_the_one_of_the_extension() -> None:
    extended = element(0xA0, element(0xA1, element(0x80, b"\x02") + element(0x85, b"new")))
    image = element(0xA0, element(0x80, b"\xff\xd8") + element(0xA1, extended))
    representation = element(0x30, bytes.fromhex("800100") + element(0xA1, element(0xA0, image)))
    block = element(0x65, bytes.fromhex("a00780010381 0207e3") + element(0xA1, representation))
    assert parse_dg2(dg2(block.hex())).encoding is FaceEncoding.JPEG


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("800103 a5", "800101 a5"),  # a format that is none of a travel document's
        ("a003800103", "a003810103"),  # no code
        ("8002ffd8", "8202ffd8"),  # no image
        ("8002ffd8", "80028950"),  # the image is PNG
        ("800100", "810100"),  # no representation id
        ("a007 800103", "a007 820103"),  # no generation
        ("3018", "3118"),  # no representation
        ("a00f 8002", "a10f 8002"),  # shape in three dimensions
        ("a5020500", "a0020500"),  # format twice
    ],
)
def test_malformed_face_block_is_refused(old: str, new: str) -> None:
    assert old in MANDATORY
    with pytest.raises(DocumentError):
        parse_dg2(dg2(MANDATORY.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("800201f4", "8002007d"),  # 125 dpi
        ("a003800107", "a00380010b"),  # position 11
        ("50350a33", "50360a33"),  # P6
        ("0a320a", "0a330a"),  # three lines, where two are there
    ],
)
def test_malformed_finger_block_is_refused(old: str, new: str) -> None:
    content = write_dg3_39794((RAW,)).hex()
    pgm = content.replace("3320320a", "330a320a")  # line ends for blanks are the same header
    assert old in pgm
    assert parse_dg3(bytes.fromhex(pgm)) == (RAW,)
    with pytest.raises(DocumentError):
        parse_dg3(bytes.fromhex(pgm.replace(old, new)))


@pytest.mark.parametrize("index", range(2))
def test_every_truncation_is_refused(index: int) -> None:
    parse, content = FILES[index]
    for size in range(len(content)):
        with pytest.raises(DocumentError):
            parse(content[:size])


@pytest.mark.parametrize("index", range(2))
@given(data=st.data())
def test_any_change_parses_or_is_refused(index: int, data: st.DataObject) -> None:
    parse, written = FILES[index]
    content = bytearray(written)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse(bytes(content))
    except DocumentError:
        pass


def test_repr_shows_no_image() -> None:
    assert "portrait" not in repr(parse_dg2(FILES[0][1]))
    assert "print" not in repr(parse_dg3(FILES[1][1]))
