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
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from egate.errors import TemplateError

FORMAT = b"FMR\x00"
VERSION = b" 20\x00"
HEADER = struct.Struct(">4s4sIHHHHHBB")
VIEW = struct.Struct(">BBBB")
MINUTIA = np.dtype([("kind_x", ">u2"), ("y", ">u2"), ("angle", "u1"), ("quality", "u1")])
EXTENDED_LENGTH = struct.Struct(">H")
AREA = struct.Struct(">HH")

RECORD_BYTES_MAX = 1 << 20  # chosen: 176 views of 255 minutiae are 0.3 MB
POSITION_MAX = 10  # table 2
QUALITY_MAX = 100
COUNT_MAX = 255
COORDINATE_MAX = 0x3FFF  # 14 bits
PIXELS_PER_CM = 197  # 500 dpi is 196.85
RESOLUTION_MIN, RESOLUTION_MAX = 39, 1575  # chosen: 100 to 4,000 dpi; beyond is damage
ENDING, BIFURCATION = 1, 2  # 7.4.2; 0 = other
TURN = 2.0 * np.pi


def read_record(data: bytes) -> tuple[FingerTemplate, ...]:
    """The views of a record, in its order, scaled to 500 dpi.

    A minutia of type "other" is read as an ending; a quality that was not reported (0) stays 0. Extended data are skipped.
    Raises TemplateError unless the record is well-formed to the last byte.
    """
    if not HEADER.size <= len(data) <= RECORD_BYTES_MAX:
        raise TemplateError("minutiae record: too short or too long")
    form, version, length, _equipment, width, height, x_res, y_res, views, _reserved = HEADER.unpack_from(data)
    if form != FORMAT or version != VERSION:
        raise TemplateError("not a minutiae record of ISO/IEC 19794-2:2005")
    if length != len(data):
        raise TemplateError("minutiae record: stated length differs from the actual one")
    if not (RESOLUTION_MIN <= x_res <= RESOLUTION_MAX and RESOLUTION_MIN <= y_res <= RESOLUTION_MAX):
        raise TemplateError("minutiae record: impossible resolution")
    if not (0 < width <= COORDINATE_MAX and 0 < height <= COORDINATE_MAX and views > 0):
        raise TemplateError("minutiae record: no image area or no view")
    scale = (_scale(x_res), _scale(y_res))
    offset, found = HEADER.size, []
    for _ in range(views):
        template, offset = _read_view(data, offset, width, height, scale)
        found.append(template)
    if offset != len(data):
        raise TemplateError("minutiae record: data after the last view")
    return tuple(found)


def write_record(templates: Sequence[FingerTemplate]) -> bytes:
    """A record with one view per template, at 197 pixels per cm, the 255 best minutiae of each.

    Precision lost: half a pixel, 0.7 degrees, half a percent of quality. Raises TemplateError if templates is empty, has
    more than 255 views, mixes image sizes, or holds what the format cannot.
    """
    if not 0 < len(templates) <= 255:
        raise TemplateError("a minutiae record holds 1 to 255 views")
    width, height = templates[0].width, templates[0].height
    if any((t.width, t.height) != (width, height) for t in templates):
        raise TemplateError("the views of a minutiae record share one image size")
    if not (0 < width <= COORDINATE_MAX and 0 < height <= COORDINATE_MAX):
        raise TemplateError("image size does not fit a minutiae record")
    body = b"".join(_write_view(template, _view_number(templates, index)) for index, template in enumerate(templates))
    head = HEADER.pack(
        FORMAT, VERSION, HEADER.size + len(body), 0, width, height, PIXELS_PER_CM, PIXELS_PER_CM, len(templates), 0
    )
    return head + body


def _scale(pixels_per_cm: int) -> float:
    """Factor to 500 dpi; 1 for what devices write for 500 dpi (196 or 197, rarely 198)."""
    return 1.0 if 196 <= pixels_per_cm <= 198 else 500.0 / 2.54 / pixels_per_cm


