"""Checks and their results, in the words of BSI TR-03135-1."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from egate.domain.reason import Reason


class CheckResult(StrEnum):
    """Result values of a check (BSI TR-03135-1). Only PASS satisfies a mandatory check."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNDETERMINED = "UNDETERMINED"
    NOT_PERFORMED = "NOT_PERFORMED"
    ABORTED = "ABORTED"


class Check(StrEnum):
    """Every check a crossing can contain. Members are journal format: never rename one."""

    MRZ = "MRZ"  # structure and check digits, Doc 9303-3
    DOCUMENT_VALIDITY = "DOCUMENT_VALIDITY"  # date of expiry at the time of inspection
    DOCUMENT_SESSION = "DOCUMENT_SESSION"  # MRZ, chip MRZ, portrait and finger come from one presentation
    PASSIVE_AUTHENTICATION = "PASSIVE_AUTHENTICATION"
    CHIP_AUTHENTICATION = "CHIP_AUTHENTICATION"
    LISTS = "LISTS"
    FACE = "FACE"  # live face against the document's
    FINGER = "FINGER"  # live finger against the document's
    PRESENTATION_ATTACK_DETECTION = "PRESENTATION_ATTACK_DETECTION"
    ONE_PERSON = "ONE_PERSON"  # one face in the picture and one person in the zone
    PRESENCE = "PRESENCE"  # unbroken from capture to release


DOCUMENT_CHECKS = (
    Check.MRZ,
    Check.DOCUMENT_VALIDITY,
    Check.DOCUMENT_SESSION,
    Check.PASSIVE_AUTHENTICATION,
    Check.CHIP_AUTHENTICATION,
    Check.LISTS,
)
HOLDER_CHECKS = (
    Check.FACE,
    Check.FINGER,
    Check.PRESENTATION_ATTACK_DETECTION,
    Check.ONE_PERSON,
    Check.PRESENCE,
)


@dataclass(frozen=True, slots=True)
class CheckEvidence:
    """One check's result.

    score, threshold: comparison score and the threshold it was held against (None where the check
    has no score). fmr: false match rate that the score stands for, by the model's calibration.
    detail: the field or component concerned, e.g. "date_of_birth"; never a value from the document.
    """

    check: Check
    result: CheckResult
    reasons: tuple[Reason, ...] = ()
    score: float | None = None
    threshold: float | None = None
    fmr: float | None = None
    detail: str = ""
