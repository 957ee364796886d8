"""Every device family, its real adapter opened by its URL against its simulated peer: what a campaign over all needs to know of each.

A `Rig` is a device with what is true of it. `sound`: it tells the truth now. `prove`: it does its work once. `watch`: waits for what nobody
presents, so whatever comes is false; `false`: what else it told that never was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from egate.domain.captured import Symbology
from egate.domain.device import DeviceState, LockState, ReleaseResult, SensorLevels
from egate.domain.signal import DARK, Light, TravellerSignal
from egate.errors import DeviceLost
from egate.ports import BarcodeReader, Camera, CardReader, Device, DocumentReader, FingerSensor, Lock, Sensors, Signal
from hw.barcode.frame import encode
from hw.osdp.pd_reader import Color
from hw.registry import open_device
from hw.sim.reader import Presentation
from tests.fuzz.sources import TD3
from tests.hw import device_campaign_peers as peers
from tests.hw.camera_rtsp_peer import HEIGHT, WIDTH
from tests.hw.device_campaign_peers import BARCODES, Peer
from tests.hw.finger_sensor_bench import picture, quantised
from tests.hw.lock_bench import until

READY_S_MAX = 20.0  # the machine is shared; that a loss is told in 5 s is the contract suites' matter
WORK_S_MAX = 20.0
TRIES_MAX = 5
CARD_AGAIN_S = 0.2
RELEASE_S, DEADLINE_S = 0.1, 2.0
CODE = b"M1TRAVELLER/SPECIMEN  EABC123"


def _nothing() -> list[str]:
    return []


@dataclass
class Rig:
    """unasked: it speaks by itself only, so its next message ends its noise; others are polled and wait until they answer."""

    peer: Peer[Any]
    device: Device
    prove: Callable[[], Awaitable[None]]
    sound: Callable[[], bool] = lambda: True
    watch: Callable[[], Awaitable[object]] | None = None
    false: Callable[[], list[str]] = _nothing
    unasked: bool = False
    states: list[DeviceState] = field(default_factory=list)

    async def ready(self) -> None:
        try:
            await until(lambda: self.device.state is DeviceState.ONLINE and self.sound(), READY_S_MAX)
        except AssertionError:
            raise AssertionError(f"not ready: {self.states}, {self.device.health}, {self.false()}") from None

    async def work(self) -> None:
        """It is ready and proves it; where the machine is so busy that it counts as lost meanwhile, again."""
        for _ in range(TRIES_MAX):
            await self.ready()
            with suppress(DeviceLost):
                await self.prove()
                return
        raise AssertionError(f"lost again and again: {self.states}, {self.device.health}")


@asynccontextmanager
async def running(name: str, folder: Path) -> AsyncIterator[Rig]:
    """The family's device, started and ready."""
    rig = FAMILIES[name](folder)
    rig.peer.start()
    try:
        await rig.device.start(rig.states.append)
        await rig.ready()
        yield rig
    finally:
        await rig.device.close()
        rig.peer.close()


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


def _device(peer: Peer[Any]) -> Device:
    return open_device(peer.url, Path("/"), peer.role)


def lock(make: Callable[[Path], Peer[Any]], unlock_count: Callable[[Any], int], folder: Path) -> Rig:
    """unlock_count: how often the peer was opened."""
    peer = make(folder)
    device, told, proven = cast(Lock, _device(peer)), list[LockState](), 0
    device.on_lock(told.append)

    async def prove() -> None:
        nonlocal proven
        # what is left of noise may cost one its answer; each try is a decision of its own
        while await device.release(RELEASE_S, DEADLINE_S) is not ReleaseResult.ACKNOWLEDGED:
            await until(lambda: device.lock_state is LockState.SECURED, WORK_S_MAX)
        assert unlock_count(peer.hand) > proven
        # so short a release may be over before its lock is asked again: what it is asked afterwards counts
        await until(lambda: not peer.hand.released, WORK_S_MAX)
        secured_at = time.monotonic()
        await until(lambda: (device.health.heard_at or 0.0) > secured_at, WORK_S_MAX)
        await until(lambda: device.lock_state is LockState.SECURED, WORK_S_MAX)
        proven = unlock_count(peer.hand)
        told.clear()

    def false() -> list[str]:
        opened = ["unlocked"] * (unlock_count(peer.hand) - proven)
        return opened + [state.name for state in told if state is LockState.RELEASED]

    return Rig(peer, device, prove, lambda: device.lock_state is LockState.SECURED, false=false)


def sensors(make: Callable[[Path], Peer[Any]], move_door: Callable[[Any, bool], None], folder: Path) -> Rig:
    """move_door: to closed or not. Nobody is in the lane."""
    peer = make(folder)
    device, told = cast(Sensors, _device(peer)), list[SensorLevels]()
    device.on_levels(told.append)

    async def move(closed: bool) -> None:
        move_door(peer.hand, closed)
        # told, not only known: what is told later would count as false
        await until(lambda: bool(told) and told[-1].door_closed is closed, WORK_S_MAX)

    async def prove() -> None:
        await move(False)
        await move(True)
        told.clear()

    def sound() -> bool:
        return device.levels.door_closed is True and _is_quiet(device.levels)

    return Rig(peer, device, prove, sound, false=lambda: [str(levels) for levels in told if not _is_quiet(levels)])


def _is_quiet(levels: SensorLevels) -> bool:
    """Nobody there, the door closed; or unknown."""
    counted = levels.person_count or levels.exit_count
    return levels.door_closed is not False and not counted and not levels.alarms


