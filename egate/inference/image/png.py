"""The header of a PNG (W3C PNG), and the PNG without all that makes no pixels.

Texts and colour profiles are compressed: 8 kB of them grow to 8 MB in the decoder's hands, once for each chunk. An animation shows a
viewer another picture than the one that is matched.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from egate.errors import ImageError
from egate.inference.image.bytes import SEGMENT_COUNT_MAX, Format, Header, corrupt, number, unread
from egate.inference.image.exif import UPRIGHT, read_orientation

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
METRES_PER_INCH = 0.0254
_PIECE_SIZE, _ROWS_AT_ONCE = 64 * 1024, 1024 * 1024  # bytes of the file, and of rows
_IHDR = 16  # offset of its body: width 4, height 4, depth 1, colour type 1, compression 1, filter 1, interlace 1
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # a pixel, by colour type; table 11.1
_WITH_ALPHA = frozenset({4, 6})  # colour types
_DEPTHS = frozenset({1, 2, 4, 8, 16})
# W3C PNG, 8.2: first column and row, steps
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"pHYs", b"IDAT", b"IEND"})
_ANIMATION_CHUNKS = frozenset({b"acTL", b"fcTL", b"fdAT"})
_ANCILLARY = (
    0x20  # W3C PNG, 5.4: bit 5 of the first byte; without it the picture cannot be read by who does not know the chunk
)


def read_png(data: bytes) -> Header:
    """Raises ImageError; IndexError if data ends before IEND."""
    width = height = colour = 0
    dpi: float | None = None
    dpi_y: float | None = None
    alpha, orientation = False, UPRIGHT
    for kind, start, length in _chunks(data):
        body = start + 8
        if kind == b"IHDR":
            width, height = number(data, body, 4), number(data, body + 4, 4)
            colour = number(data, body + 9, 1)
            alpha = colour in _WITH_ALPHA
        elif kind == b"tRNS":
            if colour == 0:  # the decoder does not tell which pixels it is about
                raise ImageError("PNG of a grey that is transparent", code="IMAGE_ALPHA")
            alpha = True
        elif kind == b"eXIf":
            orientation = read_orientation(data[body : body + length])
        elif kind == b"pHYs" and number(data, body + 8, 1) == 1:  # unit 1 = metre
            dpi, dpi_y = (number(data, place, 4) * METRES_PER_INCH for place in (body, body + 4))
        elif kind in _ANIMATION_CHUNKS:
            raise unread("PNG is an animation")
        elif kind not in _PIXEL_CHUNKS and not kind[0] & _ANCILLARY:
            raise unread("PNG has an unknown chunk")
    return Header(width, height, dpi, Format.PNG, alpha=alpha, orientation=orientation, dpi_y=dpi_y)


def pixels_only(data: bytes) -> bytes:
    """A PNG that read_png has read, without the chunks that make no pixels.

    Raises ImageError (IMAGE_CORRUPT) unless there are as many pixels as the header says: libpng inflates to the end what follows the
    last one, and 1 MB of it makes it busy for 4 s. That costs inflating twice, in pieces: the pixels take no more memory for it.
    """
    kept, packed = [PNG_SIGNATURE], []
    for kind, start, length in _chunks(data):
        if kind in _PIXEL_CHUNKS:
            kept.append(data[start : start + length + 12])
        if kind == b"IDAT":
            packed.append(memoryview(data)[start + 8 : start + 8 + length])
    _check_rows(packed, _rows_size(data))
    return b"".join(kept)


def _check_rows(packed: list[memoryview], size: int) -> None:
    inflater, count = zlib.decompressobj(), 0
    pieces = (chunk[at : at + _PIECE_SIZE] for chunk in packed for at in range(0, len(chunk), _PIECE_SIZE))
    try:
        for piece in pieces:
            rest: bytes | memoryview = piece
            while rest and count <= size:
                count += len(inflater.decompress(rest, _ROWS_AT_ONCE))
                rest = inflater.unconsumed_tail
    except zlib.error:
        raise corrupt("PNG data cannot be inflated") from None
    if count != size or not inflater.eof or inflater.unused_data:
        raise corrupt("PNG has another number of pixels than it says")


def _rows_size(data: bytes) -> int:
    """Bytes of all rows, each behind the byte of its filter (W3C PNG, 7.2, 8.1)."""
    width, height = number(data, _IHDR, 4), number(data, _IHDR + 4, 4)
    depth, colour, interlaced = data[_IHDR + 8], data[_IHDR + 9], data[_IHDR + 12]
    if colour not in _SAMPLES or depth not in _DEPTHS or interlaced > 1:
        raise corrupt("PNG header malformed")
    bits, size = depth * _SAMPLES[colour], 0
    for x, y, step_x, step_y in _ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - x) // step_x), -(-(height - y) // step_y)
        if columns > 0 and rows > 0:
            size += rows * (1 + -(-columns * bits // 8))
    return size


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, offset of the chunk and length of its body, up to IEND; each with a true checksum."""
    offset, view = len(PNG_SIGNATURE), memoryview(data)
    for _ in range(SEGMENT_COUNT_MAX):
        length, kind = number(data, offset, 4), data[offset + 4 : offset + 8]
        end = offset + 8 + length
        if number(data, end, 4) != zlib.crc32(view[offset + 4 : end]):
            raise corrupt("PNG chunk has a wrong checksum")
        if (kind == b"IHDR") != (offset == len(PNG_SIGNATURE)):
            # First and only: with two, the one that is bounded need not be the one that is decoded.
            raise corrupt("PNG header is not where it belongs")
        yield kind, offset, length
        if kind == b"IEND":
            return
        offset = end + 4
    raise corrupt(f"PNG of more than {SEGMENT_COUNT_MAX} chunks")
