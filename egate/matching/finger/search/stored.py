"""What the gallery keeps of an impression: 1,861 bytes, from which a FingerTemplate is rebuilt for the 1:1 matcher.

    codes   40 x 4 x uint64  1280   of the best minutiae by quality
    place   96 x 2 x uint16   384   x, y in quarter pixels
    angle   96 x uint8         96   in 256ths of a turn, as in ISO/IEC 19794-2
    kind    96 x uint8         96   quality in 127ths, times two, plus one for a ridge ending
    count   uint8               1   minutiae kept
    size    2 x uint16          4   width, height in pixels

Owner and finger position stand beside it in the gallery.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from egate.errors import TemplateError
from egate.matching.finger.format.grid import MARGIN
from egate.matching.finger.search import kernels

CODED_MAX = 40  # minutiae that stage 1 sees; the corpus has 31 on average, and each costs 32 bytes and the scan 1/40 of its time
KEPT_MAX = 96  # minutiae for the 1:1 matcher; the richest of 400 corpus images has 85
MINUTIAE_MIN = 3  # fewer cannot be aligned: enrolled, such an impression would never be found
SIDE_MAX = 0xFFFF
GRADES = 127.0


def _cells() -> NDArray[np.float64]:
    """(52, 2) centres of a code's cells."""
    step = 2.0 * kernels.RADIUS_PX / kernels.CELLS_ACROSS
    line = (np.arange(kernels.CELLS_ACROSS) - (kernels.CELLS_ACROSS - 1) / 2) * step
    x, y = np.meshgrid(line, line)
    inside = x**2 + y**2 <= kernels.RADIUS_PX**2
    return np.ascontiguousarray(np.stack([x[inside], y[inside]], axis=1))


CELLS = _cells()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Stored:
    """Arrays of m impressions, rows as the module's docstring says; C-contiguous, or of one impression without the leading axis."""

    codes: NDArray[np.uint64]
    place: NDArray[np.uint16]
    angle: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    count: NDArray[np.uint8]
    size: NDArray[np.uint16]

    def __repr__(self) -> str:
        return f"Stored(impressions={self.count.size}, redacted)"

    def columns(self) -> tuple[NDArray[np.generic], ...]:
        return self.codes, self.place, self.angle, self.kind, self.count, self.size

    def rows(self, rows: slice | NDArray[np.intp]) -> Stored:
        """Those impressions; views for a slice, copies for indices."""
        return Stored(*(column[rows] for column in self.columns()))  # type: ignore[arg-type]

    @property
    def impression_bytes(self) -> int:
        return sum(column.nbytes for column in self.columns()) // max(self.count.size, 1)


def allocate(count: int) -> Stored:
    """Room for so many impressions; the system gives memory when a row is first written."""
    return Stored(
        np.zeros((count, CODED_MAX, kernels.LAYERS), np.uint64),
        np.zeros((count, KEPT_MAX, 2), np.uint16),
        np.zeros((count, KEPT_MAX), np.uint8),
        np.zeros((count, KEPT_MAX), np.uint8),
        np.zeros(count, np.uint8),
        np.zeros((count, 2), np.uint16),
    )


def write(stored: Stored, row: int, template: FingerTemplate) -> None:
    """Puts the template's KEPT_MAX best minutiae into a row that is still zero.

    Raises TemplateError with code FINGER_TEMPLATE_VALUES if a value is not finite or a position no image has, FINGER_TEMPLATE_SMALL
    if fewer than MINUTIAE_MIN minutiae are in it; then the row is untouched.
    """
    x, y, angle, quality = (
        np.asarray(column, np.float64)[:KEPT_MAX]
        for column in (template.x, template.y, template.angle, template.quality)
    )
    n = len(x)
    if n < MINUTIAE_MIN:
        raise TemplateError(
            f"a template with fewer than {MINUTIAE_MIN} minutiae is never found", code="FINGER_TEMPLATE_SMALL"
        )
    # Extractors find minutiae in the margin they put around an image; beyond it a template contradicts itself.
    x, y = (np.where(column < -MARGIN, np.nan, np.maximum(column, 0.0)) for column in (x, y))
    place = np.stack([x, y], axis=1) / kernels.QUARTER_PX
    sound = np.isfinite(angle).all() and np.isfinite(quality).all() and bool(((place >= 0) & (place <= 0xFFFF)).all())
    if not (sound and 0 <= template.width <= SIDE_MAX and 0 <= template.height <= SIDE_MAX):
        raise TemplateError("a minutia is not finite or outside any image", code="FINGER_TEMPLATE_VALUES")
    stored.place[row, :n] = np.rint(place)
    stored.angle[row, :n] = octets(angle)
    stored.kind[row, :n] = np.rint(GRADES * np.clip(quality, 0.0, 1.0)) * 2 + np.asarray(template.ending[:n], np.bool_)
    stored.size[row] = template.width, template.height
    stored.codes[row, : min(n, CODED_MAX)] = codes(x, y, angle)
    stored.count[row] = n


def read(stored: Stored, row: int, position: int = 0) -> FingerTemplate:
    """The template of a row: positions to 1/8 px, angles to 0.7 degrees, qualities to 0.004."""
    n = int(stored.count[row])
    place = stored.place[row, :n].astype(np.float32) * np.float32(kernels.QUARTER_PX)
    width, height = (int(side) for side in stored.size[row])
    return FingerTemplate(
        x=np.ascontiguousarray(place[:, 0]),
        y=np.ascontiguousarray(place[:, 1]),
        angle=stored.angle[row, :n].astype(np.float32) * np.float32(kernels.TURN / 256.0),
        ending=(stored.kind[row, :n] & 1).astype(np.bool_),
        quality=(stored.kind[row, :n] >> 1).astype(np.float32) / np.float32(GRADES),
        width=width,
        height=height,
        position=position,
    )


def codes(x: NDArray[np.float64], y: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.uint64]:
    """(min(n, CODED_MAX), LAYERS) of the first minutiae; all n are neighbours. y down, as in templates."""
    upright = kernels.neighbourhood_codes(
        np.ascontiguousarray(x), -np.ascontiguousarray(y), np.ascontiguousarray(angle), CELLS
    )
    return upright[:CODED_MAX]


def octets(angle: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Angles in 256ths of a turn."""
    return (np.rint(angle * (256.0 / kernels.TURN)).astype(np.int64) % 256).astype(np.uint8)
