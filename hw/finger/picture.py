"""The image buffer: 4 bits a pixel, two pixels a byte, the left one in the high half, rows from the top.

Sources: manuals of R307 and ZFM-20 (256 x 288, 36,864 bytes, about 500 dpi); R503's data sheet (192 x 192, 508 dpi), its 18,432 bytes
by pull request 117 of pyfingerprint, tested on the device. Ridges are dark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 17  # 0-15 to 0-255, both ends reached
WHITE = 255


@dataclass(frozen=True, slots=True)
class Model:
    """What differs between the sensors of the family. width, height: pixels. dpi: pixels per inch. aura: its light is a ring (R503)."""

    name: str
    width: int
    height: int
    dpi: float
    aura: bool = False

    @property
    def image_size(self) -> int:
        """Bytes."""
        return self.width * self.height // 2


R30X = Model("r30x", 256, 288, 500.0)
R503 = Model("r503", 192, 192, 508.0, aura=True)
MODELS = {model.name: model for model in (R30X, R503)}


def unpack(content: bytes, model: Model) -> NDArray[np.uint8]:
    """(height, width) uint8, 0-255, of model.image_size bytes. Raises ValueError for any other size."""
    packed = np.frombuffer(content, np.uint8)
    if packed.size != model.image_size:
        raise ValueError(f"an image of a {model.name} has {model.image_size} bytes, not {packed.size}")
    pixels = np.empty((packed.size, 2), np.uint8)
    pixels[:, 0], pixels[:, 1] = packed >> 4, packed & 0x0F
    return (pixels * LEVEL).astype(np.uint8).reshape(model.height, model.width)


def pack(picture: NDArray[np.uint8], model: Model) -> bytes:
    """The buffer's content after picture, (h, w) uint8 of any size, was laid on the middle of the sensor; white around it."""
    height, width = model.height, model.width
    top, left = max(0, (picture.shape[0] - height) // 2), max(0, (picture.shape[1] - width) // 2)
    seen = picture[top : top + height, left : left + width]
    canvas = np.full((height, width), WHITE, np.uint8)
    down, across = (height - seen.shape[0]) // 2, (width - seen.shape[1]) // 2
    canvas[down : down + seen.shape[0], across : across + seen.shape[1]] = seen
    levels = (canvas >> 4).reshape(-1, 2)
    return bytes((levels[:, 0] << 4) | levels[:, 1])
