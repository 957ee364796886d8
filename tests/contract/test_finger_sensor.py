"""What every egate.ports.FingerSensor must do. On real hardware only what needs no finger is run."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from egate.domain.biometric import Guidance
from egate.domain.captured import FingerImage
from egate.domain.device import DeviceRole, DeviceState
from egate.errors import DeviceError, DeviceLost, DeviceTimeout
from egate.ports import FingerSensor
from hw.finger.pd import Placement
from tests.contract.conftest import SIMULATOR, open_hardware
from tests.hw.finger_sensor_bench import FingerBench, finger_bench, picture, quantised, there_or_not
from tests.hw.lock_bench import until

LOSS_S_MAX = 5.0


@dataclass
class Bench:
    """sensor not started. simulator: None on hardware."""

    sensor: FingerSensor
    simulator: FingerBench | None = None
    states: list[tuple[DeviceState, int]] = field(default_factory=list)
    advice: list[tuple[Guidance, int]] = field(default_factory=list)

    async def start(self) -> None:
        await self.sensor.start(lambda state: self.states.append((state, threading.get_ident())))

    async def ready(self) -> None:
        await self.start()
        await until(lambda: self.sensor.state is DeviceState.ONLINE, 10.0)

    @property
    def world(self) -> FingerBench:
        if self.simulator is None:
            pytest.skip("nobody lays a finger on real hardware during the test")
        return self.simulator

    async def capturing(self, timeout_s: float = 20.0) -> asyncio.Task[FingerImage]:
        """A capture that has looked at the sensor; if that was empty, it has seen it."""
        count = len(self.advice)
        task = asyncio.create_task(
            self.sensor.capture(timeout_s, lambda one: self.advice.append((one, threading.get_ident())))
        )
        await until(lambda: len(self.advice) > count, 5.0)
        return task


@pytest.fixture
async def bench(where: str, tmp_path: Path) -> AsyncIterator[Bench]:
    if where == SIMULATOR:
        async with finger_bench(tmp_path, start=False) as inner:
            yield Bench(inner.device, inner)
    else:
        sensor = cast(FingerSensor, open_hardware(where, DeviceRole.FINGER_SENSOR))
        yield Bench(sensor)
        await sensor.close()


async def test_before_start_it_is_lost_and_refuses(bench: Bench) -> None:
    assert bench.sensor.state is DeviceState.LOST
    with pytest.raises(DeviceLost):
        await bench.sensor.capture(1.0, lambda _: None)


async def test_start_returns_at_once_and_the_state_is_told_once_in_the_loop(bench: Bench) -> None:
    called = time.monotonic()
    await bench.start()
    assert time.monotonic() - called < 0.2
    await until(lambda: bench.sensor.state is DeviceState.ONLINE, 10.0)
    assert bench.states[0] == (DeviceState.ONLINE, threading.get_ident())
    assert DeviceState.ONLINE not in [state for state, _ in bench.states[1:2]]
    assert bench.sensor.health.counters["opened"] >= 1
    assert bench.sensor.health.heard_at is not None


async def test_finger_laid_on_becomes_an_image(bench: Bench) -> None:
    world = bench.world
    await bench.ready()
    capture = await bench.capturing()
    world.sensor.lay(picture())
    image = await capture
    assert image.pixels.dtype == np.uint8
    assert (image.pixels == quantised(picture())).all()
    assert image.dpi == 500.0
    assert "redacted" in repr(image)


async def test_advice_is_told_once_per_change_in_the_loop(bench: Bench) -> None:
    world = bench.world
    await bench.ready()
    capture = await bench.capturing()
    world.sensor.lay(picture(), Placement.DRY)
    await until(lambda: bench.advice[-1][0] is Guidance.PRESS_HARDER, 5.0)
    world.sensor.lay(picture())
    await capture
    told = [one for one, _ in bench.advice]
    assert told[:2] == [Guidance.PLACE_FINGER, Guidance.PRESS_HARDER]
    assert all(one is not other for one, other in itertools.pairwise(told))
    assert {thread for _, thread in bench.advice} == {threading.get_ident()}


async def test_finger_from_before_the_call_does_not_count(bench: Bench) -> None:
    world = bench.world
    await bench.ready()
    world.sensor.lay(picture())
    capture = await bench.capturing()
    assert [one for one, _ in bench.advice] == [Guidance.LIFT_FINGER]
    looks = world.sensor.looks
    await until(lambda: world.sensor.looks >= looks + 3, 5.0)
    assert world.sensor.uploads == 0
    looks = world.sensor.looks
    world.sensor.lift()
    await until(lambda: world.sensor.looks >= looks + 2, 5.0)
    world.sensor.lay(picture(2))
    assert ((await capture).pixels == quantised(picture(2))).all()


async def test_nobody_lays_a_finger(bench: Bench) -> None:
    await bench.ready()
    with pytest.raises(DeviceTimeout):
        await bench.sensor.capture(0.3, lambda _: None)
    with pytest.raises(DeviceTimeout):
        await bench.sensor.capture(0.0, lambda _: None)
    assert bench.sensor.state is DeviceState.ONLINE


async def test_second_capture_at_a_time_is_refused(bench: Bench) -> None:
    await bench.ready()
    capture = asyncio.create_task(bench.sensor.capture(5.0, lambda _: None))
    await asyncio.sleep(0)
    with pytest.raises(DeviceError) as refused:
        await bench.sensor.capture(0.2, lambda _: None)
    assert not isinstance(refused.value, DeviceTimeout | DeviceLost)
    assert not capture.done()
    capture.cancel()
    with pytest.raises(asyncio.CancelledError):
        await capture


async def test_cancelling_is_safe_at_any_time(bench: Bench) -> None:
    world = bench.world
    await bench.ready()
    world.sensor.damage = lambda packets: packets[:100]  # the image of a finger is under way for seconds
    for uploads in (0, 1):
        capture = await bench.capturing()
        if uploads:
            world.sensor.lay(picture())
            await until(lambda: world.sensor.uploads > 0, 5.0)
        capture.cancel()
        with pytest.raises(asyncio.CancelledError):
            await capture
        world.sensor.lift()
    world.sensor.damage = list
    capture = await bench.capturing()
    world.sensor.lay(picture(2))
    assert ((await capture).pixels == quantised(picture(2))).all()
    assert DeviceState.LOST not in [state for state, _ in bench.states]


async def test_absent_peer_is_a_state_not_an_exception(bench: Bench) -> None:
    port = bench.world.port
    port.unplug()
    await bench.start()
    assert bench.sensor.state is DeviceState.LOST
    port.replug()
    await until(lambda: bench.sensor.state is DeviceState.ONLINE, 10.0)


@pytest.mark.parametrize("how", ["unplugged", "silent"])
async def test_loss_is_noticed_in_time_ends_a_capture_and_ends_by_itself(bench: Bench, how: str) -> None:
    world = bench.world
    await bench.ready()
    capture = await bench.capturing()
    lost_at = time.monotonic()
    if how == "unplugged":
        world.port.unplug()
    else:
        world.sensor.silent = True
    with pytest.raises(DeviceLost):
        await capture
    assert time.monotonic() - lost_at < LOSS_S_MAX
    assert bench.sensor.state is DeviceState.LOST
    world.sensor.silent = False
    world.port.replug()
    await until(lambda: bench.sensor.state is DeviceState.ONLINE, 10.0)
    assert there_or_not(state for state, _ in bench.states) == [
        DeviceState.ONLINE,
        DeviceState.LOST,
        DeviceState.ONLINE,
    ]
    assert {thread for _, thread in bench.states} == {threading.get_ident()}


async def test_close_is_idempotent_and_ends_a_capture(bench: Bench) -> None:
    await bench.ready()
    capture = asyncio.create_task(bench.sensor.capture(20.0, lambda _: None))
    await asyncio.sleep(0)
    await asyncio.wait_for(bench.sensor.close(), 3.0)
    await asyncio.wait_for(bench.sensor.close(), 3.0)
    with pytest.raises(DeviceLost):
        await capture
    assert bench.sensor.state is DeviceState.LOST


async def test_close_without_start(bench: Bench) -> None:
    await asyncio.wait_for(bench.sensor.close(), 1.0)
