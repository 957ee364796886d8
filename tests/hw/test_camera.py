"""A camera that blocks, spoils its pictures, breaks; what it costs when nobody asks; and that OpenCV says nothing."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from egate.domain.device import DeviceState
from egate.errors import DeviceLost, DeviceTimeout
from hw.camera.adapter import SupervisedCamera, open_camera
from hw.camera.look import TOO_DARK
from hw.camera.source import SourceLost, Time, Unusable
from hw.camera.supervision import FROZEN, LOOK_S, UNUSABLE, Supervision
from hw.camera.synthetic import Mode, SyntheticSource, picture
from hw.url import parse
from tests.hw.lock_bench import until

FPS = 60


@dataclass
class Faults:
    """A made camera with what can be wrong with it, for all its openings."""

    mode: Mode = Mode.MOVING
    absent: bool = False
    spoilt: bool = False
    still: bool = False  # always the same picture
    broken: bool = False  # raises what no source may
    blocked: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    opened_at: list[float] = field(default_factory=list)
    open_now: int = 0
    retrieved: int = 0

    def open(self, when: Time) -> FaultSource:
        self.opened_at.append(when.now())
        if self.absent:
            raise SourceLost("cannot be opened")
        self.open_now += 1
        return FaultSource(self, when)


class FaultSource:
    def __init__(self, faults: Faults, when: Time) -> None:
        self._faults = faults
        self._made = SyntheticSource(faults.mode, 1, 64, 48, FPS, when)
        self.fps, self.identity = self._made.fps, self._made.identity

    def grab(self) -> None:
        self._made.grab()
        if self._faults.absent:
            raise SourceLost("gives no pictures any more")
        if self._faults.broken:
            raise ZeroDivisionError
        if self._faults.blocked.is_set():
            self._faults.let_go.wait(30.0)  # as a read inside OpenCV: deaf to the end of the camera
            raise SourceLost("gives no pictures any more")

    def retrieve(self) -> NDArray[np.uint8]:
        self._faults.retrieved += 1
        if self._faults.spoilt:
            raise Unusable("picture cannot be decoded")
        return picture(Mode.FROZEN, 1, 0, 64, 48) if self._faults.still else self._made.retrieve()

    def close(self) -> None:
        self._faults.open_now -= 1


@asynccontextmanager
async def running(
    faults: Faults, frozen_s: float | None = None
) -> AsyncIterator[tuple[SupervisedCamera, list[DeviceState]]]:
    camera, states = SupervisedCamera("faulty", faults.open, Supervision(None, frozen_s)), list[DeviceState]()
    await camera.start(states.append)
    try:
        yield camera, states
    finally:
        faults.let_go.set()
        await camera.close()


@pytest.fixture
def quick_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """The times themselves are tested under a virtual clock."""
    monkeypatch.setattr("hw.camera.supervision.LOSS_S", 0.3)
    monkeypatch.setattr("hw.camera.adapter.camera.WATCH_S", 0.1)
    monkeypatch.setattr("hw.camera.adapter.camera.CLOSE_S_MAX", 0.2)


def camera_threads() -> int:
    return sum(thread.name == "camera faulty" for thread in threading.enumerate())


@pytest.mark.usefixtures("quick_loss")
async def test_read_that_blocks_is_a_loss_and_no_second_thread() -> None:
    faults = Faults()
    async with running(faults) as (camera, states):
        await until(lambda: camera.state is DeviceState.ONLINE, 5.0)
        waiting = asyncio.create_task(camera.frame(math.inf, 60.0))
        faults.blocked.set()
        await until(lambda: camera.state is DeviceState.LOST, 5.0)
        with pytest.raises(DeviceLost):
            await waiting
        assert camera_threads() == faults.open_now == len(faults.opened_at) == 1
        faults.blocked.clear()
        faults.let_go.set()
        await until(lambda: camera.state is DeviceState.ONLINE, 5.0)
        assert states == [DeviceState.ONLINE, DeviceState.LOST, DeviceState.ONLINE]
        assert camera.health.counters["lost"] == 1  # once, though both the watch and the thread saw it


@pytest.mark.usefixtures("quick_loss")
async def test_read_that_blocks_does_not_hold_up_close_and_its_thread_ends_with_it() -> None:
    faults = Faults()
    async with running(faults) as (camera, states):
        await until(lambda: camera.state is DeviceState.ONLINE, 5.0)
        faults.blocked.set()
        await until(lambda: camera.state is DeviceState.LOST, 5.0)
        await asyncio.wait_for(camera.close(), 3.0)
        assert camera_threads() == 1  # blocked still
        told = list(states)
        faults.let_go.set()
        await until(lambda: camera_threads() == 0, 5.0)
        await asyncio.sleep(0)
        assert faults.open_now == 0
        assert states == told


async def test_nothing_is_decoded_for_nobody() -> None:
    faults = Faults()
    async with running(faults) as (camera, _):
        await until(lambda: camera.health.counters.get("pictures", 0) >= FPS // 2, 10.0)
        assert faults.retrieved <= 4
        for never in (math.inf, math.nan):
            with pytest.raises(DeviceTimeout):
                await camera.frame(never, 0.2)
        first = await camera.frame(time.monotonic(), 2.0)
        second = await camera.frame(first.taken_s, 2.0)
        assert faults.retrieved <= 2 + 5
        assert first.number < second.number


async def test_pictures_that_cannot_be_decoded_are_counted_and_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hw.camera.supervision.UNUSABLE_S", LOOK_S[0] + 0.1)
    faults = Faults()
    async with running(faults) as (camera, states):
        await until(lambda: camera.state is DeviceState.ONLINE, 5.0)
        faults.spoilt = True
        with pytest.raises(DeviceTimeout):
            await camera.frame(time.monotonic(), 0.1)
        await until(lambda: camera.state is DeviceState.DEGRADED, 5.0)
        assert camera.health.counters["errors"] > 1
        assert UNUSABLE in camera.health.last_error or "decoded" in camera.health.last_error
        faults.spoilt = False
        await until(lambda: camera.state is DeviceState.ONLINE, 5.0)
        assert states == [DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.ONLINE]


async def test_picture_that_stands_still_is_given_to_nobody() -> None:
    """Whom it shows may have left long ago."""
    faults = Faults(still=True)
    async with running(faults, frozen_s=0.1) as (camera, states):
        await until(lambda: camera.state is DeviceState.DEGRADED, 5.0)
        assert camera.health.last_error == FROZEN
        with pytest.raises(DeviceTimeout):
            await camera.frame(time.monotonic(), 0.3)
        faults.still = False
        assert (await camera.frame(time.monotonic(), 5.0)).image.shape == (48, 64, 3)
        await until(lambda: camera.state is DeviceState.ONLINE, 5.0)
        assert states == [DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.ONLINE]


async def test_dark_camera_is_degraded_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hw.camera.supervision.EXPOSURE_S", 0.1)
    async with running(Faults(Mode.DARK)) as (camera, states):
        await until(lambda: camera.state is DeviceState.DEGRADED, 5.0)
        assert (await camera.frame(time.monotonic(), 2.0)).image.max() < 30
        assert camera.health.last_error == TOO_DARK
        assert states == [DeviceState.ONLINE, DeviceState.DEGRADED]


async def test_absent_camera_is_tried_again_with_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hw.camera.adapter.camera.BACKOFF_S", (0.1, 0.1, 0.3))
    faults = Faults(absent=True)
    async with running(faults) as (camera, states):
        await until(lambda: len(faults.opened_at) >= 3, 5.0)
        first, second, third = faults.opened_at[:3]
        assert third - second > second - first >= 0.1
        assert states == [] and camera.health.counters["opened"] == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_bug_of_a_source_ends_the_camera_and_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: raised.append(arguments.exc_type))
    faults = Faults()
    async with running(faults) as (camera, states):
        await until(lambda: camera.state is DeviceState.ONLINE, 5.0)
        faults.broken = True
        await until(lambda: camera.state is DeviceState.LOST, 5.0)
        await until(lambda: camera_threads() == 0, 5.0)
        assert states == [DeviceState.ONLINE, DeviceState.LOST]
    assert raised == [ZeroDivisionError]


async def test_recording_played_once_is_lost_for_good(tmp_path: Path) -> None:
    clip = write_clip(tmp_path, 6)
    camera, states = open_camera(parse(f"camera+file://{clip}?once=1&fps=30"), tmp_path), list[DeviceState]()
    await camera.start(states.append)
    await until(lambda: DeviceState.LOST in states, 5.0)
    assert states == [DeviceState.ONLINE, DeviceState.LOST]
    assert camera.health.counters["pictures"] == 6 and camera.health.last_error == "the recording is over"
    await until(lambda: not any(thread.name.endswith(str(clip)) for thread in threading.enumerate()), 5.0)
    await camera.close()


async def test_picture_of_a_folder_that_is_none_is_skipped(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), picture(Mode.MOVING, 1, 1, 64, 48))
    (tmp_path / "0.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (tmp_path / "2.bmp").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("not looked at")
    camera, states = open_camera(parse(f"camera+dir://{tmp_path}?fps=30"), tmp_path), list[DeviceState]()
    await camera.start(states.append)
    await until(lambda: states == [DeviceState.ONLINE], 5.0)
    assert (await camera.frame(0.0, 5.0)).image.shape == (48, 64, 3)
    await camera.close()
    assert camera.health.counters["errors"] > 0


def write_clip(folder: Path, length: int) -> Path:
    clip = folder / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 48))
    for number in range(length):
        writer.write(picture(Mode.MOVING, 1, number, 64, 48))
    writer.release()
    return clip


TRY = """
import asyncio, sys
from pathlib import Path
from hw.camera.adapter import open_camera
from hw.url import parse

async def main():
    for url in sys.argv[1:]:
        camera = open_camera(parse(url), Path.cwd())
        await camera.start(lambda state: None)
        while not (camera.health.counters["lost"] or camera.health.counters["opened"]):
            await asyncio.sleep(0.01)
        await camera.close()
        print(camera.health.last_error or "opened")

asyncio.run(main())
"""


def test_opencv_says_nothing_not_even_of_a_password(tmp_path: Path) -> None:
    """Its warnings quote addresses. In a process of its own: what it prints passes by sys.stderr."""
    (tmp_path / "password").write_text(b"hunter2".hex())
    (tmp_path / "password").chmod(0o600)
    clip = write_clip(tmp_path, 6)
    (tmp_path / "broken.avi").write_bytes(clip.read_bytes()[:3000])
    done = subprocess.run(
        [
            *(sys.executable, "-c", TRY),
            "camera+rtsp://127.0.0.1:1/live?user=bob&password=file:password",
            f"camera+file://{tmp_path}/absent.avi",
            "camera+v4l2:///dev/video-absent",
            f"camera+file://{tmp_path}/broken.avi",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:3] == ["cannot be opened"] * 3
