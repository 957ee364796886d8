"""A case: a referred crossing that an officer works on. Values and their transitions; pure, `now` is an argument.

    OPEN --claim--> CLAIMED --resolve--> RESOLVED
      ^----- the claim's deadline passes --'

A claim that has run out needs no writing: `as_of` shows the case OPEN again, and whoever claims it next gets it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from egate.domain.decision import ReasonDetail
from egate.domain.evidence import Check, CheckEvidence
from egate.domain.ids import CaseId, CrossingId, LaneId, OfficerId
from egate.ports import Record

REASON_CHARACTERS_MAX = 500


class CaseState(StrEnum):
    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    RESOLVED = "RESOLVED"


class Resolution(StrEnum):
    """What became of the traveller. Journal format: never rename one."""

    ADMITTED = "ADMITTED"
    REFUSED = "REFUSED"
    FORWARDED = "FORWARDED"  # to second-line inspection
    NO_SHOW = "NO_SHOW"  # the traveller never came to the manual lane


class CaseRefusal(StrEnum):
    """Why an officer's request was not carried out. Stable codes."""

    CASE_UNKNOWN = "CASE_UNKNOWN"
    CASE_CLAIMED_BY_OTHER = "CASE_CLAIMED_BY_OTHER"
    CASE_NOT_CLAIMED = "CASE_NOT_CLAIMED"  # never, or the claim has run out
    CASE_RESOLVED = "CASE_RESOLVED"
    CASE_REASON_INVALID = "CASE_REASON_INVALID"  # empty, or longer than 500 characters


@dataclass(frozen=True, slots=True)
class Case:
    """All times are timezone-aware UTC. revision counts the changes of this case.

    not_performed: checks nobody made. dossier_missing: the images could not be stored; the case exists all the same.
    deadline: when the claim runs out. reason: the officer's words for the resolution, 1 to 500 characters, hidden in the repr.
    """

    id: CaseId
    crossing: CrossingId
    lane: LaneId
    opened_at: datetime
    reasons: tuple[ReasonDetail, ...]
    checks: tuple[CheckEvidence, ...] = ()
    not_performed: tuple[Check, ...] = ()
    policy_version: str = ""
    dossier_missing: bool = False
    state: CaseState = CaseState.OPEN
    owner: OfficerId | None = None
    claimed_at: datetime | None = None
    deadline: datetime | None = None
    resolution: Resolution | None = None
    reason: str = field(default="", repr=False)
    resolved_at: datetime | None = None
    resolved_by: OfficerId | None = None
    revision: int = 0


def new_case_id() -> CaseId:
    return CaseId(uuid.uuid4().hex)


def as_of(case: Case, now: datetime) -> Case:
    """The case as it stands at now: OPEN again if its claim has run out."""
    if case.state is CaseState.CLAIMED and not _in_time(case, now):
        return replace(case, state=CaseState.OPEN, owner=None, claimed_at=None, deadline=None)
    return case


def claim(case: Case, officer: OfficerId, now: datetime, claim_s: float) -> Case | CaseRefusal:
    """Claims for claim_s seconds; an officer's own claim is renewed."""
    case = as_of(case, now)
    if case.state is CaseState.RESOLVED:
        return CaseRefusal.CASE_RESOLVED
    if case.state is CaseState.CLAIMED and case.owner != officer:
        return CaseRefusal.CASE_CLAIMED_BY_OTHER
    return replace(
        case,
        state=CaseState.CLAIMED,
        owner=officer,
        claimed_at=now,
        deadline=now + timedelta(seconds=claim_s),
        revision=case.revision + 1,
    )


def resolve(case: Case, officer: OfficerId, resolution: Resolution, reason: str, now: datetime) -> Case | CaseRefusal:
    """Only the officer who holds the claim resolves, and only with a reason."""
    case = as_of(case, now)
    reason = reason.strip()
    if case.state is CaseState.RESOLVED:
        return CaseRefusal.CASE_RESOLVED
    if case.state is CaseState.OPEN:
        return CaseRefusal.CASE_NOT_CLAIMED
    if case.owner != officer:
        return CaseRefusal.CASE_CLAIMED_BY_OTHER
    if not 1 <= len(reason) <= REASON_CHARACTERS_MAX:
        return CaseRefusal.CASE_REASON_INVALID
    return replace(
        case,
        state=CaseState.RESOLVED,
        resolution=resolution,
        reason=reason,
        resolved_at=now,
        resolved_by=officer,
        revision=case.revision + 1,
    )


def opened_record(case: Case) -> Record:
    """The CASE entry that belongs into the decision's transaction. Checks and scores stand in the DECISION entry."""
    reasons = [{"reason": each.reason, "detail": each.detail} for each in case.reasons]
    return _record(case, "OPENED", {"reasons": reasons, "dossier_missing": case.dossier_missing})


def claimed_record(case: Case) -> Record:
    deadline = "" if case.deadline is None else case.deadline.isoformat()
    return _record(case, "CLAIMED", {"officer": case.owner, "deadline": deadline})


def resolved_record(case: Case) -> Record:
    return _record(
        case, "RESOLVED", {"officer": case.resolved_by, "resolution": case.resolution, "reason": case.reason}
    )


def _record(case: Case, action: str, more: dict[str, object]) -> Record:
    return Record(
        "CASE", case.lane, case.crossing, {"case": case.id, "action": action, "revision": case.revision, **more}
    )


def _in_time(case: Case, now: datetime) -> bool:
    return case.deadline is not None and now < case.deadline
