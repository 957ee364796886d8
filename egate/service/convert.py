"""Values of the domain into messages of egate.api.v1. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from egate.api.v1 import crossing_service_pb2 as crossing_pb
from egate.api.v1 import lane_service_pb2 as lane_pb
from egate.api.v1 import match_service_pb2 as match_pb
from egate.api.v1 import values_pb2 as values_pb
from egate.domain.biometric import FaceBox, FaceTemplate
from egate.domain.decision import Decision, Outcome, ReasonDetail, Verdict
from egate.domain.device import DeviceHealth, ReleaseResult
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import LaneId
from egate.domain.inspection import Finding
from egate.lane.api import CrossingEvent, Decided, Ended, Guided, LanePhase, LaneSnapshot, Progressed

# protoc's stubs call these plain int; looking them up here makes a missing name fail at import.
_VERDICTS = cast("dict[Verdict, values_pb.Verdict]", {v: values_pb.Verdict.Value(f"VERDICT_{v}") for v in Verdict})
_RESULTS = cast(
    "dict[CheckResult, values_pb.CheckResult]",
    {r: values_pb.CheckResult.Value(f"CHECK_RESULT_{r}") for r in CheckResult},
)
_OUTCOMES = cast("dict[Outcome, values_pb.Outcome]", {o: values_pb.Outcome.Value(f"OUTCOME_{o}") for o in Outcome})
_RELEASES = cast(
    "dict[ReleaseResult, values_pb.Release]", {r: values_pb.Release.Value(f"RELEASE_{r}") for r in ReleaseResult}
)
_PHASES = cast("dict[LanePhase, lane_pb.LanePhase]", {p: lane_pb.LanePhase.Value(f"LANE_PHASE_{p}") for p in LanePhase})


def timestamp(at: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(at)
    return message


def timestamp_ns(at_ns: int) -> Timestamp:
    message = Timestamp()
    message.FromNanoseconds(at_ns)
    return message


def duration(seconds: float) -> Duration:
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


def release(result: ReleaseResult | None) -> values_pb.Release:
    """None: the lock was not commanded."""
    return values_pb.RELEASE_NONE if result is None else _RELEASES[result]


def check_result(value: CheckResult) -> values_pb.CheckResult:
    return _RESULTS[value]


def face_box(value: FaceBox) -> match_pb.FaceBox:
    return match_pb.FaceBox(x=value.x, y=value.y, width=value.width, height=value.height, confidence=value.confidence)


def face_template(value: FaceTemplate) -> match_pb.FaceTemplate:
    """float32 little-endian, whatever the machine's own order is."""
    return match_pb.FaceTemplate(
        embeddings={model: row.astype("<f4").tobytes() for model, row in value.embeddings.items()}
    )


def reason(value: ReasonDetail) -> values_pb.Reason:
    return values_pb.Reason(code=value.reason, detail=value.detail)


def check(evidence: CheckEvidence) -> values_pb.Check:
    return values_pb.Check(
        code=evidence.check,
        result=_RESULTS[evidence.result],
        reasons=list(evidence.reasons),
        score=evidence.score,
        threshold=evidence.threshold,
        fmr=evidence.fmr,
        detail=evidence.detail,
        findings=[finding(each) for each in evidence.findings],
    )


def finding(value: Finding) -> values_pb.Finding:
    return values_pb.Finding(
        code=value.check, result=_RESULTS[value.result], reasons=list(value.reasons), detail=value.detail
    )


def decision(value: Decision, decided_at_ns: int) -> values_pb.Decision:
    return values_pb.Decision(
        verdict=_VERDICTS[value.verdict],
        reasons=[reason(each) for each in value.reasons],
        checks=[check(each) for each in value.checks],
        not_performed=list(value.not_performed),
        policy_version=value.policy_version,
        decided_at=timestamp_ns(decided_at_ns),
    )


def referral(
    reasons: tuple[ReasonDetail, ...],
    checks: tuple[CheckEvidence, ...],
    not_performed: tuple[Check, ...],
    policy_version: str,
    decided_at: datetime,
) -> values_pb.Decision:
    """The decision a case was opened by."""
    message = decision(Decision(Verdict.REFER, reasons, checks, not_performed, policy_version), 0)
    message.decided_at.CopyFrom(timestamp(decided_at))
    return message


def authorised(value: Decided) -> crossing_pb.AuthoriseCrossingResponse:
    return crossing_pb.AuthoriseCrossingResponse(
        crossing_id=value.crossing,
        decision=decision(value.decision, value.decided_at_ns),
        release=release(value.release),
        case_id=value.case or "",
    )


def event(value: CrossingEvent) -> crossing_pb.CrossResponse:
    response = crossing_pb.CrossResponse
    match value:
        case Progressed():
            progress = response.Progress(
                stage=value.stage, result=_RESULTS[value.result], elapsed=duration(value.elapsed_s)
            )
            return response(progress=progress)
        case Guided():
            return response(guidance=response.Guidance(codes=list(value.codes)))
        case Decided():
            decided = response.CrossingDecision(
                crossing_id=value.crossing,
                decision=decision(value.decision, value.decided_at_ns),
                release=release(value.release),
                case_id=value.case or "",
            )
            return response(decision=decided)
        case Ended():
            outcome = response.CrossingOutcome(
                outcome=_OUTCOMES[value.outcome],
                reasons=[reason(each) for each in value.reasons],
                elapsed=duration(value.elapsed_s),
            )
            return response(outcome=outcome)


def lane(value: LaneSnapshot) -> lane_pb.Lane:
    return lane_pb.Lane(
        lane=value.lane,
        phase=_PHASES[value.phase],
        crossing_id=value.crossing or "",
        devices=dict(value.devices),
        lock=value.lock,
        held=value.held,
        reasons=[reason(each) for each in value.reasons],
        door_closed=value.levels.door_closed,
        person_count=value.levels.person_count,
        alarms=sorted(value.levels.alarms),
    )


def device(lane: LaneId, name: str, health: DeviceHealth, now: float) -> lane_pb.Device:
    """now: CLOCK_MONOTONIC seconds, as in health."""
    heard_ago = None if health.heard_at is None else duration(max(0.0, now - health.heard_at))
    return lane_pb.Device(
        lane=lane,
        name=name,
        state=health.state,
        heard_ago=heard_ago,
        counters=dict(health.counters),
        last_error=health.last_error,
        identity=health.identity,
    )
