"""The table of cases and how a case becomes a row. It lies in the journal's file, so that decision and case are one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2

from egate.cases.case import Case, CaseState, Resolution
from egate.domain.decision import ReasonDetail
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import CaseId, CrossingId, LaneId, OfficerId
from egate.domain.inspection import finding_body, finding_from
from egate.domain.reason import Reason

SCHEMA_VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TABLES = (
    """
CREATE TABLE IF NOT EXISTS cases (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    crossing TEXT NOT NULL,
    lane TEXT NOT NULL,
    opened_us INTEGER NOT NULL,
    content BLOB NOT NULL,
    dossier_missing INTEGER NOT NULL,
    state TEXT NOT NULL,
    owner TEXT,
    claimed_us INTEGER,
    deadline_us INTEGER,
    resolution TEXT,
    reason TEXT NOT NULL,
    resolved_us INTEGER,
    resolved_by TEXT,
    revision INTEGER NOT NULL,
    version INTEGER NOT NULL UNIQUE
) STRICT""",
    "CREATE INDEX IF NOT EXISTS cases_crossing ON cases (crossing)",
    "CREATE INDEX IF NOT EXISTS cases_pending ON cases (number) WHERE state <> 'RESOLVED'",
    """
CREATE TABLE IF NOT EXISTS case_counter (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    schema INTEGER NOT NULL,
    version INTEGER NOT NULL,
    store_id TEXT NOT NULL
) STRICT""",
)
_MUTABLE = (
    "state",
    "owner",
    "claimed_us",
    "deadline_us",
    "resolution",
    "reason",
    "resolved_us",
    "resolved_by",
    "revision",
)
_COLUMNS = ("id", "crossing", "lane", "opened_us", "content", "dossier_missing", *_MUTABLE)
SELECT = f"SELECT {', '.join(_COLUMNS)}, number, version FROM cases"


class CaseMoved(Exception):
    """The case changed between reading and writing it; read again."""


def create_tables(connection: sqlite3.Connection) -> None:
    """Idempotent; leaves tables of a newer version alone."""
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(
        "INSERT OR IGNORE INTO case_counter VALUES (1, ?, 0, lower(hex(randomblob(16))))", (SCHEMA_VERSION,)
    )


def insert(connection: sqlite3.Connection, case: Case) -> int:
    """Returns the version of the change. An id that exists already violates a constraint."""
    version = _next_version(connection)
    values = _row(case)
    columns = (*_COLUMNS, "version")
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO cases ({', '.join(columns)}) VALUES ({marks})"
    connection.execute(statement, (*(values[name] for name in _COLUMNS), version))
    return version


def update(connection: sqlite3.Connection, case: Case) -> int:
    """Writes the changed case over its previous revision and returns the version. Raises CaseMoved if that is not the one stored."""
    version = _next_version(connection)
    values = _row(case)
    assignments = ", ".join(f"{name} = ?" for name in _MUTABLE)
    cursor = connection.execute(
        f"UPDATE cases SET {assignments}, version = ? WHERE id = ? AND revision = ?",
        (*(values[name] for name in _MUTABLE), version, case.id, case.revision - 1),
    )
    if cursor.rowcount != 1:
        raise CaseMoved
    return version


def from_row(row: Sequence[Any]) -> Case:
    values = dict(zip(_COLUMNS, row, strict=False))
    content = cbor2.loads(values["content"])
    return Case(
        id=CaseId(values["id"]),
        crossing=CrossingId(values["crossing"]),
        lane=LaneId(values["lane"]),
        opened_at=from_us(values["opened_us"]),
        reasons=tuple(ReasonDetail(Reason(reason), detail) for reason, detail in content["reasons"]),
        checks=tuple(_check(each) for each in content["checks"]),
        not_performed=tuple(Check(name) for name in content["not_performed"]),
        policy_version=content["policy_version"],
        dossier_missing=bool(values["dossier_missing"]),
        state=CaseState(values["state"]),
        owner=_officer(values["owner"]),
        claimed_at=_time(values["claimed_us"]),
        deadline=_time(values["deadline_us"]),
        resolution=None if values["resolution"] is None else Resolution(values["resolution"]),
        reason=values["reason"],
        resolved_at=_time(values["resolved_us"]),
        resolved_by=_officer(values["resolved_by"]),
        revision=values["revision"],
    )


def to_us(at: datetime) -> int:
    """Microseconds since 1970 UTC. Raises TypeError for a time without zone."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_us(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def _row(case: Case) -> Mapping[str, object]:
    return {
        "id": case.id,
        "crossing": case.crossing,
        "lane": case.lane,
        "opened_us": to_us(case.opened_at),
        "content": _content(case),
        "dossier_missing": int(case.dossier_missing),
        "state": str(case.state),
        "owner": case.owner,
        "claimed_us": None if case.claimed_at is None else to_us(case.claimed_at),
        "deadline_us": None if case.deadline is None else to_us(case.deadline),
        "resolution": None if case.resolution is None else str(case.resolution),
        "reason": case.reason,
        "resolved_us": None if case.resolved_at is None else to_us(case.resolved_at),
        "resolved_by": case.resolved_by,
        "revision": case.revision,
    }


def _content(case: Case) -> bytes:
    """What never changes of a case. CBOR, because scores may be NaN."""
    checks = [
        [
            str(c.check),
            str(c.result),
            [str(r) for r in c.reasons],
            _float(c.score),
            _float(c.threshold),
            _float(c.fmr),
            c.detail,
            [finding_body(finding) for finding in c.findings],
        ]
        for c in case.checks
    ]
    content = {
        "reasons": [[str(each.reason), each.detail] for each in case.reasons],
        "checks": checks,
        "not_performed": [str(check) for check in case.not_performed],
        "policy_version": case.policy_version,
    }
    return cbor2.dumps(content, canonical=True)


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)  # an engine may hand out a NumPy scalar


def _check(values: Sequence[Any]) -> CheckEvidence:
    check, result, reasons, score, threshold, fmr, detail, *rest = values
    findings = tuple(finding_from(each) for each in (rest[0] if rest else ()))  # cases of version 0.1 have none
    return CheckEvidence(
        Check(check), CheckResult(result), tuple(Reason(r) for r in reasons), score, threshold, fmr, detail, findings
    )


def _officer(value: str | None) -> OfficerId | None:
    return None if value is None else OfficerId(value)


def _time(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)


def _next_version(connection: sqlite3.Connection) -> int:
    """Of all cases together, rising by one with each change: what a watcher resumes from."""
    row = connection.execute("UPDATE case_counter SET version = version + 1 WHERE id = 1 RETURNING version").fetchone()
    return int(row[0])
