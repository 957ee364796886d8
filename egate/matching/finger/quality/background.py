"""What lies on the sensor beside the finger: ridges of an earlier one, or dirt that looks like ridges."""

from __future__ import annotations

import cv2
import numpy as np

from egate.matching.finger.quality.block_kernels import BLOCK, BORDER
from egate.matching.finger.quality.features import PrintFeatures

BESIDE_PX = 8  # from the print: its own edge is no residue
CLARITY_MIN = 0.7  # local clarity of a block of ridges; noise and edges have none
MM_PER_PX = 25.4 / 500.0


def residue_mm2(features: PrintFeatures) -> float:
    """Area beside the print that has clear ridges, in mm²; 0 if the print fills the image."""
    side = 2 * BESIDE_PX + 1
    near = cv2.dilate(features.region.astype(np.uint8), np.ones((side, side), np.uint8))
    sums = cv2.integral(near)
    top, left = (BORDER + BLOCK * np.arange(count) for count in features.clarity.shape)
    bottom, right = top + BLOCK, left + BLOCK
    touching = (
        sums[np.ix_(bottom, right)] - sums[np.ix_(top, right)] - sums[np.ix_(bottom, left)] + sums[np.ix_(top, left)]
    )
    # One strong lowest frequency is a slope of grey, not ridges: frequency domain analysis gives it 1.
    ridges = (features.clarity > CLARITY_MIN) & (features.frequency < 1.0) & (touching == 0)
    return float(np.count_nonzero(ridges)) * (BLOCK * MM_PER_PX) ** 2
