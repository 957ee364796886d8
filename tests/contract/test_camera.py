"""What every Camera promises (egate.ports): on made pictures, a recording and a folder; with --device=URL on a real one.

On a real camera nothing is unplugged, and it has to see something lit.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
import pytest_asyncio

from egate.domain.device import DeviceRole, DeviceState
from egate.errors import DeviceError, DeviceLost, DeviceTimeout
from egate.ports import Camera
from hw.camera.synthetic import Mode, picture
from tests.contract.conftest import SIMULATOR, open_hardware
from tests.hw.lock_bench import until

LOSS_S_MAX = 5.0
KINDS = ("synthetic", "file", "dir")
FPS = 60


@dataclass
class Setup:
    camera: Camera
    source: Path | None  # what the pictures come from; None: it cannot be taken away
    states: list[tuple[DeviceState, int]] = field(default_factory=list)

    async def start(self) -> None:
        await self.camera.start(lambda state: self.states.append((state, threading.get_ident())))
        await until(lambda: self.camera.state is not DeviceState.LOST, 10.0)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture
async def setup(where: str, kind: str, tmp_path: Path) -> AsyncIterator[Setup]:
    if where == SIMULATOR:
        url, source = simulated(kind, tmp_path)
    elif kind == KINDS[0]:
        url, source = where, None
    else:
        pytest.skip("the real device is tried once")
    found = Setup(cast(Camera, open_hardware(url, DeviceRole.CAMERA)), source)
    assert found.camera.state is DeviceState.LOST
    yield found
    await found.camera.close()


def simulated(kind: str, folder: Path) -> tuple[str, Path | None]:
    """The URL, and what can be renamed to take the pictures away."""
    pictures = [picture(Mode.MOVING, 1, number, 64, 48) for number in range(7)]
    if kind == "synthetic":
        return f"camera+synthetic://moving?width=64&height=48&fps={FPS}", None
    if kind == "file":
        clip = folder / "clip.avi"
        writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (64, 48))
        for each in pictures:
            writer.write(each)
        writer.release()
        return f"camera+file://{clip}", clip
    (folder / "pictures").mkdir()
    for number, each in enumerate(pictures):
        cv2.imwrite(str(folder / "pictures" / f"{number}.png"), each)
    return f"camera+dir://{folder / 'pictures'}?fps={FPS}", folder / "pictures"


async def test_online_is_told_once_in_the_loop_that_started_it(setup: Setup) -> None:
    await setup.start()
    assert setup.states == [(DeviceState.ONLINE, threading.get_ident())]
    assert setup.camera.state is DeviceState.ONLINE
    with pytest.raises(DeviceError):
        await setup.camera.start(lambda _: None)


async def test_frames_are_rgb_newer_than_asked_and_counted(setup: Setup) -> None:
    await setup.start()
    asked_at = time.monotonic()
    first = await setup.camera.frame(asked_at, 2.0)
    second = await setup.camera.frame(first.taken_s, 2.0)
    await until(lambda: time.monotonic() > second.taken_s + 0.5, 2.0)
    third = await setup.camera.frame(0.0, 2.0)
    assert asked_at < first.taken_s < second.taken_s < third.taken_s <= time.monotonic()
    assert third.taken_s > second.taken_s + 0.1  # not one that had been waiting
    assert first.number < second.number < third.number - 1  # dropped ones count
    for frame in (first, second, third):
        assert frame.image.dtype == np.uint8 and frame.image.ndim == 3 and frame.image.shape[2] == 3
        assert frame.image.flags.c_contiguous
        assert "redacted" in repr(frame)
    assert not np.array_equal(first.image, second.image)


async def test_several_may_wait_at_once(setup: Setup) -> None:
    await setup.start()
    now = time.monotonic()
    later, *frames = await asyncio.gather(
        setup.camera.frame(now + 0.1, 5.0), *(setup.camera.frame(now, 5.0) for _ in range(4))
    )
    assert len({frame.number for frame in frames}) == 1
    assert later.taken_s > now + 0.1 and later.number >= frames[0].number


@pytest.mark.parametrize("after_s", [math.inf, math.nan])
async def test_no_newer_frame_is_a_timeout_and_the_camera_goes_on(setup: Setup, after_s: float) -> None:
    await setup.start()
    for timeout_s in (0.05, 0.0, -1.0, math.nan):
        asked_at = time.monotonic()
        with pytest.raises(DeviceTimeout):
            await setup.camera.frame(after_s, timeout_s)
        assert time.monotonic() - asked_at < 1.0
    assert (await setup.camera.frame(time.monotonic(), 2.0)).number


async def test_cancelling_is_safe(setup: Setup) -> None:
    await setup.start()
    waiting = asyncio.create_task(setup.camera.frame(math.inf, 60.0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await setup.camera.frame(time.monotonic(), 2.0)).number


async def test_close_ends_who_waits_and_may_be_repeated(setup: Setup) -> None:
    await setup.start()
    waiting = asyncio.create_task(setup.camera.frame(math.inf, 60.0))
    await asyncio.sleep(0)
    threads = threading.active_count()
    await asyncio.wait_for(setup.camera.close(), 5.0)
    with pytest.raises(DeviceLost):
        await waiting
    await asyncio.wait_for(setup.camera.close(), 5.0)
    with pytest.raises(DeviceLost):
        await setup.camera.frame(0.0, 1.0)
    assert [state for state, _ in setup.states] == [DeviceState.ONLINE, DeviceState.LOST]
    await until(lambda: threading.active_count() < threads, 5.0)


async def test_close_without_start(setup: Setup) -> None:
    await asyncio.wait_for(setup.camera.close(), 1.0)
    with pytest.raises(DeviceLost):
        await setup.camera.frame(0.0, 1.0)


async def test_absent_camera_is_a_state_and_it_comes_by_itself(setup: Setup) -> None:
    if setup.source is None:
        pytest.skip("it cannot be taken away")
    away = setup.source.rename(setup.source.with_name("away"))
    await setup.camera.start(lambda state: setup.states.append((state, 0)))
    await until(lambda: setup.camera.health.counters["lost"] > 0, 5.0)
    with pytest.raises(DeviceLost):
        await setup.camera.frame(0.0, 1.0)
    assert setup.states == []
    away.rename(setup.source)
    await until(lambda: setup.camera.state is DeviceState.ONLINE, LOSS_S_MAX)


async def test_loss_is_noticed_in_time_told_once_and_ends_by_itself(setup: Setup) -> None:
    if setup.source is None:
        pytest.skip("it cannot be taken away")
    await setup.start()
    waiting = asyncio.create_task(setup.camera.frame(math.inf, 60.0))
    await asyncio.sleep(0)
    away = setup.source.rename(setup.source.with_name("away"))
    await until(lambda: setup.camera.state is DeviceState.LOST, LOSS_S_MAX)
    with pytest.raises(DeviceLost):
        await waiting
    away.rename(setup.source)
    await until(lambda: setup.camera.state is DeviceState.ONLINE, LOSS_S_MAX)
    assert (await setup.camera.frame(time.monotonic(), 2.0)).number
    assert [state for state, _ in setup.states] == [DeviceState.ONLINE, DeviceState.LOST, DeviceState.ONLINE]
    assert setup.camera.health.counters["opened"] == 2


async def test_health_tells_that_it_lives_and_shows_nothing(setup: Setup) -> None:
    assert setup.camera.health.heard_at is None
    await setup.start()
    health = setup.camera.health
    assert health.state is DeviceState.ONLINE and health.identity
    assert health.counters["opened"] == 1 and health.counters["lost"] == health.counters["errors"] == 0
    await until(lambda: (setup.camera.health.heard_at or 0.0) > (health.heard_at or 0.0), 2.0)
