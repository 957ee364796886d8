"""What is known of a lock and of what was asked of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

REFUSALS_MAX = 3  # chosen: a peripheral that has just come back may refuse once or twice
REFUSED_AGAIN_S = 60.0  # chosen: how soon an output that refuses is tried again


class Contact(Enum):
    ABSENT = "ABSENT"  # no secure channel
    SECURING = (
        "SECURING"  # answers, but has not confirmed that it is secured, or is active unasked; or its timer is broken
    )
    READY = "READY"


class Fate(Enum):
    """What became of a release."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"


@dataclass(slots=True)
class Release:
    tenths: int
    deadline: float
    done: Callable[[Fate], None]
    submitted: bool = False
    out_count: int = 0


@dataclass(slots=True)
class Released:
    """An acknowledged release: until when an active output may be its doing, and whether it was seen active since.

    unwanted: it was to be secured while nothing was known of it. It is read once, for what that says of the timer, then told OFF.
    """

    until: float
    seen: bool = False
    unwanted: bool = False


@dataclass(slots=True)
class Securing:
    deadline: float
    done: Callable[[bool], None]


@dataclass(slots=True)
class Refusals:
    """Of OFF in a row, by a peripheral that answers otherwise. Each costs all devices of the peripheral its connection."""

    count: int = 0
    last_at: float = 0.0

    def add(self, now: float) -> None:
        self.count, self.last_at = self.count + 1, now

    @property
    def lasting(self) -> bool:
        return self.count >= REFUSALS_MAX

    def forbid(self, now: float) -> bool:
        """Whether the output is not to be told now."""
        return self.lasting and now < self.last_at + REFUSED_AGAIN_S
