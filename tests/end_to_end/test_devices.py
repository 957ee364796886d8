"""Each device unplugged and each port fed garbage, once each, with a crossing under way.

The lane says within 5 s that it is degraded, the crossing is referred, and the lane comes back by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from egate.api.v1 import lane_service_pb2, values_pb2
from egate.demo.client import RPC_S_MAX, CrossingStream, new_request_id
from hw.link.pace import BITS_PER_BYTE
from hw.sim.outfit import BAUDS
from tests.end_to_end.evidence import Picture
from tests.end_to_end.hall import (
    DEVICE_LANE,
    Callers,
    Hall,
    Told,
    calling,
    open_hall,
    passed,
    small_passport,
    step_in,
    stream,
)
from tests.end_to_end.record import check_releases

DEGRADED_S_MAX = 5.0  # required
BACK_S_MAX = 10.0  # chosen: the lock's back-off is 1 s, its secure channel takes up to 2 s
MEGABYTE = 1 << 20
# Of the device in the simulator, the lane's word for it.
DEVICES = {"lock": "lock", "sensors": "sensors", "mrz": "reader", "chip": "reader"}
# Where the traveller is when it happens: the reader matters while the document is read, the others afterwards.
STAGES = {"lock": "captured", "sensors": "captured", "mrz": "place", "chip": "place"}
# Lasting garbage comes before the captures: an answer that gets through it would rightly admit the traveller.
GARBAGE_STAGES = STAGES | {"lock": "document", "sensors": "document"}


class Watch:
    """Follows a lane: when it was first not well."""

    def __init__(self) -> None:
        self.degraded_at: float | None = None
        self.devices: set[tuple[str, str]] = set()

    def see(self, state: lane_service_pb2.Lane) -> None:
        ill = {(name, device) for name, device in state.devices.items() if device != "ONLINE"}
        self.devices |= ill
        if self.degraded_at is None and ill:
            self.degraded_at = time.monotonic()


@contextlib.asynccontextmanager
async def watching(callers: Callers) -> AsyncIterator[Watch]:
    watch = Watch()
    call = callers.engineer.lane.WatchLanes(lane_service_pb2.WatchLanesRequest(lanes=[DEVICE_LANE]), timeout=RPC_S_MAX)

    async def follow() -> None:
        async for change in call:
            watch.see(change.lane)

    task = asyncio.create_task(follow())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("device", list(DEVICES))
async def test_unplugged_device_degrades_refers_and_comes_back(hall: Hall, callers: Callers, device: str) -> None:
    await step_in(hall, callers, DEVICE_LANE)
    unplugged: list[float] = []

    def at(stage: str) -> None:
        if stage == STAGES[device]:
            hall.simulator.fault(DEVICE_LANE, device, "unplug")
            unplugged.append(time.monotonic())

    async with watching(callers) as watch:
        told = await stream(hall, callers, face=Picture.SLOW_MATCH, at=at)
        await callers.state(DEVICE_LANE, lambda state: state.devices[DEVICES[device]] == "LOST", DEGRADED_S_MAX)
    assert watch.degraded_at is not None
    assert watch.degraded_at - unplugged[0] < DEGRADED_S_MAX
    assert_referred(told)
    hall.simulator.fault(DEVICE_LANE, device, "replug")
    hall.simulator.leave(DEVICE_LANE)
    hall.simulator.remove_document(DEVICE_LANE)
    await callers.state(DEVICE_LANE, lambda state: state.phase == lane_service_pb2.LANE_PHASE_READY, BACK_S_MAX)
    await passed(hall, callers)


@pytest.mark.parametrize("device", list(DEVICES))
async def test_garbage_from_a_device_admits_nobody_by_accident(hall: Hall, callers: Callers, device: str) -> None:
    """A megabyte, once. What the daemon can't read it must not believe; afterwards the device is as good as before."""
    await step_in(hall, callers, DEVICE_LANE)
    seen = len(hall.simulator.log(DEVICE_LANE))

    def at(stage: str) -> None:
        if stage == STAGES[device]:
            hall.simulator.fault(DEVICE_LANE, device, "garbage", size=MEGABYTE, seed=7)

    told = await stream(hall, callers, face=Picture.SLOW_MATCH, at=at)
    log = hall.simulator.log(DEVICE_LANE)
    assert told.decision is not None
    if told.outcome == values_pb2.OUTCOME_PASSED:
        assert told.decision.release == values_pb2.RELEASE_ACKNOWLEDGED
    else:
        assert_referred(told)
    check_releases(hall.journal.entries(), {DEVICE_LANE: log[seen:]})
    hall.simulator.leave(DEVICE_LANE)
    hall.simulator.remove_document(DEVICE_LANE)
    await garbage_sent(hall, seen)
    await callers.state(DEVICE_LANE, lambda state: state.phase == lane_service_pb2.LANE_PHASE_READY, BACK_S_MAX)
    await passed(hall, callers)


