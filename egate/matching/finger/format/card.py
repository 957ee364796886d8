"""Finger minutiae on a card, ISO/IEC 19794-2:2005, clause 8. One finger, no header: what it means, the card's BIT says.

    normal size    type<<14|x(2) y(2) angle(1)       5 bytes; 0.01 mm, 360/256 degrees
    compact size   x(1) y(1) type<<6|angle(1)        3 bytes; 0.1 mm, 360/64 degrees

Coordinates run from the image's top left, angles counter-clockwise from east; neither carries quality. A card that compares also wants
few minutiae, in an order of its own: `CardSettings`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from egate.errors import TemplateError
from egate.matching.finger.format.card_order import MinutiaOrder, arrange, root_distance
from egate.matching.finger.format.grid import (
    BIFURCATION,
    PIXELS_PER_CM,
    POSITION_MAX,
    Grid,
    Rows,
    malformed,
    to_rows,
    to_template,
    unwritable,
)

# 8.3.3 recommends no more than 60 for enrolment and verification alike: 300 bytes in normal size, 180 in compact size.
COUNT_DEFAULT = 60
COUNT_MAX = 255  # one byte of the BIT
SIDE_MAX = 4096  # chosen, pixels: more than 14 bits of 0.01 mm (163.83 mm, 3,225 px)

_NORMAL = np.dtype([("kind_x", ">u2"), ("y", ">u2"), ("angle", "u1")])
_COMPACT = np.dtype([("x", "u1"), ("y", "u1"), ("kind_angle", "u1")])


class CardSize(Enum):
    """value: the layout of one minutia, pixels at 500 dpi between two coordinates, steps of a turn, the largest coordinate."""

    NORMAL = (_NORMAL, PIXELS_PER_CM / 1000.0, 256, 0x3FFF)
    COMPACT = (_COMPACT, PIXELS_PER_CM / 100.0, 64, 0xFF)

    @property
    def layout(self) -> np.dtype[np.void]:
        return self.value[0]

    @property
    def grid(self) -> Grid:
        _, step, angles, _ = self.value
        return Grid(step, step, angles)

    @property
    def coordinate_max(self) -> int:
        return self.value[3]


@dataclass(frozen=True, slots=True)
class CardSettings:
    """What the data themselves do not say.

    count_min, count_max: minutiae the card takes. order: in which it wants them. position: ISO finger position code 0-10.
    size: width and height of the sensor in pixels at 500 dpi; None: as far as the minutiae reach.
    """

    count_min: int = 0
    count_max: int = COUNT_DEFAULT
    order: MinutiaOrder = MinutiaOrder.NONE
    position: int = 0
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.count_min <= self.count_max <= COUNT_MAX or not 0 <= self.position <= POSITION_MAX:
            raise ValueError("a card takes 0 to 255 minutiae of a finger with position 0 to 10")
        if self.size is not None and not all(0 < side <= SIDE_MAX for side in self.size):
            raise ValueError(f"a sensor has sides of 1 to {SIDE_MAX} pixels")


def read_card(data: bytes, form: CardSize, settings: CardSettings = CardSettings()) -> FingerTemplate:
    """The template whose minutiae these are, at 500 dpi; all of quality 0: not reported.

    A minutia less than a step outside the stated sensor is moved to its border. Order and counts of the settings are not demanded.
    Raises TemplateError: TEMPLATE_SIZE if that is no whole number of minutiae or more than 255, TEMPLATE_MALFORMED if one has the
    reserved type or lies outside the sensor.
    """
    count, rest = divmod(len(data), form.layout.itemsize)
    if rest or count > COUNT_MAX:
        raise TemplateError("card minutiae: not a whole number of them, or too many", code="TEMPLATE_SIZE")
    rows = _unpack(np.frombuffer(data, form.layout), form)
    if (rows.kind > BIFURCATION).any():
        raise malformed("card minutiae: one has the reserved type")
    step = form.grid.step_x
    reach = _reach(rows.x, step), _reach(rows.y, step)
    size = reach if settings.size is None else settings.size
    if any(far > side + math.ceil(step) for far, side in zip(reach, size, strict=True)):
        raise malformed("card minutiae: one lies outside the sensor")
    return to_template(rows, form.grid, size, settings.position)


def write_card(template: FingerTemplate, form: CardSize, settings: CardSettings = CardSettings()) -> bytes:
    """The template's best minutiae in the card's order.

    Left out are the worst by quality beyond count_max, among equals those furthest from the centre, and any further than 25.5 mm
    (compact) or 163.83 mm (normal size) from the top left. Precision lost: half a step of each, and the quality. Raises TemplateError
    with code TEMPLATE_NOT_WRITABLE if fewer than count_min are left or the template holds what no format can.
    """
    rows = to_rows(template, form.grid)
    rows = rows.at(np.nonzero((rows.x <= form.coordinate_max) & (rows.y <= form.coordinate_max))[0])
    best = np.lexsort((root_distance(rows), -rows.quality))[: settings.count_max]
    if len(best) < settings.count_min:
        raise unwritable("fewer minutiae than the card demands")
    return _pack(arrange(rows.at(np.sort(best)), settings.order), form)


def _reach(steps: NDArray[np.int64], step: float) -> int:
    return math.floor(float(steps.max(initial=0)) * step) + 1


def _unpack(found: NDArray[np.void], form: CardSize) -> Rows:
    columns = {name: found[name].astype(np.int64) for name in form.layout.names or ()}
    unrated = np.zeros(len(found), np.int64)
    if form is CardSize.COMPACT:
        kind, angle = columns["kind_angle"] >> 6, columns["kind_angle"] & 0x3F
        return Rows(kind, columns["x"], columns["y"], angle, unrated)
    kind, x = columns["kind_x"] >> 14, columns["kind_x"] & form.coordinate_max
    # the two high bits of y are reserved
    return Rows(kind, x, columns["y"] & form.coordinate_max, columns["angle"], unrated)


def _pack(rows: Rows, form: CardSize) -> bytes:
    packed = np.zeros(len(rows.x), form.layout)
    if form is CardSize.COMPACT:
        packed["x"], packed["y"], packed["kind_angle"] = rows.x, rows.y, rows.kind << 6 | rows.angle
    else:
        packed["kind_x"], packed["y"], packed["angle"] = rows.kind << 14 | rows.x, rows.y, rows.angle
    return packed.tobytes()
