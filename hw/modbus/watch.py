"""What successive readings and failures say about the sensors. Pure; times are arguments, in seconds of one clock."""

from __future__ import annotations

from enum import Enum

from egate.domain.device import SensorLevels
from hw.sensing.zone import Inputs, Zone

LOST_S = 1.0  # chosen: ten polls of an idle zone; the bar is 5 s
FAILURES_MAX = 1  # chosen: one unanswered poll is bad luck, more are a bad line
LIVELY_S = 2.0  # chosen: how long after a change more is expected


class Condition(Enum):
    LOST = "LOST"
    DEGRADED = "DEGRADED"
    ONLINE = "ONLINE"


class Watch:
    """Feed it every poll's result; condition, levels and read_at follow.

    read_at: when the questions of the newest complete reading without contradiction left; None if not all levels are known.
    A thread that looks at read_at first and at levels then sees levels at least as new.
    """

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._heard_at: float | None = None
        self._failures = 0
        self._newest: Inputs | None = None
        self._changed_at = 0.0
        self.condition = Condition.LOST
        self.levels = SensorLevels()
        self.read_at: float | None = None

    def on_reading(self, inputs: Inputs, asked_at: float) -> None:
        """asked_at: before the first of its questions left. An answer says nothing about a later time: it may have lain in a buffer."""
        self._heard_at, self._failures = asked_at, 0
        if inputs != self._newest:
            self._newest, self._changed_at = inputs, asked_at
        zone = self._zone
        zone.feed(inputs, asked_at)
        levels = zone.levels
        known = levels.door_closed is not None and levels.person_count is not None and levels.exit_count is not None
        if not known:
            self.read_at = None  # before the levels: read_at of known ones never stands beside unknown ones
        self.levels = levels
        if known and not (inputs.present is False and inputs.persons):
            self.read_at = asked_at  # after the levels: see above
        if levels.door_closed is not None:
            self.condition = Condition.ONLINE if zone.consistent else Condition.DEGRADED

    def on_failure(self, now: float) -> None:
        """A poll without usable answer."""
        self._failures += 1
        if self._heard_at is None or now - self._heard_at > LOST_S:
            self.on_lost()
        elif self._failures > FAILURES_MAX:
            # Blind for 0.3 s, as long as a person takes through a door: what was read before says nothing any more.
            self._forget(Condition.DEGRADED)

    def on_lost(self) -> None:
        """The port is gone, or nothing was heard for LOST_S."""
        self._heard_at = None
        self._forget(Condition.LOST)

    def lively(self, now: float) -> bool:
        """Whether something has just changed, somebody is about, or not everything is known."""
        newest = self._newest
        if newest is None or self.read_at is None or now - self._changed_at < LIVELY_S:
            return True
        return not newest.door_closed or bool(newest.present or newest.persons or any(newest.barriers))

    def _forget(self, condition: Condition) -> None:
        self.read_at = self._newest = None
        self._zone.forget()
        self.condition, self.levels = condition, self._zone.levels
