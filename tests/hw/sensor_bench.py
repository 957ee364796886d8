"""A sensors adapter and its simulated block on a pty pair, with a fault link at the block's end."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from egate.domain.device import DeviceState, SensorLevels
from hw.link.fault import FaultLink
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.link.serial import open_serial
from hw.modbus.adapter import ModbusSensors
from hw.modbus.adapter.bus import Bus
from hw.modbus.adapter.line import serial_timing
from hw.modbus.points import Points
from hw.modbus.server import SensorPeripheral

UNIT = 5


@dataclass
class SensorBench:
    sensors: ModbusSensors
    port: PtyMaster
    fault: FaultLink
    peripheral: SensorPeripheral
    states: list[DeviceState] = field(default_factory=list)
    levels: list[SensorLevels] = field(default_factory=list)

    @property
    def online(self) -> bool:
        return self.sensors.state is DeviceState.ONLINE


@asynccontextmanager
async def sensor_bench(
    folder: Path, *, points: Points | None = None, baud: int | None = None, start: bool = True
) -> AsyncIterator[SensorBench]:
    """baud: pace the wire."""
    points = points or Points(UNIT)
    port = PtyMaster(folder / "sensors", baud)
    fault = FaultLink(port, 1)
    peripheral = SensorPeripheral(fault, time.monotonic, points)
    pump = Pump("sensor-peripheral", peripheral.poll)
    path = str(folder / "sensors")
    sensors = points.controller.sensors
    assert sensors is not None
    bus = Bus(lambda: open_serial(path), serial_timing(baud or 115_200))
    bench = SensorBench(ModbusSensors(bus, sensors, points.unit), port, fault, peripheral)
    bench.sensors.on_levels(bench.levels.append)
    try:
        if start:
            await bench.sensors.start(bench.states.append)
        yield bench
    finally:
        await bench.sensors.close()
        pump.close()
        peripheral.close()
