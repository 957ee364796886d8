"""A bounded buffer of received bytes that knows when each one came."""

from __future__ import annotations

from collections import deque


class Arrivals:
    """data: what waits to be understood; take from its front with drop. Times are seconds, monotonic."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._chunks: deque[tuple[int, float]] = (
            deque()
        )  # where each begins, counted from the first byte ever; when it came
        self._dropped = 0

    def add(self, data: bytes, now: float) -> None:
        if data:
            self._chunks.append((self._dropped + len(self.data), now))
            self.data += data

    def drop(self, count: int) -> None:
        """count: at most the size of data."""
        del self.data[:count]
        self._dropped += count
        if not self.data:
            self._chunks.clear()
        while len(self._chunks) > 1 and self._chunks[1][0] <= self._dropped:
            self._chunks.popleft()

    @property
    def first_s(self) -> float:
        """When the first byte of data came. Only while there is any."""
        return self._chunks[0][1]

    @property
    def last_s(self) -> float:
        """When the newest byte came. Only while there is any."""
        return self._chunks[-1][1]
