"""Data groups: writer and parser invert each other, any bytes parse or are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.encoding.tlv import FILE_SIZE_MAX, element, elements, tags
from egate.document.lds.face_record import FaceEncoding, FaceImage, parse_dg2, write_dg2
from egate.document.lds.finger_record import FingerEncoding, FingerImage, parse_dg3, write_dg3, write_dg3_39794
from egate.document.lds.structure import parse_dg1, parse_ef_com, write_dg1, write_ef_com
from egate.document.presentation import present
from egate.domain.chip import ChipRead
from egate.domain.ids import DocumentSessionId
from egate.errors import DocumentError

from .test_mrz import TD3

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
    face = FaceImage(FaceEncoding.JPEG2000, width, height, b"\xff\x4f\xff\x51" + image)
    assert parse_dg2(write_dg2(face)) == face


@pytest.mark.parametrize("encoding", FaceEncoding)
@pytest.mark.parametrize("image", [b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xa0\xff", b"\xff"])
def test_face_of_no_format_of_portraits_is_refused_whatever_the_record_says(
    encoding: FaceEncoding, image: bytes
) -> None:
    with pytest.raises(DocumentError, match="neither JPEG nor"):
        parse_dg2(write_dg2(FaceImage(encoding, 413, 531, image)))


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


def test_finger_becomes_a_file() -> None:
    assert FINGERS[1].file() == b"P5\n3 2\n255\n" + FINGERS[1].image
    assert replace(FINGERS[1], encoding=FingerEncoding.PACKED).file() == FINGERS[1].file()
    assert FINGERS[0].file() == FINGERS[0].image
    assert FingerImage(1, FingerEncoding.WSQ, 1, 1, b"\xff\xa0").file() == b"\xff\xa0"


@pytest.mark.parametrize("dpi", [250.0, 500.0, 750.0, 1000.0])
def test_resolution_is_handed_on(dpi: float) -> None:
    fingers = tuple(replace(finger, dpi=dpi) for finger in FINGERS)
    assert parse_dg3(write_dg3(fingers)) == fingers
    fields = [
        replace(finger, width=0, height=0) if finger.encoding is FingerEncoding.PNG else finger for finger in fingers
    ]
    assert parse_dg3(write_dg3_39794(fingers)) == tuple(fields)


def test_document_presents_its_fingers_at_their_resolution() -> None:
    fingers = (replace(FINGERS[0], dpi=1000.0), FINGERS[1])
    chip = ChipRead(True, {"dg1": write_dg1(TD3), "dg3": write_dg3(fingers)})
    read = present(DocumentSessionId("s"), TD3, chip)
    assert [(finger.position, finger.dpi) for finger in read.fingers] == [(2, 1000.0), (7, 500.0)]


@pytest.mark.parametrize(
    ("unit", "across", "down", "dpi"),
    [(1, 505, 500, 505.0), (2, 197, 197, 500.38), (2, 394, 394, 1000.76), (1, 1010, 1000, 1010.0)],
)
def test_resolution_a_record_may_state(unit: int, across: int, down: int, dpi: float) -> None:
    (finger,) = parse_dg3(stating(unit, across, down))
    assert finger.dpi == pytest.approx(dpi)


@pytest.mark.parametrize(
    ("unit", "across", "down"),
    [
        (1, 500, 1000),
        (1, 506, 500),
        (1, 0, 0),
        (1, 197, 197),
        (2, 500, 500),
        (0, 500, 500),
        (3, 500, 500),
        (1, 1100, 1100),
    ],
)
def test_resolution_no_print_on_a_chip_has_is_refused(unit: int, across: int, down: int) -> None:
    with pytest.raises(DocumentError, match="dpi") as caught:
        parse_dg3(stating(unit, across, down))
    assert caught.value.code == "DG3_MALFORMED"


def stating(unit: int, across: int, down: int) -> bytes:
    data = bytearray(write_dg3(FINGERS[:1]))
    at = (
        data.index(b"FIR\x00") + 19
    )  # behind the number of fingers: unit 1, scan resolution 2 + 2, image resolution 2 + 2
    data[at], data[at + 5 : at + 9] = unit, across.to_bytes(2, "big") + down.to_bytes(2, "big")
    return bytes(data)


def test_raw_pixels_of_another_size_are_refused() -> None:
    for encoding in (FingerEncoding.RAW, FingerEncoding.PACKED):
        with pytest.raises(DocumentError, match="another size"):
            parse_dg3(write_dg3((replace(FINGERS[1], encoding=encoding, width=4),)))


def test_tags_have_one_to_three_bytes() -> None:
    for tag in (0x61, 0x5F01, 0x7F2E, 0x5F8101, 0xDF8101):
        assert list(elements(element(tag, b"v"))) == [(tag, b"v")]
    assert list(elements(b"\x5f\x85\x01v")) == [(0x5F85, b"v")]  # the deviation of two bytes
    for malformed in ("5f", "5f80", "5f8001", "5f8180", "5f81810100", "5f81"):
        with pytest.raises(DocumentError):
            list(elements(bytes.fromhex(malformed)))
    assert tags(bytes.fromhex("5f0e5f10a0")) == (0x5F0E, 0x5F10, 0xA0)


def test_length_must_be_definite_and_short() -> None:
    for malformed in ("0280", "028400000001ff", "0281", "0205ff"):
        with pytest.raises(DocumentError):
            list(elements(bytes.fromhex(malformed)))


def test_second_element_of_the_same_tag_is_refused_where_one_is_read() -> None:
    version = element(0x5F01, b"0107")
    body = element(0x5F36, b"040000") + element(0x5C, b"\x61\x75")
    assert parse_ef_com(element(0x60, version + body)).lds_version == "0107"
    with pytest.raises(DocumentError, match="twice"):
        parse_ef_com(element(0x60, version + element(0x5F01, b"0108") + body))


def test_lists_of_contents_as_states_write_them() -> None:
    assert parse_ef_com(write_ef_com((1, 2), lds_version="0108")).lds_version == "0108"
    version, listed = element(0x5F01, b"0107"), element(0x5C, b"\x61\x75\x77\x6e")
    com = parse_ef_com(element(0x60, version + listed))  # no Unicode version, EF.SOD in the list
    assert (com.unicode_version, com.data_groups, com.unknown_tags) == ("", (1, 2, 14), (0x77,))
    for wrong in (b"107", b"01O7", b"\x30\x31\x30\xb2"):
        with pytest.raises(DocumentError):
            parse_ef_com(element(0x60, element(0x5F01, wrong) + listed))
    with pytest.raises(DocumentError, match="twice"):
        parse_ef_com(element(0x60, version + element(0x5C, b"\x61\x61")))
    with pytest.raises(DocumentError, match="5C"):
        parse_ef_com(element(0x60, version))


def test_finger_of_another_resolution_is_refused() -> None:
    changed = FILES[3].replace((500).to_bytes(2, "big") * 4, (125).to_bytes(2, "big") * 4)
    with pytest.raises(DocumentError, match="250 to 1000 dpi"):
        parse_dg3(changed)


def test_repr_shows_no_image() -> None:
    assert "portrait" not in repr(FACE)
    assert "finger" not in repr(FINGERS)
