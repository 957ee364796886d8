"""What gives pictures: a camera, a recording, or something made. One thread owns it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE_MAX = 8192  # pixels; chosen: beyond any camera of a gate
PIXELS_MAX = 16_000_000  # chosen: 48 MB as RGB
FPS_MIN, FPS_MAX = 1, 240  # chosen: slower ones cannot be supervised within 5 s, faster ones are no cameras of gates


class SourceLost(Exception):
    """It went away or cannot be opened. Its words go to logs: neither a picture nor a password is in them."""


class SourceEnded(SourceLost):
    """A recording that is played once is over; it never comes back."""


class Unusable(Exception):
    """This one picture cannot be decoded, or is of a form or size that is not taken. The next one may be good."""


class Source(Protocol):
    """grab and retrieve are apart because taking a picture in costs little, and decoding it much."""

    @property
    def fps(self) -> float | None:
        """Pictures per second it says it gives, None if it tells none that can be true."""

    @property
    def identity(self) -> str:
        """Kind and size, for the operator."""

    def grab(self) -> None:
        """Waits for the next picture; an earlier one that was not retrieved is gone. Raises SourceLost."""

    def retrieve(self) -> NDArray[np.uint8]:
        """The picture grabbed last, (h, w, 3) uint8 RGB, C-contiguous, the caller's own. Raises Unusable, SourceLost."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Time:
    """now: seconds, monotonic. sleep(seconds) returns early when the source shall end."""

    now: Callable[[], float]
    sleep: Callable[[float], object]


Opener = Callable[[Time], Source]  # raises SourceLost


def rgb(picture: NDArray[Any] | None) -> NDArray[np.uint8]:
    """As cameras are to give them, from what OpenCV decoded: grey, BGR or BGRA, uint8. Raises Unusable."""
    if picture is None or picture.dtype != np.uint8 or picture.ndim not in (2, 3) or not picture.size:
        raise Unusable("picture cannot be decoded")
    height, width = picture.shape[:2]
    if not fits(width, height):
        raise Unusable("picture is too large")
    conversion = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}.get(channel_count(picture))
    if conversion is None:
        raise Unusable("picture has neither 1, 3 nor 4 channels")
    return np.ascontiguousarray(cv2.cvtColor(picture, conversion), np.uint8)


def fits(width: float, height: float) -> bool:
    return 0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX and width * height <= PIXELS_MAX


def plausible_fps(fps: float) -> float | None:
    """None for what drivers and containers write when they do not know: 0, NaN, 90,000."""
    return fps if FPS_MIN <= fps <= FPS_MAX else None


def channel_count(picture: NDArray[Any]) -> int:
    return 1 if picture.ndim == 2 else int(picture.shape[2])