def _read_view(
    data: bytes, offset: int, width: int, height: int, scale: tuple[float, float]
) -> tuple[FingerTemplate, int]:
    """The view at offset and the offset after it."""
    if offset + VIEW.size > len(data):
        raise TemplateError("minutiae record: a view is cut off")
    position, _view_impression, quality, count = VIEW.unpack_from(data, offset)
    if position > POSITION_MAX or quality > QUALITY_MAX:
        raise TemplateError("minutiae record: unknown finger position or quality")
    start = offset + VIEW.size
    end = start + count * MINUTIA.itemsize
    if end > len(data):
        raise TemplateError("minutiae record: minutiae are cut off")
    rows = np.frombuffer(data, MINUTIA, count, start)
    kind, x = rows["kind_x"] >> 14, rows["kind_x"] & COORDINATE_MAX
    y = rows["y"] & COORDINATE_MAX  # the two high bits are reserved
    if (kind > BIFURCATION).any() or (x >= width).any() or (y >= height).any() or (rows["quality"] > QUALITY_MAX).any():
        raise TemplateError("minutiae record: a minutia is outside the image or of no known type")
    order = np.argsort(-rows["quality"].astype(np.int16), kind="stable")
    template = FingerTemplate(
        x=_float32(x[order] * scale[0]),
        y=_float32(y[order] * scale[1]),
        angle=_float32(rows["angle"][order] * (TURN / 256.0)),
        ending=np.ascontiguousarray(kind[order] != BIFURCATION),
        quality=_float32(rows["quality"][order] / QUALITY_MAX),
        width=max(1, round(width * scale[0])),
        height=max(1, round(height * scale[1])),
        position=position,
    )
    return template, _skip_extended(data, end)


def _skip_extended(data: bytes, offset: int) -> int:
    """Checks that the extended data areas fill their block exactly; the offset after it."""
    if offset + EXTENDED_LENGTH.size > len(data):
        raise TemplateError("minutiae record: the extended data length is missing")
    length = int(EXTENDED_LENGTH.unpack_from(data, offset)[0])
    offset += EXTENDED_LENGTH.size
    end = offset + length
    if end > len(data):
        raise TemplateError("minutiae record: extended data are cut off")
    while offset < end:
        size = AREA.unpack_from(data, offset)[1] if offset + AREA.size <= end else 0
        if not AREA.size <= size <= end - offset:
            raise TemplateError("minutiae record: a malformed extended data area")
        offset += size
    return end


def _write_view(template: FingerTemplate, number: int) -> bytes:
    columns = np.stack([template.x, template.y, template.angle, template.quality]).astype(np.float64)[:, :COUNT_MAX]
    if not np.isfinite(columns).all() or not 0 <= template.position <= POSITION_MAX:
        raise TemplateError("template holds a number or finger position that a minutiae record cannot")
    x, y, angle, quality = columns
    rows = np.zeros(columns.shape[1], MINUTIA)
    kind = np.where(template.ending[:COUNT_MAX], ENDING, BIFURCATION).astype(np.uint16)
    rows["kind_x"] = kind << 14 | _coordinate(x, template.width)
    rows["y"] = _coordinate(y, template.height)
    rows["angle"] = np.rint(angle / TURN * 256.0).astype(np.int64) % 256
    rows["quality"] = np.rint(np.clip(quality, 0.0, 1.0) * QUALITY_MAX)
    overall = round(float(np.clip(quality, 0.0, 1.0).mean()) * QUALITY_MAX) if len(quality) else 0
    head = VIEW.pack(template.position, number << 4, overall, len(rows))
    return head + rows.tobytes() + EXTENDED_LENGTH.pack(0)


def _coordinate(values: NDArray[np.float64], side: int) -> NDArray[np.uint16]:
    rounded = np.rint(values)
    if ((rounded < 0) | (rounded > side)).any():
        raise TemplateError("a minutia lies outside its image")
    return np.minimum(rounded, side - 1).astype(np.uint16)


def _view_number(templates: Sequence[FingerTemplate], index: int) -> int:
    """7.4.1: views of one finger are numbered from 0; four bits."""
    number = sum(t.position == templates[index].position for t in templates[:index])
    if number > 15:
        raise TemplateError("a minutiae record holds at most 16 views of one finger")
    return number


def _float32(values: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32)
