"""Where people and things are along a simulated lane, so that barriers and the presence sensor see them. Pure.

    -1.0          0 0.15        1.0        1.7  2.0 2.15         4.0 m
    outside       entry group   inside     front of the queue    away
                                barrier       exit group, in the exit's door

Who waits stands in a queue, QUEUE_M apart, the first at the front. Not modelled: see `walk`; people who overtake each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hw.sensing.layout import Layout
from hw.sim.walk import Body, Walk, interrupted

OUTSIDE_M, AWAY_M = -1.0, 4.0
ENTRY_M, INSIDE_M, EXIT_M = (0.0, 0.15), (1.0,), (2.0, 2.15)
BARRIERS_M = (*ENTRY_M, *INSIDE_M, *EXIT_M)
LAYOUT = Layout(entry_barriers=len(ENTRY_M), inside_barriers=len(INSIDE_M), exit_barriers=len(EXIT_M))
PRESENCE_M = (0.2, 1.95)  # what the presence sensor sees
FRONT_M, QUEUE_M = 1.7, 0.45
BEHIND_S = 0.8  # between two who come together
STANDING_CLOSE_M = 0.05  # between two who go as one
BEYOND_M = 0.02  # a barrier is clear of who is so much further
OBJECT_M = INSIDE_M[0] + 0.1
OBJECT_LENGTH_M = 0.3


class Kind(StrEnum):
    """Who comes: how long a body with what it carries, and how fast."""

    ADULT = "ADULT"
    CHILD = "CHILD"
    LUGGAGE = "LUGGAGE"  # somebody with a case close behind


LENGTHS_M = {Kind.ADULT: 0.3, Kind.CHILD: 0.2, Kind.LUGGAGE: 0.5}
SPEEDS = {Kind.ADULT: 1.2, Kind.CHILD: 1.0, Kind.LUGGAGE: 1.0}  # m/s, chosen: walking


@dataclass(slots=True)
class Person:
    kind: Kind
    body: Body


class People:
    """scale: factor on how long everything takes. queue: who is in the zone or on the way into it, the first in front."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale
        self.queue: list[Person] = []
        self._gone: list[Body] = []
        self._objects: list[Body] = []

    def come(self, kind: Kind, now: float, close: bool = False) -> None:
        """From outside to the end of the queue; close: as if one with who is before him."""
        length_m, speed = LENGTHS_M[kind], SPEEDS[kind] / self._scale
        if close and self.queue:
            leader = self.queue[-1].body
            behind_m = leader.length_m + STANDING_CLOSE_M
            walk = Walk(tuple((at, place - behind_m) for at, place in leader.walk.knots))
        else:
            # Who comes at the same time comes behind: side by side two would be one to every barrier.
            start = max([now, *(person.body.walk.knots[0][0] + BEHIND_S * self._scale for person in self.queue[-1:])])
            walk = Walk(((start, OUTSIDE_M),)).then(self._place(len(self.queue)), speed)
        self.queue.append(Person(kind, Body(walk, length_m)))

    def reach_in(self, kind: Kind, now: float) -> None:
        """As far as the entry's first barrier, and away."""
        walk, speed = Walk(((now, OUTSIDE_M),)), SPEEDS[kind] / self._scale
        walk = walk.then((ENTRY_M[0] + ENTRY_M[1]) / 2, speed).then(OUTSIDE_M, speed, self._scale)
        self._gone.append(Body(walk, LENGTHS_M[kind]))

    def go_through(self, now: float, through_at: float) -> None:
        """The first goes on so that the exit is clear of him at through_at; the others move up."""
        if not self.queue:
            return
        first = self.queue.pop(0)
        clear_m = EXIT_M[-1] + first.body.length_m + BEYOND_M
        walk = _arrive(first.body.walk.until(now), clear_m, through_at)
        self._gone.append(first.body.goes(walk.then(AWAY_M, SPEEDS[first.kind] / self._scale)))
        for index, person in enumerate(self.queue):
            walk = person.body.walk.until(max(now, person.body.walk.knots[0][0]))
            person.body = person.body.goes(walk.then(self._place(index), SPEEDS[person.kind] / self._scale))

    def look_out(self, now: float, back_at: float) -> None:
        """The first steps into the exit's barriers and is back in front at back_at."""
        if self.queue:
            first = self.queue[0]
            walk = _arrive(first.body.walk.until(now), EXIT_M[-1] + 0.1, (now + back_at) / 2)
            first.body = first.body.goes(_arrive(walk, FRONT_M, back_at))

    def go_back(self, now: float, count: int = 1) -> None:
        """The first, or as many, leave by the entry."""
        for person in self.queue[:count]:
            walk = person.body.walk.until(max(now, person.body.walk.knots[0][0]))
            walk = walk.then(OUTSIDE_M, SPEEDS[person.kind] / self._scale)
            self._gone.append(person.body.goes(walk))
        del self.queue[:count]

    def leave_object(self, now: float) -> None:
        self._objects.append(Body(Walk(((now, OBJECT_M),)), OBJECT_LENGTH_M))

    def clear_away(self) -> None:
        """Nobody and nothing is there any more."""
        self.queue, self._gone, self._objects = [], [], []

    def remove_objects(self) -> None:
        self._objects = []

    def interrupted(self, now: float) -> tuple[bool, ...]:
        """BARRIERS_M, in order."""
        return interrupted([*self._bodies(now), *self._objects], BARRIERS_M, now)

    def present(self, now: float) -> bool:
        """Whether the presence sensor sees somebody; what lies still is nobody to it."""
        return any(body.overlaps(*PRESENCE_M, now) for body in self._bodies(now))

    def inside(self, now: float) -> int:
        """People wholly between entry and exit group."""
        bodies = ((body.walk.front(now), body.length_m) for body in self._bodies(now))
        return sum(ENTRY_M[-1] < front - length_m and front < EXIT_M[0] for front, length_m in bodies)

    def _bodies(self, now: float) -> list[Body]:
        self._gone = [body for body in self._gone if body.walk.end > now]
        return [*(person.body for person in self.queue), *self._gone]

    def _place(self, index: int) -> float:
        return FRONT_M - index * QUEUE_M


def _arrive(walk: Walk, place: float, at: float) -> Walk:
    """Straight on to be at place then, however fast."""
    return Walk((*walk.knots, (max(at, walk.end + 1e-3), place)))
