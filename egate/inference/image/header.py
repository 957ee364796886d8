"""Size, completeness and cost of an encoded image, read from its own bytes before any decoder allocates a pixel.

JPEG, PNG, JPEG 2000, WSQ (IAFIS-IC-0110; as DG3) and grey PGM of 8 bits (netpbm; raw pixels of DG3); of prints, BMP and TIFF as well. An
image that ends early is refused here, because decoders fill the missing part with grey and call it a success.
"""

from __future__ import annotations

import re

from egate.errors import ImageError
from egate.inference.image import wsq
from egate.inference.image.bmp import BMP_START, read_bmp
from egate.inference.image.bytes import Format as Format
from egate.inference.image.bytes import Header as Header
from egate.inference.image.bytes import corrupt, truncated, unread
from egate.inference.image.jpeg import JPEG_START, read_jpeg
from egate.inference.image.jpeg2000 import J2K_SIGNATURE, JP2_SIGNATURE, read_jpeg2000
from egate.inference.image.png import PNG_SIGNATURE, read_png
from egate.inference.image.tiff import TIFF_STARTS, read_tiff

WSQ_START = b"\xff\xa0\xff"
# What people send by mistake, by its first bytes, to call it by its name: kind, offset, bytes.
_OTHERS = (
    ("GIF", 0, b"GIF8"),
    ("BigTIFF", 0, b"II+\x00"),
    ("BigTIFF", 0, b"MM\x00+"),
    ("WebP", 8, b"WEBP"),
    ("AVIF", 4, b"ftypavif"),
    ("HEIC", 4, b"ftypheic"),
    ("PDF", 0, b"%PDF"),
    ("text", 0, b"<"),
)
PRINTS_ONLY = frozenset({Format.BMP, Format.TIFF})
PGM_HEADER = re.compile(rb"P5\n(\d{1,5}) (\d{1,5})\n255\n")  # as egate.document.lds.finger_image writes it


def read_header(data: bytes) -> Header:
    """Raises ImageError if data is empty, of another format, incomplete, too costly to decode, or states no size."""
    if not data:
        raise ImageError("image is empty", code="IMAGE_EMPTY")
    try:
        header = _read(data)
    except (IndexError, ValueError):
        raise truncated() from None
    if header.width <= 0 or header.height <= 0:
        raise unread("image states no size")
    return header


def refuse_print(header: Header) -> None:
    """What is no print is in a format of pictures: scanners of prints write BMP and TIFF, cameras and chips do not."""
    if header.format in PRINTS_ONLY:
        raise _another(header.format)


def _read(data: bytes) -> Header:
    if data.startswith(PNG_SIGNATURE):
        return read_png(data)
    if data.startswith(JPEG_START):
        return read_jpeg(data)
    if data.startswith((JP2_SIGNATURE, J2K_SIGNATURE)):
        return read_jpeg2000(data)
    if data.startswith(WSQ_START):
        return Header(*wsq.read_size(data), Format.WSQ)
    if match := PGM_HEADER.match(data):
        return _pgm(data, match)
    if data.startswith(tuple(TIFF_STARTS)):
        return read_tiff(data)
    if data.startswith(BMP_START):
        return read_bmp(data)
    name = next((name for name, offset, start in _OTHERS if data[offset:].startswith(start)), "of an unknown kind")
    raise _another(name)


def _another(name: str) -> ImageError:
    return unread(f"image is {name}: read are JPEG, PNG, JPEG 2000, WSQ and PGM, of prints BMP and TIFF too")


def _pgm(data: bytes, match: re.Match[bytes]) -> Header:
    width, height = int(match[1]), int(match[2])
    if len(data) - match.end() < width * height:
        raise truncated()
    if len(data) - match.end() > width * height:
        raise corrupt("PGM has more pixels than it says")
    return Header(width, height, None, Format.PGM)
