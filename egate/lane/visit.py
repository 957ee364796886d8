"""What accompanies a crossing outside the machine: its gate, its samples, its tasks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from egate.cases.case import Case
from egate.crossing import events as ev
from egate.domain.decision import Decision
from egate.domain.device import ReleaseResult
from egate.domain.ids import CaseId, CrossingId, OfficerId
from egate.lane.handle import LiveHandle
from egate.lane.samples import Samples


@dataclass(slots=True)
class Override:
    """An officer's release under way."""

    event: ev.OfficerRelease
    officer: OfficerId
    caller: str
    request_id: str
    payload_sha256: bytes
    reason: str
    done: asyncio.Future[tuple[CrossingId, ReleaseResult]]


@dataclass(slots=True)
class Visit:
    """One crossing's companions outside the machine. caller "" and no handle: an officer's override."""

    crossing: CrossingId
    caller: str
    request_id: str
    payload_sha256: bytes
    source: str
    started_s: float
    samples: Samples
    handle: LiveHandle | None = None
    prepared: Case | None = None  # its dossier is on disk; opened by the record it belongs to
    case: CaseId | None = None  # durable
    decision: Decision | None = None
    decided_at_ns: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Starting:
    event: ev.Start
    accepted: asyncio.Future[LiveHandle]
