"""Fingers of one person: their positions, what a comparison of several yields, and what an enrolment keeps of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from egate.domain.biometric import FingerSample, Guidance
from egate.errors import TemplateError

FINGERS_MAX = 10  # of one person
# Of one finger: bounds the comparisons; no gain was seen beyond three (bench/finger/bench_fusion.py)
IMPRESSIONS_MAX = 10
# Of one person in one comparison: three of each finger. Chosen: what an enrolment keeps; bounds a comparison of two persons to 900 between
# the sides and 435 within each, 0.1 s in all.
SIDE_IMPRESSIONS_MAX = 30


class FingerPosition(IntEnum):
    """Finger position codes, ISO/IEC 19794-2:2005, table 2."""

    UNKNOWN = 0
    RIGHT_THUMB = 1
    RIGHT_INDEX = 2
    RIGHT_MIDDLE = 3
    RIGHT_RING = 4
    RIGHT_LITTLE = 5
    LEFT_THUMB = 6
    LEFT_INDEX = 7
    LEFT_MIDDLE = 8
    LEFT_RING = 9
    LEFT_LITTLE = 10


FINGER_POSITIONS = range(len(FingerPosition))  # their codes

# ISO/IEC 19794-4:2005, table 7: images of several fingers at once. They have to be cut into fingers before they come here.
SLAPS = {13: "plain right four fingers", 14: "plain left four fingers", 15: "plain thumbs"}


def finger_position(code: int) -> FingerPosition:
    """The position of a code 0 to 10. Raises TemplateError: FINGER_POSITION_SLAP for several fingers at once, else FINGER_POSITION."""
    if code in SLAPS:
        raise TemplateError(f"finger position {code} ({SLAPS[code]}) is not one finger", code="FINGER_POSITION_SLAP")
    try:
        return FingerPosition(code)
    except ValueError:
        raise TemplateError("finger position is not a code from 0 to 10", code="FINGER_POSITION") from None


@dataclass(frozen=True, slots=True)
class FingerPair:
    """What one finger contributed to a comparison: the best of its trials.

    llr: log-likelihood ratio (natural logarithm) of the best one; -inf if none gave a number; of one finger under several positions not
    above their sum. trials: comparisons it is the best of.
    """

    probe: FingerPosition
    reference: FingerPosition
    llr: float
    trials: int


@dataclass(frozen=True, slots=True)
class FingerSetComparison:
    """One or several fingers against one or several of one person; all NaN where nothing was comparable or a finger gave no number.

    value: log-likelihood ratio (natural logarithm), the trials taken off: larger means more alike; ranks candidates.
    fmr: false match rate of a threshold at this value for so many fingers and trials, in [the calibration's smallest, 1].
    score: of a single comparison that has this FMR or the next larger one known: reaches the engine's threshold(f) only if fmr <= f.
    pairs: the fingers that contributed.
    """

    value: float
    fmr: float
    score: float
    pairs: tuple[FingerPair, ...]

    @property
    def comparisons(self) -> int:
        """All that were made between the two sides."""
        return sum(pair.trials for pair in self.pairs)


class AbsenceReason(StrEnum):
    """Why a finger cannot be captured. Codes are stored with the enrolment: never rename one."""

    MISSING = "missing"  # never there
    AMPUTATED = "amputated"
    BANDAGED = "bandaged"  # or hurt: comes back
    UNREADABLE = "unreadable"  # there, but its ridges are worn off


class EnrolmentFindingKind(StrEnum):
    """What was noticed about the impressions offered. Codes are stored: never rename one."""

    LOW_QUALITY = "low_quality"  # one impression below the minimum: not enrolled
    POSITION_UNKNOWN = "position_unknown"  # an impression without a position: not enrolled
    REPEATED = "repeated"  # the same impression again, which confirms nothing: not enrolled a second time
    DIFFERS_FROM_SIBLINGS = (
        "differs_from_siblings"  # a wrong finger, or nothing in common with the others: not enrolled
    )
    NO_MAJORITY = "no_majority"  # at most half of the finger's impressions match each other: none is enrolled
    SAME_FINGER_TWICE = "same_finger_twice"  # under two positions, whose labels contradict: neither is enrolled
    UNCONFIRMED = "unconfirmed"  # enrolled from a single impression, which nothing could be compared with
    ABSENT_BUT_PRESENTED = "absent_but_presented"  # marked as absent, yet there is an impression: not enrolled
    NOT_PRESENTED = "not_presented"  # asked for, neither captured nor marked as absent


@dataclass(frozen=True, slots=True)
class EnrolmentFinding:
    """kind about a position; impression: index among the samples offered, None if about the finger; other: the position it belongs to or
    is confused with."""

    kind: EnrolmentFindingKind
    position: FingerPosition
    impression: int | None = None
    other: FingerPosition | None = None


@dataclass(frozen=True, slots=True)
class Recapture:
    """A finger to be captured again, why, and what the person should do differently (may be empty)."""

    position: FingerPosition
    because: tuple[EnrolmentFindingKind, ...]
    guidance: tuple[Guidance, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Enrolment:
    """What to keep of the impressions offered. The repr shows counts only.

    fingers: samples by position, the best first. absent: fingers that cannot be captured. comparisons: made to find this out.
    """

    fingers: Mapping[FingerPosition, tuple[FingerSample, ...]]
    absent: Mapping[FingerPosition, AbsenceReason] = field(default_factory=dict)
    findings: tuple[EnrolmentFinding, ...] = ()
    recapture: tuple[Recapture, ...] = ()
    comparisons: int = 0

    @property
    def complete(self) -> bool:
        """Nothing is to be captured again and at least one finger is enrolled."""
        return bool(self.fingers) and not self.recapture

    def __repr__(self) -> str:
        return f"Enrolment(fingers={len(self.fingers)}, findings={len(self.findings)}, redacted)"
