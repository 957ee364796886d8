"""What was decided about a crossing, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from egate.domain.evidence import Check, CheckEvidence
from egate.domain.reason import Reason


class Verdict(StrEnum):
    ADMIT = "ADMIT"
    REFER = "REFER"


class Outcome(StrEnum):
    """How a crossing ended. Exactly one per crossing (invariant S5)."""

    PASSED = "PASSED"  # by sensor evidence only
    NOT_PASSED = "NOT_PASSED"  # released, and nobody went through
    REFERRED = "REFERRED"  # the traveller left the lane for the manual lane
    FAILED = "FAILED"  # tailgating or a door held open
    UNKNOWN = "UNKNOWN"  # no sensor evidence: restart, lock or sensors lost


@dataclass(frozen=True, slots=True)
class ReasonDetail:
    """A reason with the field, check or device it names. detail never holds document data."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """verdict, all reasons against the traveller, and every check with its result.

    document_result and holder_result answer the two questions separately.
    not_performed lists the checks nobody made; it accompanies the decision everywhere.
    """

    verdict: Verdict
    reasons: tuple[ReasonDetail, ...]
    checks: tuple[CheckEvidence, ...]
    not_performed: tuple[Check, ...]
    policy_version: str
