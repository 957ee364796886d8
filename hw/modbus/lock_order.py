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

    def expires(self, transit_s: float) -> float:
        """When it is too late to send it, or to wait for its reading back."""
        return self.deadline - (transit_s if self.answered_at is None else 0.0)


@dataclass(slots=True)
class Released:
    """An acknowledged release. own_end: when we end it; until: an output that is active later shows a broken timer."""

    own_end: float | None
    until: float
    ended: bool = False  # we have ended it


class Securing:
    """Who waits for the lock to be secured, each until a deadline."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, Callable[[bool], None]]] = []

    def add(self, deadline: float, done: Callable[[bool], None]) -> None:
        self._waiting.append((deadline, done))

    def expires(self) -> float:
        return min((deadline for deadline, _ in self._waiting), default=float("inf"))

    def expire(self, now: float) -> None:
        self._answer(False, [one for one in self._waiting if now >= one[0]])

    def answer(self, confirmed: bool) -> None:
        self._answer(confirmed, self._waiting)

    def _answer(self, confirmed: bool, whom: list[tuple[float, Callable[[bool], None]]]) -> None:
        self._waiting = [one for one in self._waiting if one not in whom]
        for _, done in whom:
            done(confirmed)
