"""Whether a line brings noise instead of messages: a value that counts, for peers which speak unasked or only when spoken to.

    sound -> noisy   size_min bytes that belong to no message came within WINDOW_S, no message among them
    noisy -> sound   a message came, or no such byte for WINDOW_S

Peers that are polled all the time need none of this: their missing answers tell. `now` is in seconds, monotonic, as in the codecs.
"""

from __future__ import annotations

from collections import deque

# Chosen: beyond a break or what plugging in brings (a few bytes), below a document's zone (some 100), so that even one spoilt
# block shows. Ports slower than 320 baud can't bring so much in the window.
SIZE_MIN = 64
# Chosen: with the time to count up to SIZE_MIN well inside the 5 s in which a lane must be degraded, and longer than the
# pauses of a bad contact, which must not make the state flicker.
WINDOW_S = 2.0


class Noise:
    """Counts the noise of one opening of a port. Holds fewer than size_min entries, however much comes."""

    def __init__(self, size_min: int = SIZE_MIN) -> None:
        self._size_min = size_min
        self._recent: deque[tuple[float, int]] = (
            deque()
        )  # when, how many; each at least one, together fewer than size_min
        self._last = 0.0
        self._noisy = self._told = False

    def skipped(self, count: int, now: float) -> None:
        """count bytes belonged to no message; 0 is harmless."""
        if count <= 0:
            return
        noisy, self._last = self.noisy(now), now
        if noisy:
            return
        while self._recent and self._recent[0][0] <= now - WINDOW_S:
            self._recent.popleft()
        self._recent.append((now, count))
        if sum(size for _, size in self._recent) >= self._size_min:
            self._recent.clear()
            self._noisy = True

    def valid(self) -> None:
        """A message came: whatever lay before it, the line works."""
        self._recent.clear()
        self._noisy = False

    def noisy(self, now: float) -> bool:
        if self._noisy and now - self._last >= WINDOW_S:
            self._noisy = False
        return self._noisy

    def changed(self, now: float) -> bool:
        """True once for each change of `noisy`; a line starts sound."""
        before, self._told = self._told, self.noisy(now)
        return self._told is not before