@pytest.fixture(scope="module")
def paced_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """Bytes take as long as at the ports' baud rates."""
    with open_hall(tmp_path_factory.mktemp("paced"), seed=11, scale=0.2, paced=True) as hall:
        yield hall


@pytest.mark.parametrize("device", list(DEVICES))
async def test_lasting_garbage_degrades_refers_and_comes_back(
    device: str, hall: Hall, request: pytest.FixtureRequest
) -> None:
    """Readers at their own speed, where garbage comes between the bytes of a block. Lock and sensors in a flood: their short answers
    find a way through what 115200 baud bring, and an answer that is whole is right to count."""
    if DEVICES[device] == "reader":
        hall = request.getfixturevalue("paced_hall")
    async with calling(hall) as callers:
        await step_in(hall, callers, DEVICE_LANE)
        pours: list[Pour] = []

        def at(stage: str) -> None:
            if stage == GARBAGE_STAGES[device] and not pours:
                pours.append(Pour(hall, device))

        async with watching(callers) as watch:
            told = await uncaptured(hall, callers, at)
            while watch.degraded_at is None:
                assert time.monotonic() - pours[0].began < DEGRADED_S_MAX, "not degraded in time"
                await asyncio.sleep(0.01)
            await pours[0].end()
        assert watch.degraded_at - pours[0].began < DEGRADED_S_MAX
        assert watch.devices <= {(DEVICES[device], "DEGRADED"), (DEVICES[device], "LOST")}
        assert_referred(told)
        hall.simulator.leave(DEVICE_LANE)
        hall.simulator.remove_document(DEVICE_LANE)
        await callers.state(DEVICE_LANE, well, BACK_S_MAX)
        await passed(hall, callers)


async def uncaptured(hall: Hall, callers: Callers, at: Callable[[str], None]) -> Told:
    """A traveller who lays the document down and waits; at is called at "place" and each stage."""
    call, told = CrossingStream(callers.gates[DEVICE_LANE], DEVICE_LANE, new_request_id()), Told()
    await call.begin()
    async for answer in call.events():
        match answer.WhichOneof("event"):
            case "guidance" if "PLACE_DOCUMENT" in answer.guidance.codes:
                hall.simulator.present_document(DEVICE_LANE, small_passport(), repeat_s=0.5)
                at("place")
            case "progress":
                at(answer.progress.stage)
            case "decision":
                told.decision = answer.decision
                hall.simulator.leave(DEVICE_LANE)
            case "outcome":
                told.outcome = answer.outcome.outcome
    return told


class Pour:
    """Garbage at one port from now on until `end`, two portions at a time so that there is no gap between them."""

    def __init__(self, hall: Hall, device: str) -> None:
        self.began = time.monotonic()
        self._hall, self._device = hall, device
        # half a second at the port's speed; a flood, where bytes take no time
        self._size = BAUDS[device] // BITS_PER_BYTE // 2 if DEVICES[device] == "reader" else MEGABYTE
        self._seen = len(hall.simulator.log(DEVICE_LANE))
        self._count = 0
        self._wanted = True
        self._pour()
        self._pour()
        self._task = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Returns when the last of it was sent."""
        self._wanted = False
        await self._task
        await garbage_sent(self._hall, self._seen, self._count)

    def _pour(self) -> None:
        self._count += 1
        self._hall.simulator.fault(DEVICE_LANE, self._device, "garbage", size=self._size, seed=self._count)

    async def _run(self) -> None:
        while self._wanted:
            await garbage_sent(self._hall, self._seen, self._count - 1)
            self._pour()


def well(state: lane_service_pb2.Lane) -> bool:
    return state.phase == lane_service_pb2.LANE_PHASE_READY and set(state.devices.values()) == {"ONLINE"}


async def garbage_sent(hall: Hall, seen: int, count: int = 1) -> None:
    deadline = time.monotonic() + BACK_S_MAX
    while sum(event.kind == "garbage_sent" for event in hall.simulator.log(DEVICE_LANE)[seen:]) < count:
        assert time.monotonic() < deadline, "the simulator did not send its garbage"
        await asyncio.sleep(0.01)


def assert_referred(told: Told) -> None:
    assert told.decision is not None
    assert told.decision.decision.verdict == values_pb2.VERDICT_REFER
    assert told.decision.case_id
    assert told.outcome in (values_pb2.OUTCOME_REFERRED, values_pb2.OUTCOME_UNKNOWN)
    assert small_passport().mrz_lines[1][:9] not in str(told.decision)
