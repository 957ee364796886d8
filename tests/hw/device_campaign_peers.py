"""The simulated half of each device family on a pty, and the URL its adapter is opened by. What the hand can do is up to the family."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import cv2

from egate.domain.device import DeviceRole
from hw.barcode.frame import Framing
from hw.barcode.pd import SimulatedImager
from hw.camera.synthetic import Mode, picture
from hw.finger.pd import FingerPeripheral, FingerPort
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.modbus.map_file import shipped
from hw.modbus.points import Points
from hw.modbus.server import Line, Peripheral, SensorPeripheral
from hw.mrz.pd import READER_SETUPS
from hw.osdp.pd import Equipment, LockPeripheral
from hw.sim.field import make_field
from hw.sim.reader import SimulatedReader
from tests.hw.camera_rtsp_peer import RtspCamera

OSDP_POLL_S = 0.005  # bytes end the wait; only its timers are coarser so
UNIT = ADDRESS = 1
BAUD = 115_200
BARCODES = Framing(prefix=b"\x02", terminator=b"\r\n", aim=True)
RELAYS = "waveshare_relay"

PICTURE_COUNT, PICTURE_FPS = 5, 30

Hand = TypeVar("Hand")


class Port(Protocol):
    """What a campaign does to a device's end of the line. write: noise."""

    def unplug(self) -> None: ...

    def replug(self) -> None: ...

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


@dataclass
class Peer(Generic[Hand]):
    """hand: moves doors, lays fingers and documents. port: the one a campaign is about; others: further ones of the same device."""

    role: DeviceRole
    url: str
    hand: Hand
    port: Port
    polls: list[Callable[[], None]]
    others: list[PtyMaster] = field(default_factory=list)
    pumps: list[Pump] = field(default_factory=list)

    def start(self) -> None:
        self.pumps = [Pump(self.url[:40], poll) for poll in self.polls]

    def close(self) -> None:
        for pump in self.pumps:
            pump.close()
        for port in (self.port, *self.others):
            port.close()


def osdp_lock(folder: Path, baud: int | None = None) -> Peer[LockPeripheral]:
    """baud: pace the wire; None: bytes take no time. So in all of these."""
    return _osdp(folder, "lock", DeviceRole.LOCK, "", baud)


def osdp_sensors(folder: Path, baud: int | None = None) -> Peer[LockPeripheral]:
    made = _osdp(folder, "inputs", DeviceRole.SENSORS, "&door=0&present=1", baud)
    made.hand.contact = True  # the door is closed
    return made


def osdp_signal(folder: Path, baud: int | None = None) -> Peer[LockPeripheral]:
    return _osdp(folder, "light", DeviceRole.SIGNAL, "", baud)


def osdp_card_reader(folder: Path, baud: int | None = None) -> Peer[LockPeripheral]:
    return _osdp(folder, "card", DeviceRole.CARD_READER, "", baud)


def _osdp(folder: Path, name: str, role: DeviceRole, wiring: str, baud: int | None) -> Peer[LockPeripheral]:
    key_path, key = folder / f"{name}.key", secrets.token_bytes(16)
    key_path.write_text(key.hex())
    key_path.chmod(0o600)
    port = PtyMaster(folder / name, baud)
    peripheral = LockPeripheral(port, key, time.monotonic, ADDRESS, Equipment(inputs=2))
    url = f"osdp+pty://{folder}/{name}?address={ADDRESS}&baud={BAUD}&key=file:{key_path}{wiring}"
    return Peer(role, url, peripheral, port, [lambda: peripheral.poll(OSDP_POLL_S)])


def modbus_sensors(folder: Path, baud: int | None = None) -> Peer[SensorPeripheral]:
    port = PtyMaster(folder / "sensors", baud)
    peripheral = SensorPeripheral(port, time.monotonic, Points(UNIT))
    url = f"modbus+pty://{folder}/sensors?unit={UNIT}&baud={BAUD}"
    return Peer(DeviceRole.SENSORS, url, peripheral, port, [peripheral.poll])


def modbus_lock(folder: Path, baud: int | None = None) -> Peer[Peripheral]:
    return _relays(folder, "relock", DeviceRole.LOCK, "", baud)


