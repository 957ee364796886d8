"""What a lane offers to the service: values and the protocol. `runner.py` implements it.

A lane never raises into its caller for a traveller's sake: a negative verdict is a `Decided` value. `LaneRefused`
says that the request could not be taken; nothing was started then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from egate.domain.biometric import EncodedFinger, Guidance
from egate.domain.decision import Decision, Outcome, ReasonDetail
from egate.domain.device import DeviceHealth, DeviceState, LockState, ReleaseResult, SensorLevels
from egate.domain.document import DocumentRead
from egate.domain.evidence import CheckResult
from egate.domain.ids import CaseId, CrossingId, LaneId, OfficerId
from egate.errors import EgateError

DocumentSource = Literal["device", "request"]


class LaneRefused(EgateError):
    """The lane can't take the request now. Codes: LANE_BUSY, LANE_HELD, LANE_OUT_OF_SERVICE, LANE_NOT_OVERRIDABLE,
    LANE_INBOX_FULL, CAPTURE_SOURCE (a face or finger from the gate although the lane takes its own),
    REQUEST_ID_REUSED (another payload under a used request_id), DOCUMENT_SOURCE (document given
    although the lane reads its own, or missing although it does not), CROSSING_OVER (capture for an ended crossing)."""

    code = "LANE_REFUSED"


class LanePhase(StrEnum):
    READY = "READY"
    READING = "READING"
    VERIFYING = "VERIFYING"
    RECORDING = "RECORDING"
    RELEASING = "RELEASING"
    RELEASED = "RELEASED"
    REFERRED = "REFERRED"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"


@dataclass(frozen=True, slots=True)
class LaneSnapshot:
    """What a lane is doing. version rises by at least one with each change of this lane."""

    lane: LaneId
    version: int
    phase: LanePhase
    crossing: CrossingId | None = None
    devices: Mapping[str, DeviceState] = field(default_factory=dict)
    lock: LockState = LockState.UNKNOWN
    levels: SensorLevels = field(default_factory=SensorLevels)
    held: bool = False
    reasons: tuple[ReasonDetail, ...] = ()


@dataclass(frozen=True, slots=True)
class Progressed:
    """A stage has ended: document, document_checks, face, finger, record, release or passage."""

    stage: str
    result: CheckResult
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Guided:
    codes: tuple[Guidance, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """The durable decision, once the lock has answered where it was commanded. release None: not commanded."""

    crossing: CrossingId
    decision: Decision
    release: ReleaseResult | None
    case: CaseId | None
    decided_at_ns: int  # UTC, Unix epoch


@dataclass(frozen=True, slots=True)
class Ended:
    outcome: Outcome
    reasons: tuple[ReasonDetail, ...]
    elapsed_s: float


CrossingEvent = Progressed | Guided | Decided | Ended


class CrossingHandle(Protocol):
    """One crossing as its gate sees it. Dropping the handle cancels nothing."""

    @property
    def crossing(self) -> CrossingId: ...

    def present(self, document: DocumentRead) -> None:
        """The document, on a lane whose source is the request. Raises LaneRefused."""

    def face(self, image: bytes) -> None:
        """One live frame, encoded. Newest wins while the verifier is busy. Raises LaneRefused."""

    def finger(self, finger: EncodedFinger) -> None:
        """One live impression. Raises LaneRefused."""

    def captures_end(self) -> None:
        """No more captures will come: what was sent decides."""

    async def decided(self) -> Decided:
        """The decision. Raises JournalError (code JOURNAL) if it could not be made durable: nothing was released then."""

    def events(self) -> AsyncIterator[CrossingEvent]:
        """All events from the start; ends after Ended. Raises JournalError as decided()."""


class Lane(Protocol):
    @property
    def id(self) -> LaneId: ...

    @property
    def document_source(self) -> DocumentSource: ...

    @property
    def snapshot(self) -> LaneSnapshot: ...

    @property
    def health(self) -> Mapping[str, DeviceHealth]:
        """Of each device, by the names of LaneSnapshot.devices."""

    async def begin(
        self, *, caller: str, request_id: str, payload_sha256: bytes, document: DocumentRead | None, streaming: bool
    ) -> CrossingHandle:
        """Starts a crossing, or finds the one this request_id started (also one that has ended: replayed from the journal).

        streaming: captures and, on request lanes, the document may follow; otherwise all is handed over at once and
        captures_end() follows. Raises LaneRefused, JournalError.
        """

    async def secure(self, *, officer: OfficerId, caller: str, request_id: str, hold: bool, reason: str) -> bool:
        """Secures the lock first, then records; refers a crossing under way. True if the lock confirmed. Idempotent."""

    async def release(
        self, *, officer: OfficerId, caller: str, request_id: str, payload_sha256: bytes, reason: str
    ) -> tuple[CrossingId, ReleaseResult]:
        """Officer's override: recorded durably, then released. Raises LaneRefused, JournalError."""


class Hall(Protocol):
    """All lanes of one daemon."""

    @property
    def lanes(self) -> Mapping[LaneId, Lane]: ...

    def watch(self, lanes: frozenset[LaneId], resume: str) -> AsyncIterator[tuple[LaneSnapshot, str]]:
        """Snapshots and resume tokens: the present ones first unless resume is still known, then each change.

        Raises LaneRefused WATCH_TOO_SLOW when the reader falls more than 256 changes behind.
        """