def signal(make: Callable[[Path], Peer[Any]], light: Callable[[Any], Light], folder: Path) -> Rig:
    """light: what a traveller sees."""
    peer = make(folder)
    device = cast(Signal, _device(peer))

    async def prove() -> None:
        for shown in (TravellerSignal(Light.RED), DARK):
            await device.show(shown)
            await until(lambda shown=shown: light(peer.hand) is shown.light, WORK_S_MAX)  # type: ignore[misc]

    def false() -> list[str]:
        return [] if light(peer.hand) is Light.OFF else [light(peer.hand).name]

    return Rig(peer, device, prove, lambda: light(peer.hand) is Light.OFF, false=false)


def document_reader(folder: Path, setup: str = "native", *, with_chip: bool = False) -> Rig:
    peer = peers.mrz(folder, setup=setup, with_chip=with_chip)
    reader = cast(DocumentReader, _device(peer))

    async def prove() -> None:
        waiting = asyncio.create_task(reader.read(WORK_S_MAX))
        await asyncio.sleep(0)
        # laid down again until it is taken: what is left of noise may swallow a zone
        peer.hand.present(Presentation(TD3, repeat_s=0.3))
        read = await waiting
        peer.hand.remove()
        assert (read.mrz_lines, read.failure) == (TD3, "chip_absent" if with_chip else "")

    return Rig(peer, reader, prove, watch=lambda: reader.read(3600.0), unasked=not with_chip)


def barcode_reader(folder: Path) -> Rig:
    peer = peers.barcode(folder)
    reader, count = cast(BarcodeReader, _device(peer)), 0

    async def prove() -> None:
        nonlocal count
        count += 1
        content = CODE + str(count).encode()  # the same code once more would be the same presentation
        waiting = asyncio.create_task(reader.scan(WORK_S_MAX))
        await asyncio.sleep(0)
        peer.hand.present(encode(content, BARCODES, Symbology.AZTEC))
        found = await waiting
        peer.hand.remove()
        assert (found.content, found.symbology) == (content, Symbology.AZTEC)

    return Rig(peer, reader, prove, watch=lambda: reader.scan(3600.0), unasked=True)


def finger_sensor(folder: Path) -> Rig:
    peer = peers.r30x(folder)
    device = cast(FingerSensor, _device(peer))

    async def prove() -> None:
        image = await device.capture(WORK_S_MAX, lambda _: peer.hand.lay(picture()))
        peer.hand.lift()
        assert (image.pixels == quantised(picture())).all()

    return Rig(peer, device, prove, watch=lambda: device.capture(3600.0, lambda _: None))


def card_reader(folder: Path) -> Rig:
    peer = peers.osdp_card_reader(folder)
    reader, count = cast(CardReader, _device(peer)), 0

    async def prove() -> None:
        nonlocal count
        count += 1
        waiting = asyncio.create_task(reader.card(WORK_S_MAX))
        while not waiting.done():  # what is shown just after a loss counts as old, so it is shown again
            peer.hand.present_card(count.to_bytes(4, "big"), 32)
            await asyncio.wait({waiting}, timeout=CARD_AGAIN_S)
        found = await waiting
        assert (found.bits, found.bit_count) == (count.to_bytes(4, "big"), 32)

    return Rig(peer, reader, prove, watch=lambda: reader.card(3600.0))


def camera(make: Callable[[Path], Peer[Any]], shape: tuple[int, int, int], folder: Path) -> Rig:
    """shape: of its pictures."""
    peer = make(folder)
    device = cast(Camera, _device(peer))

    async def prove() -> None:
        peer.hand.quiet()
        frame = await device.frame(time.monotonic(), WORK_S_MAX)
        assert frame.image.shape == shape

    return Rig(peer, device, prove)


def _led_light(peripheral: Any) -> Light:
    return {Color.RED: Light.RED, Color.AMBER: Light.AMBER, Color.GREEN: Light.GREEN}.get(
        Color(peripheral.leds[0].color(time.monotonic())), Light.OFF
    )


def _move_contact(peripheral: Any, closed: bool) -> None:
    peripheral.contact = closed


def _relay_light(board: Any) -> Light:
    """As `device_campaign_peers.modbus_signal` wires it."""
    on = [
        light for light, output in zip((Light.RED, Light.AMBER, Light.GREEN), board.outputs[1:4], strict=True) if output
    ]
    return on[0] if on else Light.OFF


def _move_door(block: Any, closed: bool) -> None:
    block.door_closed = closed


def _pulse_count(board: Any) -> int:
    return sum(write.value > 0 for write in board.writes)


FAMILIES: Mapping[str, Callable[[Path], Rig]] = MappingProxyType(
    {
        "osdp.lock": partial(lock, peers.osdp_lock, lambda peripheral: len(peripheral.unlocks)),
        "osdp.sensors": partial(sensors, peers.osdp_sensors, _move_contact),
        "osdp.signal": partial(signal, peers.osdp_signal, _led_light),
        "osdp.card_reader": card_reader,
        "modbus.lock": partial(lock, peers.modbus_lock, _pulse_count),
        "modbus.sensors": partial(sensors, peers.modbus_sensors, _move_door),
        "modbus.signal": partial(signal, peers.modbus_signal, _relay_light),
        "mrz.native": document_reader,
        "mrz.lines": partial(document_reader, setup="lines"),
        "mrz.imager": partial(document_reader, setup="imager"),
        "pn532.chip": partial(document_reader, with_chip=True),
        "barcode": barcode_reader,
        "r30x": finger_sensor,
        "camera.dir": partial(camera, peers.camera_folder, (48, 64, 3)),
        "camera.rtsp": partial(camera, peers.camera_stream, (HEIGHT, WIDTH, 3)),
    }
)
SLOW = frozenset(
    {"camera.rtsp"}
)  # FFmpeg looks at a stream for more than a second before it plays: long campaigns only
