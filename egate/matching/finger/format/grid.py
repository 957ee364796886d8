"""Between templates and the whole numbers a format stores: positions on a grid of its own, angles in steps of a turn.

Both ways round to the nearest step, so a value read back is off by half a step at most. A template read has its minutiae sorted by
falling quality, like every other one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from egate.errors import TemplateError

PIXELS_PER_CM = 500.0 / 2.54  # of a template: 500 dpi
TURN = 2.0 * math.pi
OTHER, ENDING, BIFURCATION = 0, 1, 2  # ISO/IEC 19794-2:2005, 7.4.2; 3 is reserved
QUALITY_MAX = 100
POSITION_MAX = 10  # table 2
# Extractors find false minutiae in the margin they put around an image (10 of 400 corpus images, at most 3 px outside); they are left
# out. Chosen: half of what LEADER's images are padded by at most. Further outside is a template that contradicts itself.
MARGIN = 16.0

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Grid:
    """How fine a format is. step_x, step_y: pixels at 500 dpi between two coordinates. angles: steps in a full turn."""

    step_x: float
    step_y: float
    angles: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rows:
    """Minutiae as a format stores them: (n,) int64 each. kind: OTHER, ENDING or BIFURCATION. quality: 0-100, 0 not reported."""

    kind: Integers
    x: Integers
    y: Integers
    angle: Integers
    quality: Integers

    def at(self, index: NDArray[np.intp] | slice) -> Rows:
        return Rows(self.kind[index], self.x[index], self.y[index], self.angle[index], self.quality[index])


def to_template(rows: Rows, grid: Grid, size: tuple[int, int], position: int) -> FingerTemplate:
    """A template at 500 dpi. size: width and height in its pixels; whoever calls has seen that the rows lie within.

    A minutia of type "other" becomes an ending: a matcher that has two types finds it among the more frequent one.
    """
    best = rows.at(np.argsort(-rows.quality, kind="stable"))
    width, height = size
    return FingerTemplate(
        x=_within(best.x * grid.step_x, width),
        y=_within(best.y * grid.step_y, height),
        angle=np.ascontiguousarray(best.angle * (TURN / grid.angles), np.float32),
        ending=np.ascontiguousarray(best.kind != BIFURCATION),
        quality=np.ascontiguousarray(best.quality / QUALITY_MAX, np.float32),
        width=width,
        height=height,
        position=position,
    )


def to_rows(template: FingerTemplate, grid: Grid) -> Rows:
    """The minutiae that lie in the image, in the template's order.

    Raises TemplateError with code TEMPLATE_NOT_WRITABLE if one is not finite or further outside than a margin's width.
    """
    columns = np.stack([template.x, template.y, template.angle, template.quality]).astype(np.float64)
    if not np.isfinite(columns).all() or not 0 <= template.position <= POSITION_MAX:
        raise unwritable("template holds a number or finger position that no format has")
    inside = _inside(columns[0], template.width) & _inside(columns[1], template.height)
    x, y, angle, quality = columns[:, inside]
    return Rows(
        kind=np.where(template.ending[inside], ENDING, BIFURCATION).astype(np.int64),
        x=np.rint(np.clip(x, 0.0, template.width) / grid.step_x).astype(np.int64),
        y=np.rint(np.clip(y, 0.0, template.height) / grid.step_y).astype(np.int64),
        angle=np.rint(angle / TURN * grid.angles).astype(np.int64) % grid.angles,
        quality=np.rint(np.clip(quality, 0.0, 1.0) * QUALITY_MAX).astype(np.int64),
    )


def scaled_side(side: int, step: float) -> int:
    """A side of `side` grid steps in pixels: at least the pixel of its last step."""
    return max(round(side * step), math.floor((side - 1) * step) + 1)


def malformed(what: str) -> TemplateError:
    return TemplateError(what, code="TEMPLATE_MALFORMED")


def unwritable(what: str) -> TemplateError:
    return TemplateError(what, code="TEMPLATE_NOT_WRITABLE")


def _within(values: NDArray[np.floating], side: int) -> NDArray[np.float32]:
    """float32 below side: the border's last step may round to the side itself."""
    return np.minimum(values.astype(np.float32), np.nextafter(np.float32(side), np.float32(0)))


def _inside(values: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Rounding may put a minutia half a pixel outside; it then belongs to the border."""
    if ((values < -MARGIN) | (values > side + MARGIN)).any():
        raise unwritable("a minutia lies outside its image")
    return (values >= -0.5) & (values <= side + 0.5)
