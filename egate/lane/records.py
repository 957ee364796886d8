"""What the lane writes into the journal. No image, template or MRZ; the document only as a pseudonym."""

from __future__ import annotations

from collections.abc import Mapping

from egate.crossing import effects as fx
from egate.domain.decision import ReasonDetail
from egate.domain.device import Alarm, ReleaseResult
from egate.domain.ids import CaseId, CrossingId, LaneId, OfficerId
from egate.lane.answer import decision_body
from egate.ports import Record


def started(lane: LaneId, crossing: CrossingId, caller: str, request_id: str, source: str) -> Record:
    return Record("STARTED", lane, crossing, {"caller": caller, "request_id": request_id, "source": source})


def decided(
    lane: LaneId, effect: fx.RecordDecision, pseudonym: str, versions: Mapping[str, str], case: CaseId | None
) -> Record:
    body = decision_body(effect.decision)
    body |= {"document": pseudonym, "models": dict(versions), "case": case, "release": _release(effect.release)}
    return Record("DECISION", lane, effect.crossing, body)


def overridden(lane: LaneId, crossing: CrossingId, officer: OfficerId, caller: str, reason: str) -> Record:
    return Record("OVERRIDE", lane, crossing, {"officer": officer, "caller": caller, "reason": reason})


def released(lane: LaneId, crossing: CrossingId, result: ReleaseResult) -> Record:
    return Record("RELEASE", lane, crossing, {"result": result.value})


def ended(lane: LaneId, effect: fx.RecordOutcome, case: CaseId | None) -> Record:
    body = {"outcome": effect.outcome.value, "reasons": reasons(effect.reasons), "case": case}
    return Record("OUTCOME", lane, effect.crossing, body)


def secured(lane: LaneId, officer: OfficerId, caller: str, hold: bool, reason: str, confirmed: bool) -> Record:
    body = {"action": "SECURE", "officer": officer, "caller": caller, "hold": hold, "reason": reason}
    return Record("LANE", lane, "", {**body, "confirmed": confirmed})


def warned(lane: LaneId, alarms: frozenset[Alarm]) -> Record:
    """Which alarms are on now; none: all are over."""
    return Record("LANE", lane, "", {"action": "ALARMS", "alarms": sorted(alarm.value for alarm in alarms)})


def reasons(items: tuple[ReasonDetail, ...]) -> list[list[str]]:
    return [[item.reason.value, item.detail] for item in items]


def _release(result: ReleaseResult | None) -> str | None:
    return None if result is None else result.value
