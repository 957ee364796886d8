"""Contacts as electricians know them: they bounce after each change, and now and then one reading is wrong. Seeded."""

from __future__ import annotations

from random import Random


class Contact:
    """bounce_s: so long after a change a reading is either level, by chance. noise: probability of a wrong reading at any time."""

    def __init__(self, random: Random, bounce_s: float = 0.0, noise: float = 0.0) -> None:
        self._random, self.bounce_s, self.noise = random, bounce_s, noise
        self._level: bool | None = None
        self._changed_at = float("-inf")

    def set(self, level: bool, now: float) -> None:
        if level is not self._level:
            self._changed_at = float("-inf") if self._level is None else now
            self._level = level

    def read(self, now: float) -> bool:
        level = bool(self._level)
        if now - self._changed_at < self.bounce_s:
            return self._random.random() < 0.5
        return not level if self.noise and self._random.random() < self.noise else level
