"""The directory of a TIFF (TIFF 6.0; Technical Note 2 for deflate): what scanners of prints write, and nothing else.

byte order "II*\\0" or "MM\\0*", offset of the directory 4
at it: count 2, entries (tag 2, type 2, count 4, value or its offset 4), offset of the next directory 4
Everything may point anywhere: offsets are followed once, and only to what is inside the file.
Read: one page in strips; grey of 1, 8 and 16 bits, palette and RGB of 8; as it is, LZW, deflate, PackBits. Others are refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from egate.errors import ImageError
from egate.inference.image.bytes import Format, Header, corrupt, unread
from egate.inference.image.exif import UPRIGHT

TIFF_STARTS = {b"II*\x00": "little", b"MM\x00*": "big"}

ENTRY_SIZE, ENTRY_COUNT_MAX = 12, 128  # chosen: baseline defines 36 tags, scanners write about twenty
STRIP_COUNT_MAX = 8192  # chosen: one strip a row, 100 mm at 2000 dpi

# Section 8 and 22: tags
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS, X_RESOLUTION, Y_RESOLUTION, PLANAR = 273, 274, 277, 278, 279, 282, 283, 284
UNIT, PREDICTOR, COLOURS, TILE_WIDTH, EXTRA, SAMPLE_FORMAT = 296, 317, 320, 322, 338, 339
_SIZES = {1: 1, 3: 2, 4: 4, 5: 8}  # types: BYTE, SHORT, LONG, RATIONAL

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3
PLAIN, LZW, DEFLATE, DEFLATE_OLD, PACKBITS = 1, 5, 8, 32946, 32773
_OTHERS = {2: "CCITT", 3: "fax", 4: "fax", 6: "JPEG", 7: "JPEG", 34712: "JPEG 2000", 50000: "Zstandard"}
_PER_INCH = {2: 1.0, 3: 2.54}  # ResolutionUnit; 1: none
PALETTE_SIZE = 256

# bits, samples, photometric
_KINDS = frozenset(
    {(bits, 1, grey) for bits in (1, 8, 16) for grey in (WHITE_IS_ZERO, BLACK_IS_ZERO)}
    | {(8, 1, PALETTE), (8, 3, RGB)}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the pixels are and how they are written. strips: offset and bytes of each. colours: of a palette, all reds, greens, blues."""

    width: int
    height: int
    bits: int
    samples: int
    photometric: int
    compression: int
    predictor: bool
    rows: int
    strips: tuple[tuple[int, int], ...]
    order: Literal["little", "big"]
    orientation: int
    dpi: tuple[float, float] | None
    colours: tuple[int, ...] = ()

    @property
    def row_bytes(self) -> int:
        return -(-self.width * self.samples * self.bits // 8)


def read_tiff(data: bytes) -> Header:
    """Raises ImageError; IndexError if data ends before its directory or its strips."""
    found = read_layout(data)
    x, y = found.dpi or (None, None)
    return Header(found.width, found.height, x, Format.TIFF, orientation=found.orientation, dpi_y=y)


def read_layout(data: bytes) -> Layout:
    """As read_tiff, with all that the pixels need."""
    tags = _Directory(data)
    if TILE_WIDTH in tags.entries:
        raise unread("TIFF in tiles")
    if EXTRA in tags.entries:
        raise ImageError("TIFF with opacity or another extra sample", code="IMAGE_ALPHA")
    width, height, samples = tags.one(WIDTH), tags.one(HEIGHT), tags.one(SAMPLES, 1)
    depths = set(tags.all(BITS, samples)) if BITS in tags.entries else {1}
    kind = min(depths, default=0), samples, tags.one(PHOTOMETRIC)
    if len(depths) != 1 or kind not in _KINDS:
        raise unread("TIFF that is neither grey of 1, 8 or 16 bits nor palette or RGB of 8")
    whole = (FILL_ORDER, PLANAR) if samples > 1 else (FILL_ORDER,)
    if any(tags.one(tag, 1) != 1 for tag in whole) or set(tags.all(SAMPLE_FORMAT, samples, (1,))) != {1}:
        raise unread("TIFF of reversed bits, in planes, or not of unsigned integers")
    compression = tags.one(COMPRESSION, PLAIN)
    if compression not in (PLAIN, LZW, DEFLATE, DEFLATE_OLD, PACKBITS):
        raise unread(f"TIFF compressed by {_OTHERS.get(compression, 'what is not read')}")
    predictor = tags.one(PREDICTOR, 1)
    if predictor not in (1, 2) or (predictor == 2 and kind[0] == 1):
        raise unread("TIFF with a predictor that is not read")
    rows = min(tags.one(ROWS, height), height)
    return Layout(
        width, height, *kind, compression, predictor == 2, rows, _strips(tags, height, rows), tags.order,
        tags.orientation(), tags.resolution(),
        tags.all(COLOURS, 3 * PALETTE_SIZE) if kind[2] == PALETTE else (),
    )  # fmt: skip


def _strips(tags: _Directory, height: int, rows: int) -> tuple[tuple[int, int], ...]:
    """All inside the file, and together no longer than it: strips that share bytes could make a small file cost like a large one."""
    if height <= 0 or rows <= 0:
        raise unread("image states no size")
    count = -(-height // rows)
    if count > STRIP_COUNT_MAX:
        raise ImageError(f"TIFF of more than {STRIP_COUNT_MAX} strips", code="IMAGE_SIZE")
    strips = tuple(zip(tags.all(OFFSETS, count), tags.all(COUNTS, count), strict=True))
    if any(offset + size > len(tags.data) for offset, size in strips):
        raise IndexError(OFFSETS)
    if sum(size for _, size in strips) > len(tags.data):
        raise corrupt("TIFF strips share their bytes")
    return strips


class _Directory:
    """The first and only directory. Raises ImageError; IndexError if data ends before something it points at."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order: Literal["little", "big"] = "little" if data[:1] == b"I" else "big"
        start = self.number(4, 4)
        count = self.number(start, 2)
        if not 1 <= count <= ENTRY_COUNT_MAX:
            raise corrupt(f"TIFF directory of no or more than {ENTRY_COUNT_MAX} entries")
        places = [start + 2 + ENTRY_SIZE * index for index in range(count)]
        self.entries = {self.number(place, 2): place for place in places}
        if len(self.entries) != count:
            # Readers differ in which they take: what is bounded need not be what is decoded.
            raise corrupt("TIFF directory names something twice")
        if self.number(start + 2 + ENTRY_SIZE * count, 4) != 0:  # also what leads back to itself
            raise unread("TIFF of several pages")

    def one(self, tag: int, otherwise: int | None = None) -> int:
        if tag not in self.entries and otherwise is not None:
            return otherwise
        return self.all(tag, 1)[0]

    def all(self, tag: int, count: int, otherwise: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """count integers; rationals as twice as many. Raises ImageError if there are more or fewer, or none."""
        if tag not in self.entries:
            if otherwise is not None:
                return otherwise
            raise corrupt(f"TIFF lacks tag {tag}")
        place = self.entries[tag]
        kind, stated = self.number(place + 2, 2), self.number(place + 4, 4)
        if kind not in _SIZES or stated != count:
            raise corrupt(f"TIFF tag {tag} malformed")
        size = _SIZES[kind]
        at = place + 8 if size * count <= 4 else self.number(place + 8, 4)
        if at + size * count > len(self.data):
            raise IndexError(at)
        step, parts = (4, 2 * count) if size == 8 else (size, count)
        return tuple(self.number(at + step * index, step) for index in range(parts))

    def number(self, offset: int, size: int) -> int:
        piece = self.data[offset : offset + size]
        if len(piece) != size:
            raise IndexError(offset)
        return int.from_bytes(piece, self.order)

    def orientation(self) -> int:
        value = self.one(ORIENTATION, UPRIGHT)
        return value if 1 <= value <= 8 else UPRIGHT

    def resolution(self) -> tuple[float, float] | None:
        """Pixels per inch, infinite or NaN where the denominator is 0; None without a unit."""
        factor = _PER_INCH.get(self.one(UNIT, 2))
        if factor is None or X_RESOLUTION not in self.entries:
            return None
        x = self._ratio(X_RESOLUTION)
        y = self._ratio(Y_RESOLUTION) if Y_RESOLUTION in self.entries else x
        return x * factor, y * factor

    def _ratio(self, tag: int) -> float:
        values = self.all(tag, 1)
        if len(values) != 2:
            raise corrupt(f"TIFF tag {tag} malformed")
        numerator, denominator = values
        if denominator == 0:
            return float("inf") if numerator else float("nan")
        return numerator / denominator
