"""The resolution of a finger image: who says it, and bringing it to 500 dpi.

Who counts, in this order:
1. the request: the caller or its sensor knows; what the file states is not looked at
2. the file (pHYs, JFIF, resc, PPI, ...), unless it states 72 or 96: editors write these for screens, no sensor of prints has them
3. what the caller holds for images that state none (the lab's sets: 500)
4. nobody: FINGER_RESOLUTION. A print taken for 500 dpi that has 1000 matches nobody, and nobody would know why.
Refused by the same code, whoever says it: what is no number, not from DPI_MIN to DPI_MAX, or differs by more than 1 % across and down.
Pixels that are no squares are not stretched: no sensor of prints has them, so one of the two numbers is wrong, and nobody knows which.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Image
from egate.errors import ImageError

DPI = 500.0  # of the network and of every template
DPI_MIN, DPI_MAX = 250.0, 2000.0  # chosen: below, ridges are lost; above, no sensor is
SQUARE_TOLERANCE = 0.01  # ISO/IEC 19794-4, table 1: what a resolution may be off
SCREEN_DPI = (72.0, 96.0)
SCREEN_TOLERANCE = 0.5  # PNG and BMP count pixels a metre: 2834 and 3779 are 71.98 and 95.99 dpi
# Within 0.5 % an image is one of 500 dpi: 2 px over 400, less than skin moves; 19685 pixels a metre are 499.999 dpi.
SAME_TOLERANCE = 2.5
SIDE_PX_MIN = 64  # at 500 dpi, 3 mm: less skin than any sensor captures
PIXELS_MAX = 640 * 640  # at 500 dpi: 33 x 33 mm, more than any single-finger sensor; bounds the network at 0.25 GB
KEYS_A = -0.5  # Keys 1981: of the cubic kernels the one that is exact to the third order


def choose_dpi(
    stated: float | None, asked: float | None = None, *, stated_y: float | None = None, otherwise: float | None = None
) -> float:
    """Resolution of an image in dpi, by the rules above. stated, stated_y: across and down, as the file says; stated_y None: as stated.

    Raises ImageError with code FINGER_RESOLUTION.
    """
    if asked is not None:
        return _checked(asked)
    if stated is None or _of_screen(stated):
        if otherwise is None:
            raise ImageError("the image states no resolution and the request none", code="FINGER_RESOLUTION")
        return _checked(otherwise)
    x, y = _checked(stated), _checked(stated if stated_y is None else stated_y)
    if not abs(x - y) <= SQUARE_TOLERANCE * min(x, y):
        raise ImageError(
            "the image states another resolution across than down: its pixels are no squares", code="FINGER_RESOLUTION"
        )
    return x


def check_size(width: int, height: int, dpi: float) -> None:
    """Refuses what is too small or large for a finger before it costs anything. width, height: pixels at dpi.

    Raises ImageError with code FINGER_IMAGE_SIZE or FINGER_RESOLUTION.
    """
    width, height = resampled_size(width, height, dpi)
    if not (min(width, height) >= SIDE_PX_MIN and width * height <= PIXELS_MAX):
        raise ImageError(
            f"a finger image at 500 dpi has sides >= {SIDE_PX_MIN} and at most {PIXELS_MAX} pixels",
            code="FINGER_IMAGE_SIZE",
        )


def resampled_size(width: int, height: int, dpi: float) -> tuple[int, int]:
    """Of the image at 500 dpi. Raises ImageError with code FINGER_RESOLUTION."""
    if abs(_checked(dpi) - DPI) <= SAME_TOLERANCE:
        return width, height
    return round(width * DPI / dpi), round(height * DPI / dpi)


def resample(image: Image, dpi: float) -> Image:
    """The grey image (h, w) uint8 at 500 dpi, by a cubic filter: as it is within half a per cent of 500.

    From more than 500 dpi, what 500 cannot show is taken out first, by the same kernel as wide as the step: ridges of a 1000 dpi sensor
    have pores and edges that would come back as false detail. Measured: bench/finger/bench_resolution.py.
    Raises ImageError with code FINGER_RESOLUTION or FINGER_IMAGE_SIZE.
    """
    height, width = image.shape
    check_size(width, height, dpi)
    size = resampled_size(width, height, dpi)
    if size == (width, height):
        return image
    if dpi > DPI:
        taps = cubic_taps(dpi / DPI)
        image = np.asarray(cv2.sepFilter2D(image, -1, taps, taps, borderType=cv2.BORDER_REPLICATE), np.uint8)
    # By the factor, not the sizes: a rounded size would stretch the print by up to half a pixel.
    resized = cv2.resize(image, None, fx=DPI / dpi, fy=DPI / dpi, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(resized, np.uint8)


def cubic_taps(step: float) -> NDArray[np.float32]:
    """(2k + 1,) Keys' cubic kernel stretched by step >= 1, summing to one: a low pass at half the new sampling rate."""
    reach = int(np.ceil(2.0 * step)) - 1
    t = np.abs(np.arange(-reach, reach + 1)) / step
    near = (KEYS_A + 2.0) * t**3 - (KEYS_A + 3.0) * t**2 + 1.0
    far = KEYS_A * (t**3 - 5.0 * t**2 + 8.0 * t - 4.0)
    taps = np.where(t < 1.0, near, np.where(t < 2.0, far, 0.0))
    return np.asarray(taps / taps.sum(), np.float32)


def _of_screen(dpi: float) -> bool:
    return any(abs(dpi - screen) <= SCREEN_TOLERANCE for screen in SCREEN_DPI)


def _checked(dpi: float) -> float:
    if not DPI_MIN <= dpi <= DPI_MAX:
        raise ImageError(f"a finger image has {DPI_MIN:g} to {DPI_MAX:g} dpi", code="FINGER_RESOLUTION")
    return float(dpi)
