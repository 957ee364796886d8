"""Goal: a small file that makes a decoder busy or greedy is refused by its header, and a file without all of its image is none.

Each of these was decoded once, at seconds or gigabytes. The refusal must come from the header: the decoder never sees them.
"""

from __future__ import annotations

import struct
import time
import zlib

import cv2
import numpy as np
import pytest

from egate.errors import ImageError
from egate.inference.image.decoder import decode, decode_grey, read_bounded
from egate.inference.image.header import read_header

SMOOTH = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8), (0, 0), 3)


def refused(data: bytes, code: str) -> None:
    """By the header, at once."""
    begin = time.process_time()
    with pytest.raises(ImageError) as caught:
        read_bounded(data)
    assert caught.value.code == code
    assert time.process_time() - begin < 1.0


def segment(marker: int, body: bytes) -> bytes:
    """JPEG and JPEG 2000 alike."""
    return struct.pack(">HH", marker, len(body) + 2) + body


# JPEG 2000 (T.800 annex A)


def size(width: int, height: int, components: int = 3, tile: int = 0) -> bytes:
    numbers = (0, width, height, 0, 0, tile or width, tile or height, 0, 0, components)
    return segment(0xFF51, struct.pack(">HIIIIIIIIH", *numbers) + b"\x07\x01\x01" * components)


def coding(levels: int = 5, layers: int = 1, block: tuple[int, int, int] = (4, 4, 0), precincts: bytes = b"") -> bytes:
    body = struct.pack(">BBHBB", bool(precincts), 0, layers, 0, levels) + bytes(block) + b"\x01" + precincts
    return segment(0xFF52, body)


def quantisation(levels: int = 5) -> bytes:
    return segment(0xFF5C, b"\x40" + b"\x40" * (3 * levels + 1))


def part(tile: int = 0, headers: bytes = b"", count: int = 1, packets: bytes = bytes(100)) -> bytes:
    return segment(0xFF90, struct.pack(">HIBB", tile, 14 + len(headers) + len(packets), 0, count)) + (
        headers + b"\xff\x93" + packets
    )


def codestream(main: bytes, parts: bytes) -> bytes:
    return b"\xff\x4f" + main + parts + b"\xff\xd9"


def test_plain_codestream_is_read() -> None:
    """The control: what follows differs from it in one place."""
    assert decode(codestream(size(200, 100) + coding() + quantisation(), part())).shape == (100, 200, 3)
    tiles = b"".join(part(index) for index in range(8))
    assert decode(codestream(size(200, 100, tile=50) + coding(2) + quantisation(2), tiles)).shape == (100, 200, 3)


@pytest.mark.parametrize(
    ("main", "code"),
    [
        (coding(0, precincts=b"\x00") + quantisation(0), "IMAGE_SIZE"),  # 191 bytes, 8.9 GB in four components
        (coding(5, precincts=b"\x55" * 5 + b"\x54"), "IMAGE_SIZE"),
        (coding(5, precincts=b"\x55" * 4), "IMAGE_CORRUPT"),
        (coding(layers=65), "IMAGE_SIZE"),
        (coding(layers=0), "IMAGE_SIZE"),
        (coding(block=(0, 0, 0)), "IMAGE_SIZE"),
        (coding(block=(1, 4, 0)), "IMAGE_SIZE"),
        (coding(block=(5, 4, 0)), "IMAGE_SIZE"),
        (coding(block=(4, 4, 0x40)), "IMAGE_FORMAT"),  # the block coder of T.814
        (coding(11) + quantisation(11), "IMAGE_FORMAT"),
        (coding() + segment(0xFF53, b"\x00\x01\x00\x04\x04\x00\x01\x11"), "IMAGE_SIZE"),  # COC
        (coding() + segment(0xFF5F, bytes(9)), "IMAGE_FORMAT"),  # POC
        (coding() + segment(0xFF60, bytes(9)), "IMAGE_FORMAT"),  # PPM
        (coding() + segment(0xFF5E, b"\x00\x00\x1f"), "IMAGE_CORRUPT"),  # RGN
        (coding() + segment(0xFF64, b"\x00\x01") * 64, "IMAGE_SIZE"),
        (segment(0xFF52, b"\x00\x00\x00\x01"), "IMAGE_TRUNCATED"),
    ],
)
def test_jpeg2000_that_promises_too_much_is_refused(main: bytes, code: str) -> None:
    refused(codestream(size(1000, 1000) + main, part()), code)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (coding(0, precincts=b"\x00"), "IMAGE_SIZE"),
        (segment(0xFF53, b"\x00\x01\x00\x04\x04\x00\x01\x11"), "IMAGE_SIZE"),  # COC
        (segment(0xFF5F, bytes(9)), "IMAGE_FORMAT"),  # POC
        (segment(0xFF61, bytes(9)), "IMAGE_FORMAT"),  # PPT
        (segment(0xFF64, b"\x00\x01") * 64, "IMAGE_SIZE"),
    ],
)
def test_jpeg2000_that_promises_too_much_in_a_tile_is_refused(headers: bytes, code: str) -> None:
    main = size(100, 100, tile=50) + coding() + quantisation()
    refused(codestream(main, part() + part(1) + part(2) + part(3, headers)), code)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (b"", "IMAGE_FORMAT"),
        (part(), "IMAGE_TRUNCATED"),
        (part() + part(1) + part(3), "IMAGE_TRUNCATED"),
        (part() + part(1) + part(2, count=2) + part(3), "IMAGE_TRUNCATED"),
        (part() + part(1) + part(2) + part(4), "IMAGE_CORRUPT"),
        (part() + part(1) + part(2) + part(3)[:-1], "IMAGE_TRUNCATED"),
        (part() * 1025, "IMAGE_SIZE"),
    ],
)
def test_jpeg2000_without_all_of_its_tiles_is_refused(parts: bytes, code: str) -> None:
    refused(codestream(size(100, 100, tile=50) + coding() + quantisation(), parts), code)


