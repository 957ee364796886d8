"""The stored answer to a mutating request, as canonical CBOR: what a retry after a restart is told."""

from __future__ import annotations

from typing import Any

import cbor2

from egate.domain.decision import Decision, ReasonDetail, Verdict
from egate.domain.device import ReleaseResult
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import CaseId, CrossingId
from egate.domain.inspection import finding_body, finding_from
from egate.domain.reason import Reason
from egate.errors import JournalError
from egate.lane.api import Decided

FORMAT = 1


def encode(decided: Decided) -> bytes:
    """Holds no document data, no image, no template."""
    return cbor2.dumps(
        {
            "format": FORMAT,
            "crossing": decided.crossing,
            "decision": decision_body(decided.decision),
            "release": None if decided.release is None else decided.release.value,
            "case": decided.case,
            "decided_at_ns": decided.decided_at_ns,
        },
        canonical=True,
    )


def decode(data: bytes) -> Decided:
    """Raises JournalError (JOURNAL_RESPONSE) on another format.

    An admission whose release was never confirmed comes back as UNKNOWN: it may have been executed before the restart.
    """
    try:
        body = cbor2.loads(data)
        if body["format"] != FORMAT:
            raise ValueError
        decision = _decision(body["decision"])
        release = None if body["release"] is None else ReleaseResult(body["release"])
        if release is None and decision.verdict is Verdict.ADMIT:
            release = ReleaseResult.UNKNOWN
        case = None if body["case"] is None else CaseId(body["case"])
        return Decided(CrossingId(body["crossing"]), decision, release, case, int(body["decided_at_ns"]))
    except (cbor2.CBORDecodeError, KeyError, TypeError, ValueError) as error:
        raise JournalError("a stored response cannot be read", code="JOURNAL_RESPONSE") from error


def encode_override(crossing: CrossingId, release: ReleaseResult) -> bytes:
    return cbor2.dumps({"format": FORMAT, "crossing": crossing, "release": release.value}, canonical=True)


def decode_override(data: bytes) -> tuple[CrossingId, ReleaseResult]:
    """Raises JournalError (JOURNAL_RESPONSE) on another format."""
    try:
        body = cbor2.loads(data)
        return CrossingId(body["crossing"]), ReleaseResult(body["release"])
    except (cbor2.CBORDecodeError, KeyError, TypeError, ValueError) as error:
        raise JournalError("a stored response cannot be read", code="JOURNAL_RESPONSE") from error


def decision_body(decision: Decision) -> dict[str, object]:
    """The decision as the journal holds it."""
    return {
        "verdict": decision.verdict.value,
        "reasons": [[item.reason.value, item.detail] for item in decision.reasons],
        "checks": [_check_body(check) for check in decision.checks],
        "not_performed": [check.value for check in decision.not_performed],
        "policy": decision.policy_version,
    }


def _check_body(item: CheckEvidence) -> dict[str, object]:
    return {
        "check": item.check.value,
        "result": item.result.value,
        "reasons": [reason.value for reason in item.reasons],
        "score": item.score,
        "threshold": item.threshold,
        "fmr": item.fmr,
        "detail": item.detail,
        "findings": [finding_body(finding) for finding in item.findings],
    }


def _decision(body: dict[str, Any]) -> Decision:
    return Decision(
        verdict=Verdict(body["verdict"]),
        reasons=tuple(ReasonDetail(Reason(code), detail) for code, detail in body["reasons"]),
        checks=tuple(_check(item) for item in body["checks"]),
        not_performed=tuple(Check(code) for code in body["not_performed"]),
        policy_version=body["policy"],
    )


def _check(body: dict[str, Any]) -> CheckEvidence:
    return CheckEvidence(
        Check(body["check"]),
        CheckResult(body["result"]),
        tuple(Reason(code) for code in body["reasons"]),
        body["score"],
        body["threshold"],
        body["fmr"],
        body["detail"],
        tuple(finding_from(item) for item in body.get("findings", ())),  # answers of version 0.1 have none
    )
