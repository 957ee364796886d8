"""A lane with more than the usual devices: its URLs open them, its commands reach them, its log tells what travellers were shown."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from egate.domain.captured import Symbology
from egate.domain.device import Alarm, DeviceRole, DeviceState, ReleaseResult
from egate.domain.signal import Light, TravellerSignal
from egate.ports import BarcodeReader, Lock, Sensors, Signal
from hw.registry import open_device
from hw.sim.control import CommandRefused
from hw.sim.lane import SimulatedLane
from hw.sim.outfit import BAUDS, LockKind, Outfit, Sensing
from hw.sim.scenario import DEVICE_FAULTS, LINK_FAULTS
from hw.sim.world import Behaviour, Durations

ALL = frozenset(DeviceRole)
WAIT_S = 20.0  # a loaded machine


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[[Outfit], SimulatedLane]]:
    lanes: list[SimulatedLane] = []

    def make(outfit: Outfit) -> SimulatedLane:
        lanes.append(SimulatedLane(tmp_path, "lane-1", 1, Durations(), outfit))
        return lanes[-1]

    yield make
    for lane in lanes:
        lane.close()
    assert list(tmp_path.iterdir()) == []


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


async def started(lane: SimulatedLane, role: DeviceRole) -> Any:
    device = open_device(lane.urls()[role], Path("/"), role)
    await device.start(lambda state: None)
    return device


def kinds(lane: SimulatedLane) -> list[str]:
    return [kind for _, _, kind in lane.log(0)]


def test_every_role_has_a_url_that_is_understood(made: Callable[[Outfit], SimulatedLane]) -> None:
    lane = made(Outfit(ALL, sensing=Sensing.FULL))
    urls = lane.urls()
    assert urls.keys() == set(DeviceRole)
    for role, url in urls.items():
        open_device(url, Path("/"), DeviceRole(role))


def test_lane_has_only_what_it_was_equipped_with(made: Callable[[Outfit], SimulatedLane], tmp_path: Path) -> None:
    lane = made(Outfit(frozenset({DeviceRole.SENSORS})))
    assert lane.urls().keys() == {"sensors"}
    assert [path.name for path in tmp_path.iterdir()] == ["lane-1.sensors"]
    with pytest.raises(CommandRefused, match="no device"):
        lane.use("present_document", {"mrz_lines": ["P<"], "chip": None})
    with pytest.raises(CommandRefused, match="unknown device"):
        lane.fault("lock", "unplug", {})


def test_every_fault_that_scenarios_name_can_be_planted(made: Callable[[Outfit], SimulatedLane]) -> None:
    parameters: dict[str, dict[str, Any]] = {
        "silence": {"start_in_s": 0.0, "duration_s": 0.0},
        "garbage": {"size": 1},
        "bytes": {"flip": 0.5, "echo": True},
        "baud_mismatch": {"host_baud": 19_200},
        "bounce": {"bounce_s": 0.02, "noise": 0.01},
        "replies_lost": {"count": 1},
        **{name: {"active": True} for name in ("timer_fault", "stuck", "silent", "host_echo")},
    }
    planted = set()
    for outfit in (Outfit(ALL), Outfit(frozenset({DeviceRole.LOCK}), lock=LockKind.MODBUS)):
        lane = made(outfit)
        for device in outfit.ports:
            for kind in LINK_FAULTS | DEVICE_FAULTS.get(device, frozenset()):
                try:
                    lane.fault(device, kind, parameters.get(kind, {}))
                    planted.add((device, kind))
                except CommandRefused:
                    assert (outfit.lock, device, kind) == (LockKind.OSDP, "lock", "silent")
        lane.reset()
        lane.close()
    assert len(planted) == len(BAUDS) * len(LINK_FAULTS) + sum(map(len, DEVICE_FAULTS.values()))


@pytest.mark.parametrize(
    ("device", "kind", "parameters"),
    [("mrz", "baud_mismatch", {"host_baud": 1}), ("sensors", "bounce", {"bounce_s": -1.0}), ("mrz", "bounce", {})],
)
def test_fault_out_of_range_is_refused(
    made: Callable[[Outfit], SimulatedLane], device: str, kind: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises((CommandRefused, ValueError)):
        made(Outfit(ALL)).fault(device, kind, parameters)


@pytest.mark.parametrize(
    "arguments",
    [
        {"pixels": "", "height": 0, "width": 0},
        {"pixels": "AAAA", "height": 2, "width": 2},
        {"pixels": "AAAA", "height": 1, "width": 3, "placement": "UPSIDE_DOWN"},
        {"pixels": "?", "height": 10_000, "width": 10_000},
    ],
)
def test_finger_that_is_no_picture_is_refused(
    made: Callable[[Outfit], SimulatedLane], arguments: dict[str, Any]
) -> None:
    with pytest.raises((KeyError, ValueError)):
        made(Outfit(frozenset({DeviceRole.FINGER_SENSOR}))).use("lay_finger", arguments)


async def test_relay_board_releases_in_its_time_and_its_lights_are_logged(
    made: Callable[[Outfit], SimulatedLane],
) -> None:
    lane = made(Outfit(frozenset({DeviceRole.LOCK, DeviceRole.SIGNAL}), lock=LockKind.MODBUS))
    lane.plan(Behaviour.WAIT)
    lock: Lock = await started(lane, DeviceRole.LOCK)
    signal: Signal = await started(lane, DeviceRole.SIGNAL)
    try:
        await until(lambda: lock.state is DeviceState.ONLINE and signal.state is DeviceState.ONLINE)
        assert lane.state()["lock_online"]
        await signal.show(TravellerSignal(Light.GREEN))
        await until(lambda: "light_green" in kinds(lane))
        assert await lock.release(0.5, 10.0) is ReleaseResult.ACKNOWLEDGED
        await until(lambda: "secured" in kinds(lane))
    finally:
        await signal.close()
        await lock.close()


async def test_barriers_and_alarms_reach_the_sensors(made: Callable[[Outfit], SimulatedLane]) -> None:
    lane = made(Outfit(frozenset({DeviceRole.SENSORS}), sensing=Sensing.BARRIERS))
    sensors: Sensors = await started(lane, DeviceRole.SENSORS)
    try:
        await until(lambda: sensors.levels.person_count == 0)
        lane.set_alarm(Alarm.FIRE, True)
        await until(lambda: sensors.levels.alarms == {Alarm.FIRE})
        assert lane.state()["alarms"] == ["FIRE"]
        lane.set_alarm(Alarm.FIRE, False)
        lane.enter(1)
        await until(lambda: sensors.levels.person_count != 0)  # None if the machine is too slow to follow
        lane.move_door(False)
        await until(lambda: sensors.levels.door_closed is False)
    finally:
        await sensors.close()


async def test_sensors_on_an_echoing_bus_are_read(made: Callable[[Outfit], SimulatedLane]) -> None:
    lane = made(Outfit(frozenset({DeviceRole.SENSORS})))
    lane.fault("sensors", "host_echo", {"active": True})
    sensors: Sensors = await started(lane, DeviceRole.SENSORS)
    try:
        lane.enter(2)
        await until(lambda: sensors.levels.person_count == 2)
    finally:
        await sensors.close()


async def test_boarding_pass_is_read(made: Callable[[Outfit], SimulatedLane]) -> None:
    lane = made(Outfit(frozenset({DeviceRole.BARCODE_READER})))
    reader: BarcodeReader = await started(lane, DeviceRole.BARCODE_READER)
    try:
        await until(lambda: reader.state is DeviceState.ONLINE)
        scan = asyncio.create_task(reader.scan(WAIT_S))
        content = b"M1ERIKSSON/ANNA MARIA EABC123"
        await asyncio.sleep(0)
        lane.use("show_barcode", {"content": base64.b64encode(content).decode(), "symbology": "AZTEC"})
        code = await scan
        assert (code.symbology, code.content) == (Symbology.AZTEC, content)
        assert "ERIKSSON" not in json.dumps(lane.log(0))
    finally:
        await reader.close()
