"""The sensors adapter against a simulated block: readings, loss, contradiction."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from egate.domain.device import DeviceRole, DeviceState, SensorLevels
from egate.errors import ConfigurationError
from hw.link import memory
from hw.link.base import Link
from hw.link.fault import FaultPlan
from hw.link.pump import Pump
from hw.modbus.adapter import ModbusSensors
from hw.modbus.adapter.bus import Bus
from hw.modbus.adapter.line import serial_timing
from hw.modbus.points import Points
from hw.modbus.server import SensorPeripheral
from hw.registry import open_device
from hw.sensing.layout import Layout
from tests.hw.lock_bench import until
from tests.hw.sensor_bench import UNIT, sensor_bench

BLOCK = Points(UNIT).controller.sensors
assert BLOCK is not None
# Doors that close count at once: each change shows, however often they move.
UNDELAYED = replace(BLOCK, layout=Layout(door_s=0.0))


async def test_other_addresses_are_read_where_they_are(tmp_path: Path) -> None:
    points = Points(UNIT, door=9, presence=2, persons=12, exits=3)
    async with sensor_bench(tmp_path, points=points) as bench:
        bench.peripheral.door_closed, bench.peripheral.person_count, bench.peripheral.exit_count = False, 2, 65535
        await until(lambda: bench.sensors.levels == SensorLevels(False, 2, 65535), 3.0)


async def test_works_at_9600_baud(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path, baud=9600) as bench:
        await until(lambda: bench.online, 3.0)
        bench.peripheral.person_count = 1
        await until(lambda: bench.sensors.levels.person_count == 1, 1.0)


async def test_exit_count_wraps(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        bench.peripheral.exit_count = 65536 + 7
        await until(lambda: bench.sensors.levels.exit_count == 7, 3.0)


class DoorBetweenAnswers:
    """The block's end of a link; at every third answer that has left the door opens and somebody is out, or it closes."""

    def __init__(self, inner: Link) -> None:
        self._inner = inner
        self.answers = 0
        self.peripheral: SensorPeripheral | None = None

    def read(self, size_max: int, timeout_s: float) -> bytes:
        return self._inner.read(size_max, timeout_s)

    def write(self, data: bytes) -> None:
        self._inner.write(data)
        self.answers += 1
        if self.peripheral is not None and self.answers % 3 == 0:
            self.peripheral.exit_count += self.peripheral.door_closed
            self.peripheral.door_closed = not self.peripheral.door_closed

    def close(self) -> None:
        self._inner.close()


async def test_door_level_is_never_older_than_the_exit_count() -> None:
    """Somebody goes through between the two questions of one poll: not seen as an exit with the door closed."""
    near, far = memory.pair()
    wire = DoorBetweenAnswers(far)
    wire.peripheral = SensorPeripheral(wire, time.monotonic, Points(UNIT))
    pump = Pump("sensor-peripheral", wire.peripheral.poll)
    sensors = ModbusSensors(Bus(lambda: near, serial_timing(115_200)), UNDELAYED, UNIT)
    told: list[SensorLevels] = []
    sensors.on_levels(told.append)
    await sensors.start(lambda state: None)
    await until(lambda: len(told) > 12, 5.0)
    pump.close()
    await sensors.close()
    exits = [later for one, later in itertools.pairwise(told) if (later.exit_count or 0) > (one.exit_count or 0)]
    assert len(exits) > 3
    assert all(levels.door_closed is False for levels in exits), exits


async def test_count_in_an_empty_zone_is_unknown_and_degraded(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        bench.peripheral.person_count = 1
        await until(lambda: bench.sensors.levels.person_count == 1, 3.0)
        bench.peripheral.present = False
        await until(lambda: bench.sensors.levels == SensorLevels(True, None, 0), 1.0)
        await until(lambda: bench.sensors.state is DeviceState.DEGRADED, 1.0)
        assert "contradict" in bench.sensors.diagnosis
        bench.peripheral.present = None
        await until(lambda: bench.online and bench.sensors.levels.person_count == 1, 1.0)


async def test_silent_block_is_lost_soon_and_reported_once(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        await until(lambda: bench.online, 3.0)
        bench.peripheral.silent = True
        silent_at = time.monotonic()
        await until(lambda: bench.sensors.state is DeviceState.LOST, 5.0)
        assert time.monotonic() - silent_at < 2.0
        assert bench.sensors.levels == bench.levels[-1] == SensorLevels()
        requests = bench.peripheral.request_count
        await until(lambda: bench.peripheral.request_count > requests + 2, 5.0)
        assert bench.states.count(DeviceState.LOST) == 1
        bench.peripheral.silent = False
        await until(lambda: bench.online, 5.0)


async def test_garbage_never_becomes_a_level(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        await until(lambda: bench.online, 3.0)
        bench.fault.set_plan(FaultPlan(flip=0.03, drop=0.02, duplicate=0.02))
        requests = bench.peripheral.request_count
        await until(lambda: bench.peripheral.request_count > requests + 5, 20.0)
        bench.fault.set_plan(FaultPlan())
        await until(lambda: bench.online, 5.0)
        assert {levels.door_closed for levels in bench.levels} <= {True, None}
        assert {(levels.person_count, levels.exit_count) for levels in bench.levels} <= {(0, 0), (None, None)}


async def test_byte_by_byte_delivery_is_understood(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        bench.fault.set_plan(FaultPlan(split_bytes_max=1))
        await until(lambda: bench.online, 5.0)


async def test_close_ends_the_thread(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        await until(lambda: bench.online, 3.0)
        await bench.sensors.close()
        await until(lambda: all(thread.name != "modbus" for thread in threading.enumerate()), 1.0)
        assert bench.sensors.levels == SensorLevels()


async def test_answer_that_lay_in_a_buffer_is_as_old_as_its_question(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        await until(lambda: bench.online, 3.0)
        bench.fault.set_plan(FaultPlan(delay_s=0.05))
        requests = bench.peripheral.request_count
        await until(lambda: bench.peripheral.request_count > requests + 4, 5.0)
        seen = bench.sensors.read_at
        await until(lambda: bench.sensors.read_at != seen, 5.0)
        assert bench.sensors.read_at is not None
        # two questions, each delayed on its way there and back
        assert time.monotonic() - bench.sensors.read_at > 4 * 0.05


def test_url_is_checked_completely(tmp_path: Path) -> None:
    good = "modbus+pty:///tmp/sensors?unit=1"
    open_device(good, tmp_path, DeviceRole.SENSORS)
    open_device(good + "&door=3&presence=4&persons=9&exits=10&baud=19200&parity=E", tmp_path, DeviceRole.SENSORS)
    open_device("modbus+tcp://127.0.0.1:502?unit=1", tmp_path, DeviceRole.SENSORS)
    open_device("modbus+tcp://127.0.0.1:502?unit=1&framing=rtu", tmp_path, DeviceRole.SENSORS)
    open_device(good + "&map=sensor_block", tmp_path, DeviceRole.SENSORS)
    for bad in (
        "modbus+pty:///tmp/sensors",
        good.replace("unit=1", "unit=0"),
        good.replace("unit=1", "unit=248"),
        good + "&door=1",
        good + "&persons=100",
        good + "&baud=fast",
        good + "&unknown=1",
        good + "&map=waveshare_relay",
        good + "&map=sensor_block&door=3",
        good + "&map=../secrets",
        good + "&map=file:missing.toml",
        good + "&framing=ascii",
        "modbus+tcp://127.0.0.1:502?unit=1&baud=9600",
    ):
        with pytest.raises(ConfigurationError):
            open_device(bad, tmp_path, DeviceRole.SENSORS)
