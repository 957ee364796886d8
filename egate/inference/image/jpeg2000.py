"""The header of a JPEG 2000 (ITU-T T.800; what chips carry as DG2, Doc 9303-10) and of each of its tile-parts.

    SOC SIZ  main header  (SOT  tile-part header  SOD  packets)+  EOC
A decoder allots memory for what the headers promise, whatever follows: 191 bytes can ask for 16 million precincts. Everything a promise
can be made in is bounded here, and what has no place in a portrait is refused.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from egate.errors import ImageError
from egate.inference.image.bytes import Format, Header, corrupt, number, unread
from egate.inference.image.jpeg2000_resolution import read_resolution

JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
J2K_SIGNATURE = b"\xff\x4f\xff\x51"  # SOC, SIZ
SOT, SOD, EOC = 0xFF90, 0xFF93, 0xFFD9
COD, COC, QCD, QCC, RGN = 0xFF52, 0xFF53, 0xFF5C, 0xFF5D, 0xFF5E
TLM, PLM, PLT, CRG, COM = 0xFF55, 0xFF57, 0xFF58, 0xFF63, 0xFF64
# Refused: POC (progression changes), PPM and PPT (packet headers elsewhere), and what is not of T.800.
_MAIN_HEADER = frozenset({COD, COC, QCD, QCC, RGN, TLM, PLM, CRG, COM})
_PART_HEADER = frozenset({COD, COC, QCD, QCC, RGN, PLT, COM})

# Components: grey or colour; ISO/IEC 39794-5 has no others, and a picture with opacity looks like whatever lies behind it. Bits: eight,
# and sixteen, which OpenCV brings down to eight. Pixels: each may cost the decoder 90 coding passes, 1.3 s in four components; the largest
# portraits (ISO/IEC 39794-5) have 1200 x 1600, those on chips today 0.25 million. Tiles: the decoder allots 6 kB for each before it decodes
# anything; portraits have one.
COMPONENT_COUNTS = (1, 3)
DEPTHS = (8, 16)
JPEG2000_PIXELS_MAX = 2_000_000
TILE_COUNT_MAX = 256
# Issuers' files (and OpenJPEG's): 1 layer, 5 levels, code blocks of 64 x 64, one precinct a level. Stated bounds are far above.
LAYER_COUNT_MAX = 64
LEVEL_COUNT_MAX = 10
PRECINCT_EXPONENT_MIN = 5  # 32 x 32 coefficients
BLOCK_EXPONENTS = range(2, 9)  # T.800 table A.18: less two; 16 to 1024 coefficients a side
BLOCK_EXPONENT_SUM_MAX = 8  # T.800: at most 4,096 coefficients
BLOCK_STYLES = range(0x40)  # T.800 table A.19; above: high throughput (T.814)
ROI_SHIFT_MAX = 30  # the decoder counts bit planes in 32 bits
BOX_COUNT_MAX = 64
SEGMENT_COUNT_MAX = 64  # in the main header, and in each tile-part's
PART_COUNT_MAX = 1024


def read_jpeg2000(data: bytes) -> Header:
    """A JP2 file or a bare codestream. Raises ImageError; IndexError if data ends before EOC."""
    start, dpi = _codestream(data) if data.startswith(JP2_SIGNATURE) else (0, None)
    header, tile_count = _size(data, start)
    _check_parts(data, start + 4 + number(data, start + 4, 2), tile_count)
    return header if dpi is None else replace(header, dpi=dpi[0], dpi_y=dpi[1])


def _codestream(data: bytes) -> tuple[int, tuple[float, float] | None]:
    """Start of the codestream in a JP2 file (T.800 annex I: boxes of length 4, type 4, body), and the resolution across and down."""
    if b"pclr" in data:  # a palette can name 255 components, each as large as the image
        raise unread("JPEG 2000 with a palette")
    offset, dpi = 0, None
    for _ in range(BOX_COUNT_MAX):
        length = number(data, offset, 4)
        if data[offset + 4 : offset + 8] == b"jp2h":
            dpi = read_resolution(data[offset + 8 : offset + length])
        if data[offset + 4 : offset + 8] == b"jp2c":
            start = offset + (16 if length == 1 else 8)
            if not data.startswith(J2K_SIGNATURE, start):
                raise corrupt("JPEG 2000 codestream expected")
            return start, dpi
        if length < 8:  # 0 and 1 are legal for the last box and for huge ones, before the codestream there are neither
            raise corrupt("JPEG 2000 box without length")
        offset += length
    raise corrupt(f"JPEG 2000 of more than {BOX_COUNT_MAX} boxes")


def _size(data: bytes, start: int) -> tuple[Header, int]:
    """Header and number of tiles."""
    # T.800 A.5.1, SIZ after SOC and the marker: Lsiz 2, Rsiz 2, then 4 each: Xsiz, Ysiz, XOsiz, YOsiz, XTsiz, YTsiz, XTOsiz, YTOsiz;
    # Csiz 2, and per component depth 1 (less one, high bit: signed), sampling 1+1
    x, y, x0, y0, tile_x, tile_y, tile_x0, tile_y0 = (number(data, start + 8 + 4 * index, 4) for index in range(8))
    count = number(data, start + 40, 2)
    if count not in COMPONENT_COUNTS or not (tile_x and tile_y):
        raise unread("JPEG 2000 of another number of components or tiles")
    width, height = x - x0, y - y0
    if not (width > 0 and height > 0 and tile_x0 <= x0 and tile_y0 <= y0):
        raise corrupt("JPEG 2000 lies outside its own grid")
    if width * height > JPEG2000_PIXELS_MAX:
        raise ImageError(f"JPEG 2000 of more than {JPEG2000_PIXELS_MAX} pixels", code="IMAGE_SIZE")
    tile_count = -(-(x - tile_x0) // tile_x) * -(-(y - tile_y0) // tile_y)
    if tile_count > TILE_COUNT_MAX:
        raise ImageError(f"JPEG 2000 of more than {TILE_COUNT_MAX} tiles", code="IMAGE_SIZE")
    for index in range(count):
        depth, *sampling = (number(data, start + 42 + 3 * index + place, 1) for place in range(3))
        if depth + 1 not in DEPTHS or any(not 1 <= step <= 2 for step in sampling):
            raise unread("JPEG 2000 of another depth or sampling")
    return Header(width, height, None, Format.JPEG2000, count == 1), tile_count


def _check_parts(data: bytes, offset: int, tile_count: int) -> None:
    """Headers within their bounds, and all the parts of all the tiles; offset: behind SIZ."""
    offset = _header_end(data, offset, _MAIN_HEADER, SOT)
    seen: Counter[int] = Counter()
    stated: dict[int, int] = {}
    for _ in range(PART_COUNT_MAX):
        if number(data, offset, 2) == EOC:
            if len(seen) != tile_count or any(seen[tile] < count for tile, count in stated.items()):
                raise ImageError("JPEG 2000 lacks a part of a tile", code="IMAGE_TRUNCATED")
            return
        # T.800 A.4.2, SOT: Lsot 2, Isot 2, Psot 4 (0: up to EOC), TPsot 1, TNsot 1 (0: not stated here)
        if number(data, offset, 4) != SOT << 16 | 10:
            raise corrupt("JPEG 2000 tile-part expected")
        tile, size, count = number(data, offset + 4, 2), number(data, offset + 6, 4), number(data, offset + 11, 1)
        if tile >= tile_count:
            raise corrupt("JPEG 2000 tile outside the image")
        end = offset + size if size else len(data) - 2
        if _header_end(data, offset + 12, _PART_HEADER, SOD) + 2 > end:
            raise corrupt("JPEG 2000 tile-part shorter than its header")
        seen[tile] += 1
        stated[tile] = max(count, stated.get(tile, 0))
        offset = end
    raise ImageError(f"JPEG 2000 of more than {PART_COUNT_MAX} tile-parts", code="IMAGE_SIZE")


def _header_end(data: bytes, offset: int, allowed: frozenset[int], end: int) -> int:
    """Offset of the marker end behind the segments of a header."""
    for _ in range(SEGMENT_COUNT_MAX):
        marker = number(data, offset, 2)
        if marker == end:
            return offset
        if marker not in allowed:
            raise unread("JPEG 2000 segment that no portrait needs")
        length = number(data, offset + 2, 2)
        body = data[offset + 4 : offset + 2 + length]
        if len(body) != length - 2:
            raise IndexError(offset)
        _check_segment(marker, body)
        offset += 2 + length
    raise ImageError(f"JPEG 2000 header of more than {SEGMENT_COUNT_MAX} segments", code="IMAGE_SIZE")


def _check_segment(marker: int, body: bytes) -> None:
    if marker == COD:  # T.800 A.6.1: Scod 1, progression 1, layers 2, component transform 1, SPcod
        if not 1 <= number(body, 2, 2) <= LAYER_COUNT_MAX:
            raise ImageError(f"JPEG 2000 of more than {LAYER_COUNT_MAX} layers", code="IMAGE_SIZE")
        _check_coding(body[0], body[5:])
    elif marker == COC:  # A.6.2: Ccoc 1 (below 257 components), Scoc 1, SPcoc
        _check_coding(number(body, 1, 1), body[2:])
    elif marker == RGN and (len(body) != 3 or body[1] or body[2] > ROI_SHIFT_MAX):  # A.6.3: Crgn 1, Srgn 1, SPrgn 1
        raise corrupt("JPEG 2000 region of interest malformed")


def _check_coding(style: int, parameters: bytes) -> None:
    """SPcod, SPcoc (T.800 table A.15): levels 1, code block width 1 and height 1, their style 1, transform 1, precincts 1 a resolution."""
    levels, block_width, block_height, block_style, _ = parameters[:5]
    if levels > LEVEL_COUNT_MAX or block_style not in BLOCK_STYLES:
        raise unread("JPEG 2000 of too many levels or another block coder")
    if not (
        block_width in BLOCK_EXPONENTS
        and block_height in BLOCK_EXPONENTS
        and block_width + block_height <= BLOCK_EXPONENT_SUM_MAX
    ):
        raise ImageError("JPEG 2000 of too small or too large code blocks", code="IMAGE_SIZE")
    if not style & 1:  # one precinct a resolution
        return
    precincts = parameters[5:]
    if len(precincts) != levels + 1:
        raise corrupt("JPEG 2000 precincts of another number of levels")
    if any(min(size & 15, size >> 4) < PRECINCT_EXPONENT_MIN for size in precincts):
        raise ImageError("JPEG 2000 of too small precincts", code="IMAGE_SIZE")
