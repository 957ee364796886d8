"""What goes through a group of light barriers, first and last of it named A (towards the entry) and B (towards the exit).

    A  ____XXXXXXXX______      A then both then B: one body forward. B, both, A: one backward.
    B  _______XXXXXXXX___      A, both, A again: turned back, nobody went through.

One body is one piece: it never interrupts A and B with a barrier clear between them, nor is it longer than a body is. Whatever else
happens is in doubt, and doubt is never taken for nobody. Levels are debounced: interrupted counts at once, clear when it lasts.
"""

from __future__ import annotations

from enum import Enum

from hw.sensing.layout import Layout

PATH_MAX = 8  # longer than every path that has a meaning

Beams = tuple[bool, bool]  # A, B interrupted
CLEAR: Beams = (False, False)
ONLY_A: Beams = (True, False)
BOTH: Beams = (True, True)
ONLY_B: Beams = (False, True)


class Passage(Enum):
    FORWARD = "FORWARD"
    BACKWARD = "BACKWARD"
    NOBODY = "NOBODY"  # turned back, or reached into one barrier
    DOUBT = "DOUBT"  # nobody, one or several, either way
    SEVERAL = "SEVERAL"  # more than one body, as far as barriers can tell


MEANINGS: dict[tuple[Beams, ...], Passage] = {
    (ONLY_A,): Passage.NOBODY,
    (ONLY_B,): Passage.NOBODY,
    (ONLY_A, BOTH, ONLY_A): Passage.NOBODY,
    (ONLY_B, BOTH, ONLY_B): Passage.NOBODY,
    (ONLY_A, BOTH, ONLY_B): Passage.FORWARD,
    (ONLY_B, BOTH, ONLY_A): Passage.BACKWARD,
    # The second reaches the group before the first has left it.
    (ONLY_A, BOTH, ONLY_B, BOTH, ONLY_B): Passage.SEVERAL,
    (ONLY_B, BOTH, ONLY_A, BOTH, ONLY_A): Passage.SEVERAL,
}
ONE_BODY = frozenset(
    path[:size] for path, meaning in MEANINGS.items() if meaning is not Passage.SEVERAL for size in range(len(path) + 1)
)


class Group:
    """Feed it the debounced barriers of one group, in order. bodies_max: how many may have gone through with what ended last."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._path: list[Beams] = []
        self._changed_at: list[float] = []
        self._several = self._uncertain = False
        self._both_count = 0
        self.bodies_max = 0

    @property
    def busy(self) -> bool:
        return bool(self._path)

    @property
    def in_doubt(self) -> bool:
        """What is going on is nothing that one body does."""
        return self._uncertain or self._several or tuple(self._path) not in ONE_BODY

    def coming(self, from_a: bool) -> bool:
        """Whether somebody who came from that side has reached the other."""
        return BOTH in self._path and self._path[0] in (ONLY_A if from_a else ONLY_B, BOTH)

    def doubt(self) -> None:
        """Something may have been missed: what is under way counts as in doubt."""
        self._uncertain = self._uncertain or self.busy

    def forget(self) -> None:
        self._end()

    def feed(self, interrupted: tuple[bool, ...], since: tuple[float, ...]) -> Passage | None:
        """What ended with this reading; None if nothing did. since: when each barrier came to its level."""
        beams = (interrupted[0], interrupted[-1])
        self._several |= beams == BOTH and not all(interrupted)
        last = self._path[-1] if self._path else CLEAR
        if beams == last:
            return None
        changed_at = max(at for at, new, old in zip((since[0], since[-1]), beams, last, strict=True) if new is not old)
        self._both_count += beams == BOTH
        if beams != CLEAR:
            if len(self._path) < PATH_MAX:
                self._path.append(beams)
                self._changed_at.append(changed_at)
            return None
        passage = self._meaning(changed_at)
        self.bodies_max = max(2, self._both_count)  # two who merged, or one after the other over both
        self._end()
        return passage

    def _meaning(self, end: float) -> Passage:
        meaning = MEANINGS.get(tuple(self._path), Passage.DOUBT)
        if self._several or meaning is Passage.SEVERAL:
            return Passage.SEVERAL
        if self._uncertain:
            return Passage.DOUBT
        if meaning in (Passage.FORWARD, Passage.BACKWARD) and self._too_long(end):
            return Passage.SEVERAL
        return meaning

    def _too_long(self, end: float) -> bool:
        """Whether it is longer than a body, if it kept its speed or went through as fast as it came or left. Who is fast only between
        is found by how long both barriers were interrupted."""
        first, both, second = self._changed_at
        transits_s = (both - first, end - second)
        body_s = ((second - first) + (end - both)) / 2
        # Both barriers tell the transit: the mean halves what the readings' times are off; one alone may be off by half their distance.
        transit_s = min(sum(transits_s) / 2, min(transits_s) + self._layout.sample_s_max / 2)
        if second - both > self._layout.both_s_max or transit_s <= 0:
            return True
        return self._layout.spacing_m * body_s / transit_s > self._layout.body_m_max

    def _end(self) -> None:
        self._path, self._changed_at = [], []
        self._several = self._uncertain = False
        self._both_count = 0
