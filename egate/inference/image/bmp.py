"""BMP as scanners of prints write it: grey by a palette, two colours, or RGB; nothing compressed.

"BM"  size 4  reserved 4  offset of the rows 4;  at 14: header size 4, width 4, height 4 (negative: first row is the top), planes 2,
bits 2, compression 4, size of the rows 4, pixels a metre 4 + 4, colours 4, ... ; then the palette: blue, green, red, 0 each
(Microsoft: BITMAPFILEHEADER, BITMAPINFOHEADER). All numbers little-endian; rows are padded to four bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import cv2
import numpy as np

from egate.domain.biometric import Image
from egate.inference.image.bytes import Format, Header, corrupt, truncated, unread

BMP_START = b"BM"
METRES_PER_INCH = 0.0254
_FILE_HEADER = 14
_HEADER_SIZES = frozenset({40, 52, 56, 108, 124})  # the same first forty bytes; 12 is OS/2's
_DEPTHS = frozenset({1, 8, 24, 32})
_PALETTE_BITS_MAX = 8


@dataclass(frozen=True, slots=True)
class _Layout:
    """rows: offset of the first stored. row_bytes: with their padding. colours: count and offset of the palette."""

    width: int
    height: int
    upside_down: bool
    bits: int
    rows: int
    row_bytes: int
    colours: int
    palette: int
    dpi: tuple[float, float] | None


def read_bmp(data: bytes) -> Header:
    """Raises ImageError; IndexError if data ends before its rows do."""
    found = _read(data)
    x, y = found.dpi or (None, None)
    return Header(found.width, found.height, x, Format.BMP, dpi_y=y)


def decode_bmp(data: bytes) -> Image:
    """(h, w) uint8, first row on top; colours by their luminance. Raises ImageError as read_bmp. The caller has bounded the size."""
    layout = _read(data)
    stored = np.frombuffer(data, np.uint8, layout.row_bytes * layout.height, layout.rows)
    rows = stored.reshape(layout.height, layout.row_bytes)
    if layout.upside_down:
        rows = rows[::-1]
    if layout.bits > _PALETTE_BITS_MAX:
        samples = layout.bits // 8
        pixels = rows[:, : layout.width * samples].reshape(layout.height, layout.width, samples)[:, :, :3]
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_BGR2GRAY), np.uint8)
    indices = rows[:, : layout.width] if layout.bits == 8 else np.unpackbits(rows, axis=1, count=layout.width)
    entries = np.frombuffer(data, np.uint8, 4 * layout.colours, layout.palette).reshape(1, -1, 4)[:, :, :3]
    if indices.max() >= layout.colours:
        raise corrupt("BMP pixel is not in the palette")
    greys = np.asarray(cv2.cvtColor(np.ascontiguousarray(entries), cv2.COLOR_BGR2GRAY), np.uint8)
    return np.ascontiguousarray(greys[0, indices])


def _read(data: bytes) -> _Layout:
    if len(data) < _FILE_HEADER + 40:
        raise truncated()
    (rows,) = struct.unpack_from("<I", data, 10)
    size, width, height, planes, bits, compression, _, x, y, colours = struct.unpack_from(
        "<IiiHHIIiiI", data, _FILE_HEADER
    )
    if size not in _HEADER_SIZES or bits not in _DEPTHS or planes != 1 or compression != 0:
        raise unread("BMP that is compressed, of another header, or not of 1, 8, 24 or 32 bits")
    if width <= 0 or height == 0:
        raise unread("image states no size")
    row_bytes = -(-width * bits // 32) * 4
    if rows + row_bytes * abs(height) > len(data):
        raise truncated()
    palette = _FILE_HEADER + size
    if bits <= _PALETTE_BITS_MAX:
        colours = colours or 1 << bits
        if colours > 1 << bits:
            raise corrupt("BMP palette of more colours than its bits name")
    else:
        colours = 0
    if rows < palette + 4 * colours:
        raise corrupt("BMP rows begin inside the header")
    dpi = (x * METRES_PER_INCH, y * METRES_PER_INCH) if x or y else None  # writers that do not know leave 0
    return _Layout(width, abs(height), height > 0, bits, rows, row_bytes, colours, palette, dpi)
