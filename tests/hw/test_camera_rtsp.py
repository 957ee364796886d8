"""A stream as FFmpeg inside OpenCV plays it, from a small network camera."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from egate.domain.device import DeviceState
from hw.camera.adapter import SupervisedCamera, open_camera
from hw.url import parse
from tests.hw.camera_rtsp_peer import HEIGHT, WIDTH, RtspCamera
from tests.hw.lock_bench import until

CONNECTED_S_MAX = 15.0  # FFmpeg looks at a stream for a while before it plays


@pytest.fixture
def peer() -> Iterator[RtspCamera]:
    camera = RtspCamera(credentials="bob:p@ss 1/2")
    yield camera
    camera.close()


@pytest.fixture
def camera(peer: RtspCamera, tmp_path: Path) -> SupervisedCamera:
    (tmp_path / "password").write_text(b"p@ss 1/2".hex())
    (tmp_path / "password").chmod(0o600)
    url = f"camera+rtsp://127.0.0.1:{peer.port}/live%3Fchannel=1?user=bob&password=file:password"
    return open_camera(parse(url), tmp_path)


async def test_stream_is_played_lost_and_told(camera: SupervisedCamera, peer: RtspCamera) -> None:
    states: list[DeviceState] = []
    await camera.start(states.append)
    await until(lambda: camera.state is DeviceState.ONLINE, CONNECTED_S_MAX)
    first = await camera.frame(time.monotonic(), 5.0)
    second = await camera.frame(first.taken_s, 5.0)
    assert second.image.shape == (HEIGHT, WIDTH, 3) and 60 < second.image.mean() < 180
    assert (first.image != second.image).any() and second.number > first.number
    peer.close()
    await until(lambda: camera.state is DeviceState.LOST, 5.0)
    assert states.count(DeviceState.LOST) == 1
    await camera.close()


@pytest.mark.soak
async def test_stream_that_falls_silent_is_lost_in_time_and_comes_back(
    camera: SupervisedCamera, peer: RtspCamera
) -> None:
    states: list[DeviceState] = []
    await camera.start(states.append)
    for _ in range(3):
        await until(lambda: camera.state is DeviceState.ONLINE, CONNECTED_S_MAX)
        peer.stall.set()
        await until(lambda: camera.state is DeviceState.LOST, 5.0)
        peer.stall.clear()
    await until(lambda: camera.state is DeviceState.ONLINE, CONNECTED_S_MAX)
    assert states.count(DeviceState.LOST) == 3
    await camera.close()


WAIT_AND_END = """
import asyncio, sys, time
from pathlib import Path
from hw.camera.adapter import open_camera
from hw.url import parse

class LongEnd:
    def __del__(self, sleep=time.sleep):
        sleep(4.0)  # longer than a read blocks

end = LongEnd()

async def main():
    camera = open_camera(parse(sys.argv[1]), Path.cwd())
    await camera.start(lambda state: print(state, flush=True))
    await asyncio.to_thread(sys.stdin.readline)
    while time.monotonic() - camera.health.heard_at < 0.5:  # it blocks now
        await asyncio.sleep(0.05)
    await camera.close()

asyncio.run(main())
"""


@pytest.mark.soak
def test_process_ends_cleanly_while_a_read_blocks() -> None:
    """A thread that comes back from inside OpenCV while the interpreter ends would abort the process."""
    peer = RtspCamera()
    command = [sys.executable, "-c", WAIT_AND_END, f"camera+rtsp://127.0.0.1:{peer.port}/live"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == DeviceState.ONLINE
        peer.stall.set()
        _, said = process.communicate("\n", timeout=60)
    peer.close()
    assert (process.returncode, said) == (0, "")
