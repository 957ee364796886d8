"""The words between a lock's session, whoever orders a release, and the owner of the line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from hw.modbus.frame import Question

TIMER_BROKEN = "its timer did not end a release; have it repaired, then start egate anew"


class Contact(Enum):
    ABSENT = "ABSENT"  # no link, or no answer
    SECURING = "SECURING"  # answers, but was not read as secured since it was told; or its timer is broken
    UNFIT = "UNFIT"  # answers, but its mode or the setting of its timer forbids to count on it
    READY = "READY"


class Fate(Enum):
    """What became of a release."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"


class Purpose(Enum):
    SECURE = "SECURE"
    RELEASE = "RELEASE"
    STATE = "STATE"
    MODE = "MODE"
    TIMER = "TIMER"


class Failure(Enum):
    NOT_SENT = "NOT_SENT"  # certainly: its time was over
    REFUSED = "REFUSED"  # the device said so: not carried out
    NO_ANSWER = "NO_ANSWER"  # may have been carried out


@dataclass(frozen=True, slots=True)
class Order:
    """One question. not_after: it must not be sent at or after this time; answer_by: nobody waits longer. None: no limit of its own."""

    purpose: Purpose
    question: Question
    not_after: float | None = None
    answer_by: float | None = None


@dataclass(slots=True)
class Release:
    """answered_at: written and answered, not yet read back."""

    duration_s: float
    deadline: float
    done: Callable[[Fate], None]
    answered_at: float | None = None
    own_end_s: float | None = None
    device_end_s: float = 0.0


@dataclass(slots=True)
class Released:
    """An acknowledged release. own_end: when we end it; until: an output that is active later shows a broken timer."""

    own_end: float | None
    until: float
    ended: bool = False  # we have ended it


@dataclass(slots=True)
class Securing:
    deadline: float
    done: Callable[[bool], None]
