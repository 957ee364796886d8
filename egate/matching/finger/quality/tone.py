"""How light and dark a print is against itself: what tells dry from wet skin on any sensor."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from egate.domain.biometric import Image
from egate.matching.finger.quality.region import Mask

SURROUNDINGS_PX = 17  # chosen: two ridges at 500 dpi (9 px each), so that each holds ridge and valley
SMOOTH_PX = 5  # a pixel of noise is neither ridge nor valley


@dataclass(frozen=True, slots=True)
class Tone:
    """contrast: grey levels between the 5th and the 95th percentile of the print.

    lightness: mean of (grey - darkest) / (lightest - darkest) of each pixel's surroundings, in [0, 1]: high where ridges are thin or
    broken, low where valleys are filled. NaN, both, where there is no print.
    """

    contrast: float
    lightness: float


def measure_tone(image: Image, region: Mask) -> Tone:
    """image: (h, w) grey. region: (h, w) True where the print is."""
    if not region.any():
        return Tone(float("nan"), float("nan"))
    window = np.ones((SURROUNDINGS_PX, SURROUNDINGS_PX), np.uint8)
    smooth = cv2.GaussianBlur(image, (SMOOTH_PX, SMOOTH_PX), 0.0)
    darkest = cv2.erode(smooth, window)[region].astype(np.float32)
    lightest = cv2.dilate(smooth, window)[region].astype(np.float32)
    mean = cv2.blur(image, (SURROUNDINGS_PX, SURROUNDINGS_PX))[region].astype(np.float32)
    lightness = (mean - darkest) / np.maximum(lightest - darkest, np.float32(1.0))
    low, high = np.percentile(image[region], (5, 95))
    return Tone(float(high - low), float(lightness.mean(dtype=np.float64)))
