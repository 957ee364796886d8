"""A made picture: a gradient with a square that moves and noise that never repeats, from a seed.

Modes: moving; frozen (each picture is the first one), dark, bright: what supervision must notice. It models neither a lens, nor motion
blur, nor automatic exposure, and shows nobody.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hw.camera.pace import Pace
from hw.camera.source import Time

LEVELS = {"dark": (0, 6), "bright": (250, 6)}  # offset, span of the grey levels
NOISE = 4  # grey levels; chosen: about a camera's own
SQUARE = 8  # its side is this part of the picture's
STEP = 7  # pixels it moves per picture


class Mode(StrEnum):
    MOVING = "moving"
    FROZEN = "frozen"
    DARK = "dark"
    BRIGHT = "bright"


def picture(mode: Mode, seed: int, number: int, width: int, height: int) -> NDArray[np.uint8]:
    """(height, width, 3) uint8. The same for the same arguments."""
    if mode is Mode.FROZEN:
        number = 0
    offset, span = LEVELS.get(mode, (20, 200))
    across = np.linspace(0, span - NOISE, width, dtype=np.float32)
    grey = np.broadcast_to(across, (height, width)).astype(np.uint8)
    noise = np.random.default_rng((seed, number)).integers(0, NOISE, (height, width), np.uint8)
    side = max(1, min(width, height) // SQUARE)
    left, top = (seed + number * STEP) % max(1, width - side), (height - side) // 2
    grey[top : top + side, left : left + side] = (span - NOISE) // 2
    made: NDArray[np.uint8] = np.repeat((grey + noise + np.uint8(offset))[:, :, None], 3, axis=2)
    return made


class SyntheticSource:
    """A source of such pictures, `fps` in a second."""

    def __init__(self, mode: Mode, seed: int, width: int, height: int, fps: int, time: Time) -> None:
        self.fps: float | None = fps
        self.identity = f"synthetic {mode}, {width}x{height}"
        self._of = mode, seed, width, height
        self._pace = Pace(fps, time)
        self._number = -1

    def grab(self) -> None:
        self._pace.wait()
        self._number += 1

    def retrieve(self) -> NDArray[np.uint8]:
        mode, seed, width, height = self._of
        return picture(mode, seed, self._number, width, height)

    def close(self) -> None:
        pass
