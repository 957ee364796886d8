"""What supervision sees of one picture: how light it is, and whether it is the same as another. Nothing of what it shows is kept."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from math import isqrt

import cv2
import numpy as np
from numpy.typing import NDArray

SAMPLES = 40_000  # pixels looked at; chosen: a share of 1 % is exact to 0.1 % then
DARK_MAX = 25  # luminance counted as underexposed; OFIQ, measure UnderExposurePrevention: 0 to 25
CLIPPED_MIN = 247  # luminance counted as overexposed; OFIQ, measure OverExposurePrevention: 247 to 255
MEAN_MIN, MEAN_MAX = 30.0, 225.0  # chosen: a face is not told from its surroundings beyond
DARK_SHARE_MAX = 0.90  # chosen: a lit face fills more than a tenth
CLIPPED_SHARE_MAX = 0.50  # chosen: sun or a lamp in half of the picture

TOO_DARK, TOO_BRIGHT = "too dark", "too bright"


@dataclass(frozen=True, slots=True)
class Look:
    """mean: luminance, 0 to 255. dark_share, clipped_share: of the pixels. digest: equal for equal pictures."""

    mean: float
    dark_share: float
    clipped_share: float
    digest: int

    @property
    def exposure(self) -> str:
        """What is wrong with it, "" if nothing. Whatever is not certainly fine is wrong."""
        if not (self.mean >= MEAN_MIN and self.dark_share <= DARK_SHARE_MAX):
            return TOO_DARK
        if not (self.mean <= MEAN_MAX and self.clipped_share <= CLIPPED_SHARE_MAX):
            return TOO_BRIGHT
        return ""


def look(image: NDArray[np.uint8]) -> Look:
    """image: (h, w, 3) uint8 RGB, C-contiguous, not empty."""
    step = max(1, isqrt(image.shape[0] * image.shape[1] // SAMPLES))
    luminance = cv2.cvtColor(np.ascontiguousarray(image[::step, ::step]), cv2.COLOR_RGB2GRAY)
    return Look(
        float(luminance.mean()),
        float((luminance <= DARK_MAX).mean()),
        float((luminance >= CLIPPED_MIN).mean()),
        zlib.crc32(image.data),
    )
