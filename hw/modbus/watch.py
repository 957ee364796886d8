"""What successive readings and failures say about the sensors. Pure; times are arguments, in seconds of one clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hw.modbus.points import Reading

LOST_S = 1.0  # chosen: forty polls; the bar is 5 s
FAILURES_MAX = 1  # chosen: one unanswered poll is bad luck, more are a bad line
CONTRADICTIONS_MAX = 2  # registers and inputs are read one after the other: a person may step out between


class Condition(Enum):
    LOST = "LOST"
    DEGRADED = "DEGRADED"
    ONLINE = "ONLINE"


@dataclass(frozen=True, slots=True)
class Levels:
    """None: not known."""

    door_closed: bool | None = None
    persons: int | None = None
    exits: int | None = None


class Watch:
    """Feed it every poll's result; condition, levels and read_at follow.

    read_at: when the questions of the newest complete reading without contradiction left; None if not all levels are known.
    A thread that looks at read_at first and at levels then sees levels at least as new.
    """

    def __init__(self) -> None:
        self._heard_at: float | None = None
        self._failures = 0
        self._contradictions = 0
        self.condition = Condition.LOST
        self.levels = Levels()
        self.read_at: float | None = None

    def on_reading(self, reading: Reading, asked_at: float) -> None:
        """asked_at: before the first of its questions left. An answer says nothing about a later time: it may have lain in a buffer."""
        self._heard_at, self._failures = asked_at, 0
        self._contradictions = 0 if reading.consistent else self._contradictions + 1
        if reading.consistent:
            self.condition = Condition.ONLINE
            self.levels = Levels(reading.door_closed, reading.persons, reading.exits)
            self.read_at = asked_at  # after the levels: see above
        elif self._contradictions > CONTRADICTIONS_MAX or self.condition is Condition.LOST:
            self.condition, self.read_at = Condition.DEGRADED, None
            self.levels = Levels(reading.door_closed, None, reading.exits)
        else:  # perhaps a person between two questions: believe the rest, ask again
            self.levels = Levels(reading.door_closed, self.levels.persons, reading.exits)

    def on_failure(self, now: float) -> None:
        """A poll without usable answer."""
        self._failures += 1
        if self._heard_at is None or now - self._heard_at > LOST_S:
            self.on_lost()
        elif self._failures > FAILURES_MAX:
            # Blind for 0.3 s, as long as a person takes through a door: what was read before says nothing any more.
            self.condition, self.levels, self.read_at = Condition.DEGRADED, Levels(), None

    def on_lost(self) -> None:
        """The port is gone, or nothing was heard for LOST_S."""
        self._heard_at = self.read_at = None
        self.condition, self.levels = Condition.LOST, Levels()
