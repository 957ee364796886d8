"""A hall for tests: simulated gates in one process, the daemon in another, and everybody who calls it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import grpc
import numpy as np
from google.rpc import error_details_pb2, status_pb2

from egate.api.v1 import crossing_service_pb2 as pb
from egate.api.v1 import lane_service_pb2, values_pb2
from egate.demo.client import RPC_S_MAX, SENSOR_DPI, CrossingStream, Stubs, channel, login, new_request_id
from egate.demo.journey import wait_lane
from egate.demo.site import OFFICER, DaemonProcess, Site, device_urls, make_site
from egate.demo.utopia import Utopia
from egate.domain.device import DeviceRole
from hw.sim.client import Simulator, spawn
from hw.sim.issuer import IssuedDocument, invent_holder, issue
from hw.sim.outfit import DEFAULT_ROLES, Sensing
from tests.end_to_end.daemon import PROGRAM
from tests.end_to_end.evidence import Picture, picture
from tests.end_to_end.record import Journal

DEVICE_LANE, REQUEST_LANE = "lane-1", "lane-2"
POLICY: Mapping[str, object] = {
    "document_s": 3.0,
    "capture_s": 3.0,
    "release_s": 1.0,
    "passage_s": 2.0,
    "referral_s": 4.0,
}
READY_S_MAX = 15.0
ATTEMPTS_MAX = 4
EQUIPMENT = {"LOCK_FAILED", "LOCK_UNKNOWN", "DEVICE_LOST"}
DETAILS = "grpc-status-details-bin"


@dataclass(slots=True)
class Hall:
    """daemon changes when it is restarted."""

    simulator: Simulator
    site: Site
    daemon: DaemonProcess
    _officer: tuple[tuple[str, str], ...] = ()

    async def officer(self, console: Stubs) -> tuple[tuple[str, str], ...]:
        """The officer's token; one login per daemon, since each costs half a second of scrypt."""
        if not self._officer:
            self._officer = await login(console, OFFICER, self.site.password)
        return self._officer

    @property
    def journal(self) -> Journal:
        return Journal(self.site.directory / "data" / "journal.db")

    def restart(self) -> None:
        self.daemon = DaemonProcess(self.site, PROGRAM)
        self._officer = ()


@contextlib.contextmanager
def open_hall(
    directory: Path,
    *,
    seed: int,
    scale: float,
    paced: bool,
    policy: Mapping[str, object] = POLICY,
    state: Utopia | None = None,
    models: Path | None = None,
    lanes: int = 2,
    request_lanes: frozenset[str] = frozenset({REQUEST_LANE}),
    devices: frozenset[DeviceRole] = DEFAULT_ROLES,
    sensing: Sensing = Sensing.COUNTERS,
    cameras: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Hall]:
    """lane-1 has a document reader, the gate of lane-2 sends the document. scale: factor on how long people take.

    request_lanes: those whose gates send the document; the others read it themselves. cameras: URLs by lane.

    state: whose documents must be found genuine; without one nobody's need be.
    """
    with spawn(
        directory / "gate", lanes=lanes, seed=seed, scale=scale, paced=paced, devices=devices, sensing=sensing
    ) as simulator:
        urls = {lane: dict(found) for lane, found in device_urls(simulator).items()}
        for lane, camera in cameras.items():
            urls[lane]["camera"] = camera
        site = make_site(
            directory / "site",
            urls,
            request_lanes=request_lanes,
            policy=policy,
            state=state,
            models=models,
        )
        site.config.write_text('log_level = "debug"\n' + site.config.read_text())
        hall = Hall(simulator, site, DaemonProcess(site, PROGRAM))
        try:
            yield hall
        finally:
            if hall.daemon.process.poll() is None:
                hall.daemon.stop()


@dataclass(frozen=True, slots=True)
class Callers:
    """The hall's gates by lane, an engineer who watches, and an officer at a console."""

    gates: Mapping[str, Stubs]
    engineer: Stubs
    console: Stubs
    officer: tuple[tuple[str, str], ...]

    async def ready(self, lane: str) -> lane_service_pb2.Lane:
        return await self.state(lane, lambda state: state.phase == lane_service_pb2.LANE_PHASE_READY)

    async def state(
        self, lane: str, holds: Callable[[lane_service_pb2.Lane], bool], within_s: float = READY_S_MAX
    ) -> lane_service_pb2.Lane:
        """The first state that holds; fails with the last one seen."""
        seen: list[lane_service_pb2.Lane] = []

        def look(state: lane_service_pb2.Lane) -> bool:
            seen.append(state)
            return holds(state)

        try:
            async with asyncio.timeout(within_s):
                return await wait_lane(self.engineer, lane, look)
        except TimeoutError:
            raise AssertionError(f"{lane} did not come to the awaited state; last: {seen[-1:]}") from None

    async def outcome(self, hall: Hall, crossing: str, within_s: float = READY_S_MAX) -> dict[str, Any]:
        """The body of the crossing's outcome record, as soon as there is one."""
        found: dict[str, Any] = await eventually(
            lambda: hall.journal.outcome(crossing), within_s, f"no outcome of {crossing}"
        )
        return found


@contextlib.asynccontextmanager
async def calling(hall: Hall) -> AsyncIterator[Callers]:
    async with contextlib.AsyncExitStack() as stack:

        async def stubs(caller: str) -> Stubs:
            return Stubs(await stack.enter_async_context(channel(hall.daemon.address, hall.site.pki, caller)))

        gates = {lane: await stubs(lane.replace("lane", "gate")) for lane in hall.simulator.lanes()}
        console = await stubs("console-1")
        yield Callers(gates, await stubs("engineer-1"), console, await hall.officer(console))


