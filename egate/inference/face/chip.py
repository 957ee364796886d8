"""Cuts an upright, aligned piece out of an image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Image

SHRINK_AT = 0.5  # linear interpolation looks at 2x2 pixels: below this scale it skips some, and edges alias
MARGIN_PX = 4  # around what the chip shows, for the interpolation at its edges


def cut(image: Image, matrix: NDArray[np.float64], width: int, height: int) -> Image:
    """(height, width, 3) pixels of image under the similarity transform matrix (2, 3), black outside the image."""
    if np.hypot(matrix[0, 0], matrix[1, 0]) < SHRINK_AT:
        image, matrix = _shrunk(image, matrix, (width, height))
    chip = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return np.ascontiguousarray(chip, np.uint8)


def _shrunk(image: Image, matrix: NDArray[np.float64], size: tuple[int, int]) -> tuple[Image, NDArray[np.float64]]:
    """The part of the image that the chip shows, reduced by area averaging to its scale, and the transform that fits it."""
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    corners = np.array([(0, 0), (size[0], 0), (0, size[1]), size], np.float64)
    seen = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    limit = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(seen.min(axis=0)) - MARGIN_PX, 0, limit - 1).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0)) + MARGIN_PX, low + 1, limit).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    columns, rows = (max(1, round(int(length) * scale)) for length in high - low)
    small = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    ratio = np.array([columns, rows]) / (high - low)
    # cv2.resize aligns pixel edges, warpAffine pixel centres: source = (small + 1/2) / ratio - 1/2 + low
    shift = matrix[:, 2] + matrix[:, :2] @ (0.5 / ratio - 0.5 + low)
    return np.asarray(small, np.uint8), np.column_stack([matrix[:, :2] / ratio, shift])
