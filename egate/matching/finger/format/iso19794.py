"""Finger minutiae records, ISO/IEC 19794-2:2005, record format (clause 7). All integers big-endian.

    "FMR\\0" " 20\\0" length(4) equipment(2) width(2) height(2) x-res(2) y-res(2) views(1) 0(1)          7.3, 24 bytes
      per view:  position(1) view<<4|impression(1) quality(1) count(1)                                 7.4.1, 4 bytes
        per minutia:  type<<14|x(2) y(2) angle(1) quality(1)                                           7.4.2, 6 bytes
        extended data length(2), then areas of type(2) length(2, these four included) data             7.5

Resolutions are pixels per cm; angle units are 360/256 degrees, counter-clockwise from east; x, y from the top left.
A template from a stranger is parsed here: everything is bounded, and whatever is malformed is a TemplateError.
"""

from __future__ import annotations

import struct
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

FORMAT = b"FMR\x00"
VERSION = b" 20\x00"
HEADER = struct.Struct(">4s4sIHHHHHBB")
VIEW = struct.Struct(">BBBB")
MINUTIA = np.dtype([("kind_x", ">u2"), ("y", ">u2"), ("angle", "u1"), ("quality", "u1")])
EXTENDED_LENGTH = struct.Struct(">H")
AREA = struct.Struct(">HH")

RECORD_BYTES_MAX = 1 << 20  # chosen: 176 views of 255 minutiae are 0.3 MB
VIEWS_MAX = 255  # 7.3: one byte
VIEWS_OF_FINGER_MAX = 16  # 7.4.1: four bits
COUNT_MAX = 255  # 7.4.1: one byte
COORDINATE_MAX = 0x3FFF  # 14 bits
RESOLUTION = 197  # pixels per cm; 500 dpi is 196.85
RESOLUTION_MIN, RESOLUTION_MAX = 39, 1575  # chosen: 100 to 4,000 dpi; beyond is damage
ANGLES = 256
GRID = Grid(1.0, 1.0, ANGLES)  # of what is written


def read_record(data: bytes) -> tuple[FingerTemplate, ...]:
    """The views of a record, in its order, scaled to 500 dpi.

    A minutia of type "other" is read as an ending; a quality that was not reported (0) stays 0. Extended data are skipped.
    Raises TemplateError unless the record is well-formed to the last byte: TEMPLATE_SIZE, TEMPLATE_FORMAT_UNKNOWN (not such a
    record at all) or TEMPLATE_MALFORMED.
    """
    if not HEADER.size <= len(data) <= RECORD_BYTES_MAX:
        raise TemplateError("minutiae record: too short or too long", code="TEMPLATE_SIZE")
    form, version, length, _equipment, width, height, x_res, y_res, views, _reserved = HEADER.unpack_from(data)
    if form != FORMAT or version != VERSION:
        raise TemplateError("not a minutiae record of ISO/IEC 19794-2:2005", code="TEMPLATE_FORMAT_UNKNOWN")
    if length != len(data):
        raise malformed("minutiae record: stated length differs from the actual one")
    if not (RESOLUTION_MIN <= x_res <= RESOLUTION_MAX and RESOLUTION_MIN <= y_res <= RESOLUTION_MAX):
        raise malformed("minutiae record: impossible resolution")
    if not (0 < width <= COORDINATE_MAX and 0 < height <= COORDINATE_MAX and views > 0):
        raise malformed("minutiae record: no image area or no view")
    grid = Grid(_step(x_res), _step(y_res), ANGLES)
    offset, found = HEADER.size, []
    for _ in range(views):
        template, offset = _read_view(data, offset, (width, height), grid)
        found.append(template)
    if offset != len(data):
        raise malformed("minutiae record: data after the last view")
    return tuple(found)


def write_record(templates: Sequence[FingerTemplate], qualities: Sequence[int | None] | None = None) -> bytes:
    """A record with one view per template, at 197 pixels per cm, the 255 best minutiae of each; its image size is the largest of them.

    qualities: unified quality 0-100 of each view; where it is None, the mean of its minutiae. Precision lost: half a pixel,
    0.7 degrees, half a percent of quality. Raises TemplateError with code TEMPLATE_NOT_WRITABLE if templates is empty, has more
    than 255 views, or holds what the format cannot; ValueError if qualities are not one a template.
    """
    if not 0 < len(templates) <= VIEWS_MAX:
        raise unwritable("a minutiae record holds 1 to 255 views")
    width, height = max(t.width for t in templates), max(t.height for t in templates)
    if not (0 < width <= COORDINATE_MAX and 0 < height <= COORDINATE_MAX):
        raise unwritable("image size does not fit a minutiae record")
    stated = [None] * len(templates) if qualities is None else qualities
    body = b"".join(
        _write_view(template, _view_number(templates, index), quality)
        for index, (template, quality) in enumerate(zip(templates, stated, strict=True))
    )
    head = HEADER.pack(
        FORMAT, VERSION, HEADER.size + len(body), 0, width, height, RESOLUTION, RESOLUTION, len(templates), 0
    )
    return head + body


