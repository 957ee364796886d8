"""The pixels of a TIFF whose directory was read: exactly as many as it says, or none."""

from __future__ import annotations

import zlib
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Image
from egate.inference.image.bytes import corrupt, truncated
from egate.inference.image.exif import upright
from egate.inference.image.tiff import (
    DEFLATE,
    DEFLATE_OLD,
    LZW,
    PALETTE,
    PALETTE_SIZE,
    PLAIN,
    RGB,
    WHITE_IS_ZERO,
    Layout,
    read_layout,
)
from egate.inference.image.tiff_kernel import unpack_lzw, unpack_packbits

U1 = NDArray[np.uint8]


def decode_tiff(data: bytes) -> Image:
    """(h, w) uint8, upright, black is 0 whatever the file calls black; sixteen bits without the lower eight; colours by their luminance.

    Raises ImageError with code IMAGE_CORRUPT or IMAGE_TRUNCATED, and as read_tiff. The caller has bounded the size.
    """
    layout = read_layout(data)
    raw = np.empty(layout.row_bytes * layout.height, np.uint8)
    each = layout.row_bytes * layout.rows
    for index, (offset, size) in enumerate(layout.strips):
        _unpack(data[offset : offset + size], layout.compression, raw[index * each : (index + 1) * each])
    return upright(np.ascontiguousarray(_grey(raw.reshape(layout.height, -1), layout)), layout.orientation)


def _unpack(strip: bytes, compression: int, out: U1) -> None:
    packed = np.frombuffer(strip, np.uint8)
    if compression == PLAIN:
        count = min(packed.size, out.size)  # writers pad strips
        out[:count] = packed[:count]
    elif compression in (DEFLATE, DEFLATE_OLD):
        count = _inflate(strip, out)
    elif compression == LZW:
        count = int(unpack_lzw(packed, out))
    else:
        count = int(unpack_packbits(packed, out))
    if count < 0:
        raise corrupt("TIFF strip cannot be unpacked")
    if count != out.size:
        raise truncated()


def _inflate(strip: bytes, out: U1) -> int:
    """Never more than one byte beyond out, whatever the strip would grow to."""
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(strip, out.size + 1)
    except zlib.error:
        return -1
    if len(found) > out.size:
        return -1
    if inflater.eof:
        out[: len(found)] = np.frombuffer(found, np.uint8)
    return len(found) if inflater.eof else 0


def _grey(rows: U1, layout: Layout) -> U1:
    if layout.bits == 1:
        pixels = np.unpackbits(rows, axis=1, count=layout.width) * np.uint8(255)
    elif layout.bits == 16:
        pixels = _high_bytes(rows, layout)
    else:
        pixels = _summed(rows.reshape(layout.height, layout.width, layout.samples), layout)
    if layout.photometric == WHITE_IS_ZERO:
        return 255 - pixels.reshape(layout.height, layout.width)
    if layout.photometric == RGB:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    pixels = pixels.reshape(layout.height, layout.width)
    return _palette(layout.colours)[pixels] if layout.photometric == PALETTE else pixels


def _high_bytes(rows: U1, layout: Layout) -> U1:
    samples = rows.view("<u2" if layout.order == "little" else ">u2").reshape(layout.height, layout.width, 1)
    return (_summed(samples, layout) >> 8).astype(np.uint8)


def _summed(samples: NDArray[np.unsignedinteger[Any]], layout: Layout) -> NDArray[np.unsignedinteger[Any]]:
    """Section 14: with the predictor, each sample is stored less the one before it in its row, modulo its range."""
    return np.cumsum(samples, axis=1, dtype=samples.dtype) if layout.predictor else samples


def _palette(colours: tuple[int, ...]) -> U1:
    """(256,) the luminance of each entry; section 5: all reds first, 65535 is full."""
    table = (np.array(colours, np.uint16).reshape(3, PALETTE_SIZE).T >> 8).astype(np.uint8)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(table[None]), cv2.COLOR_RGB2GRAY), np.uint8).reshape(-1)
