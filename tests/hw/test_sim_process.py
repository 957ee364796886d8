"""The simulator as a process: it starts, does what it is told, suffers its faults, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from egate.domain.device import DeviceState, ReleaseResult
from egate.ports import Device
from hw.modbus.adapter import ModbusSensors, open_sensors
from hw.osdp.adapter import OsdpLock, open_lock
from hw.sim.client import Simulator, SimulatorError, spawn
from hw.sim.control import socket_address
from hw.sim.world import Behaviour
from hw.url import parse

LANE = "lane-1"
PORTS = ("lock", "sensors", "mrz", "chip")


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with spawn(tmp_path_factory.mktemp("hall"), lanes=2, seed=11, scale=0.2) as running:
        yield running


@pytest.fixture
def gate(hall: Simulator) -> Simulator:
    hall.reset(LANE)
    return hall


def eventually(holds: Callable[[], bool], timeout_s: float = 5.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


async def online(device: Device) -> None:
    async with asyncio.timeout(10.0):
        while True:
            if device.state is DeviceState.ONLINE:
                return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def devices(gate: Simulator) -> AsyncIterator[tuple[OsdpLock, ModbusSensors]]:
    urls = gate.urls(LANE)
    lock = open_lock(parse(urls["lock"]), Path("/"))
    sensors = open_sensors(parse(urls["sensors"]), Path("/"))
    for device in (lock, sensors):
        await device.start(lambda _: None)
    try:
        for device in (lock, sensors):
            await online(device)
        yield lock, sensors
    finally:
        for device in (lock, sensors):
            await device.close()


def seen(gate: Simulator, after: int) -> list[str]:
    return [event.kind for event in gate.log(LANE, after)]


def newest(gate: Simulator) -> int:
    return max((event.sequence for event in gate.log(LANE)), default=0)


async def test_released_person_passes_and_the_sensors_report_it(gate: Simulator) -> None:
    async with devices(gate) as (lock, sensors):
        before, after = sensors.levels.exit_count, newest(gate)
        gate.enter(LANE)
        assert await lock.release(0.6, 1.5) is ReleaseResult.ACKNOWLEDGED
        gate.wait_until(LANE, lambda state: not state.acting and not state.released, 5.0)
        assert seen(gate, after) == ["entered", "released", "door_opened", "passed", "door_closed", "secured"]
        async with asyncio.timeout(2.0):
            while True:
                levels = sensors.levels
                if levels.person_count == 0 and levels.door_closed:
                    break
                await asyncio.sleep(0.01)
        assert before is not None
        assert levels.exit_count == (before + 1) % 65_536


async def test_lock_secures_itself_in_its_time_and_a_planted_timer_fault_is_found(gate: Simulator) -> None:
    gate.plan(LANE, Behaviour.WAIT)
    async with devices(gate) as (lock, _):
        after = newest(gate)
        assert await lock.release(0.5, 1.5) is ReleaseResult.ACKNOWLEDGED
        gate.wait_until(LANE, lambda state: not state.released, 5.0)
        released, secured = gate.log(LANE, after)
        assert 0.4 < secured.at - released.at < 0.8
        gate.fault(LANE, "lock", "timer_fault", active=True)
        assert await lock.release(0.5, 1.5) is ReleaseResult.ACKNOWLEDGED
        with pytest.raises(SimulatorError, match="awaited"):
            gate.wait_until(LANE, lambda state: not state.released, 1.0)
        gate.fault(LANE, "lock", "timer_fault", active=False)
        gate.wait_until(LANE, lambda state: not state.released, 2.0)


async def test_forced_door_and_tailgater_reach_the_sensors(gate: Simulator) -> None:
    async with devices(gate) as (_, sensors):
        gate.enter(LANE, 2)
        gate.move_door(LANE, closed=False)
        async with asyncio.timeout(2.0):
            while True:
                if (sensors.levels.person_count, sensors.levels.door_closed) == (2, False):
                    break
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("device", PORTS)
def test_port_disappears_and_comes_back_under_its_path(gate: Simulator, device: str) -> None:
    path = gate.directory / f"{LANE}.{device}"
    before = path.readlink()
    gate.fault(LANE, device, "unplug")
    assert not path.is_symlink()
    gate.fault(LANE, device, "replug")
    assert path.is_char_device()
    gate.fault(LANE, device, "unplug")
    gate.reset(LANE)
    assert path.is_char_device()
    assert before.parent == path.readlink().parent


def test_reset_undoes_people_doors_plans_and_faults(gate: Simulator) -> None:
    gate.enter(LANE, 3)
    gate.plan(LANE, Behaviour.HOLD_DOOR)
    gate.move_door(LANE, closed=False)
    gate.fault(LANE, "lock", "timer_fault", active=True)
    gate.fault(LANE, "sensors", "bytes", drop=0.5)
    gate.fault(LANE, "chip", "silence", start_in_s=0.0, duration_s=100.0)
    gate.reset(LANE)
    state = gate.state(LANE)
    assert (state.person_count, state.door_closed, state.acting, state.document_present) == (0, True, False, False)


def test_key_is_for_the_owner_only_and_differs_by_lane(hall: Simulator) -> None:
    keys = [hall.directory / f"{lane}.scbk" for lane in hall.lanes()]
    assert [key.stat().st_mode & 0o777 for key in keys] == [0o600, 0o600]
    assert len({key.read_text() for key in keys}) == 2
    assert all(len(bytes.fromhex(key.read_text())) == 16 for key in keys)


@pytest.mark.parametrize(
    "request_line",
    [
        b"nonsense",
        b"[]",
        b"{}",
        b'{"command": "explode"}',
        b'{"command": "close", "lane": "lane-1"}',
        b'{"command": "enter", "lane": "lane-9", "count": 1}',
        b'{"command": "enter", "lane": "lane-1", "count": -1}',
        b'{"command": "enter", "lane": "lane-1", "count": "many"}',
        b'{"command": "enter", "lane": "lane-1", "surprise": 1}',
        b'{"command": "enter", "lane": ["lane-1"]}',
        b'{"command": "plan", "lane": "lane-1", "behaviour": "FLY"}',
        b'{"command": "present_document", "lane": "lane-1", "mrz_lines": [], "chip": null}',
        b'{"command": "present_document", "lane": "lane-1", "mrz_lines": ["P"], "chip": {"files": {"dg17": ""}, "denied": []}}',
        b'{"command": "fault", "lane": "lane-1", "device": "roof", "kind": "unplug", "parameters": {}}',
        b'{"command": "fault", "lane": "lane-1", "device": "lock", "kind": "explode", "parameters": {}}',
        b'{"command": "fault", "lane": "lane-1", "device": "lock", "kind": "unplug", "parameters": {"x": 1}}',
        b"\xff\xfe",
    ],
)
def test_request_that_does_not_fit_is_refused_and_the_hall_goes_on(hall: Simulator, request_line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5.0)
        with socket_address(hall.directory) as address:
            connection.connect(address)
        connection.sendall(request_line + b"\n")
        assert json.loads(connection.recv(4096))["ok"] is False
    assert hall.lanes() == ["lane-1", "lane-2"]


def test_folder_is_empty_afterwards(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 80) / ("e" * 80)  # deeper than a socket's address may be long
    with spawn(deep) as running:
        assert sorted(path.name for path in deep.iterdir()) == sorted(
            ["control.sock", "lane-1.scbk", *(f"lane-1.{port}" for port in PORTS)]
        )
        assert running.lanes() == [LANE]
    assert list(deep.iterdir()) == []
    with pytest.raises(SimulatorError, match="no simulator"):
        Simulator(deep)


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-m", "hw.sim", "--dir", str(tmp_path)], stdin=subprocess.DEVNULL)
    eventually(lambda: (tmp_path / "control.sock").exists(), 20.0)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10.0) == 0
    assert list(tmp_path.iterdir()) == []


def test_hall_dies_with_its_parent_even_if_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib\n"
        "from hw.sim.client import spawn\n"
        f"with spawn(pathlib.Path({str(tmp_path)!r})):\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(5.0)
    eventually(lambda: list(tmp_path.iterdir()) == [], 10.0)
    parent.stdout.close()


def test_folder_of_a_killed_hall_is_used_again(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hw.sim", "--dir", str(tmp_path)]
    killed = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    eventually(lambda: (tmp_path / "control.sock").exists(), 20.0)
    killed.kill()
    killed.wait(5.0)
    assert (tmp_path / "lane-1.scbk").exists()
    with spawn(tmp_path) as running:
        assert running.state(LANE).door_closed


SCENARIO = """
[hall]
devices = ["lock"]
end_s = 0.3

[[arrival]]
at_s = 0.1

[[event]]
at_s = 0.2
do = "leave"
"""


def test_hall_follows_its_scenario_and_closes(tmp_path: Path) -> None:
    scenario, folder = tmp_path / "scenario.toml", tmp_path / "gate"
    scenario.write_text(SCENARIO)
    command = [sys.executable, "-m", "hw.sim", "--dir", str(folder), "--scenario", str(scenario)]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60.0)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert list(folder.iterdir()) == []


def test_scenario_that_is_not_understood_is_named_and_opens_nothing(tmp_path: Path) -> None:
    scenario, folder = tmp_path / "scenario.toml", tmp_path / "gate"
    scenario.write_text("[[arrival]]\nat_s = 'soon'\n")
    command = [sys.executable, "-m", "hw.sim", "--dir", str(folder), "--scenario", str(scenario)]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60.0)
    assert ended.returncode == 2
    assert "arrival 1: at_s is not a number" in ended.stderr
    assert not folder.exists()
