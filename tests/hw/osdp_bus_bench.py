"""Several simulated peripherals on one pty pair, each behind a fault link of its own, and devices of any role on them."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from egate.domain.captured import CardRead
from egate.domain.device import DeviceRole, DeviceState, LockState, ReleaseResult
from egate.ports import Device
from hw.link.fault import FaultLink
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.osdp.adapter import OsdpCardReader, OsdpLock, OsdpSensors, OsdpSignal
from hw.osdp.pd import ON_TIMED, Equipment, LockPeripheral
from hw.osdp.pd_bus import PeripheralBus
from hw.registry import open_device
from tests.hw.lock_bench import until, write_key

EQUIPMENT = Equipment(outputs=2, inputs=8)
TICK_S = 0.002
RELEASES_MAX = 4


@dataclass
class BusBench:
    """faults and peripherals by address. states: what each device told since it was started."""

    folder: Path
    port: PtyMaster
    faults: dict[int, FaultLink]
    peripherals: dict[int, LockPeripheral]
    devices: list[Device] = field(default_factory=list)
    states: dict[Device, list[DeviceState]] = field(default_factory=dict)

    def url(self, address: int, parameters: str = "", key: str = "key.scbk") -> str:
        return f"osdp+pty://{self.folder}/bus?address={address}&key=file:{key}&baud=115200{parameters}"

    def open(self, role: DeviceRole, address: int, parameters: str = "") -> Device:
        device = open_device(self.url(address, parameters), self.folder, role)
        self.devices.append(device)
        return device

    async def start(self, device: Device) -> None:
        told = self.states[device] = []
        await device.start(told.append)

    async def lock(self, address: int, parameters: str = "") -> OsdpLock:
        """Started."""
        lock = self.open(DeviceRole.LOCK, address, parameters)
        assert isinstance(lock, OsdpLock)
        await self.start(lock)
        return lock

    async def sensors(self, address: int, parameters: str) -> OsdpSensors:
        sensors = self.open(DeviceRole.SENSORS, address, parameters)
        assert isinstance(sensors, OsdpSensors)
        await self.start(sensors)
        return sensors

    async def signal(self, address: int, parameters: str = "") -> OsdpSignal:
        signal = self.open(DeviceRole.SIGNAL, address, parameters)
        assert isinstance(signal, OsdpSignal)
        await self.start(signal)
        return signal

    async def card_reader(self, address: int, parameters: str = "") -> OsdpCardReader:
        reader = self.open(DeviceRole.CARD_READER, address, parameters)
        assert isinstance(reader, OsdpCardReader)
        await self.start(reader)
        return reader

    async def release(self, lock: OsdpLock, duration_s: float) -> None:
        """Acknowledged; tried again where a busy machine has stalled the line for longer than a peripheral may be silent."""
        for _ in range(RELEASES_MAX):
            await self.ready(lock)
            if await lock.release(duration_s, 1.5) is ReleaseResult.ACKNOWLEDGED:
                return
        raise AssertionError(f"not acknowledged: {lock.diagnosis!r}")

    async def read_card(self, reader: OsdpCardReader, address: int, bits: bytes, bit_count: int) -> CardRead:
        """Holds the card to the reader until it is read: what is told just after a connection counts as old."""
        reading = asyncio.ensure_future(reader.card(10.0))
        while not reading.done():
            self.peripherals[address].present_card(bits, bit_count)
            await asyncio.wait([reading], timeout=0.2)
        return await reading

    async def ready(self, *devices: Device, within_s: float = 5.0) -> None:
        """All are ONLINE, locks secured."""
        for device in devices or tuple(self.devices):
            await until(lambda one=device: is_ready(one), within_s)  # type: ignore[misc]

    def released_at(self, address: int) -> list[float]:
        return [one.at for one in self.peripherals[address].actuations if one.control_code == ON_TIMED]


def is_ready(device: Device) -> bool:
    secured = not isinstance(device, OsdpLock) or device.lock_state is LockState.SECURED
    return device.state is DeviceState.ONLINE and secured


@asynccontextmanager
async def bus_bench(folder: Path, peripherals: int, *, baud: int | None = None) -> AsyncIterator[BusBench]:
    """Peripherals of address 1 on. baud: pace the wire."""
    key = secrets.token_bytes(16)
    write_key(folder / "key.scbk", key)
    port = PtyMaster(folder / "bus", baud)
    bus = PeripheralBus(port)
    faults = {address: FaultLink(bus.tap(), address) for address in range(1, peripherals + 1)}
    simulated = {
        address: LockPeripheral(fault, key, time.monotonic, address, EQUIPMENT) for address, fault in faults.items()
    }
    bus.join(list(simulated.values()))
    pump = Pump("osdp-bus-peripherals", lambda: bus.poll(TICK_S))
    bench = BusBench(folder, port, faults, simulated)
    try:
        yield bench
    finally:
        for device in bench.devices:
            await device.close()
        pump.close()
        bus.close()
