"""The four features of NFIQ 2 that come from minutiae. Its own are FingerJetFX's; ours are whoever's the template holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Image
from egate.matching.finger.quality.block_kernels import BLOCK, certainties

COUNT_SIDE_PX = 200  # of the square about the minutiae's centre
DARKER = (0.0, 0.5)  # standard deviations that a minutia's surroundings are darker than the image
CERTAIN = 80  # percent

I8 = NDArray[np.int64]


def minutiae_features(image: Image, x: I8, y: I8, mean: float, deviation: float) -> NDArray[np.float64]:
    """(4,) minutiae near their centre, minutiae, share in surroundings somewhat darker than the image, share of certain orientation.

    image: (h, w), sides >= BLOCK. x, y: (n,) pixels inside it. mean, deviation: of the image. Shares are -1 without minutiae.
    """
    if not len(x):
        return np.array([0.0, 0.0, -1.0, -1.0])
    near = (np.abs(x - x.sum() // len(x)) <= COUNT_SIDE_PX // 2) & (np.abs(y - y.sum() // len(y)) <= COUNT_SIDE_PX // 2)
    darker = (mean - _surrounding_means(image, x, y)) / deviation
    left, top = (np.clip(at - BLOCK // 2, 0, side - BLOCK) for at, side in ((x, image.shape[1]), (y, image.shape[0])))
    certain = np.floor(100.0 * certainties(image, left, top) + 0.5) > CERTAIN
    return np.array([near.sum(), len(x), ((darker > DARKER[0]) & (darker <= DARKER[1])).mean(), certain.mean()])


def _surrounding_means(image: Image, x: I8, y: I8) -> NDArray[np.float64]:
    """(n,) mean grey of 32 x 32 pixels about each minutia; at the right and lower edge of what of them is inside."""
    sums = np.zeros((image.shape[0] + 1, image.shape[1] + 1), np.int64)
    sums[1:, 1:] = image.cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
    left, top = np.maximum(x - BLOCK // 2, 0), np.maximum(y - BLOCK // 2, 0)
    right, bottom = np.minimum(left + BLOCK, image.shape[1]), np.minimum(top + BLOCK, image.shape[0])
    total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(total / ((right - left) * (bottom - top)), np.float64)
