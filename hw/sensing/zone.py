"""A zone's raw inputs, whatever device reads them, as the levels that decide about people. Pure.

Doubt never shows as fewer people than there are: it shows as unknown (None) or as the alarm TAILGATING, until the presence sensor has
reported the zone empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from egate.domain.device import Alarm, SensorLevels
from hw.sensing.barriers import Group, Passage
from hw.sensing.counters import Counters
from hw.sensing.debounce import Debounced
from hw.sensing.layout import Layout
from hw.sensing.sight import Sight
from hw.sensing.tally import Tally

__all__ = ["Inputs", "Layout", "Zone"]

CONTACTS = (Alarm.FIRE, Alarm.EMERGENCY, Alarm.TAMPER)


@dataclass(frozen=True, slots=True)
class Inputs:
    """One reading. present: None without a presence sensor. persons, exits: the device's own counters, None without. barriers: True =
    interrupted, in order from the entry to the exit, as many as the layout has. alarms: contacts FIRE, EMERGENCY, TAMPER that are on."""

    door_closed: bool
    present: bool | None = None
    persons: int | None = None
    exits: int | None = None
    barriers: tuple[bool, ...] = ()
    alarms: frozenset[Alarm] = frozenset()


class Zone:
    """Feed it every reading, with the time at which it was asked for; `levels` and `consistent` follow.

    consistent: False if presence sensor and count have contradicted each other for more than a moment; person_count is then None.
    edges: how often each sensor's debounced level has changed.
    A device that is polled calls `feed` only. One that reports changes calls `handle_timer` at `next_timer` too, and every second: what
    it does not report has not changed, but contradictions and objects are found by how long they last.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._door = Debounced(layout.door_s, 0.0)
        self._present = Debounced(0.0, layout.empty_s)
        self._alarms = {alarm: Debounced(0.0, layout.alarm_off_s) for alarm in CONTACTS}
        self._barriers = [Debounced(0.0, layout.clear_s) for _ in range(layout.barrier_count)]
        self._entry, self._exit = Group(layout), Group(layout)
        self._tally = Tally()
        self._sight = Sight(layout)
        self._counters = Counters(layout)
        self._latched: set[Alarm] = set()
        self._newest: Inputs | None = None
        self._read_at: float | None = None
        self._entered_at = self._quit_at = self._reset_at = float("-inf")
        self._left_since_closed = False
        self._doubtful_since: float | None = None
        self._came_unseen = False
        self.consistent = True
        self.levels = SensorLevels()

    @property
    def edges(self) -> Mapping[str, int]:
        named = {"door": self._door, "presence": self._present}
        named |= {alarm.lower(): contact for alarm, contact in self._alarms.items()}
        named |= {f"barrier_{number}": barrier for number, barrier in enumerate(self._barriers, 1)}
        return MappingProxyType({name: sensor.edges for name, sensor in named.items()})

    def feed(self, inputs: Inputs, now: float) -> None:
        """Raises ValueError if inputs have another number of barriers than the layout, or alarms that are no contacts."""
        if len(inputs.barriers) != self._layout.barrier_count or not inputs.alarms <= frozenset(CONTACTS):
            raise ValueError("inputs do not fit the layout")
        if self._read_at is not None and not 0.0 <= now - self._read_at <= self._layout.forget_s:
            self.forget()
        if self._read_at is None or now - self._read_at > self._layout.blind_s_max:
            self._lose_count(now)
        elif now - self._read_at > self._layout.sample_s_max:
            self._entry.doubt()
            self._exit.doubt()
        self._read_at, self._newest = now, inputs
        self._door.feed(inputs.door_closed, now)
        if inputs.present is not None:
            self._present.feed(inputs.present, now)
        self._feed_alarms({alarm: alarm in inputs.alarms for alarm in CONTACTS}, now)
        for barrier, interrupted in zip(self._barriers, inputs.barriers, strict=True):
            barrier.feed(interrupted, now)
        self._counters.feed(inputs.persons, inputs.exits, inputs.present, self._present.level, now)
        self._update(now)

    def feed_alarms(self, contacts: Mapping[Alarm, bool], now: float) -> None:
        """What could be read of a reading that is not to be used otherwise: everything else is unknown again. Contacts that are missing
        stay as they were."""
        self.forget()
        self._feed_alarms(contacts, now)
        self.levels = SensorLevels(alarms=self._all_alarms())

    def handle_timer(self, now: float) -> None:
        if self._newest is None:
            return
        self._read_at = now
        for sensor in self._sensors():
            sensor.handle_timer(now)
        self._update(now)

    def next_timer(self) -> float | None:
        """When a level that lasts till then begins to count; None if none is waiting."""
        return min((due for sensor in self._sensors() if (due := sensor.next_timer()) is not None), default=None)

    def forget(self) -> None:
        """Nothing was read for a while: everything is unknown until it is known again. Alarms stay until read as off."""
        self._newest, self._read_at = None, None
        self._counters.forget()
        for sensor in (self._door, self._present, *self._barriers):
            sensor.forget()
        self._lose_count(float("-inf"))  # presence is to be read anew anyway
        self._doubtful_since = None
        self.consistent = True
        self.levels = SensorLevels(alarms=self.levels.alarms)

    def _sensors(self) -> tuple[Debounced, ...]:
        return (self._door, self._present, *self._alarms.values(), *self._barriers)

    def _lose_count(self, now: float) -> None:
        """Somebody may have gone through unseen."""
        self._sight.moved(now, passed=False)
        self._tally.forget()
        self._entry.forget()
        self._exit.forget()

    def _update(self, now: float) -> None:
        self._follow_passages(now)
        self._recognise_object(now)
        clear = all(barrier.level is False for barrier in self._barriers)
        # Who stands in a barrier is where the presence sensor need not see him.
        self._sight.feed(self._present.level, max(sensor.since for sensor in (self._present, *self._barriers)), clear)
        if self._empty(now):
            self._tally.empty()
            self._came_unseen = False
            if now - self._reset_at >= self._layout.empty_s:  # an alarm that nobody could have read is none
                self._latched.clear()
        if self._door.level:
            self._left_since_closed = False
        persons = self._count(now)
        exits = self._exits()
        self.levels = SensorLevels(self._door.level, persons, exits, self._all_alarms())

    def _feed_alarms(self, contacts: Mapping[Alarm, bool], now: float) -> None:
        for alarm, on in contacts.items():
            self._alarms[alarm].feed(on, now)

    def _all_alarms(self) -> frozenset[Alarm]:
        return frozenset(self._latched) | {alarm for alarm, contact in self._alarms.items() if contact.level}

    # The barriers.

    def _follow_passages(self, now: float) -> None:
        interrupted = [barrier.level for barrier in self._barriers]
        if None in interrupted:
            return  # what is clear at the beginning is not known yet
        size = self._layout.entry_barriers
        if size and (entry := self._entry.feed(*self._group(0, size))):
            self._tally.entry(entry)
            self._watch_entry(entry, now)
            self._moved(entry, Passage.BACKWARD, now)
        start = self._layout.barrier_count - self._layout.exit_barriers
        if self._layout.exit_barriers and (exit_ := self._exit.feed(*self._group(start, self._layout.barrier_count))):
            self._tally.exit(exit_, self._exit.bodies_max)
            self._watch_exit(exit_, now)
            self._moved(exit_, Passage.FORWARD, now)

    def _moved(self, passage: Passage, out: Passage, now: float) -> None:
        """out: the passage that leads out of the zone."""
        self._sight.moved(now, passed=True)
        if passage in (out, Passage.NOBODY):
            self._quit_at = now
        elif passage in (Passage.DOUBT, Passage.SEVERAL):
            self._quit_at = float("-inf")

    def _group(self, start: int, end: int) -> tuple[tuple[bool, ...], tuple[float, ...]]:
        barriers = self._barriers[start:end]
        return tuple(bool(barrier.level) for barrier in barriers), tuple(barrier.since for barrier in barriers)

    def _watch_entry(self, passage: Passage, now: float) -> None:
        if passage is Passage.SEVERAL:
            self._alarm(Alarm.TAILGATING, now)
        if passage is Passage.FORWARD:
            if now - self._entered_at <= self._layout.follow_s:
                self._alarm(Alarm.TAILGATING, now)
            self._entered_at = now

    def _watch_exit(self, passage: Passage, now: float) -> None:
        """Two through one opening of the door is one too many."""
        if passage is Passage.SEVERAL or (passage is Passage.FORWARD and self._left_since_closed):
            self._alarm(Alarm.TAILGATING, now)
        if passage is Passage.FORWARD:
            self._left_since_closed = True

    def _alarm(self, alarm: Alarm, now: float) -> None:
        self._latched.add(alarm)
        self._reset_at = now

    def _recognise_object(self, now: float) -> None:
        """A barrier stays interrupted and nothing else moves, where nobody is."""
        newest = max((barrier.since for barrier in self._barriers), default=now)
        interrupted = any(barrier.level for barrier in self._barriers)
        nobody = self._present.level is not True and (self._newest is None or not self._newest.persons)
        if interrupted and nobody and now - newest >= self._layout.object_s:
            self._alarm(Alarm.OBJECT_LEFT, now)

    def _empty(self, now: float) -> bool:
        """By the presence sensor and whatever else could tell otherwise."""
        return self._sight.shows_empty(self._counted, now) and (self._newest is None or not self._newest.persons)

    @property
    def _counted(self) -> int | None:
        """By the barriers, where they see everybody who comes and goes."""
        return self._tally.persons if self._layout.counts_persons else None

    # The count.

    def _exits(self) -> int | None:
        if self._newest is not None and self._newest.exits is not None:
            return self._counters.exits
        if self._exit.in_doubt or not self._layout.exit_barriers:
            return None
        return self._tally.exits

    def _count(self, now: float) -> int | None:
        own = self._counters.persons
        seen = self._barrier_count()
        unseen = self._sight.contradicts(self._counted, now)
        self.consistent = self._counters.consistent and not (unseen or self._came_unseen)
        if unseen:
            return None
        if self._newest is not None and self._newest.persons is not None:
            # A counter that sees heads is not in doubt where barriers are; it only never counts fewer than they did.
            return None if own is None else max(own, seen or 0)
        if seen == 0 and self._present.level:
            return self._unaccounted(now)
        self._doubtful_since = None
        return seen

    def _barrier_count(self) -> int | None:
        """Who is on the way in counts as soon as he has reached the inner barrier."""
        persons = self._tally.persons
        if not self._layout.counts_persons or persons is None or self._entry.in_doubt or self._exit.in_doubt:
            return None
        return persons + self._entry.coming(from_a=True) + self._exit.coming(from_a=False)

    def _unaccounted(self, now: float) -> int | None:
        """The presence sensor sees somebody, the barriers let nobody in: he who has just left or is coming, or one who came unseen. Of
        the latter there may be several, whoever the barriers count afterwards."""
        if self._doubtful_since is None:
            self._doubtful_since = now
        if now - self._doubtful_since > self._layout.presence_hold_s:
            self._tally.forget()
            self._came_unseen = True
            self.consistent = False
            return None
        busy = self._entry.busy or self._exit.busy
        return 1 if busy or now - self._quit_at <= self._layout.presence_hold_s else None
