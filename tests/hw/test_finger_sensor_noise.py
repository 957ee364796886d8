"""Floods of random bytes give no image and hold no memory; a sensor that comes and goes a hundred times leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from pathlib import Path

import pytest

from egate.domain.device import DeviceState
from egate.errors import DeviceError
from hw.finger.adapter import R30xSensor
from hw.finger.host import Wanted
from hw.finger.messages import PASSWORD_DEFAULT
from hw.finger.pd import FingerPeripheral, FingerPort
from hw.link.base import Link
from hw.link.fault import FaultLink
from hw.link.memory import pair
from hw.link.pump import Pump

from .finger_sensor_bench import finger_bench, picture, quantised, there_or_not
from .lock_bench import until

NOISE_SIZES = (1_000_000, pytest.param(10_000_000, marks=pytest.mark.soak))
CHUNK_SIZE = 100_000
GROWN_MAX = 8 * 1024 * 1024  # the allocator's own; less than the noise
ROUND_COUNT = 100


class Cable:
    """A sensor in memory, on a link that noise can be put on. Each opening is a new pair of ends."""

    def __init__(self) -> None:
        self.sensor = FingerPeripheral()
        self._pumps: list[Pump] = []
        self.link: FaultLink | None = None

    def open(self) -> Link:
        self.close()
        ours, theirs = pair()
        self._pumps.append(Pump("finger-peripheral", FingerPort(self.sensor, theirs, time.monotonic).poll))
        self.link = FaultLink(ours, 1)
        return self.link

    def close(self) -> None:
        while self._pumps:
            self._pumps.pop().close()


def memory() -> int:
    """Bytes the process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descriptor_count() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("size", NOISE_SIZES)
async def test_noise_during_a_capture_gives_no_image_and_holds_no_memory(size: int) -> None:
    cable, draw = Cable(), random.Random(1)
    device = R30xSensor((cable.open,), Wanted(PASSWORD_DEFAULT), 500.0)
    await device.start(lambda _: None)
    await until(lambda: device.state is DeviceState.ONLINE, 5.0)
    capture = asyncio.create_task(device.capture(60.0, lambda _: None))
    held = memory()
    while device.health.counters.get("skipped_bytes", 0) < size:
        link = cable.link  # another one, if the sensor was given up for lost meanwhile
        assert link is not None
        link.inject(draw.randbytes(CHUNK_SIZE))
        await until(lambda link=link: not link._injected or cable.link is not link, 10.0)  # type: ignore[misc]
    assert memory() - held < GROWN_MAX
    assert device.health.counters.get("impressions", 0) == 0
    capture.cancel()
    with contextlib.suppress(asyncio.CancelledError, DeviceError):
        await capture
    await until(lambda: device.state is DeviceState.ONLINE, 15.0)
    image = await device.capture(30.0, lambda _: cable.sensor.lay(picture()))
    assert (image.pixels == quantised(picture())).all()
    await device.close()
    cable.close()


@pytest.mark.soak
async def test_sensor_that_is_unplugged_a_hundred_times_comes_back_each_time(tmp_path: Path) -> None:
    async with finger_bench(tmp_path) as bench:
        await until(lambda: bench.device.state is DeviceState.ONLINE, 5.0)
        descriptors = descriptor_count()
        for _ in range(ROUND_COUNT):
            bench.port.unplug()
            await until(lambda: bench.device.state is DeviceState.LOST, 5.0)
            bench.port.replug()
            await until(lambda: bench.device.state is DeviceState.ONLINE, 10.0)
        assert descriptor_count() == descriptors
        assert there_or_not(bench.states) == [DeviceState.ONLINE, *[DeviceState.LOST, DeviceState.ONLINE] * ROUND_COUNT]
