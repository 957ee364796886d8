"""One lane as it is in the world: a door, a bolt, a zone with people in it, and what they do when the bolt is withdrawn.

`now` is an argument (seconds, monotonic): who runs this decides what time is. Not thread-safe. Where people are while they do it is told
by `people`; how contacts show it, by `senses`. Times are such that barriers can follow if Durations.scale is 1 or more; only who comes
while the bolt is withdrawn, or is the second of TAILGATE, runs faster than barriers are made for.

Not modelled: two people who act at the same time, people who overtake each other, a door that jams.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from egate.domain.device import Alarm
from hw.sim.people import Kind, People

EXIT_COUNT_MODULUS = 65_536  # one Modbus register
PERSON_COUNT_MAX = 100
CROWD_COUNT = 3
LOG_EVENT_COUNT_MAX = 10_000  # older events are forgotten


class Behaviour(StrEnum):
    """What the person in front of the exit does when the bolt is withdrawn; of some it shows when they come in."""

    PASS = "PASS"  # opens the door, goes through, lets it close
    HESITATE = "HESITATE"  # opens the door, stands for a while, goes through
    TAILGATE = "TAILGATE"  # somebody slips in behind; both go through
    TAILGATE_CLOSE = "TAILGATE_CLOSE"  # two come in as one and go through as one
    TAILGATE_LOOSE = "TAILGATE_LOOSE"  # somebody walks in while the door is open; it is held for him
    CROWD = "CROWD"  # three more do so
    TURN_BACK = "TURN_BACK"  # opens the door, lets it close again and leaves by the entry
    TURN_BACK_AT_ENTRY = "TURN_BACK_AT_ENTRY"  # reaches into the first barrier and is gone
    TURN_BACK_INSIDE = "TURN_BACK_INSIDE"  # leaves by the entry without touching the door
    TURN_BACK_IN_DOORWAY = "TURN_BACK_IN_DOORWAY"  # steps into the exit's barriers, then leaves by the entry
    LEAVE_LUGGAGE = "LEAVE_LUGGAGE"  # goes through and leaves a case behind
    HOLD_DOOR = "HOLD_DOOR"  # goes through and keeps the door open
    WAIT = "WAIT"  # stays where he is


@dataclass(frozen=True, slots=True)
class Durations:
    """How long people take, seconds; each is multiplied by scale. tailgate_s: between the two people. follow_s: until who comes in
    while the door is open has gone through it; crowd_s: between those who do."""

    open_s: float = 0.2
    pass_s: float = 0.5
    close_s: float = 0.3
    tailgate_s: float = 0.4
    hold_s: float = 15.0
    hesitate_s: float = 2.0
    follow_s: float = 3.0
    crowd_s: float = 1.0
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

    def __init__(self, durations: Durations, entry_door: bool = False) -> None:
        """entry_door: one that lets the next in only when the zone is empty."""
        self.durations = durations
        self.people = People(durations.scale)
        self.alarms: frozenset[Alarm] = frozenset()
        self._entry_door = entry_door
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
    def unlocked(self) -> bool:
        """The bolt is withdrawn by the lock, or its wire is cut by the fire panel or the emergency button."""
        return self.released or bool(self.alarms & {Alarm.FIRE, Alarm.EMERGENCY})

    @property
    def acting(self) -> bool:
        """Whether somebody is on the way through the door."""
        return bool(self._agenda)

    def record(self, kind: str, now: float) -> None:
        """Adds an event of a device (unlocking, a document) to the lane's log."""
        self.log.append(Event(next(self._sequence), now, kind))

    def enter(self, count: int, now: float, kind: Kind = Kind.ADULT) -> None:
        """count people come in by the entry."""
        if self.behaviour is Behaviour.TURN_BACK_AT_ENTRY:
            self.people.reach_in(kind, now)
            self._happened("turned_back_at_entry", now)
            return
        if self._entry_door:
            count = min(count, 1 - min(1, self.person_count))
            if not count:
                self._happened("kept_out", now)
                return
        count = min(count, PERSON_COUNT_MAX - self.person_count)
        for _ in range(count):
            self.people.come(kind, now)
        self.person_count += count
        self._happened("entered", now)
        if self.behaviour is Behaviour.TAILGATE_CLOSE:
            self._slip_in(now, close=True)
        self._go(now)

    def leave(self, now: float) -> None:
        """Everybody goes back out by the entry; whoever was about to open the door does not, and one that was open falls shut."""
        self.people.go_back(now, self.person_count)
        self.person_count = 0
        held_open = self.acting and not self.door_closed  # one that was forced or is held from outside stays as it is
        self._agenda.clear()
        if held_open:
            self._at(now + self.durations.of("close_s"), self._close)
        self._happened("left", now)

    def clear_away(self, now: float) -> None:
        """Officers take away what was left."""
        self.people.remove_objects()
        self._happened("cleared_away", now)

    def set_alarm(self, alarm: Alarm, active: bool, now: float) -> None:
        """A contact: FIRE, EMERGENCY or TAMPER. Raises ValueError for the others, which sensors conclude."""
        if alarm not in (Alarm.FIRE, Alarm.EMERGENCY, Alarm.TAMPER):
            raise ValueError(f"{alarm} is no contact")
        if active is (alarm in self.alarms):
            return
        self.alarms = self.alarms ^ {alarm}
        self._happened(f"{alarm.lower()}_{'on' if active else 'off'}", now)
        self._go(now)

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
        if not self.unlocked or self.acting or not self.person_count or self.behaviour is Behaviour.WAIT:
            return
        act = self._turn_back if self.behaviour is Behaviour.TURN_BACK_INSIDE else self._open
        self._at(now + self.durations.of("open_s"), act)

    def _open(self, now: float) -> None:
        if not self.unlocked:
            self._happened("door_found_locked", now)
            return
        self.move_door(False, now)
        after = self.durations.of
        match self.behaviour:
            case Behaviour.TURN_BACK:
                self._at(now + after("pass_s"), self._close)
                self._at(now + after("pass_s", "close_s"), self._turn_back)
            case Behaviour.TURN_BACK_IN_DOORWAY:
                self.people.look_out(now, now + after("pass_s", "pass_s"))
                self._at(now + after("pass_s", "pass_s", "close_s"), self._close)
                self._at(now + after("pass_s", "pass_s", "close_s"), self._turn_back)
            case Behaviour.TAILGATE:
                self._slip_in(now)
                self._walk_through(now, after("pass_s"), after("pass_s", "tailgate_s"))
            case Behaviour.TAILGATE_CLOSE:
                behind = min(2, self.person_count)
                self._walk_through(now, *[after("pass_s") * number for number in range(1, behind + 1)])
            case Behaviour.TAILGATE_LOOSE:
                self._slip_in(now)
                self._walk_through(now, after("pass_s"), after("pass_s", "follow_s"))
            case Behaviour.CROWD:
                for _ in range(CROWD_COUNT):
                    self._slip_in(now)
                follow = (after("pass_s", "follow_s", *["crowd_s"] * number) for number in range(CROWD_COUNT))
                self._walk_through(now, after("pass_s"), *follow)
            case Behaviour.HOLD_DOOR:
                self._walk_through(now, after("pass_s"), close_after=after("hold_s"))
            case Behaviour.HESITATE:
                self._walk_through(now, after("hesitate_s", "pass_s"))
            case Behaviour.LEAVE_LUGGAGE:
                self.people.leave_object(now)
                self._happened("luggage_left", now)
                self._walk_through(now, after("pass_s"))
            case _:
                self._walk_through(now, after("pass_s"))

    def _walk_through(self, now: float, *delays_s: float, close_after: float | None = None) -> None:
        """So many people, through the door delays_s from now each; then it closes."""
        step_s = self.durations.of("pass_s")
        for delay_s in delays_s:
            through_at = now + delay_s
            start = max(now, through_at - step_s)
            if start > now:
                self._at(start, partial(self.people.go_through, through_at=through_at))
            else:
                self.people.go_through(now, through_at)
            self._at(through_at, self._pass)
        closing_s = self.durations.of("close_s") if close_after is None else close_after
        self._at(now + max(delays_s) + closing_s, self._close)

    def _slip_in(self, now: float, close: bool = False) -> None:
        if self.person_count < PERSON_COUNT_MAX:
            self.people.come(Kind.ADULT, now, close)
            self.person_count += 1
            self._happened("slipped_in", now)

    def _pass(self, now: float) -> None:
        self.person_count = max(0, self.person_count - 1)
        self.exit_count = (self.exit_count + 1) % EXIT_COUNT_MODULUS
        self._happened("passed", now)

    def _close(self, now: float) -> None:
        self.move_door(True, now)
        if not self.released:
            self._go(now)  # in a fire the next one follows

    def _turn_back(self, now: float) -> None:
        self.people.go_back(now)
        self.person_count = max(0, self.person_count - 1)
        self._happened("turned_back", now)

    def _at(self, due: float, action: Callable[[float], None]) -> None:
        heapq.heappush(self._agenda, (due, next(self._order), action))

    def _happened(self, kind: str, now: float) -> None:
        self.record(kind, now)
        self.on_change()