def test_jpeg2000_of_many_boxes_is_refused() -> None:
    refused(b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\x00\x00\x00\x08free" * 1_000_000, "IMAGE_CORRUPT")


# JPEG (T.81 annex B)


def encoded(*parameters: int) -> bytes:
    return bytes(cv2.imencode(".jpg", SMOOTH, parameters)[1].tobytes())


def progressive(width: int, height: int, scans: int, frame: int = 0xFFC2) -> bytes:
    """All coefficients zero: a scan of the others but the first is eight bytes for every 32,767 blocks."""
    start = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    blocks = -(-width // 8) * -(-height // 8)
    scan = segment(0xFFDA, b"\x01\x01\x00\x01\x3f\x10") + b"\x7f\xff\x00" * -(-blocks // 32_767)
    return (
        b"\xff\xd8"
        + segment(0xFFDB, b"\x00" + b"\x01" * 64)
        + segment(frame, start)
        + segment(0xFFC4, b"\x00\x01" + bytes(16))
        + segment(0xFFC4, b"\x10\x01" + bytes(15) + b"\xe0")
        + segment(0xFFDA, b"\x01\x01\x00\x00\x00\x00")
        + bytes(-(-blocks // 8))
        + scan * scans
        + b"\xff\xd9"
    )


def test_progressive_jpeg_is_read_and_one_of_endless_scans_is_not() -> None:
    whole = encoded(cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert whole.count(b"\xff\xda") > 4
    assert np.abs(decode(whole).astype(int) - SMOOTH[:, :, ::-1]).mean() < 6
    read_bounded(progressive(64, 64, 63))
    refused(progressive(64, 64, 64), "IMAGE_SIZE")
    read_bounded(progressive(4400, 4400, 18))  # a camera's, of twice the usual number of scans
    refused(progressive(4400, 4400, 63), "IMAGE_SIZE")


@pytest.mark.parametrize("frame", [0xFFC3, 0xFFC5, 0xFFC9, 0xFFCA, 0xFFCF])
def test_jpeg_of_another_process_is_refused(frame: int) -> None:
    refused(progressive(64, 64, 1, frame), "IMAGE_FORMAT")


def test_jpeg_that_ends_inside_a_scan_is_refused_whatever_follows() -> None:
    cut = encoded()[:-600]
    for tail in (b"", b"\xff", b"\xff\xfe\x00\x04\xff\xd9", b"\xff\xd0\xff\x00"):
        refused(cut + tail, "IMAGE_TRUNCATED")


def test_scan_hidden_in_an_unknown_segment_is_refused() -> None:
    whole = encoded()
    refused(whole[:2] + segment(0xFF02, b"\xff\xda") + whole[2:], "IMAGE_CORRUPT")


def test_jpeg_without_a_scan_is_refused() -> None:
    whole = encoded()
    refused(whole[: whole.index(b"\xff\xda")] + b"\xff\xd9", "IMAGE_CORRUPT")


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\xd0", b"\xff\xe1\x00\x02"])
def test_jpeg_of_many_segments_is_refused_at_once(filler: bytes) -> None:
    refused(b"\xff\xd8" + filler * (15_000_000 // len(filler)) + encoded()[2:], "IMAGE_CORRUPT")


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\xd0", b"\xff\x00"])
def test_scan_of_any_bytes_is_walked_at_once(filler: bytes) -> None:
    whole = encoded()
    begin = time.process_time()
    read_header(whole[:-2] + filler * (15_000_000 // len(filler)) + b"\xff\xd9")
    assert time.process_time() - begin < 1.0


# PNG (W3C PNG)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    side: int,
    before: bytes = b"",
    behind: bytes = b"",
    kind: tuple[int, int, int] = (8, 0, 0),
    rows: bytes | None = None,
) -> bytes:
    """kind: depth, colour type, interlace. Grey rows of zeros unless given."""
    depth, colour, interlace = kind
    head = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, interlace)
    packed = zlib.compress(bytes((side + 1) * side) if rows is None else rows)
    body = chunk(b"IHDR", head) + before + chunk(b"IDAT", packed) + behind + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP", b"tEXt", b"eXIf"])
def test_decoder_never_sees_what_makes_no_pixels(kind: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    imdecode = cv2.imdecode

    def spy(data: np.ndarray, flags: int) -> np.ndarray | None:
        seen.append(data.tobytes())
        return imdecode(data, flags)

    monkeypatch.setattr(cv2, "imdecode", spy)
    text = chunk(kind, b"a\x00\x00" + zlib.compress(bytes(7_900_000), 9))
    assert decode(png(64, text * 3, text)).shape == (64, 64, 3)
    assert kind not in seen[0]


@pytest.mark.parametrize("kind", [b"acTL", b"fcTL", b"fdAT"])
def test_animation_is_refused(kind: bytes) -> None:
    refused(png(64, chunk(kind, bytes(26))), "IMAGE_FORMAT")
    refused(png(64, behind=chunk(kind, bytes(26))), "IMAGE_FORMAT")


def test_unknown_critical_chunk_is_refused() -> None:
    refused(png(64, chunk(b"CgBI", bytes(4))), "IMAGE_FORMAT")


def test_png_of_many_chunks_is_refused_at_once() -> None:
    refused(png(64, chunk(b"aBCd", b"") * 1_200_000), "IMAGE_CORRUPT")


@pytest.mark.parametrize("rows", [bytes(65 * 64 - 1), bytes(65 * 64 + 1), bytes(200_000_000), b""])
def test_png_of_another_number_of_pixels_than_it_says_is_refused_at_once(rows: bytes) -> None:
    data = png(64, rows=rows)
    begin = time.process_time()
    with pytest.raises(ImageError) as caught:
        decode(data)
    assert caught.value.code == "IMAGE_CORRUPT"
    assert time.process_time() - begin < 0.2


@pytest.mark.parametrize("colour", [0, 2, 3, 4, 6])
@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("side", [16, 19])
def test_png_of_every_kind_is_decoded(colour: int, depth: int, side: int) -> None:
    legal = {0: (1, 2, 4, 8, 16), 3: (1, 2, 4, 8)}.get(colour, (8, 16))  # W3C PNG, table 11.1
    bits = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] * depth
    palette = chunk(b"PLTE", b"\x00\x00\x00\xff\x00\x00") if colour == 3 else b""
    fill = b"\x00" if colour == 3 else b"\xff"  # opaque, and inside the palette

    def lines(count: int, pixels: int) -> bytes:
        return (b"\x00" + fill * -(-pixels * bits // 8)) * count

    # Adam7 on 16 and 19 columns or rows, counted by hand from W3C PNG, figure 4.8
    columns = {16: (2, 2, 4, 4, 8, 8, 16), 19: (3, 2, 5, 5, 10, 9, 19)}[side]
    rows = {16: (2, 2, 2, 4, 4, 8, 8), 19: (3, 3, 2, 5, 5, 10, 9)}[side]
    woven = b"".join(lines(row, column) for column, row in zip(columns, rows, strict=True))
    for interlace, packed in ((0, lines(side, side)), (1, woven)):
        data = png(side, palette, kind=(depth, colour, interlace), rows=packed)
        if depth not in legal:
            with pytest.raises(ImageError):
                decode(data)
            continue
        assert decode(data).shape == (side, side, 3)
        assert decode_grey(data).pixels.shape == (side, side)


# All


def test_long_strip_is_refused() -> None:
    for width, height in ((321, 16), (16, 321)):
        refused(bytes(cv2.imencode(".png", np.zeros((height, width), np.uint8))[1].tobytes()), "IMAGE_SIZE")
    read_bounded(bytes(cv2.imencode(".png", np.zeros((320, 16), np.uint8))[1].tobytes()))
