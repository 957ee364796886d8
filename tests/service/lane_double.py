"""A double of the ports Lane, CrossingHandle and Hall: it keeps what it was given and answers what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from egate.domain.biometric import EncodedFinger
from egate.domain.decision import Decision, Outcome, ReasonDetail, Verdict
from egate.domain.device import DeviceHealth, DeviceState, LockState, ReleaseResult, SensorLevels
from egate.domain.document import DocumentRead
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import CaseId, CrossingId, LaneId, OfficerId
from egate.domain.reason import Reason
from egate.lane.api import (
    CrossingEvent,
    CrossingHandle,
    Decided,
    DocumentSource,
    Ended,
    Lane,
    LanePhase,
    LaneRefused,
    LaneSnapshot,
)

ADMIT = Decision(
    Verdict.ADMIT,
    (),
    (
        CheckEvidence(Check.MRZ, CheckResult.PASS),
        CheckEvidence(Check.FACE, CheckResult.PASS, score=0.61, threshold=0.5, fmr=1e-5),
    ),
    (Check.PASSIVE_AUTHENTICATION, Check.LISTS),
    "demo-1",
)
REFER = Decision(Verdict.REFER, (ReasonDetail(Reason.FACE_NON_MATCH),), (), (), "demo-1")


@dataclass
class HandleDouble:
    crossing: CrossingId
    documents: list[DocumentRead] = field(default_factory=list)
    faces: list[bytes] = field(default_factory=list)
    fingers: list[EncodedFinger] = field(default_factory=list)
    ended: bool = False
    over: bool = False
    decision: asyncio.Future[Decided] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    news: asyncio.Queue[CrossingEvent] = field(default_factory=asyncio.Queue)
    received: asyncio.Event = field(default_factory=asyncio.Event)

    def present(self, document: DocumentRead) -> None:
        self._take()
        self.documents.append(document)

    def face(self, image: bytes) -> None:
        self._take()
        self.faces.append(image)

    def finger(self, finger: EncodedFinger) -> None:
        self._take()
        self.fingers.append(finger)

    def captures_end(self) -> None:
        self._take()
        self.ended = True

    def _take(self) -> None:
        self.received.set()
        if self.over:
            raise LaneRefused("the crossing is over", code="CROSSING_OVER")

    async def decided(self) -> Decided:
        return await asyncio.shield(self.decision)

    async def events(self) -> AsyncIterator[CrossingEvent]:
        while True:
            event = await self.news.get()
            yield event
            if isinstance(event, Ended):
                return

    def decide(self, decision: Decision = ADMIT) -> Decided:
        admitted = decision.verdict is Verdict.ADMIT
        release = ReleaseResult.ACKNOWLEDGED if admitted else None
        case = None if admitted else CaseId("c" * 32)
        decided = Decided(self.crossing, decision, release, case, 1_700_000_000_000_000_000)
        self.over = True
        self.decision.set_result(decided)
        self.news.put_nowait(decided)
        return decided

    def end(self, outcome: Outcome = Outcome.PASSED) -> None:
        self.news.put_nowait(Ended(outcome, (), 1.5))


@dataclass
class LaneDouble:
    id: LaneId
    document_source: DocumentSource = "request"
    refusal: Exception | None = None
    begun: dict[tuple[str, str], tuple[bytes, HandleDouble]] = field(default_factory=dict)
    secured: list[tuple[OfficerId, str, bool, str]] = field(default_factory=list)
    released: list[tuple[OfficerId, str, str]] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)  # something was secured
    gate: asyncio.Event | None = None  # holds operations up until set

    @property
    def health(self) -> Mapping[str, DeviceHealth]:
        return {
            "lock": DeviceHealth(
                DeviceState.ONLINE, -2.0, {"opened": 1, "lost": 0, "errors": 3}, "no answer", "vendor 1"
            ),
            "sensors": DeviceHealth(),
        }

    @property
    def snapshot(self) -> LaneSnapshot:
        return LaneSnapshot(
            self.id, 1, LanePhase.READY, devices={"lock": DeviceState.ONLINE}, lock=LockState.SECURED, levels=LEVELS
        )

    @property
    def last(self) -> HandleDouble:
        return list(self.begun.values())[-1][1]

    async def begin(
        self, *, caller: str, request_id: str, payload_sha256: bytes, document: DocumentRead | None, streaming: bool
    ) -> CrossingHandle:
        await self._pass()
        key = (caller, request_id)
        if key in self.begun and self.begun[key][0] != payload_sha256:
            raise LaneRefused("used with another payload", code="REQUEST_ID_REUSED")
        if key not in self.begun:
            handle = HandleDouble(CrossingId(f"{len(self.begun):032x}"), [document] if document else [])
            self.begun[key] = (payload_sha256, handle)
        self.started.set()
        return self.begun[key][1]

    async def secure(self, *, officer: OfficerId, caller: str, request_id: str, hold: bool, reason: str) -> bool:
        await self._pass()
        self.secured.append((officer, caller, hold, reason))
        self.done.set()
        return True

    async def release(
        self, *, officer: OfficerId, caller: str, request_id: str, payload_sha256: bytes, reason: str
    ) -> tuple[CrossingId, ReleaseResult]:
        await self._pass()
        self.released.append((officer, caller, reason))
        return CrossingId("f" * 32), ReleaseResult.ACKNOWLEDGED

    async def _pass(self) -> None:
        if self.gate is not None:
            self.started.set()
            await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal


LEVELS = SensorLevels(door_closed=True, person_count=0, exit_count=7)


@dataclass
class HallDouble:
    doubles: dict[LaneId, LaneDouble]
    changes: asyncio.Queue[tuple[LaneSnapshot, str]] = field(default_factory=asyncio.Queue)

    @property
    def lanes(self) -> Mapping[LaneId, Lane]:
        return dict(self.doubles)

    async def watch(self, lanes: frozenset[LaneId], resume: str) -> AsyncIterator[tuple[LaneSnapshot, str]]:
        for lane in sorted(lanes):
            yield self.doubles[lane].snapshot, "1"
        while True:
            snapshot, token = await self.changes.get()
            if snapshot.lane in lanes:
                yield snapshot, token
