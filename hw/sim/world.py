"""One lane as it is in the world: a door, a bolt, a zone with people in it, and what they do when the bolt is withdrawn.

`now` is an argument (seconds, monotonic): who runs this decides what time is. Not thread-safe.

Not modelled: people between two sensors, weight or light barriers, children and luggage, a door that bounces, fire and emergency
release, sensor noise and delay, two people who act at the same time, the entry door.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

EXIT_COUNT_MODULUS = 65_536  # one Modbus register
PERSON_COUNT_MAX = 100
LOG_EVENT_COUNT_MAX = 10_000  # older events are forgotten


class Behaviour(StrEnum):
    """What the person in front of the exit does when the bolt is withdrawn."""

    PASS = "PASS"  # opens the door, goes through, lets it close
    TAILGATE = "TAILGATE"  # somebody slips in behind; both go through
    TURN_BACK = "TURN_BACK"  # opens the door, lets it close again and leaves by the entry
    HOLD_DOOR = "HOLD_DOOR"  # goes through and keeps the door open
    WAIT = "WAIT"  # stays where he is


@dataclass(frozen=True, slots=True)
class Durations:
    """How long people take, seconds; each is multiplied by scale. tailgate_s: between the two people."""

    open_s: float = 0.2
    pass_s: float = 0.5
    close_s: float = 0.3
    tailgate_s: float = 0.4
    hold_s: float = 15.0
    scale: float = 1.0

    def of(self, *names: str) -> float:
        return self.scale * sum(float(getattr(self, name)) for name in names)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. sequence: from 1, without gaps. at: seconds, monotonic."""

    sequence: int
    at: float
    kind: str


class LaneWorld:
    """Attributes are the truth at the last call; `step` brings it forward. on_change is called after every change."""

    def __init__(self, durations: Durations) -> None:
        self.durations = durations
        self.behaviour = Behaviour.PASS
        self.door_closed = True
        self.released = False
        self.person_count = 0
        self.exit_count = 0
        self.log: deque[Event] = deque(maxlen=LOG_EVENT_COUNT_MAX)
        self.on_change: Callable[[], None] = lambda: None
        self._sequence = itertools.count(1)
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []

    @property
    def acting(self) -> bool:
        """Whether somebody is on the way through the door."""
        return bool(self._agenda)

    def record(self, kind: str, now: float) -> None:
        """Adds an event of a device (unlocking, a document) to the lane's log."""
        self.log.append(Event(next(self._sequence), now, kind))

    def enter(self, count: int, now: float) -> None:
        """count people come in by the entry."""
        self.person_count = min(PERSON_COUNT_MAX, self.person_count + count)
        self._happened("entered", now)
        self._go(now)

    def leave(self, now: float) -> None:
        """Everybody goes back out by the entry; whoever was about to open the door does not."""
        self.person_count = 0
        self._agenda.clear()
        self._happened("left", now)

    def plan(self, behaviour: Behaviour, now: float) -> None:
        self.behaviour = behaviour
        self._go(now)

    def bolt(self, released: bool, now: float) -> None:
        """The lock moved its bolt. A bolt that comes out does not stop a door that is open."""
        self.released = released
        self._happened("released" if released else "secured", now)
        self._go(now)

    def move_door(self, closed: bool, now: float) -> None:
        """By force or by hand, whatever the bolt says."""
        if closed != self.door_closed:
            self.door_closed = closed
            self._happened("door_closed" if closed else "door_opened", now)

    def step(self, now: float) -> None:
        """Lets happen what is due by now."""
        while self._agenda and self._agenda[0][0] <= now:
            due, _, action = heapq.heappop(self._agenda)
            action(due)

    def next_due(self) -> float | None:
        return self._agenda[0][0] if self._agenda else None

    def _go(self, now: float) -> None:
        if not self.released or self.acting or not self.person_count or self.behaviour is Behaviour.WAIT:
            return
        self._at(now + self.durations.of("open_s"), self._open)

    def _open(self, now: float) -> None:
        if not self.released:
            self._happened("door_found_locked", now)
            return
        self.move_door(False, now)
        after = self.durations.of
        match self.behaviour:
            case Behaviour.TURN_BACK:
                self._at(now + after("pass_s"), self._close)
                self._at(now + after("pass_s", "close_s"), self._turn_back)
            case Behaviour.TAILGATE:
                self.person_count += 1
                self._happened("slipped_in", now)
                self._at(now + after("pass_s"), self._pass)
                self._at(now + after("pass_s", "tailgate_s"), self._pass)
                self._at(now + after("pass_s", "tailgate_s", "close_s"), self._close)
            case Behaviour.HOLD_DOOR:
                self._at(now + after("pass_s"), self._pass)
                self._at(now + after("pass_s", "hold_s"), self._close)
            case _:
                self._at(now + after("pass_s"), self._pass)
                self._at(now + after("pass_s", "close_s"), self._close)

    def _pass(self, now: float) -> None:
        self.person_count = max(0, self.person_count - 1)
        self.exit_count = (self.exit_count + 1) % EXIT_COUNT_MODULUS
        self._happened("passed", now)

    def _close(self, now: float) -> None:
        self.move_door(True, now)

    def _turn_back(self, now: float) -> None:
        self.person_count = max(0, self.person_count - 1)
        self._happened("turned_back", now)

    def _at(self, due: float, action: Callable[[float], None]) -> None:
        heapq.heappush(self._agenda, (due, next(self._order), action))

    def _happened(self, kind: str, now: float) -> None:
        self.record(kind, now)
        self.on_change()
