"""What is known of a zone's sensors before they are read: which there are, where they stand, how long a level must last to count.

    entry                                    door
      | |        |        |                  : | |
      A B        inside barriers             : A B
      entry group                              exit group

A group is two or more light barriers, at waist height, so near each other that one body interrupts its first and its last together:
spacing_m, smaller than the thinnest body (a child's side, 0.18 m). What cannot be seen: people who touch, as long as they are together
no longer than body_m_max; who steps over or crawls under a barrier; who leaves a barrier clear for less than clear_s + sample_s_max, at
1.2 m/s a gap of 0.15 m. Against those helps a device that counts people by itself (`Inputs.persons`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

BARRIER_COUNT_MAX = 32  # chosen; gates have two to fourteen
GROUP_SIZE_MIN = 2  # one barrier alone tells no direction


@dataclass(frozen=True, slots=True)
class Layout:
    """entry_barriers, inside_barriers, exit_barriers: how many of `Inputs.barriers` are which, in this order. The exit group stands in the
    exit's door or behind it. Lengths in metres, times in seconds. Raises ValueError for what is no layout.

    door_s, empty_s, clear_s, alarm_off_s: how long closed, empty, clear and no alarm must last before they count; their opposites count
    at once.
    sample_s_max: readings further apart than this leave a passage under way in doubt. blind_s_max: in a longer gap somebody may have
    gone through a whole group unseen (0.18 m + spacing_m at 2 m/s).
    forget_s: after a longer one nothing read before says anything.
    presence_hold_s: how long a presence sensor may still report somebody who has left.
    presence_late_s: how long it may not yet report somebody who has come. Whom the barriers let in and it does not see after that is a
    contradiction. vacant_s: how long it must see nobody to be believed against them, once it had seen him.
    follow_s: a second person through the entry within so long follows the first.
    object_s: an interrupted barrier in a still zone without people is an object after so long.
    body_m_max, both_s_max: what is longer than this, or interrupts a group's first and last barrier together for longer, is taken for
    two people: 0.4 m at 0.6 m/s; two together who rush after they came slowly are not told from one who is slow.
    """

    entry_barriers: int = 0
    inside_barriers: int = 0
    exit_barriers: int = 0
    # Chosen, all: no standard says. Contacts bounce for some 10 ms; 0.05 s are two readings 25 ms apart.
    door_s: float = 0.05
    empty_s: float = 0.5
    clear_s: float = 0.05
    alarm_off_s: float = 1.0
    sample_s_max: float = 0.075
    blind_s_max: float = 0.15
    forget_s: float = 1.0
    presence_hold_s: float = 2.0
    presence_late_s: float = 2.0
    vacant_s: float = 30.0
    follow_s: float = 1.5
    object_s: float = 10.0
    spacing_m: float = 0.15
    body_m_max: float = 0.6
    both_s_max: float = 0.42

    def __post_init__(self) -> None:
        groups = (self.entry_barriers, self.inside_barriers, self.exit_barriers)
        if min(groups) < 0 or self.barrier_count > BARRIER_COUNT_MAX:
            raise ValueError(f"a zone has 0 to {BARRIER_COUNT_MAX} barriers")
        if any(0 < size < GROUP_SIZE_MIN for size in (self.entry_barriers, self.exit_barriers)):
            raise ValueError("one barrier alone tells no direction: a group has two or more")
        levels = (self.door_s, self.empty_s, self.clear_s, self.alarm_off_s)
        people = (self.presence_hold_s, self.presence_late_s, self.vacant_s, self.follow_s)
        if not all(0.0 <= value < math.inf for value in (*levels, *people)):
            raise ValueError("a time is negative or no number")
        times = (self.sample_s_max, self.blind_s_max, self.forget_s, self.object_s, self.both_s_max)
        positive = (*times, self.spacing_m, self.body_m_max)
        if not all(0.0 < value < math.inf for value in positive):
            raise ValueError("a time or length is not positive")

    @property
    def barrier_count(self) -> int:
        return self.entry_barriers + self.inside_barriers + self.exit_barriers

    @property
    def counts_persons(self) -> bool:
        """Nobody gets into the zone or out of it past the barriers."""
        return self.entry_barriers > 0 and self.exit_barriers > 0
