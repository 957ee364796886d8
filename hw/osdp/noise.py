"""Whether a line brings so much that is nobody's answer that it cannot be relied on, though answers still get through. Pure."""

from __future__ import annotations

from collections import deque

# Chosen: a flood is a multiple of it at any speed, eight spoilt answers in a second are below it; noticed well within the bar of 5 s.
NOISE_BYTES_MAX, NOISE_WINDOW_S = 512, 2.0
PORTION_S = 0.1  # chosen: what arrives within it is counted together


class Noise:
    """feed with a counter that only grows."""

    def __init__(self) -> None:
        self._count = 0
        self._portions: deque[list[float]] = deque()  # [when it began, bytes]

    def feed(self, count: int, now: float) -> None:
        new, self._count = count - self._count, count
        if not new:
            return
        if self._portions and now - self._portions[-1][0] < PORTION_S:
            self._portions[-1][1] += new
        else:
            self._portions.append([now, new])
        self._forget(now)

    def is_flood(self, now: float) -> bool:
        """More than NOISE_BYTES_MAX in the last NOISE_WINDOW_S."""
        self._forget(now)
        return sum(count for _, count in self._portions) > NOISE_BYTES_MAX

    def _forget(self, now: float) -> None:
        while self._portions and now - self._portions[0][0] > NOISE_WINDOW_S:
            self._portions.popleft()