async def eventually(look: Callable[[], Any], within_s: float, otherwise: str) -> Any:
    """The first true value of look, which must be quick; fails after within_s."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, otherwise
        await asyncio.sleep(0.01)
    return found


# Travellers


@cache
def grey(extension: str) -> bytes:
    done, data = cv2.imencode(extension, np.full((64, 72), 128, np.uint8))
    assert done
    return data.tobytes()


def small_passport(index: int = 0, **defects: Any) -> IssuedDocument:
    """A document whose chip is read in a moment: nothing can be seen in its portrait and finger."""
    return issue(invent_holder(index, date.today()), grey(".jpg"), grey(".png"), **defects)


def request(
    lane: str = REQUEST_LANE,
    *,
    face: Picture | bytes = Picture.MATCH,
    finger: Picture | bytes = Picture.MATCH,
    request_id: str = "",
    document: IssuedDocument | None = None,
    portrait: bytes = b"",
) -> pb.AuthoriseCrossingRequest:
    """Everything in one request."""
    session = new_request_id()
    return pb.AuthoriseCrossingRequest(
        request_id=request_id or new_request_id(),
        lane=lane,
        document=pb.Document(
            document_session_id=session,
            mrz_lines=(document or small_passport()).mrz_lines,
            portrait=pb.DocumentPart(document_session_id=session, image=portrait or grey(".jpg")),
            finger=pb.DocumentPart(document_session_id=session, image=grey(".png")),
        ),
        faces=[pb.Capture(image=encoded(face))],
        fingers=[pb.Capture(image=encoded(finger), resolution_dpi=SENSOR_DPI)],
    )


def encoded(image: Picture | bytes) -> bytes:
    return picture(image) if isinstance(image, Picture) else image


async def authorise(callers: Callers, message: pb.AuthoriseCrossingRequest) -> pb.AuthoriseCrossingResponse:
    gate = callers.gates[message.lane]
    answer: pb.AuthoriseCrossingResponse = await gate.crossing.AuthoriseCrossing(message, timeout=RPC_S_MAX)
    return answer


async def step_in(hall: Hall, callers: Callers, lane: str) -> None:
    """One traveller stands in a lane that is ready, and the daemon has seen it."""
    await callers.ready(lane)
    hall.simulator.enter(lane)
    await callers.state(lane, lambda state: state.person_count == 1)


async def cross(hall: Hall, callers: Callers, message: pb.AuthoriseCrossingRequest) -> pb.AuthoriseCrossingResponse:
    """A traveller steps in and the gate asks; who is referred walks back out."""
    await step_in(hall, callers, message.lane)
    answer = await authorise(callers, message)
    if answer.case_id:
        hall.simulator.leave(message.lane)
    return answer


async def admitted(
    hall: Hall, callers: Callers, make_request: Callable[[], pb.AuthoriseCrossingRequest] = request
) -> pb.AuthoriseCrossingResponse:
    """A traveller whose release the lock acknowledged.

    A busy machine can stall a link for longer than libosdp's 200 ms; the gate then rightly refers. Such a traveller tries again.
    """
    for _ in range(ATTEMPTS_MAX):
        answer = await cross(hall, callers, make_request())
        if answer.release == values_pb2.RELEASE_ACKNOWLEDGED:
            return answer
        reasons = {reason.code for reason in answer.decision.reasons}
        assert reasons <= EQUIPMENT, reasons
    raise AssertionError("the lock did not release anybody")


@dataclass(slots=True)
class Told:
    """What the gate of a stream was told. outcome: pb enumeration, 0 if the stream ended before."""

    decision: pb.CrossResponse.CrossingDecision | None = None
    outcome: int = 0


async def stream(
    hall: Hall,
    callers: Callers,
    *,
    face: Picture = Picture.MATCH,
    finger: Picture = Picture.MATCH,
    request_id: str = "",
    document: IssuedDocument | None = None,
    at: Callable[[str], None] = lambda stage: None,
    lane: str = DEVICE_LANE,
) -> Told:
    """A traveller lays the document down and is captured. at is called at "place", "captured", "decided" and each stage."""
    call = CrossingStream(callers.gates[lane], lane, request_id or new_request_id())
    told = Told()
    await call.begin()
    async for answer in call.events():
        match answer.WhichOneof("event"):
            case "guidance" if "PLACE_DOCUMENT" in answer.guidance.codes:
                hall.simulator.present_document(lane, document or small_passport(), repeat_s=0.5)
                at("place")
            case "progress":
                at(answer.progress.stage)
                if answer.progress.stage == "document":
                    await call.face(encoded(face))
                    await call.finger(encoded(finger))
                    await call.captures_end()
                    at("captured")
            case "decision":
                told.decision = answer.decision
                if answer.decision.case_id:
                    hall.simulator.leave(lane)
                at("decided")
            case "outcome":
                told.outcome = answer.outcome.outcome
    return told


async def passed(hall: Hall, callers: Callers) -> Told:
    """The next traveller passes the lane that reads documents itself; see admitted for why one may have to try again."""
    for _ in range(ATTEMPTS_MAX):
        await step_in(hall, callers, DEVICE_LANE)
        told = await stream(hall, callers)
        if told.outcome == values_pb2.OUTCOME_PASSED:
            return told
        assert told.decision is not None
        reasons = {reason.code for reason in told.decision.decision.reasons}
        assert reasons <= EQUIPMENT, reasons
        hall.simulator.leave(DEVICE_LANE)
    raise AssertionError("nobody passes")


def named(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str]:
    """Status and the reason of its ErrorInfo, "" if there is none."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS:
            info = error_details_pb2.ErrorInfo()
            status_pb2.Status.FromString(value).details[0].Unpack(info)
            return error.code(), info.reason
    return error.code(), ""
