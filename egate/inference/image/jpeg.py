"""The header of a JPEG (ITU-T T.81), and all of its segments up to EOI: a decoder goes over the pixels once for every scan.

SOI  (DQT, DHT, DRI, APPn, COM)*  SOFn  ((DQT, DHT, DRI, APPn, COM)*  SOS entropy-coded data)+  EOI
"""

from __future__ import annotations

import re

from egate.errors import ImageError
from egate.inference.image.bytes import SEGMENT_COUNT_MAX, Header, corrupt, number, unread

JPEG_START = b"\xff\xd8"
JPEG_END = 0xD9
JPEG_SCAN = 0xDA
JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM, RSTn: markers without a length
JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # SOFn; C4 = DHT, C8 = JPG, CC = DAC
JPEG_FRAMES_READ = frozenset({0xC0, 0xC1, 0xC2})  # sequential and progressive, Huffman-coded; nobody writes the others
# DHT, DQT, DRI, APPn, COM. A decoder looks for the next marker inside what it does not know: nothing unknown is skipped here.
JPEG_TABLES = frozenset({0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE})
COMPONENT_COUNTS = (1, 3, 4)

# T.81 B.1.1.2: in entropy-coded data FF is followed by 00 or is a restart marker; before a marker there may be more FF.
_SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

# Progressive files have about ten scans. A scan of four bytes costs a pass over all pixels: 0.7 ns each (libjpeg-turbo).
SCAN_COUNT_MAX = 64
SCANNED_PIXELS_MAX = 400_000_000


def read_jpeg(data: bytes) -> Header:
    """Raises ImageError; IndexError if data ends before EOI."""
    width = height = scan_count = components = 0
    adobe = False
    dpi: float | None = None
    dpi_y: float | None = None
    offset = len(JPEG_START)
    for _ in range(SEGMENT_COUNT_MAX):
        if data[offset] != 0xFF:
            raise corrupt("JPEG marker expected")
        marker = data[offset + 1]
        if marker == 0xFF:  # fill byte
            offset += 1
            continue
        if marker in JPEG_ALONE:
            offset += 2
            continue
        if marker == JPEG_END:
            if not scan_count:
                raise corrupt("JPEG without a scan")
            if components == 4 and not adobe:
                # Adobe's four colours are stored inverted, others' are not, and a decoder cannot see it: it may show the negative.
                raise unread("JPEG of four colours that does not say which")
            return Header(width, height, dpi, dpi_y=dpi_y)
        length, body = number(data, offset + 2, 2), offset + 4
        offset += 2 + length
        if length < 2:
            raise corrupt("JPEG segment without length")
        if marker in JPEG_FRAMES:
            if width:
                raise corrupt("JPEG has two frames")
            width, height, components = _frame(data, marker, body)
        elif marker == 0xE0 and data[body : body + 5] == b"JFIF\x00":
            dpi, dpi_y = (_jfif_dpi(data, body, place) for place in (8, 10))
        elif marker == 0xEE and data[body : body + 5] == b"Adobe":
            adobe = True
        elif marker == JPEG_SCAN:
            scan_count += 1
            _check_cost(scan_count, width * height)
            offset = _scan_end(data, offset)
        elif marker not in JPEG_TABLES:
            raise corrupt("JPEG marker unknown")
    raise corrupt(f"JPEG of more than {SEGMENT_COUNT_MAX} segments")


def _frame(data: bytes, marker: int, body: int) -> tuple[int, int, int]:
    """Width, height and components. T.81 B.2.2: P 1, Y 2, X 2, Nf 1."""
    if marker not in JPEG_FRAMES_READ:
        raise unread("JPEG with arithmetic coding, lossless or hierarchical")
    if data[body] != 8 or data[body + 5] not in COMPONENT_COUNTS:
        raise unread("JPEG of another depth or number of components")
    return number(data, body + 3, 2), number(data, body + 1, 2), data[body + 5]


def _check_cost(scan_count: int, pixels: int) -> None:
    if scan_count > SCAN_COUNT_MAX or scan_count * pixels > SCANNED_PIXELS_MAX:
        raise ImageError("JPEG of too many scans", code="IMAGE_SIZE")


def _scan_end(data: bytes, offset: int) -> int:
    """Offset of the marker behind the entropy-coded data."""
    found = _SCAN_END.search(data, offset)
    if found is None:
        raise IndexError(offset)
    return found.start()


def _jfif_dpi(data: bytes, body: int, place: int) -> float | None:
    """place: 8 of the horizontal density, 10 of the vertical."""
    unit, density = data[body + 7], number(data, body + place, 2)  # JFIF 1.02: 1 = per inch, 2 = per centimetre
    factor = {1: 1.0, 2: 2.54}.get(unit)
    return density * factor if factor else None  # 0 is no density either: who needs one refuses it
