"""A lane with devices for everything: nobody but the lane captures, the traveller is shown what to do, and contacts warn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date

import numpy as np
import pytest

from egate.api.v1 import lane_service_pb2 as pb
from egate.api.v1 import values_pb2
from egate.demo.client import RPC_S_MAX, CrossingStream, new_request_id
from egate.domain.device import Alarm, DeviceRole
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore
from hw.sim.client import Simulator
from hw.sim.issuer import IssuedDocument, invent_holder, issue
from hw.sim.outfit import DEFAULT_ROLES, Sensing
from tests.end_to_end.evidence import Picture, picture
from tests.end_to_end.hall import ATTEMPTS_MAX, DEVICE_LANE, EQUIPMENT, Callers, Hall, calling, grey, open_hall, step_in

OWN = frozenset({DeviceRole.FINGER_SENSOR, DeviceRole.SIGNAL})
PATIENT = {
    "document_s": 10.0,
    "capture_s": 15.0,
    "attempts_max": 1,
    "release_s": 2.0,
    "passage_s": 4.0,
    "referral_s": 4.0,
}


def sample(name: str) -> bytes:
    return ModelStore().sample(name).read_bytes()


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    folder = tmp_path_factory.mktemp("own")
    frames = folder / "frames"
    frames.mkdir()
    (frames / "holder.png").write_bytes(picture(Picture.MATCH))
    with open_hall(
        folder,
        seed=6,
        scale=0.3,
        paced=False,
        policy=PATIENT,
        lanes=1,
        request_lanes=frozenset(),
        devices=DEFAULT_ROLES | OWN,
        sensing=Sensing.FULL,
        cameras={DEVICE_LANE: f"camera+dir://{frames}?fps=10&frozen=0"},
    ) as found:
        yield found


@asynccontextmanager
async def callers_of(hall: Hall) -> AsyncIterator[Callers]:
    hall.simulator.reset(DEVICE_LANE)
    async with calling(hall) as callers:
        await callers.ready(DEVICE_LANE)
        yield callers


def passport(finger: bytes) -> IssuedDocument:
    return issue(invent_holder(3, date.today()), grey(".jpg"), finger)


async def cross(hall: Hall, callers: Callers, live: bytes) -> tuple[int, int, set[str]]:
    """As _cross; a traveller who was referred for busy equipment tries again (tests.end_to_end.hall.admitted says why)."""
    for _ in range(ATTEMPTS_MAX):
        verdict, outcome, advice, reasons = await _cross(hall, callers, live)
        if not reasons or not reasons <= EQUIPMENT:
            return verdict, outcome, advice
    raise AssertionError("the equipment stays busy")


async def _cross(hall: Hall, callers: Callers, live: bytes) -> tuple[int, int, set[str], set[str]]:
    """Verdict, outcome, advice and reasons of a traveller who lays down a document with p1_2 and then the finger of live."""
    simulator: Simulator = hall.simulator
    await step_in(hall, callers, DEVICE_LANE)
    call = CrossingStream(callers.gates[DEVICE_LANE], DEVICE_LANE, new_request_id())
    await call.begin()
    verdict = outcome = 0
    advice: set[str] = set()
    reasons: set[str] = set()
    async for answer in call.events():
        match answer.WhichOneof("event"):
            case "guidance":
                codes = set(answer.guidance.codes)
                advice |= codes
                if "PLACE_DOCUMENT" in codes:
                    simulator.present_document(DEVICE_LANE, passport(sample("p1_2.png")), repeat_s=0.5)
                if "PLACE_FINGER" in codes:
                    simulator.lay_finger(DEVICE_LANE, np.ascontiguousarray(decode_grey(live).pixels))
                if codes & {"USE_ENROLLED_FINGER", "LIFT_FINGER"}:
                    simulator.lift_finger(DEVICE_LANE)
            case "decision":
                verdict = answer.decision.decision.verdict
                reasons = {reason.code for reason in answer.decision.decision.reasons}
                simulator.lift_finger(DEVICE_LANE)
                if answer.decision.case_id:
                    simulator.leave(DEVICE_LANE)
            case "outcome":
                outcome = answer.outcome.outcome
    simulator.remove_document(DEVICE_LANE)
    return verdict, outcome, advice, reasons


async def test_holder_passes_by_the_lanes_own_devices_and_is_shown_the_way(hall: Hall) -> None:
    async with callers_of(hall) as callers:
        since = hall.simulator.log(DEVICE_LANE)[-1].sequence
        verdict, outcome, advice = await cross(hall, callers, sample("p1_1.png"))
        assert (verdict, outcome) == (values_pb2.VERDICT_ADMIT, values_pb2.OUTCOME_PASSED)
        assert {"PLACE_DOCUMENT", "PLACE_FINGER", "GO_AHEAD"} <= advice
        await callers.ready(DEVICE_LANE)
        kinds = [event.kind for event in hall.simulator.log(DEVICE_LANE, since)]
        lights = [kind for kind in kinds if kind.startswith(("light", "led"))]
        assert any("GREEN" in light.upper() for light in lights), kinds


async def test_another_finger_is_referred(hall: Hall) -> None:
    async with callers_of(hall) as callers:
        verdict, outcome, _ = await cross(hall, callers, sample("p2_1.png"))
        assert (verdict, outcome) == (values_pb2.VERDICT_REFER, values_pb2.OUTCOME_REFERRED)


@pytest.mark.parametrize(
    ("alarm", "reason"),
    [(Alarm.FIRE, "FIRE_ALARM"), (Alarm.EMERGENCY, "EMERGENCY_BUTTON"), (Alarm.TAMPER, "TAMPER")],
)
async def test_contact_takes_the_lane_out_of_service_and_back(hall: Hall, alarm: Alarm, reason: str) -> None:
    async with callers_of(hall) as callers:
        hall.simulator.set_alarm(DEVICE_LANE, alarm, active=True)
        out = await callers.state(DEVICE_LANE, lambda lane: alarm.value in lane.alarms)
        assert out.phase == pb.LANE_PHASE_OUT_OF_SERVICE
        assert reason in {item.code for item in out.reasons}
        hall.simulator.set_alarm(DEVICE_LANE, alarm, active=False)
        assert not (await callers.ready(DEVICE_LANE)).alarms


async def test_supervision_tells_each_devices_health(hall: Hall) -> None:
    async with callers_of(hall) as callers:
        answer = await callers.engineer.lane.GetDevices(pb.GetDevicesRequest(), timeout=RPC_S_MAX)
        devices = {device.name: device for device in answer.devices}
        assert set(devices) == {"lock", "sensors", "reader", "camera", "finger_sensor", "signal"}
        assert {device.state for device in devices.values()} == {"ONLINE"}
        assert all({"opened", "lost", "errors"} <= set(device.counters) for device in devices.values())
        assert all(devices[name].heard_ago.ToTimedelta().total_seconds() < 5.0 for name in devices if name != "reader")
