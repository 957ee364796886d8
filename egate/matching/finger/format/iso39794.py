"""Extensible finger minutiae data blocks, ISO/IEC 39794-2:2023, tagged binary encoding.

62                         FingerMinutiaeDataBlock, [APPLICATION 2]
  A0                         version: 80 generation, 81 year
  A1                         representations: SEQUENCE OF
    30                         A0 position, A1 impression (codes)
      A2                         image size in pixels: 80 width, 81 height
      A3                         spatial sampling rate: 80 samples, 81 unit (0 inch, 1 centimetre)
      A4                         minutiae: SEQUENCE OF
        30                         A0 kind (code), A1 coordinate: 80 x, 81 y, 82 angle, 83 quality (optional)
      A5                         quality, optional: SEQUENCE OF 30: A0 algorithm: 80 organization, 81 id; A1 80 score

NOT YET HELD AGAINST THE PUBLISHED SCHEMA OF PART 2, which could not be obtained.
- From parts 1, 4 and 5: automatic implicit tags, SEQUENCE OF as bare 30, extensible codes as [0] or as a block with a fall-back; the
  blocks for version, coordinate, quality and sampling rate; position and impression first; [APPLICATION n] for part n.
- Assumed: the numbers A2 to A5 of a representation, the order and tags of a minutia's fields, kinds 0 to 2 and angles in 256 steps as
  in 19794-2.
Until the constants below are compared with the schema, this format is for exchange between our own systems: others may refuse what
is written here, and their blocks are refused here as malformed unless they happen to agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from egate.domain.biometric import FingerTemplate
from egate.errors import TemplateError
from egate.matching.finger.format.grid import (
    BIFURCATION,
    PIXELS_PER_CM,
    POSITION_MAX,
    QUALITY_MAX,
    Grid,
    Rows,
    malformed,
    scaled_side,
    to_rows,
    to_template,
    unwritable,
)
from egate.matching.finger.format.tlv import by_tag, encoded, member, objects, only

BLOCK = 0x62
_SEQUENCE = 0x30
# Of a block and its parts. The first three are those of every part of 39794; the rest is assumed (see above).
VERSION, REPRESENTATIONS, POSITION, IMPRESSION = 0xA0, 0xA1, 0xA0, 0xA1
IMAGE_SIZE, SAMPLING_RATE, MINUTIAE, QUALITY_BLOCKS = 0xA2, 0xA3, 0xA4, 0xA5
KIND, COORDINATE, ANGLE, MINUTIA_QUALITY = 0xA0, 0xA1, 0x82, 0x83
FIRST, SECOND = 0x80, 0x81  # number fields [0] and [1] of the blocks that part 1 shares

GENERATION, YEAR = 3, 2023
PLAIN_CONTACT = 0
INCH, CENTIMETRE = 0, 1
DPI = 500
DPI_MIN, DPI_MAX = 100, 4000  # chosen; beyond is damage
ANGLES = 256
GRID = Grid(1.0, 1.0, ANGLES)  # of what is written

BLOCK_BYTES_MAX = 1 << 20  # chosen: 40 views of 255 minutiae of 28 bytes are 0.3 MB
VIEWS_MAX = 40  # chosen: four impressions of ten fingers
COUNT_MAX = 255  # chosen, as in the record format
SIDE_MAX = 0x3FFF  # chosen, pixels: as in the record format
NUMBER_BYTES_MAX = 4  # DER INTEGER: 0 to 2**31 - 1


def read_block(data: bytes) -> tuple[FingerTemplate, ...]:
    """The representations of a block, in its order, scaled to 500 dpi. Fields not known here are skipped.

    Raises TemplateError: TEMPLATE_SIZE, or TEMPLATE_MALFORMED unless everything that is used is there and within its limits.
    """
    if len(data) > BLOCK_BYTES_MAX:
        raise TemplateError("minutiae block: too long", code="TEMPLATE_SIZE")
    block = by_tag(only(data, BLOCK))
    if _number(by_tag(member(block, VERSION)), FIRST) != GENERATION:
        raise malformed("minutiae block: of another generation")
    representations = _sequence(member(block, REPRESENTATIONS))
    if not 0 < len(representations) <= VIEWS_MAX:
        raise malformed("minutiae block: no representation or too many")
    return tuple(_read_representation(by_tag(content)) for content in representations)


def write_block(templates: Sequence[FingerTemplate], qualities: Sequence[int | None] | None = None) -> bytes:
    """A block with one representation a template, at 500 dpi, the 255 best minutiae of each.

    qualities: unified quality 0-100 of each; where it is None, none is stated. Precision lost: half a pixel, 0.7 degrees, half a
    percent of quality. Raises TemplateError with code TEMPLATE_NOT_WRITABLE, ValueError if qualities are not one a template.
    """
    if not 0 < len(templates) <= VIEWS_MAX:
        raise unwritable(f"a minutiae block holds 1 to {VIEWS_MAX} representations")
    stated = [None] * len(templates) if qualities is None else qualities
    representations = [_write_representation(*one) for one in zip(templates, stated, strict=True)]
    version = encoded(VERSION, _integer(FIRST, GENERATION), _integer(SECOND, YEAR))
    return encoded(BLOCK, version, encoded(REPRESENTATIONS, *representations))


def _read_representation(fields: dict[int, bytes]) -> FingerTemplate:
    position = _code(member(fields, POSITION))
    _code(member(fields, IMPRESSION))
    width, height = _pair(member(fields, IMAGE_SIZE))
    if position > POSITION_MAX or not 0 < min(width, height) <= max(width, height) <= SIDE_MAX:
        raise malformed("minutiae block: unknown finger position or impossible image size")
    step = DPI / _dots_per_inch(*_pair(member(fields, SAMPLING_RATE)))
    minutiae = _sequence(member(fields, MINUTIAE))
    if len(minutiae) > COUNT_MAX:
        raise malformed("minutiae block: too many minutiae")
    columns = np.array([_read_minutia(by_tag(one)) for one in minutiae], np.int64).reshape(-1, 5).T
    rows = Rows(*columns)
    if (rows.kind > BIFURCATION).any() or (rows.x >= width).any() or (rows.y >= height).any():
        raise malformed("minutiae block: a minutia is outside the image or of no known type")
    if (rows.angle >= ANGLES).any() or (rows.quality > QUALITY_MAX).any():
        raise malformed("minutiae block: a minutia has no possible angle or quality")
    grid = Grid(step, step, ANGLES)
    return to_template(rows, grid, (scaled_side(width, step), scaled_side(height, step)), position)


def _read_minutia(fields: dict[int, bytes]) -> tuple[int, ...]:
    quality = _number(fields, MINUTIA_QUALITY) if MINUTIA_QUALITY in fields else 0
    return _code(member(fields, KIND)), *_pair(member(fields, COORDINATE)), _number(fields, ANGLE), quality


def _dots_per_inch(samples: int, unit: int) -> float:
    """500 for 196 to 198 a centimetre: devices round."""
    if unit not in (INCH, CENTIMETRE):
        raise malformed("minutiae block: unknown unit of the sampling rate")
    near = unit == CENTIMETRE and abs(samples - PIXELS_PER_CM) < 1.5
    dpi = DPI if near else samples * (2.54 if unit == CENTIMETRE else 1.0)
    if not DPI_MIN <= dpi <= DPI_MAX:
        raise malformed("minutiae block: impossible resolution")
    return dpi


def _write_representation(template: FingerTemplate, quality: int | None) -> bytes:
    if not 0 < min(template.width, template.height) <= max(template.width, template.height) <= SIDE_MAX:
        raise unwritable("image size does not fit a minutiae block")
    rows = to_rows(template, GRID).at(slice(COUNT_MAX))
    x, y = np.minimum(rows.x, template.width - 1), np.minimum(rows.y, template.height - 1)
    minutiae = (_write_minutia(*map(int, one)) for one in zip(rows.kind, x, y, rows.angle, rows.quality, strict=True))
    fields = [
        _coded(POSITION, template.position),
        _coded(IMPRESSION, PLAIN_CONTACT),
        _paired(IMAGE_SIZE, template.width, template.height),
        _paired(SAMPLING_RATE, DPI, INCH),
        encoded(MINUTIAE, *minutiae),
    ]
    if quality is not None:
        fields.append(_write_quality(quality))
    return encoded(_SEQUENCE, *fields)


def _write_minutia(kind: int, x: int, y: int, angle: int, quality: int) -> bytes:
    fields = [_coded(KIND, kind), _paired(COORDINATE, x, y), _integer(ANGLE, angle)]
    if quality:
        fields.append(_integer(MINUTIA_QUALITY, quality))
    return encoded(_SEQUENCE, *fields)


def _write_quality(quality: int) -> bytes:
    """By an algorithm that has no registered number: 257 is the committee, 1 the least id."""
    if not 0 <= quality <= QUALITY_MAX:
        raise unwritable("quality of a representation is 0 to 100")
    score = encoded(0xA1, _integer(FIRST, quality))
    return encoded(QUALITY_BLOCKS, encoded(_SEQUENCE, _paired(0xA0, 257, 1), score))


def _sequence(content: bytes) -> list[bytes]:
    """The members of a SEQUENCE OF SEQUENCE."""
    found = objects(content)
    if any(tag != _SEQUENCE for tag, _ in found):
        raise malformed("minutiae block: a list holds something else than its members")
    return [value for _, value in found]


def _pair(content: bytes) -> tuple[int, int]:
    fields = by_tag(content)
    return _number(fields, FIRST), _number(fields, SECOND)


def _code(content: bytes) -> int:
    """An extensible code: [0] the code, or [1] a block whose [0] is the code to fall back to."""
    choice = by_tag(content)
    return _number(choice, FIRST) if FIRST in choice else _number(by_tag(member(choice, 0xA1)), FIRST)


def _number(fields: dict[int, bytes], tag: int) -> int:
    value = member(fields, tag)
    if not 1 <= len(value) <= NUMBER_BYTES_MAX or value[0] & 0x80:
        raise malformed("minutiae block: a number is malformed")
    return int.from_bytes(value, "big")


def _integer(tag: int, value: int) -> bytes:
    return encoded(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _paired(tag: int, first: int, second: int) -> bytes:
    return encoded(tag, _integer(FIRST, first), _integer(SECOND, second))


def _coded(tag: int, code: int) -> bytes:
    return encoded(tag, _integer(FIRST, code))
