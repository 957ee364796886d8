"""What may be believed of a device's own counters: it restarts, drifts, and contradicts its presence sensor. Pure."""

from __future__ import annotations

from hw.sensing.layout import Layout
from hw.sensing.tally import EXIT_COUNT_MODULUS

CONTRADICTIONS_MAX = 2  # readings: inputs and counters are read one after the other, a person may step out between
STEP_MAX_UNCOUNTED = (
    2  # chosen: through the exit between two readings, where the device does not count who is in the zone
)


class Counters:
    """persons, exits: None if unknown or not to be believed. exits goes on where it was when the device's starts anew.

    consistent: False while persons is not to be believed. Somebody seen beside a count of 0, or exits that fall or jump, spoil the count
    until counter and presence sensor have agreed on nobody: whoever was in the zone then is missing in it.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._believed: int | None = None
        self._contradictions = 0
        self._spoilt = False
        self._unexplained_since: float | None = None
        self._agreed_since: float | None = None
        self._exits: int | None = None  # as the device told last
        self._total = 0
        self._most, self._most_at = 0, float("-inf")
        self.persons: int | None = None
        self.exits: int | None = None

    @property
    def consistent(self) -> bool:
        return not self._spoilt and not (self._contradictions and self._believed is None)

    def feed(self, persons: int | None, exits: int | None, raw: bool | None, seen: bool | None, now: float) -> None:
        """raw: what the presence sensor read; seen: its debounced level."""
        self._follow_exits(persons, exits, raw is not None, now)
        if persons is None:
            self.persons = None
            return
        self._compare(persons, seen, now)
        self._contradictions = self._contradictions + 1 if raw is False and persons else 0
        if not self._contradictions:
            self._believed = persons
        elif self._contradictions > CONTRADICTIONS_MAX:
            self._believed = None
        elif self._believed is not None:
            self._believed = max(self._believed, persons)
        self.persons = None if self._spoilt else self._believed

    def forget(self) -> None:
        """Nothing was read for a while. What was spoilt stays so."""
        self.persons = self.exits = self._believed = self._exits = None
        self._unexplained_since = self._agreed_since = None
        self._contradictions, self._most = 0, 0

    def _compare(self, persons: int, seen: bool | None, now: float) -> None:
        self._unexplained_since = _since(self._unexplained_since, persons == 0 and seen is True, now)
        self._agreed_since = _since(self._agreed_since, persons == 0 and seen is False, now)
        # Who has just left is seen that long, and the level lasts.
        if _lasted(self._unexplained_since, self._layout.presence_hold_s + self._layout.empty_s, now):
            self._spoilt = True
        elif _lasted(self._agreed_since, self._layout.empty_s, now):
            self._spoilt = False

    def _follow_exits(self, persons: int | None, exits: int | None, has_presence: bool, now: float) -> None:
        before, self._exits = self._exits, exits
        step_max = self._step_max(persons, now)
        if exits is None or before is None:
            self._total, self.exits = exits or 0, exits
            return
        step = (exits - before) % EXIT_COUNT_MODULUS
        if step <= step_max:
            self._total = (self._total + step) % EXIT_COUNT_MODULUS
            self.exits = self._total
            return
        self.exits = None  # for this reading: whoever is on his way is for an officer
        self._spoilt, self._agreed_since = has_presence, None

    def _step_max(self, persons: int | None, now: float) -> int:
        """Nobody goes out who was not in. The counters may follow each other late."""
        if persons is None:
            return STEP_MAX_UNCOUNTED
        if persons >= self._most or now - self._most_at > self._layout.presence_hold_s:
            self._most, self._most_at = persons, now
        return max(1, self._most)


def _since(since: float | None, holds: bool, now: float) -> float | None:
    return (now if since is None else since) if holds else None


def _lasted(since: float | None, duration_s: float, now: float) -> bool:
    return since is not None and now - since >= duration_s
