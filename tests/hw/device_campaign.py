"""Every device family with the real adapter, opened by its URL, against its simulated peer on a pty: what campaigns over all need to know.

A `Family` makes a `Rig`: the device, the port to pour at and to unplug, and what is true of it. `sound` says the device tells the truth
and nothing else; `prove` has it do its work once; `watch` waits for what nobody presents, so whatever it returns is false.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import cast

from egate.domain.captured import Symbology
from egate.domain.device import DeviceRole, DeviceState, LockState, ReleaseResult, SensorLevels
from egate.errors import DeviceLost
from egate.ports import BarcodeReader, Device, DocumentReader, FingerSensor, Lock, Sensors
from hw.barcode import frame as barcode
from hw.barcode.pd import SimulatedImager
from hw.finger.pd import FingerPeripheral, FingerPort
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.modbus.points import Points
from hw.modbus.server import SensorPeripheral
from hw.mrz.pd import READER_SETUPS
from hw.osdp.pd import LockPeripheral
from hw.registry import open_device
from hw.sim.field import make_field
from hw.sim.reader import Presentation, SimulatedReader
from tests.fuzz.sources import TD3
from tests.hw.finger_sensor_bench import picture, quantised
from tests.hw.lock_bench import until

UNIT = ADDRESS = 1
READY_S_MAX = 20.0  # the machine is shared; that a loss is told in 5 s is the contract suites' matter
WORK_S_MAX = 20.0
CODE = b"M1DESMARAIS/LUC       EABC123"  # a beginning; its content is nobody's matter here

Work = Callable[[], Awaitable[None]]


def _nothing_false() -> list[str]:
    return []


@dataclass
class Rig:
    """port: of the device under test. others: further ports. false: what the device told that never was.

    unasked: it speaks by itself only, so its next message ends its noise; others are polled and wait until they answer.
    """

    device: Device
    port: PtyMaster
    sound: Callable[[], bool]
    prove: Work
    watch: Callable[[], Awaitable[object]] | None = None
    false: Callable[[], list[str]] = _nothing_false
    unasked: bool = False
    pumps: list[Pump] = field(default_factory=list)
    others: list[PtyMaster] = field(default_factory=list)
    states: list[DeviceState] = field(default_factory=list)

    async def ready(self) -> None:
        try:
            await until(lambda: self.device.state is DeviceState.ONLINE and self.sound(), READY_S_MAX)
        except AssertionError:
            raise AssertionError(f"not ready: {self.states}, {self.device.health}, {self.false()}") from None

    async def close(self) -> None:
        await self.device.close()
        for pump in self.pumps:
            pump.close()
        for port in (self.port, *self.others):
            port.close()


@asynccontextmanager
async def running(name: str, folder: Path) -> AsyncIterator[Rig]:
    """The family's device, started and ready."""
    rig = FAMILIES[name](folder)
    try:
        await rig.device.start(rig.states.append)
        await rig.ready()
        yield rig
    finally:
        await rig.close()


@asynccontextmanager
async def watched(rig: Rig) -> AsyncIterator[list[str]]:
    """Waits for what nobody presents; the list tells what came all the same."""
    came: list[str] = []

    async def watch() -> None:
        while rig.watch is not None:
            try:
                came.append(type(await rig.watch()).__name__)
            except DeviceLost:
                await asyncio.sleep(0.01)

    task = asyncio.create_task(watch())
    try:
        yield came
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()):
            raise error


def osdp_lock(folder: Path) -> Rig:
    port, key = PtyMaster(folder / "lock"), secrets.token_bytes(16)
    peripheral = LockPeripheral(port, key, time.monotonic, ADDRESS)
    lock = cast(
        Lock,
        _open(f"osdp+pty://{folder}/lock?address={ADDRESS}&baud=115200&key=file:{_key(folder, key)}", DeviceRole.LOCK),
    )
    return _lock_rig(lock, port, Pump("lock", peripheral.poll), lambda: len(peripheral.unlocks))


def _lock_rig(lock: Lock, port: PtyMaster, pump: Pump, unlock_count: Callable[[], int]) -> Rig:
    told: list[LockState] = []
    lock.on_lock(told.append)
    proofs: list[int] = []

    async def prove() -> None:
        before = unlock_count()
        assert await lock.release(0.1, 2.0) is ReleaseResult.ACKNOWLEDGED
        await until(lambda: lock.lock_state is LockState.RELEASED or LockState.RELEASED in told, WORK_S_MAX)
        await until(lambda: lock.lock_state is LockState.SECURED, WORK_S_MAX)
        told.clear()
        proofs.append(unlock_count() - before)

    def false() -> list[str]:
        unlocked = ["unlocked"] if unlock_count() > sum(proofs) else []
        return unlocked + [state.name for state in told if state is LockState.RELEASED]

    return Rig(lock, port, lambda: lock.lock_state is LockState.SECURED, prove, false=false, pumps=[pump])


def modbus_sensors(folder: Path) -> Rig:
    port = PtyMaster(folder / "sensors")
    peripheral = SensorPeripheral(port, time.monotonic, Points(UNIT))
    sensors = cast(Sensors, _open(f"modbus+pty://{folder}/sensors?unit={UNIT}&baud=115200", DeviceRole.SENSORS))

    def move(door_closed: bool) -> None:
        peripheral.door_closed = door_closed

    return _sensors_rig(sensors, port, Pump("sensors", peripheral.poll), move)


