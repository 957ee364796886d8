"""A gate on the workbench: devices in memory that do what their ports promise, at once and observably.

For tests of the lane's own order of things; the real protocols are in tests/hw and tests/end_to_end.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from egate.crossing.policy import ALWAYS_MANDATORY, FaceResult, FingerResult, Policy
from egate.document.data import DocumentData
from egate.domain.biometric import EncodedFinger, Guidance
from egate.domain.captured import CameraFrame, FingerImage
from egate.domain.device import DeviceHealth, DeviceState, LockState, ReleaseResult, SensorLevels
from egate.domain.document import DocumentRead
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.ids import DocumentSessionId
from egate.domain.reason import Reason
from egate.domain.signal import TravellerSignal
from egate.errors import DeviceLost, DeviceTimeout, JournalError
from egate.journal.store import SqliteJournal
from egate.lane.finger_verifier import FingerReferences
from egate.lane.live_face import LiveFace, LiveFrame
from egate.lane.verifiers import FaceReference, FaceVerification, FingerVerification, References
from egate.ports import Record, StoredResponse

POLICY = Policy("bench", ALWAYS_MANDATORY | {Check.FINGER}, 0.5, 0.5, 1e-3, capture_s=5.0, passage_s=5.0)
EMPTY, OCCUPIED = SensorLevels(True, 0, 0), SensorLevels(True, 1, 0)
DOCUMENT = DocumentRead(DocumentSessionId("s"), ("L1", "L2"), portrait=b"p", fingers=(EncodedFinger(b"f"),))


class BenchDevice:
    def __init__(self) -> None:
        self.state = DeviceState.LOST
        self._on_state: Callable[[DeviceState], None] = lambda state: None

    @property
    def health(self) -> DeviceHealth:
        return DeviceHealth(self.state)

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        self._on_state = on_state
        self.become(DeviceState.ONLINE)

    def become(self, state: DeviceState) -> None:
        self.state = state
        self._on_state(state)

    async def close(self) -> None:
        self.state = DeviceState.LOST


class BenchLock(BenchDevice):
    """commands: what was commanded, in order. answer: what a release reports."""

    def __init__(self) -> None:
        super().__init__()
        self._lock_state = LockState.SECURED
        self._on_lock: Callable[[LockState], None] = lambda state: None
        self.commands: list[str] = []
        self.answer = ReleaseResult.ACKNOWLEDGED

    @property
    def lock_state(self) -> LockState:
        return self._lock_state

    @lock_state.setter
    def lock_state(self, state: LockState) -> None:
        if state is not self._lock_state:
            self._lock_state = state
            self._on_lock(state)

    def on_lock(self, callback: Callable[[LockState], None]) -> None:
        self._on_lock = callback

    async def release(self, duration_s: float, deadline_s: float) -> ReleaseResult:
        self.commands.append("release")
        if self.answer is ReleaseResult.ACKNOWLEDGED:
            self.lock_state = LockState.RELEASED
        return self.answer

    async def secure(self) -> bool:
        self.commands.append("secure")
        self.lock_state = LockState.SECURED
        return True


class BenchSensors(BenchDevice):
    def __init__(self) -> None:
        super().__init__()
        self.age_s = 0.0
        self.levels = SensorLevels()
        self._callback: Callable[[SensorLevels], None] = lambda levels: None

    @property
    def read_at(self) -> float | None:
        return time.monotonic() - self.age_s

    def on_levels(self, callback: Callable[[SensorLevels], None]) -> None:
        self._callback = callback

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        await super().start(on_state)
        self.show(EMPTY)

    def show(self, levels: SensorLevels) -> None:
        self.levels = levels
        self._callback(levels)

    def walk_through(self) -> None:
        """One person opens the door, goes through and lets it close."""
        gone = (self.levels.exit_count or 0) + 1
        self.show(SensorLevels(False, 1, gone - 1))
        self.show(SensorLevels(False, 0, gone))
        self.show(SensorLevels(True, 0, gone))


class BenchSignal(BenchDevice):
    """shown: everything that was shown, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[TravellerSignal] = []

    async def show(self, signal: TravellerSignal) -> None:
        self.shown.append(signal)


class BenchCamera(BenchDevice):
    """Gives a frame whenever it is asked; picture is what the frames show."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.late_s = 0.0

    async def frame(self, after_s: float, timeout_s: float) -> CameraFrame:
        if self.state is DeviceState.LOST:
            raise DeviceLost("no camera")
        self.asked += 1
        await asyncio.sleep(0)
        return CameraFrame(np.full((48, 64, 3), 90, np.uint8), time.monotonic() - self.late_s, self.asked)


class BenchFingerSensor(BenchDevice):
    """Gives impression once it is set, and advises before."""

    def __init__(self) -> None:
        super().__init__()
        self.impressions: asyncio.Queue[FingerImage] = asyncio.Queue()
        self.asked = 0

    async def capture(self, timeout_s: float, on_guidance: Callable[[Guidance], None]) -> FingerImage:
        self.asked += 1
        on_guidance(Guidance.PLACE_FINGER)
        try:
            return await asyncio.wait_for(self.impressions.get(), timeout_s)
        except TimeoutError:
            raise DeviceTimeout("no finger") from None


@dataclass(slots=True)
class RecordedVerifiers:
    """Implements lane.verifiers.Verifiers with evidence that was recorded. bug: raised by the face comparison."""

    face_result: FaceResult = field(default_factory=lambda: FaceResult(0.9, 1e-6, 1))
    finger_result: FingerResult = field(default_factory=lambda: FingerResult(0.9, 1e-6))
    bug: Exception | None = None
    compared: list[bytes] = field(default_factory=list)
    fingers: list[EncodedFinger] = field(default_factory=list)

    @property
    def versions(self) -> Mapping[str, str]:
        return {"recorded": "0"}

    def references(self, read: DocumentRead) -> References:
        async def face() -> FaceReference:
            return Reason.PORTRAIT_MISSING

        async def finger() -> FingerReferences:
            return Reason.FINGER_REFERENCE_MISSING

        return References(asyncio.create_task(face()), asyncio.create_task(finger()))

    async def document(self, read: DocumentRead) -> tuple[tuple[CheckEvidence, ...], DocumentData | None]:
        return tuple(CheckEvidence(check, CheckResult.PASS) for check in (Check.MRZ, Check.DOCUMENT_VALIDITY)), None

    async def face(
        self, frame: LiveFrame | None, references: References, view: LiveFace, last: bool
    ) -> FaceVerification:
        self.compared.append(frame.image if frame else b"")
        if self.bug is not None:
            raise self.bug
        return FaceVerification(self.face_result)

    async def finger(self, finger: EncodedFinger, references: References) -> FingerVerification:
        self.fingers.append(finger)
        return FingerVerification(self.finger_result)


class FailingJournal:
    """The real journal behind a switch: while broken, nothing is written; while held, writing waits."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal = journal
        self.broken = False
        self.free = asyncio.Event()
        self.free.set()
        self.asked: list[str] = []

    async def append(
        self,
        records: Sequence[Record],
        *,
        response: StoredResponse | None = None,
        within: Callable[[sqlite3.Connection], None] | None = None,
    ) -> int:
        self.asked += [record.kind for record in records]
        await self.free.wait()
        if self.broken:
            raise JournalError("the disk is gone", code="JOURNAL_UNHEALTHY")
        return await self._journal.append(records, response=response, within=within)

    async def response(self, caller: str, request_id: str) -> StoredResponse | None:
        return await self._journal.response(caller, request_id)
