"""Sample photographs as a gate's camera would deliver them."""

from __future__ import annotations

import cv2
import numpy as np

from egate.domain.biometric import Image
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore

VGA = (640, 480)
FULL_HD = (1920, 1080)
WALL = 90  # grey level around the photograph


def frame(store: ModelStore, name: str, size: tuple[int, int] = VGA) -> Image:
    """A photograph as high as the frame, in its middle. size: columns, rows. Raises ModelError if the sample is missing."""
    photograph = decode(store.sample(name).read_bytes())
    width, height = size
    columns = photograph.shape[1] * height // photograph.shape[0]
    pixels = np.full((height, width, 3), WALL, np.uint8)
    left = (width - columns) // 2
    smaller = height < photograph.shape[0]
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    pixels[:, left : left + columns] = cv2.resize(photograph, (columns, height), interpolation=interpolation)
    return pixels
