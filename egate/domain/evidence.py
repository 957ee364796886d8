"""A crossing's checks and their evidence, in the words of BSI TR-03135-1."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from egate.domain.check_result import CheckResult as CheckResult
from egate.domain.inspection import Finding
from egate.domain.reason import Reason


class Check(StrEnum):
    """Every check a crossing can contain. Members are journal format: never rename one."""

    MRZ = "MRZ"  # structure and check digits, Doc 9303-3
    DOCUMENT_VALIDITY = "DOCUMENT_VALIDITY"  # date of expiry at the time of inspection
    DOCUMENT_SESSION = "DOCUMENT_SESSION"  # MRZ, chip MRZ, portrait and finger come from one presentation
    CHIP_ACCESS = "CHIP_ACCESS"  # a chip answered and was opened by the strongest protocol that its document announces
    PASSIVE_AUTHENTICATION = "PASSIVE_AUTHENTICATION"
    CHIP_AUTHENTICATION = "CHIP_AUTHENTICATION"  # the chip is no copy: chip or active authentication
    OPTICAL = "OPTICAL"  # the page under visible, infrared and ultraviolet light
    LISTS = "LISTS"
    FACE = "FACE"  # live face against the document's
    FINGER = "FINGER"  # live finger against the document's
    PRESENTATION_ATTACK_DETECTION = "PRESENTATION_ATTACK_DETECTION"
    MORPHING_ATTACK_DETECTION = "MORPHING_ATTACK_DETECTION"  # silent: a score for the officer, never PASS or FAIL
    ONE_PERSON = "ONE_PERSON"  # one face in the picture and one person in the zone
    PRESENCE = "PRESENCE"  # unbroken from capture to release


DOCUMENT_CHECKS = (
    Check.MRZ,
    Check.DOCUMENT_VALIDITY,
    Check.DOCUMENT_SESSION,
    Check.CHIP_ACCESS,
    Check.PASSIVE_AUTHENTICATION,
    Check.CHIP_AUTHENTICATION,
    Check.OPTICAL,
    Check.LISTS,
)
HOLDER_CHECKS = (
    Check.FACE,
    Check.FINGER,
    Check.PRESENTATION_ATTACK_DETECTION,
    Check.MORPHING_ATTACK_DETECTION,
    Check.ONE_PERSON,
    Check.PRESENCE,
)


@dataclass(frozen=True, slots=True)
class CheckEvidence:
    """One check's result.

    score, threshold: comparison score and the threshold it was held against (None where the check
    has no score). fmr: false match rate that the score stands for, by the model's calibration.
    detail: the field or component concerned, e.g. "date_of_birth"; never a value from the document. findings: the single checks
    that a document check sums up, () for the others.
    """

    check: Check
    result: CheckResult
    reasons: tuple[Reason, ...] = ()
    score: float | None = None
    threshold: float | None = None
    fmr: float | None = None
    detail: str = ""
    findings: tuple[Finding, ...] = ()
