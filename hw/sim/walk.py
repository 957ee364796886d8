"""People as they move along a lane: where each body begins and ends at any time. Pure.

    x = 0 is the first barrier of the entry; the exit lies ahead. A body reaches from its front back to front - length_m.

Not modelled: arms and legs (barriers at waist height see one body), width, people side by side, running (more than 2 m/s).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

Knot = tuple[float, float]  # seconds, metres


@dataclass(frozen=True, slots=True)
class Walk:
    """A front that is at each knot's place at its time and goes straight between. It is nowhere before the first knot and stays at the
    last one's place."""

    knots: tuple[Knot, ...]

    def front(self, now: float) -> float:
        """Metres; -inf before the walk begins."""
        index = bisect.bisect_right(self.knots, (now, math.inf))
        if index == 0:
            return -math.inf
        if index == len(self.knots):
            return self.knots[-1][1]
        (start, here), (end, there) = self.knots[index - 1 : index + 1]
        return here + (there - here) * (now - start) / (end - start)

    def then(self, place: float, speed: float, pause_s: float = 0.0) -> Walk:
        """Goes on to place at speed (m/s, positive), after a pause."""
        now, here = self.knots[-1]
        paused = (*self.knots, (now + pause_s, here)) if pause_s > 0 else self.knots
        if place == here:
            return Walk(paused)
        return Walk((*paused, (now + pause_s + abs(place - here) / speed, place)))

    def until(self, now: float) -> Walk:
        """The walk cut at now: there it ends, to go on otherwise."""
        return Walk((*(knot for knot in self.knots if knot[0] < now), (now, self.front(now))))

    def later(self, by_s: float) -> Walk:
        return Walk(tuple((at + by_s, place) for at, place in self.knots))

    @property
    def end(self) -> float:
        return self.knots[-1][0]


@dataclass(frozen=True, slots=True)
class Body:
    """A person with what he carries at his back, or an object that was left."""

    walk: Walk
    length_m: float

    def covers(self, place: float, now: float) -> bool:
        front = self.walk.front(now)
        return front - self.length_m <= place <= front

    def overlaps(self, start: float, end: float, now: float) -> bool:
        """Any part of it between start and end."""
        front = self.walk.front(now)
        return front > start and front - self.length_m < end

    def goes(self, walk: Walk) -> Body:
        return replace(self, walk=walk)


def interrupted(bodies: Iterable[Body], barriers: Iterable[float], now: float) -> tuple[bool, ...]:
    """Which barriers (places in metres) a body covers."""
    present = tuple(bodies)
    return tuple(any(body.covers(place, now) for body in present) for place in barriers)
