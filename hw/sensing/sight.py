"""What the presence sensor's level says about the count, which it may start anew. Pure.

It is slow, or blind, or dead: that it sees nobody means nobody only if it has had the time to see whoever came last.
"""

from __future__ import annotations

from hw.sensing.debounce import ROUNDING_S
from hw.sensing.layout import Layout

NEVER = float("-inf")


class Sight:
    """Tell it when somebody may have gone in or out (`moved`), and every level (`feed`)."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._moved_at = NEVER
        self._passed = False  # what moved last is known to have moved
        self._noticed = False  # seen somebody since
        self._proven = False  # has ever seen somebody, and nobody was there since whom it did not see
        self._blind = False  # did not see somebody who was there, and nobody since
        self._unseen_since: float | None = None

    def moved(self, now: float, *, passed: bool) -> None:
        """passed: barriers were interrupted; otherwise nothing was read for a while."""
        self._moved_at, self._passed, self._noticed = now, passed, False

    def feed(self, level: bool | None, since: float, clear: bool) -> None:
        """The debounced level, whether all barriers are clear, and since when both are as they are."""
        self._unseen_since = max(since, self._moved_at) if level is False and clear else None
        if level:
            self._noticed = self._proven = True
            self._blind = False

    def shows_empty(self, persons: int | None, now: float) -> bool:
        """persons: by the barriers, None in doubt. Against them it needs longer, and must have seen those that it sees no more."""
        if persons:
            return self._noticed and self._unseen_for(self._layout.vacant_s, now)
        if persons == 0:
            return self._unseen_for(self._layout.empty_s, now)
        if self._passed:
            # What it shows until then may be of those before.
            in_time = now - self._moved_at >= self._layout.presence_late_s
            return in_time and (self._noticed or self._proven) and self._unseen_for(self._layout.empty_s, now)
        return not self._blind and self._unseen_for(self._layout.empty_s, now)

    def contradicts(self, persons: int | None, now: float) -> bool:
        """Whether it does not see whom the barriers let in."""
        if not persons or not self._unseen_for(self._layout.presence_late_s, now):
            return False
        if not self._noticed:
            self._blind, self._proven = True, False
        return True

    def _unseen_for(self, duration_s: float, now: float) -> bool:
        return self._unseen_since is not None and now - self._unseen_since >= duration_s - ROUNDING_S
