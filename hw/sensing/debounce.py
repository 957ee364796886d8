"""One sensor's level: what it counts as while its contact bounces. Pure."""

from __future__ import annotations

ROUNDING_S = 1e-6  # two readings 25 ms apart are 50 ms apart, whatever binary fractions say


class Debounced:
    """A level counts once it was read for rise_s (True) or fall_s (False) without its opposite; 0 counts at once.

    level None: not known yet. since: when the level that counts began, half-way between the reading that first showed it and the one
    before; readings come late by half their distance. edges: changes of a known level.
    """

    def __init__(self, rise_s: float, fall_s: float) -> None:
        self._delay_s = {True: rise_s, False: fall_s}
        self._raw: bool | None = None
        self._raw_since = self._began = 0.0
        self._read_at: float | None = None
        self.level: bool | None = None
        self.since = 0.0
        self.edges = 0

    def feed(self, raw: bool, now: float) -> None:
        if raw is not self._raw:
            self._raw, self._raw_since = raw, now
            self._began = now if self._read_at is None else (self._read_at + now) / 2
        self.handle_timer(now)

    def handle_timer(self, now: float) -> None:
        """For what was read and did not change since."""
        self._read_at = now
        raw = self._raw
        if raw is None or raw is self.level or now - self._raw_since < self._delay_s[raw] - ROUNDING_S:
            return
        self.edges += self.level is not None
        self.level, self.since = raw, self._began

    def next_timer(self) -> float | None:
        raw = self._raw
        return None if raw is None or raw is self.level else self._raw_since + self._delay_s[raw]

    def forget(self) -> None:
        """Not known any more; the edges stay counted."""
        self._raw = self.level = self._read_at = None
