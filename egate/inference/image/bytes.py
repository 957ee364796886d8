"""What the readers of image headers share: the header, and numbers out of bytes that may end too early."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from egate.errors import ImageError

SEGMENT_COUNT_MAX = (
    4096  # chosen: a PNG of 16 MB in libpng's pieces of 8 kB has 2,048; bounds the time of a walk at a few ms
)


class Format(StrEnum):
    JPEG = "JPEG"
    PNG = "PNG"
    JPEG2000 = "JPEG2000"
    WSQ = "WSQ"
    PGM = "PGM"
    BMP = "BMP"
    TIFF = "TIFF"


@dataclass(frozen=True, slots=True)
class Header:
    """width, height in pixels as stored. dpi: horizontal resolution as the file states it, whatever it is worth; None if it states
    none. dpi_y: vertical; None: as dpi.

    grey: JPEG 2000 of one component. alpha: some pixels may be transparent. orientation: of a PNG, EXIF's 1 to 8; a JPEG's is the
    decoder's business.
    """

    width: int
    height: int
    dpi: float | None = None
    format: Format = Format.JPEG
    grey: bool = False
    alpha: bool = False
    orientation: int = 1
    dpi_y: float | None = None


def number(data: bytes, offset: int, count: int) -> int:
    """Big-endian integer of count bytes. Raises IndexError if data ends before it does."""
    piece = data[offset : offset + count]
    if len(piece) != count:
        raise IndexError(offset)
    return int.from_bytes(piece, "big")


def truncated() -> ImageError:
    return ImageError("image ends before its data does", code="IMAGE_TRUNCATED")


def corrupt(what: str) -> ImageError:
    return ImageError(what, code="IMAGE_CORRUPT")


def unread(what: str) -> ImageError:
    return ImageError(what, code="IMAGE_FORMAT")