def modbus_signal(folder: Path, baud: int | None = None) -> Peer[Peripheral]:
    return _relays(folder, "signal", DeviceRole.SIGNAL, "&red=1&amber=2&green=3&buzzer=4", baud)


def _relays(folder: Path, name: str, role: DeviceRole, wiring: str, baud: int | None) -> Peer[Peripheral]:
    port, board = PtyMaster(folder / name, baud), Peripheral(shipped(RELAYS), UNIT)
    url = f"modbus+pty://{folder}/{name}?unit={UNIT}&baud={BAUD}&map={RELAYS}{wiring}"
    return Peer(role, url, board, port, [Line(port, time.monotonic, [board]).poll])


def mrz(
    folder: Path, baud: int | None = None, *, setup: str = "native", with_chip: bool = False
) -> Peer[SimulatedReader]:
    """with_chip: beside the zone's port that of a PN532, which is the one the campaign is about."""
    zone, chip = PtyMaster(folder / "mrz", baud), PtyMaster(folder / "chip", baud)
    reader = SimulatedReader(zone, chip, make_field("pn532"), lambda _: None, READER_SETUPS[setup])
    url = f"mrz+pty://{folder}/mrz?baud={BAUD}{READER_SETUPS[setup].parameters}"
    if with_chip:
        url += f"&chip={folder}/chip&chip_baud={BAUD}&chip_protocol=pn532"
    port, other = (chip, zone) if with_chip else (zone, chip)
    return Peer(DeviceRole.DOCUMENT_READER, url, reader, port, [reader.poll_mrz, reader.poll_chip], [other])


def barcode(folder: Path, baud: int | None = None) -> Peer[SimulatedImager]:
    port = PtyMaster(folder / "barcode", baud)
    imager = SimulatedImager(port, time.monotonic, repeat_s=0.3)
    url = f"barcode+pty://{folder}/barcode?baud={BAUD}&aim=1&prefix=STX&terminator=CRLF"
    return Peer(DeviceRole.BARCODE_READER, url, imager, port, [imager.poll])


def r30x(folder: Path, baud: int | None = None) -> Peer[FingerPeripheral]:
    port, sensor = PtyMaster(folder / "finger", baud), FingerPeripheral()
    url = f"r30x+pty://{folder}/finger?baud={BAUD}&default_password=1"
    return Peer(DeviceRole.FINGER_SENSOR, url, sensor, port, [FingerPort(sensor, port, time.monotonic).poll])


class PictureFolder:
    """A camera of pictures in a folder; noise is one more of them that is none."""

    def __init__(self, folder: Path) -> None:
        self.path, self._away = folder / "pictures", folder / "away"
        self.path.mkdir()
        for number in range(PICTURE_COUNT):
            cv2.imwrite(str(self.path / f"{number}.png"), picture(Mode.MOVING, 1, number, 64, 48))

    def unplug(self) -> None:
        self.path.rename(self._away)

    def replug(self) -> None:
        self._away.rename(self.path)

    def write(self, data: bytes) -> None:
        (self.path / "noise.png").write_bytes(data)

    def quiet(self) -> None:
        (self.path / "noise.png").unlink(missing_ok=True)

    def close(self) -> None:
        pass


def camera_folder(folder: Path) -> Peer[PictureFolder]:
    made = PictureFolder(folder)
    return Peer(DeviceRole.CAMERA, f"camera+dir://{made.path}?fps={PICTURE_FPS}", made, made, [])


class RtspPort:
    """A network camera that is switched off and on again at one address."""

    def __init__(self) -> None:
        self._camera = RtspCamera()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._camera.port}"

    def unplug(self) -> None:
        self._camera.close()

    def replug(self) -> None:
        self._camera = RtspCamera(port=self._camera.port)

    def write(self, data: bytes) -> None:
        self._camera.write(data)

    def quiet(self) -> None:
        pass

    def close(self) -> None:
        self._camera.close()


def camera_stream(folder: Path) -> Peer[RtspPort]:
    made = RtspPort()
    return Peer(DeviceRole.CAMERA, f"camera+rtsp://{made.address}/live", made, made, [])
