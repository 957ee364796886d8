"""Travellers on a schedule: each free lane takes the next in line, and what happens to him is timed by the gate's clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from egate.api.v1 import lane_service_pb2, values_pb2
from egate.demo.chip_reader import document_message
from egate.demo.client import CrossingStream, Stubs, channel, new_request_id
from egate.demo.site import DemoError
from egate.demo.travellers import Traveller
from hw.sim.client import Simulator

WAIT_S_MAX = 60.0  # chosen: beyond every deadline of the lane
ENGINEER = "engineer-1"
READY = lane_service_pb2.LANE_PHASE_READY


@dataclass(slots=True)
class Passage:
    """One traveller's marks, seconds of the monotonic clock; see egate.demo.arrivals. problem "": went as it should."""

    lane: str
    marks: dict[str, float] = field(default_factory=dict)
    outcome: str = ""
    problem: str = ""
    reasons: tuple[str, ...] = ()

    def mark(self, name: str) -> None:
        """The first time counts, but for comparisons: their last attempt is the evidence."""
        if name in ("face", "finger") or name not in self.marks:
            self.marks[name] = time.monotonic()


class LaneWatch:
    """What the daemon says about one lane, always the newest."""

    def __init__(self, engineer: Stubs, lane: str) -> None:
        self._call = engineer.lane.WatchLanes(lane_service_pb2.WatchLanesRequest(lanes=[lane]))
        self._newest = lane_service_pb2.Lane()
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def until(self, holds: Callable[[lane_service_pb2.Lane], bool]) -> None:
        """Raises DemoError if it did not come true in time."""
        try:
            async with asyncio.timeout(WAIT_S_MAX), self._changed:
                await self._changed.wait_for(lambda: holds(self._newest))
        except TimeoutError:
            raise DemoError("the lane did not come to the awaited state") from None

    async def close(self) -> None:
        self._call.cancel()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        async for change in self._call:
            async with self._changed:
                self._newest = change.lane
                self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class GateLoad:
    """One lane as the load uses it. device: the lane reads the document itself. Its simulator belongs to it alone."""

    lane: str
    device: bool
    gate: Stubs
    watch: LaneWatch
    simulator: Simulator


@asynccontextmanager
async def gate_loads(
    address: str, pki: Path, simulator: Simulator, request_lanes: frozenset[str]
) -> AsyncIterator[list[GateLoad]]:
    """A load for each lane of the simulator, connected with mutual TLS."""
    engineer_channel = channel(address, pki, ENGINEER)
    lanes = simulator.lanes()
    channels = [channel(address, pki, lane.replace("lane-", "gate-")) for lane in lanes]
    simulators = [Simulator(simulator.directory) for _ in lanes]
    engineer = Stubs(engineer_channel)
    watches = [LaneWatch(engineer, lane) for lane in lanes]
    try:
        yield [
            GateLoad(lane, lane not in request_lanes, Stubs(own), watch, control)
            for lane, own, watch, control in zip(lanes, channels, watches, simulators, strict=True)
        ]
    finally:
        for watch in watches:
            await watch.close()
        for control in simulators:
            control.close()
        for own in (*channels, engineer_channel):
            await own.close()


async def run_load(
    loads: Sequence[GateLoad],
    arrivals: Sequence[float],
    traveller: Traveller,
    on_passage: Callable[[Passage], None] = lambda passage: None,
) -> list[Passage]:
    """Takes a traveller through for each arrival (seconds from now); in the order they ended. All arrivals 0: a closed loop."""
    waiting: asyncio.Queue[float] = asyncio.Queue()  # bounded by the schedule
    passages: list[Passage] = []
    for load in loads:
        await load.watch.until(lambda state: state.phase == READY)
    origin = time.monotonic()

    async def arrive() -> None:
        for offset in arrivals:
            await asyncio.sleep(max(0.0, origin + offset - time.monotonic()))
            waiting.put_nowait(origin + offset)

    async def serve(load: GateLoad) -> None:
        while len(passages) < len(arrivals):
            await load.watch.until(lambda state: state.phase == READY)
            passage = Passage(load.lane, {"arrival": await waiting.get()})
            passage.mark("taken")
            await _take_through(load, traveller, passage)
            passages.append(passage)
            on_passage(passage)
        everybody_through.set()

    everybody_through = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(arrive()), *(group.create_task(serve(load)) for load in loads)]
        await everybody_through.wait()
        for task in tasks:
            task.cancel()
    return passages


async def _take_through(load: GateLoad, traveller: Traveller, passage: Passage) -> None:
    try:
        async with asyncio.timeout(WAIT_S_MAX):
            await asyncio.to_thread(load.simulator.enter, load.lane)
            await load.watch.until(lambda state: state.person_count == 1)
            passage.mark("seen")
            await _cross(load, traveller, passage)
    except (TimeoutError, DemoError) as error:
        passage.problem = str(error) or "it took too long"
    except grpc.aio.AioRpcError as error:
        passage.problem = f"{error.code().name}: {error.details()}"
    if not passage.problem and passage.outcome != "PASSED":
        passage.problem = f"ended {passage.outcome or 'without outcome'}: {', '.join(passage.reasons)}"
    if passage.problem:
        # Whoever did not pass walks back out; the lane goes on by its sensors and deadlines.
        await asyncio.to_thread(load.simulator.leave, load.lane)


async def _cross(load: GateLoad, traveller: Traveller, passage: Passage) -> None:
    stream = CrossingStream(load.gate, load.lane, new_request_id())
    await stream.begin()
    async for answer in stream.events():
        match answer.WhichOneof("event"):
            case "guidance" if "PLACE_DOCUMENT" in answer.guidance.codes:
                await _present(load, traveller, stream)
            case "guidance" if "LOOK_AT_CAMERA" in answer.guidance.codes and "captures" not in passage.marks:
                passage.mark("captures")
                await _capture(traveller, stream)
            case "progress":
                passage.mark(answer.progress.stage)
            case "decision":
                passage.mark("decision")
                passage.reasons = tuple(reason.code for reason in answer.decision.decision.reasons)
                if answer.decision.case_id:
                    await asyncio.to_thread(load.simulator.leave, load.lane)  # referred: back out to the manual lane
            case "outcome":
                passage.mark("outcome")
                passage.outcome = values_pb2.Outcome.Name(answer.outcome.outcome).removeprefix("OUTCOME_")


async def _present(load: GateLoad, traveller: Traveller, stream: CrossingStream) -> None:
    if load.device:
        await asyncio.to_thread(load.simulator.present_document, load.lane, traveller.document, repeat_s=1.0)
        return
    # The lane is named in the document session, so that a benchmark's daemon can tell whose evidence it returns.
    session = f"{load.lane}.{new_request_id()}"
    await stream.document(await asyncio.to_thread(document_message, traveller.document, session))


async def _capture(traveller: Traveller, stream: CrossingStream) -> None:
    for image in traveller.faces:
        await stream.face(image)
    for image in traveller.fingers:
        await stream.finger(image)
    await stream.captures_end()
