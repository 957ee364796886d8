"""Size and completeness of an encoded image, read from its own bytes before any decoder allocates a pixel.

JPEG (ITU-T T.81), PNG (W3C PNG), JPEG 2000 (ITU-T T.800; what chips carry as DG2, Doc 9303-10), WSQ (IAFIS-IC-0110; as DG3) and
grey PGM of 8 bits (netpbm; raw pixels of DG3). An image that ends early is refused here, because decoders fill the missing part with
grey and call it a success.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum

from egate.errors import ImageError
from egate.inference import wsq

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
J2K_SIGNATURE = b"\xff\x4f\xff\x51"  # SOC, SIZ
JPEG_START = b"\xff\xd8"
JPEG_END = b"\xff\xd9"
JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # SOFn; C4 = DHT, C8 = JPG, CC = DAC
JPEG_SCAN = 0xDA
JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM, RSTn: markers without a length
WSQ_START = b"\xff\xa0\xff"
PGM_HEADER = re.compile(rb"P5\n(\d{1,5}) (\d{1,5})\n255\n")  # as egate.document.lds.finger_image writes it
METRES_PER_INCH = 0.0254

# JPEG 2000. Components: grey or colour, with or without opacity. Bits: eight, and sixteen, which OpenCV brings down to eight. Pixels: the
# decoder holds eight bytes of each component's; portraits have 0.25 million. Tiles: it allots 6 kB for each before it decodes anything;
# portraits have one.
COMPONENT_COUNT_MAX = 4
DEPTHS = (8, 16)
JPEG2000_PIXELS_MAX = 4_000_000
TILE_COUNT_MAX = 256


class Format(StrEnum):
    JPEG = "JPEG"
    PNG = "PNG"
    JPEG2000 = "JPEG2000"
    WSQ = "WSQ"
    PGM = "PGM"


@dataclass(frozen=True, slots=True)
class Header:
    """width, height in pixels. dpi: horizontal resolution, None if the image does not state one. grey: JPEG 2000 of one component."""

    width: int
    height: int
    dpi: float | None = None
    format: Format = Format.JPEG
    grey: bool = False


def read_header(data: bytes) -> Header:
    """Raises ImageError if data is empty, of another format, incomplete, or states no size."""
    if not data:
        raise ImageError("image is empty", code="IMAGE_EMPTY")
    try:
        if data.startswith(PNG_SIGNATURE):
            header = _png(data)
        elif data.startswith(JPEG_START):
            header = _jpeg(data)
        elif data.startswith(JP2_SIGNATURE):
            header = _jpeg2000(data, _codestream(data))
        elif data.startswith(J2K_SIGNATURE):
            header = _jpeg2000(data, 0)
        elif data.startswith(WSQ_START):
            header = Header(*wsq.read_size(data), Format.WSQ)
        elif match := PGM_HEADER.match(data):
            header = _pgm(data, match)
        else:
            raise ImageError("image is neither JPEG, PNG, JPEG 2000, WSQ nor PGM", code="IMAGE_FORMAT")
    except (IndexError, ValueError):
        raise _truncated() from None
    if header.width <= 0 or header.height <= 0:
        raise ImageError("image states no size", code="IMAGE_FORMAT")
    return header


def _truncated() -> ImageError:
    return ImageError("image ends before its data does", code="IMAGE_TRUNCATED")


def _number(data: bytes, offset: int, count: int) -> int:
    piece = data[offset : offset + count]
    if len(piece) != count:
        raise IndexError(offset)
    return int.from_bytes(piece, "big")


def _png(data: bytes) -> Header:
    width = height = 0
    dpi: float | None = None
    offset = len(PNG_SIGNATURE)
    while True:
        length, kind = _number(data, offset, 4), data[offset + 4 : offset + 8]
        body = offset + 8
        if _number(data, body + length, 4) != zlib.crc32(memoryview(data)[offset + 4 : body + length]):
            raise ImageError("PNG chunk has a wrong checksum", code="IMAGE_CORRUPT")
        if (kind == b"IHDR") != (offset == len(PNG_SIGNATURE)):
            # First and only: with two, the one that is bounded need not be the one that is decoded.
            raise ImageError("PNG header is not where it belongs", code="IMAGE_CORRUPT")
        if kind == b"IHDR":
            width, height = _number(data, body, 4), _number(data, body + 4, 4)
        elif kind == b"pHYs" and _number(data, body + 8, 1) == 1:  # unit 1 = metre
            dpi = _number(data, body, 4) * METRES_PER_INCH
        elif kind == b"IEND":
            return Header(width, height, dpi, Format.PNG)
        offset = body + length + 4


def _jpeg(data: bytes) -> Header:
    width = height = 0
    dpi: float | None = None
    offset = 2
    while True:
        if data[offset] != 0xFF:
            raise ImageError("JPEG marker expected", code="IMAGE_CORRUPT")
        marker = data[offset + 1]
        if marker == 0xFF:  # fill byte
            offset += 1
            continue
        if marker in JPEG_ALONE:
            offset += 2
            continue
        length, body = _number(data, offset + 2, 2), offset + 4
        if marker in JPEG_FRAMES:
            if width:
                raise ImageError("JPEG has two frames", code="IMAGE_CORRUPT")
            height, width = _number(data, body + 1, 2), _number(data, body + 3, 2)
        elif marker == 0xE0 and data[body : body + 5] == b"JFIF\x00":
            dpi = _jfif_dpi(data, body)
        elif marker == JPEG_SCAN:
            # 0xFF inside a scan is followed by 0x00 or a restart marker, so this is the end of the image and no other.
            data.index(JPEG_END, body)
            return Header(width, height, dpi)
        if length < 2:
            raise ImageError("JPEG segment without length", code="IMAGE_CORRUPT")
        offset += 2 + length


def _jfif_dpi(data: bytes, body: int) -> float | None:
    unit, density = data[body + 7], _number(data, body + 8, 2)  # JFIF 1.02: 1 = per inch, 2 = per centimetre
    factor = {1: 1.0, 2: 2.54}.get(unit)
    return density * factor if factor and density else None


def _codestream(data: bytes) -> int:
    """Start of the codestream in a JP2 file (T.800 annex I: boxes of length 4, type 4, body)."""
    offset = 0
    while data[offset + 4 : offset + 8] != b"jp2c":
        length = _number(data, offset, 4)
        if length < 8:  # 0 and 1 are legal for the last box and for huge ones, before the codestream there are neither
            raise ImageError("JPEG 2000 box without length", code="IMAGE_CORRUPT")
        offset += length
    start = offset + (16 if _number(data, offset, 4) == 1 else 8)
    if not data.startswith(J2K_SIGNATURE, start):
        raise ImageError("JPEG 2000 codestream expected", code="IMAGE_CORRUPT")
    return start


def _jpeg2000(data: bytes, start: int) -> Header:
    # T.800 A.5.1, SIZ after SOC and the marker: Lsiz 2, Rsiz 2, then 4 each: Xsiz, Ysiz, XOsiz, YOsiz, XTsiz, YTsiz, XTOsiz, YTOsiz;
    # Csiz 2, and per component depth 1 (less one, high bit: signed), sampling 1+1
    data.index(JPEG_END, start)  # EOC; packets hold no marker above 0xFF8F (T.800 B.10.1)
    x, y, x0, y0, tile_x, tile_y, tile_x0, tile_y0 = (_number(data, start + 8 + 4 * index, 4) for index in range(8))
    count = _number(data, start + 40, 2)
    if not 1 <= count <= COMPONENT_COUNT_MAX or not (tile_x and tile_y):
        raise ImageError("JPEG 2000 of another number of components or tiles", code="IMAGE_FORMAT")
    if (x - x0) * (y - y0) > JPEG2000_PIXELS_MAX:
        raise ImageError(f"JPEG 2000 of more than {JPEG2000_PIXELS_MAX} pixels", code="IMAGE_SIZE")
    if b"pclr" in data:  # a palette can name 255 components, each as large as the image
        raise ImageError("JPEG 2000 with a palette", code="IMAGE_FORMAT")
    if -(-(x - tile_x0) // tile_x) * -(-(y - tile_y0) // tile_y) > TILE_COUNT_MAX:
        raise ImageError(f"JPEG 2000 of more than {TILE_COUNT_MAX} tiles", code="IMAGE_SIZE")
    for index in range(count):
        depth, *sampling = (_number(data, start + 42 + 3 * index + place, 1) for place in range(3))
        if depth + 1 not in DEPTHS or any(not 1 <= step <= 2 for step in sampling):
            raise ImageError("JPEG 2000 of another depth or sampling", code="IMAGE_FORMAT")
    return Header(x - x0, y - y0, None, Format.JPEG2000, count == 1)


def _pgm(data: bytes, match: re.Match[bytes]) -> Header:
    width, height = int(match[1]), int(match[2])
    if len(data) - match.end() < width * height:
        raise _truncated()
    if len(data) - match.end() > width * height:
        raise ImageError("PGM has more pixels than it says", code="IMAGE_CORRUPT")
    return Header(width, height, None, Format.PGM)
