"""One traveller's way through a lane, as gate, world and clock see it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from egate.api.v1 import crossing_service_pb2 as pb
from egate.api.v1 import journal_service_pb2, lane_service_pb2, values_pb2
from egate.demo.chip_reader import document_message
from egate.demo.client import RPC_S_MAX, SENSOR_DPI, CrossingStream, Stubs, new_request_id
from egate.demo.site import DemoError
from egate.demo.travellers import Traveller
from hw.sim.client import Simulator

Tell = Callable[[str, str, float], None]  # stage, verdict, milliseconds since the start


@dataclass(slots=True)
class Journey:
    """What came of a traveller. stages_ms: since the crossing's start, by stage."""

    name: str
    expected: str
    outcome: str = ""
    reasons: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    not_performed: list[str] = field(default_factory=list)
    stages_ms: dict[str, float] = field(default_factory=dict)
    total_ms: float = 0.0
    crossing: str = ""
    case: str = ""
    decided_s: float = 0.0
    log_position: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def named(self) -> list[tuple[str, str]]:
        """Reasons with the field, check or device they name."""
        return list(zip(self.reasons, self.details, strict=True))

    @property
    def ok(self) -> bool:
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        keys = ("name", "expected", "outcome", "reasons", "not_performed", "stages_ms", "total_ms")
        return {key: getattr(self, key) for key in keys}


@dataclass(frozen=True, slots=True)
class LaneAccess:
    """One lane from all sides: its gate, an engineer who watches, and the simulated world."""

    lane: str
    gate: Stubs
    engineer: Stubs
    simulator: Simulator


async def travel(traveller: Traveller, access: LaneAccess, tell: Tell) -> Journey:
    """Takes the traveller through the lane. Raises DemoError if the lane is not ready in time, grpc.aio.AioRpcError."""
    await wait_ready(access.engineer, access.lane)
    access.simulator.plan(access.lane, traveller.behaviour)
    journey = Journey(traveller.name, traveller.expected)
    journey.log_position = max((event.sequence for event in access.simulator.log(access.lane)), default=0)
    started = time.monotonic()

    def note(stage: str, verdict: str) -> None:
        elapsed_ms = (time.monotonic() - started) * 1000
        journey.stages_ms[stage] = round(elapsed_ms, 1)
        tell(stage, verdict, elapsed_ms)

    await (_by_stream if traveller.device else _at_once)(traveller, access, journey, note)
    journey.total_ms = round((time.monotonic() - started) * 1000, 1)
    return journey


async def _by_stream(
    traveller: Traveller, access: LaneAccess, journey: Journey, note: Callable[[str, str], None]
) -> None:
    lane, simulator = access.lane, access.simulator
    if traveller.comes:
        simulator.enter(lane)
    stream = CrossingStream(access.gate, lane, new_request_id())
    await stream.begin()
    async for answer in stream.events():
        match answer.WhichOneof("event"):
            case "guidance" if "PLACE_DOCUMENT" in answer.guidance.codes:
                simulator.present_document(lane, traveller.document, repeat_s=1.0)
            case "guidance" if "LOOK_AT_CAMERA" in answer.guidance.codes and "document" in journey.stages_ms:
                await _capture(stream, traveller, journey)
            case "progress":
                progress = answer.progress
                note(progress.stage, _name(values_pb2.CheckResult, progress.result))
            case "decision":
                _decided(journey, answer.decision, note)
                _step_aside(journey, traveller, access)
            case "outcome":
                journey.outcome = _name(values_pb2.Outcome, answer.outcome.outcome)
                note("outcome", journey.outcome)


async def _capture(stream: CrossingStream, traveller: Traveller, journey: Journey) -> None:
    """All captures, once."""
    if not traveller.comes or "captures" in journey.stages_ms:
        return
    journey.stages_ms["captures"] = journey.stages_ms["document"]
    for image in traveller.faces:
        await stream.face(image)
    for image in traveller.fingers:
        await stream.finger(image)
    await stream.captures_end()


async def _at_once(
    traveller: Traveller, access: LaneAccess, journey: Journey, note: Callable[[str, str], None]
) -> None:
    access.simulator.enter(access.lane)
    await wait_lane(access.engineer, access.lane, lambda state: state.person_count == 1)
    request = authorisation(traveller, access.lane)
    answer = await access.gate.crossing.AuthoriseCrossing(request, timeout=RPC_S_MAX)
    _decided(journey, answer, note)
    _step_aside(journey, traveller, access)
    await wait_lane(access.engineer, access.lane, lambda state: state.crossing_id != answer.crossing_id)
    journey.outcome = await recorded_outcome(access.engineer, answer.crossing_id)
    note("outcome", journey.outcome)


async def recorded_outcome(engineer: Stubs, crossing: str) -> str:
    """What the journal says; "" if there is no outcome yet. A gate that asks at once is not told."""
    request = journal_service_pb2.ListEntriesRequest(crossing_id=crossing)
    answer = await engineer.journal.ListEntries(request, timeout=RPC_S_MAX)
    outcomes = [json.loads(entry.body_json)["outcome"] for entry in answer.entries if entry.kind == "OUTCOME"]
    return str(outcomes[0]) if outcomes else ""


def authorisation(traveller: Traveller, lane: str, request_id: str = "") -> pb.AuthoriseCrossingRequest:
    """Everything in one request, as a gate with its own reader, camera and sensor would send it."""
    return pb.AuthoriseCrossingRequest(
        request_id=request_id or new_request_id(),
        lane=lane,
        document=document_message(traveller.document),
        faces=[pb.Capture(image=image) for image in traveller.faces],
        fingers=[pb.Capture(image=image, resolution_dpi=SENSOR_DPI) for image in traveller.fingers],
    )


def _decided(journey: Journey, answer: Any, note: Callable[[str, str], None]) -> None:
    decision = answer.decision
    journey.crossing, journey.case = answer.crossing_id, answer.case_id
    journey.reasons = [reason.code for reason in decision.reasons]
    journey.details = [reason.detail for reason in decision.reasons]
    journey.not_performed = list(decision.not_performed)
    journey.decided_s = time.monotonic()
    release = _name(values_pb2.Release, answer.release)
    note("decision", _name(values_pb2.Verdict, decision.verdict) + (f", lock {release}" if release != "NONE" else ""))


def _step_aside(journey: Journey, traveller: Traveller, access: LaneAccess) -> None:
    """A referred traveller walks back out to the manual lane."""
    if journey.case and traveller.comes:
        access.simulator.leave(access.lane)


async def wait_ready(stubs: Stubs, lane: str) -> None:
    await wait_lane(stubs, lane, lambda state: state.phase == lane_service_pb2.LANE_PHASE_READY)


async def wait_lane(stubs: Stubs, lane: str, holds: Callable[[lane_service_pb2.Lane], bool]) -> lane_service_pb2.Lane:
    """The first state of the lane that holds. Raises DemoError after 60 s."""
    watch = stubs.lane.WatchLanes(lane_service_pb2.WatchLanesRequest(lanes=[lane]), timeout=RPC_S_MAX)
    try:
        async for change in watch:
            state: lane_service_pb2.Lane = change.lane
            if holds(state):
                return state
    finally:
        watch.cancel()
    raise DemoError(f"{lane} did not come to the awaited state")


def _name(kind: Any, value: int) -> str:
    """The enumeration's name without its prefix."""
    name: str = kind.Name(value)
    prefix = {"CheckResult": "CHECK_RESULT_"}.get(kind.DESCRIPTOR.name, f"{kind.DESCRIPTOR.name.upper()}_")
    return name.removeprefix(prefix)