def _step(pixels_per_cm: int) -> float:
    """Pixels at 500 dpi of one coordinate; 1 for what devices write for 500 dpi (196 or 197, rarely 198)."""
    return 1.0 if 196 <= pixels_per_cm <= 198 else PIXELS_PER_CM / pixels_per_cm


def _read_view(data: bytes, offset: int, size: tuple[int, int], grid: Grid) -> tuple[FingerTemplate, int]:
    """The view at offset and the offset after it. size: width and height of the image in its own pixels."""
    if offset + VIEW.size > len(data):
        raise malformed("minutiae record: a view is cut off")
    position, _view_impression, quality, count = VIEW.unpack_from(data, offset)
    if position > POSITION_MAX or quality > QUALITY_MAX:
        raise malformed("minutiae record: unknown finger position or quality")
    start = offset + VIEW.size
    end = start + count * MINUTIA.itemsize
    if end > len(data):
        raise malformed("minutiae record: minutiae are cut off")
    rows = _rows(np.frombuffer(data, MINUTIA, count, start))
    width, height = size
    if (rows.kind > BIFURCATION).any() or (rows.x >= width).any() or (rows.y >= height).any():
        raise malformed("minutiae record: a minutia is outside the image or of no known type")
    if (rows.quality > QUALITY_MAX).any():
        raise malformed("minutiae record: unknown quality of a minutia")
    scaled = scaled_side(width, grid.step_x), scaled_side(height, grid.step_y)
    return to_template(rows, grid, scaled, position), _skip_extended(data, end)


def _rows(found: np.ndarray[tuple[int], np.dtype[np.void]]) -> Rows:
    columns = {name: found[name].astype(np.int64) for name in MINUTIA.names or ()}
    kind, x = columns["kind_x"] >> 14, columns["kind_x"] & COORDINATE_MAX
    # the two high bits of y are reserved
    return Rows(kind, x, columns["y"] & COORDINATE_MAX, columns["angle"], columns["quality"])


def _skip_extended(data: bytes, offset: int) -> int:
    """Checks that the extended data areas fill their block exactly; the offset after it."""
    if offset + EXTENDED_LENGTH.size > len(data):
        raise malformed("minutiae record: the extended data length is missing")
    length = int(EXTENDED_LENGTH.unpack_from(data, offset)[0])
    offset += EXTENDED_LENGTH.size
    end = offset + length
    if end > len(data):
        raise malformed("minutiae record: extended data are cut off")
    while offset < end:
        size = AREA.unpack_from(data, offset)[1] if offset + AREA.size <= end else 0
        if not AREA.size <= size <= end - offset:
            raise malformed("minutiae record: a malformed extended data area")
        offset += size
    return end


def _write_view(template: FingerTemplate, number: int, quality: int | None) -> bytes:
    best = to_rows(template, GRID).at(slice(COUNT_MAX))
    rows = np.zeros(len(best.x), MINUTIA)
    rows["kind_x"] = best.kind << 14 | np.minimum(best.x, template.width - 1)
    rows["y"] = np.minimum(best.y, template.height - 1)
    rows["angle"], rows["quality"] = best.angle, best.quality
    if quality is None:
        quality = round(float(np.clip(template.quality[:COUNT_MAX], 0.0, 1.0).mean()) * QUALITY_MAX) if len(rows) else 0
    if not 0 <= quality <= QUALITY_MAX:
        raise unwritable("quality of a view is 0 to 100")
    head = VIEW.pack(template.position, number << 4, quality, len(rows))
    return head + rows.tobytes() + EXTENDED_LENGTH.pack(0)


def _view_number(templates: Sequence[FingerTemplate], index: int) -> int:
    """7.4.1: views of one finger are numbered from 0; four bits."""
    number = sum(t.position == templates[index].position for t in templates[:index])
    if number >= VIEWS_OF_FINGER_MAX:
        raise unwritable("a minutiae record holds at most 16 views of one finger")
    return number
