"""One lane on the workbench, with a real journal and real cases in a folder of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from egate.cases.dossier import DossierStore
from egate.cases.store import CaseStore
from egate.clock import SystemClock
from egate.domain.biometric import EncodedFinger
from egate.domain.ids import LaneId
from egate.journal import canonical
from egate.journal.store import SqliteJournal
from egate.lane.api import CrossingHandle, LanePhase
from egate.lane.gate import Gate
from egate.lane.hall import GateHall
from egate.lane.requests import Requests
from egate.lane.runner import GateLane
from egate.lane.services import Services
from egate.ports import Camera, FingerSensor, Signal
from tests.lane.bench_gate import DOCUMENT, OCCUPIED, POLICY, BenchLock, BenchSensors, FailingJournal, RecordedVerifiers

WAIT_S = 10.0


@dataclass(slots=True)
class Workbench:
    lane: GateLane
    hall: GateHall
    lock: BenchLock
    sensors: BenchSensors
    verifiers: RecordedVerifiers
    journal: FailingJournal
    store: SqliteJournal
    cases: CaseStore

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits for a condition that changes of the lane bring about."""
        async with asyncio.timeout(WAIT_S):
            while not holds():  # noqa: ASYNC110 - the condition may be anything, not one event
                await asyncio.sleep(0.001)

    async def ready(self) -> None:
        await self.until(lambda: self.lane.snapshot.phase is LanePhase.READY)

    async def begin(self, request_id: str = "r1", caller: str = "gate/1", payload: bytes = b"d") -> CrossingHandle:
        """A traveller in the zone, everything handed over at once."""
        self.sensors.show(OCCUPIED)
        handle = await self.lane.begin(
            caller=caller, request_id=request_id, payload_sha256=payload * 32, document=DOCUMENT, streaming=False
        )
        with contextlib.suppress(Exception):
            handle.face(b"face")
            handle.finger(EncodedFinger(b"finger"))
            handle.captures_end()
        return handle

    async def entries(self) -> list[tuple[str, dict[str, object]]]:
        return [(entry.kind, canonical.decode(entry.body)) for entry in await self.store.entries(limit=1000)]


@contextlib.asynccontextmanager
async def workbench(
    folder: Path,
    *,
    camera: Camera | None = None,
    finger_sensor: FingerSensor | None = None,
    signal: Signal | None = None,
) -> AsyncIterator[Workbench]:
    """A lane that is ready, with these devices beside lock and sensors."""
    async with await SqliteJournal.open(folder / "journal.db") as store:
        cases = await CaseStore.open(store, store.read, store.on_commit, DossierStore(folder))
        journal = FailingJournal(store)
        lock, sensors, verifiers = BenchLock(), BenchSensors(), RecordedVerifiers()
        services = Services(journal, cases, verifiers, SystemClock(), lambda state, number: "pseudonym")
        gate = Gate(lock, sensors, camera=camera, finger_sensor=finger_sensor, signal=signal)
        lane = GateLane(LaneId("lane-1"), gate, services, POLICY, Requests())
        hall = GateHall([lane])
        running = asyncio.create_task(hall.run())
        bench = Workbench(lane, hall, lock, sensors, verifiers, journal, store, cases)
        await bench.ready()
        yield bench
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await cases.close()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Workbench]:
    async with workbench(tmp_path) as found:
        yield found