def _sensors_rig(sensors: Sensors, port: PtyMaster, pump: Pump, move_door: Callable[[bool], None]) -> Rig:
    """move_door: to closed or not. Nobody is in the lane."""
    told: list[SensorLevels] = []
    sensors.on_levels(told.append)

    async def prove() -> None:
        move_door(False)
        await until(lambda: sensors.levels.door_closed is False, WORK_S_MAX)
        move_door(True)
        await until(lambda: sensors.levels.door_closed is True, WORK_S_MAX)
        told.clear()

    def false() -> list[str]:
        return [str(levels) for levels in told if not _levels_true(levels)]

    def sound() -> bool:
        return sensors.levels.door_closed is True and _levels_true(sensors.levels)

    return Rig(sensors, port, sound, prove, false=false, pumps=[pump])


def _levels_true(levels: SensorLevels) -> bool:
    """Nobody there, the door closed; or unknown."""
    return (
        levels.door_closed is not False
        and levels.person_count in (0, None)
        and levels.exit_count in (0, None)
        and not levels.alarms
    )


def mrz(folder: Path, setup: str = "native", *, at_chip: bool = False) -> Rig:
    """at_chip: the port under test is that of the chip reader, a PN532."""
    ports = {"mrz": PtyMaster(folder / "mrz"), "chip": PtyMaster(folder / "chip")}
    peer = SimulatedReader(ports["mrz"], ports["chip"], make_field("pn532"), lambda _: None, READER_SETUPS[setup])
    chip = f"&chip={folder}/chip&chip_baud=115200&chip_protocol=pn532" if at_chip else ""
    url = f"mrz+pty://{folder}/mrz?baud=115200{READER_SETUPS[setup].parameters}{chip}"
    reader = cast(DocumentReader, _open(url, DeviceRole.DOCUMENT_READER))

    async def prove() -> None:
        waiting = asyncio.create_task(reader.read(WORK_S_MAX))
        await asyncio.sleep(0)
        # laid down again until it is taken: what is left of noise may swallow a zone
        peer.present(Presentation(TD3, repeat_s=0.3))
        read = await waiting
        peer.remove()
        assert (read.mrz_lines, read.failure) == (TD3, "chip_absent" if at_chip else "")

    pumps = [Pump("mrz", peer.poll_mrz), Pump("chip", peer.poll_chip)]
    under_test, other = ("chip", "mrz") if at_chip else ("mrz", "chip")
    return Rig(
        reader,
        ports[under_test],
        lambda: True,
        prove,
        lambda: reader.read(3600.0),
        unasked=not at_chip,
        pumps=pumps,
        others=[ports[other]],
    )


def barcode_reader(folder: Path) -> Rig:
    port, framing = PtyMaster(folder / "barcode"), barcode.Framing(prefix=b"\x02", terminator=b"\r\n", aim=True)
    peer = SimulatedImager(port, time.monotonic, repeat_s=0.3)
    url = f"barcode+pty://{folder}/barcode?baud=115200&aim=1&prefix=STX&terminator=CRLF"
    reader = cast(BarcodeReader, _open(url, DeviceRole.BARCODE_READER))
    count = 0

    async def prove() -> None:
        nonlocal count
        count += 1
        content = CODE + str(count).encode()  # the same code once more would be the same presentation
        waiting = asyncio.create_task(reader.scan(WORK_S_MAX))
        await asyncio.sleep(0)
        peer.present(barcode.encode(content, framing, Symbology.AZTEC))
        found = await waiting
        peer.remove()
        assert (found.content, found.symbology) == (content, Symbology.AZTEC)

    return Rig(
        reader,
        port,
        lambda: True,
        prove,
        lambda: reader.scan(3600.0),
        unasked=True,
        pumps=[Pump("barcode", peer.poll)],
    )


def finger_sensor(folder: Path) -> Rig:
    port, sensor = PtyMaster(folder / "finger"), FingerPeripheral()
    peer = FingerPort(sensor, port, time.monotonic)
    url = f"r30x+pty://{folder}/finger?baud=115200&default_password=1"
    device = cast(FingerSensor, _open(url, DeviceRole.FINGER_SENSOR))

    async def prove() -> None:
        image = await device.capture(WORK_S_MAX, lambda _: sensor.lay(picture()))
        sensor.lift()
        assert (image.pixels == quantised(picture())).all()

    return Rig(
        device,
        port,
        lambda: True,
        prove,
        lambda: device.capture(3600.0, lambda _: None),
        pumps=[Pump("finger", peer.poll)],
    )


def _open(url: str, role: DeviceRole) -> Device:
    return open_device(url, Path("/"), role)


def _key(folder: Path, key: bytes) -> Path:
    path = folder / "key"
    path.write_text(key.hex())
    path.chmod(0o600)
    return path


FAMILIES: Mapping[str, Callable[[Path], Rig]] = MappingProxyType(
    {
        "osdp.lock": osdp_lock,
        "modbus.sensors": modbus_sensors,
        "mrz.native": mrz,
        "mrz.lines": lambda folder: mrz(folder, "lines"),
        "mrz.imager": lambda folder: mrz(folder, "imager"),
        "pn532.chip": lambda folder: mrz(folder, at_chip=True),
        "barcode": barcode_reader,
        "r30x": finger_sensor,
    }
)
