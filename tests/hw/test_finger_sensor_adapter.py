"""The finger sensor's adapter below the contract: URLs, speeds, health, and what a cancelled capture leaves behind."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from egate.domain.device import DeviceRole, DeviceState
from egate.errors import ConfigurationError, DeviceError
from hw.finger.adapter import R30xSensor, open_finger_sensor
from hw.finger.host import Wanted
from hw.finger.messages import PASSWORD_DEFAULT
from hw.finger.pd import FingerPeripheral, FingerPort
from hw.finger.picture import R503, unpack
from hw.link.base import Link, LinkLost
from hw.link.memory import pair
from hw.link.pump import Pump
from hw.registry import open_device
from hw.url import parse

from .finger_sensor_bench import finger_bench, picture, quantised, there_or_not
from .lock_bench import until

PASSWORD = "0badcafe"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("password", PASSWORD), ("default", "00000000"), ("short", "0bad")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o640)
    return tmp_path


@pytest.mark.parametrize(
    "rest",
    [
        "baud=57600&password=file:password",
        "baud=115200&default_password=1&set_baud=1&packet=256",
        "baud=57600&password=file:password&address=00c0ffee&model=r503&light=1&dpi=510",
    ],
)
def test_url_is_understood(folder: Path, rest: str) -> None:
    device = open_device(f"r30x+serial:///dev/ttyUSB0?{rest}", folder, DeviceRole.FINGER_SENSOR)
    assert device.state is DeviceState.LOST
    assert "0badcafe" not in repr(device)


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ("password=file:password", "missing parameter baud"),
        ("baud=57600", "missing parameter password"),
        ("baud=57600&password=file:default", "public default"),
        ("baud=57600&password=file:short", "4 bytes"),
        ("baud=57600&password=file:absent", "cannot be read"),
        ("baud=57600&password=file:password&default_password=1", "beside"),
        ("baud=57601&password=file:password", "multiple"),
        ("baud=230400&password=file:password", "baud"),
        ("baud=57600&password=file:password&address=12", "address"),
        ("baud=57600&password=file:password&model=r999", "model"),
        ("baud=57600&password=file:password&packet=100", "packet"),
        ("baud=57600&password=file:password&dpi=50", "dpi"),
        ("baud=57600&password=file:password&colour=red", "unknown"),
    ],
)
def test_url_that_is_not_understood_is_refused(folder: Path, rest: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        open_finger_sensor(parse(f"r30x+serial:///dev/ttyUSB0?{rest}"), folder)


class Sockets:
    """A sensor that hears at one speed only: its port opened at another one leads nowhere."""

    def __init__(self) -> None:
        self.sensor = FingerPeripheral()
        self.pumps: list[Pump] = []
        self.bauds: list[int] = []

    def open(self, baud: int) -> Link:
        self.close()
        self.bauds.append(baud)
        ours, theirs = pair()
        if baud == self.sensor.baud:
            self.pumps.append(Pump("finger-peripheral", FingerPort(self.sensor, theirs, time.monotonic).poll))
        return ours

    def close(self) -> None:
        while self.pumps:
            self.pumps.pop().close()


async def test_sensor_found_at_another_speed_is_set_to_ours() -> None:
    port = Sockets()
    ways = (lambda: port.open(115_200), lambda: port.open(57_600))
    device = R30xSensor(ways, Wanted(PASSWORD_DEFAULT, baud=115_200), 500.0)
    await device.start(lambda _: None)
    await until(lambda: device.state is DeviceState.ONLINE, 10.0)
    assert port.bauds == [115_200, 57_600, 115_200]
    assert port.sensor.baud == 115_200
    await device.close()
    port.close()


async def test_health_tells_who_it_is_and_what_happened(tmp_path: Path) -> None:
    async with finger_bench(tmp_path) as bench:
        await until(lambda: bench.device.state is DeviceState.ONLINE, 5.0)
        health = bench.device.health
        assert health.identity == "R30x system 0009, library 1000, packets 128, 57600 baud"
        assert health.heard_at is not None
        assert (health.counters["opened"], health.counters["lost"], health.counters["errors"]) == (1, 0, 0)
        bench.port.unplug()
        await until(lambda: bench.device.state is DeviceState.LOST, 5.0)
        assert bench.device.health.counters["lost"] >= 1
        assert bench.device.health.last_error
        bench.port.replug()
        await until(lambda: bench.device.state is DeviceState.ONLINE, 10.0)
        assert there_or_not(bench.states) == [DeviceState.ONLINE, DeviceState.LOST, DeviceState.ONLINE]


async def test_wrong_password_shows_in_health_and_never_in_words(tmp_path: Path) -> None:
    async with finger_bench(tmp_path, wanted=Wanted(bytes.fromhex(PASSWORD)), start=False) as bench:
        bench.sensor.password = bytes.fromhex("11223344")
        await bench.device.start(bench.states.append)
        await until(lambda: "refuses the password" in bench.device.health.last_error, 5.0)
        assert bench.states == []
        assert PASSWORD not in str(bench.device.health)


async def test_r503_gives_its_own_resolution(tmp_path: Path) -> None:
    async with finger_bench(tmp_path, wanted=Wanted(PASSWORD_DEFAULT, model=R503)) as bench:
        await until(lambda: bench.device.state is DeviceState.ONLINE, 5.0)
        capture = asyncio.create_task(bench.device.capture(10.0, lambda _: bench.sensor.lay(picture(1, R503))))
        image = await capture
        assert image.dpi == 508.0
        assert (image.pixels == quantised(picture(1, R503))).all()
        assert repr(image) == "FingerImage(redacted)"


async def test_damage_degrades_and_a_whole_image_follows(tmp_path: Path) -> None:
    async with finger_bench(tmp_path) as bench:
        await until(lambda: bench.device.state is DeviceState.ONLINE, 5.0)
        bench.sensor.damage = lambda packets: packets if bench.sensor.uploads > 1 else packets[:100]
        image = await bench.device.capture(20.0, lambda _: bench.sensor.lay(picture()))
        assert (image.pixels == quantised(picture())).all()
        assert DeviceState.DEGRADED in bench.states
        assert bench.device.health.counters["damaged_transfers"] >= 1
        assert bench.device.health.last_error == "an image was damaged on its way"


async def test_capture_that_waits_no_number_of_seconds_is_refused(tmp_path: Path) -> None:
    async with finger_bench(tmp_path) as bench:
        await until(lambda: bench.device.state is DeviceState.ONLINE, 5.0)
        with pytest.raises(DeviceError, match="number"):
            await bench.device.capture(float("nan"), lambda _: None)


def test_port_that_is_not_there_is_a_state(tmp_path: Path) -> None:
    async def scene() -> None:
        def absent() -> Link:
            raise LinkLost("absent")

        device = R30xSensor((absent,), Wanted(PASSWORD_DEFAULT), 500.0)
        await device.start(lambda _: None)
        await until(lambda: device.health.counters["lost"] >= 2, 5.0)
        assert device.health.last_error == "absent"
        await device.close()
        assert device.state is DeviceState.LOST

    asyncio.run(scene())


def test_unpacking_takes_only_whole_images() -> None:
    with pytest.raises(ValueError, match="18432"):
        unpack(bytes(36_864), R503)
