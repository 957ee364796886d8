"""What every egate.ports.Sensors must do."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from egate.domain.device import DeviceRole, DeviceState, SensorLevels
from egate.ports import Sensors
from hw.modbus.server import SensorPeripheral
from tests.contract.conftest import SIMULATOR, open_hardware
from tests.hw.lock_bench import until
from tests.hw.osdp_bus_bench import bus_bench
from tests.hw.sensor_bench import sensor_bench

POLL_S_MAX = 0.1  # a poll that was answered before the silence began
OSDP_INPUTS = "&door=0&present=1&entry=2,3&exit=4,5"
UNKNOWN = (None, None, None)


@dataclass
class Bench:
    """sensors not started. The faults and the world: None where nobody can plant them. world: of a device that counts people by itself."""

    sensors: Sensors
    silence: Callable[[], None] | None = None
    unplug: Callable[[], None] | None = None
    replug: Callable[[], None] | None = None
    world: SensorPeripheral | None = None
    states: list[tuple[DeviceState, int]] = field(default_factory=list)
    told: list[tuple[SensorLevels, int]] = field(default_factory=list)

    async def start(self) -> None:
        self.sensors.on_levels(lambda levels: self.told.append((levels, threading.get_ident())))
        await self.sensors.start(lambda state: self.states.append((state, threading.get_ident())))

    async def ready(self, within_s: float = 10.0) -> None:
        await until(
            lambda: self.sensors.state is DeviceState.ONLINE and None not in known(self.sensors.levels), within_s
        )
        # levels are a thread's and can be read before the event loop has been told of them
        await until(lambda: bool(self.told) and self.told[-1][0] == self.sensors.levels, 1.0)


def known(levels: SensorLevels) -> tuple[bool | None, int | None, int | None]:
    return levels.door_closed, levels.person_count, levels.exit_count


@asynccontextmanager
async def modbus(folder: Path) -> AsyncIterator[Bench]:
    async with sensor_bench(folder, start=False) as inner:

        def silence() -> None:
            inner.peripheral.silent = True

        yield Bench(inner.sensors, silence, inner.port.unplug, inner.port.replug, inner.peripheral)


@asynccontextmanager
async def osdp(folder: Path) -> AsyncIterator[Bench]:
    async with bus_bench(folder, 1) as inner:
        inner.peripherals[1].set_input(0, True)
        sensors = cast(Sensors, inner.open(DeviceRole.SENSORS, 1, OSDP_INPUTS))
        yield Bench(sensors, lambda: inner.faults[1].silence(0.0, 600.0), inner.port.unplug, inner.port.replug)


# A family adds its simulators here: context managers of a Bench whose sensors are not started.
SIMULATORS: dict[str, Callable[[Path], AbstractAsyncContextManager[Bench]]] = {"modbus": modbus, "osdp": osdp}


@pytest.fixture(params=SIMULATORS)
async def bench(where: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if where == SIMULATOR:
        async with SIMULATORS[request.param](tmp_path) as inner:
            yield inner
    elif request.param != next(iter(SIMULATORS)):
        pytest.skip("real hardware runs once")
    else:
        sensors = cast(Sensors, open_hardware(where, DeviceRole.SENSORS))
        yield Bench(sensors)
        await sensors.close()


def faults(bench: Bench) -> tuple[Callable[[], None], Callable[[], None]]:
    if bench.unplug is None or bench.replug is None:
        pytest.skip("nobody unplugs real hardware")
    return bench.unplug, bench.replug


def blocked_until_read(sensors: Sensors, after: float) -> None:
    """Keeps the event loop blocked until there is a reading newer than after."""
    deadline = time.monotonic() + 2.0
    while (sensors.read_at or 0.0) <= after:
        assert time.monotonic() < deadline, "no reading without the event loop"
        time.sleep(0.001)


async def test_before_start_nothing_is_known(bench: Bench) -> None:
    assert bench.sensors.state is DeviceState.LOST
    assert bench.sensors.levels == SensorLevels()
    assert bench.sensors.read_at is None


async def test_start_returns_at_once_and_levels_become_known(bench: Bench) -> None:
    called = time.monotonic()
    await bench.start()
    assert time.monotonic() - called < 0.2
    await bench.ready()
    assert bench.sensors.read_at is not None


async def test_every_change_is_told_in_order_in_the_event_loop(bench: Bench) -> None:
    world = bench.world
    if world is None:
        pytest.skip("nobody walks through it during the test")
    await bench.start()
    await bench.ready()
    expected = [SensorLevels(True, 0, 0)]
    for door_closed, person_count, exit_count in ((True, 1, 0), (False, 1, 0), (False, 0, 1), (True, 0, 1)):
        world.door_closed, world.person_count, world.exit_count = door_closed, person_count, exit_count
        expected.append(SensorLevels(door_closed, person_count, exit_count))
        await until(lambda: bool(bench.told) and bench.told[-1][0] == expected[-1], 0.5)
    told = [levels for levels, _ in bench.told]
    # registers and inputs are read one after the other: a change of both may be told in two steps
    assert [levels for levels in told if levels in expected] == expected
    assert all(one != other for one, other in itertools.pairwise(told)), "told without a change"
    assert {thread for _, thread in bench.told} == {threading.get_ident()}


async def test_readings_tell_their_age_however_busy_the_event_loop_is(bench: Bench) -> None:
    called = time.monotonic()
    await bench.start()
    await bench.ready()
    first = bench.sensors.read_at
    assert first is not None
    assert called < first <= time.monotonic()
    blocked_until_read(bench.sensors, first)


async def test_levels_stay_as_old_as_they_are(bench: Bench) -> None:
    if bench.silence is None:
        pytest.skip("real hardware does not fall silent")
    await bench.start()
    await bench.ready()
    bench.silence()
    silent_at = time.monotonic()
    read_at: list[float | None] = []
    while not read_at or read_at[-1] is not None:  # the event loop is blocked: what it would be told does not count
        assert time.monotonic() - silent_at < 5.0
        read_at.append(bench.sensors.read_at)
    assert all(at is None or at <= silent_at + POLL_S_MAX for at in read_at)
    await until(lambda: known(bench.sensors.levels) == UNKNOWN, 5.0)


async def test_absent_peer_is_a_state_not_an_exception(bench: Bench) -> None:
    unplug, replug = faults(bench)
    unplug()
    await bench.start()
    assert bench.sensors.state is DeviceState.LOST
    replug()
    await bench.ready()


async def test_loss_is_noticed_within_five_seconds_told_once_and_ends_by_itself(bench: Bench) -> None:
    unplug, replug = faults(bench)
    await bench.start()
    await bench.ready()
    bench.states.clear()
    bench.told.clear()
    unplug()
    await until(lambda: bench.sensors.state is DeviceState.LOST, 5.0)
    assert known(bench.sensors.levels) == UNKNOWN
    assert bench.sensors.read_at is None
    assert [known(levels) for levels, _ in bench.told] == [UNKNOWN]
    replug()
    await bench.ready()
    told = [state for state, _ in bench.states]
    assert told[-1] is DeviceState.ONLINE
    assert told.count(DeviceState.LOST) == 1
    assert all(one is not other for one, other in itertools.pairwise(told)), "told twice"
    assert {thread for _, thread in bench.states} == {threading.get_ident()}


async def test_close_is_idempotent_and_levels_are_unknown_then(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    await asyncio.wait_for(bench.sensors.close(), 3.0)
    await asyncio.wait_for(bench.sensors.close(), 3.0)
    assert known(bench.sensors.levels) == UNKNOWN
    assert bench.sensors.read_at is None


async def test_close_without_start(bench: Bench) -> None:
    await asyncio.wait_for(bench.sensors.close(), 1.0)
