"""The campaigns over one family: noise, and unplugging. `python -m tests.hw.device_campaign_run noise FAMILY BYTES` is one in a process of
its own, whose memory is nobody else's, and prints its findings as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from egate.domain.device import DeviceState
from tests.hw.device_campaign import running, watched
from tests.hw.device_campaign_peers import Port
from tests.hw.lock_bench import until

PORTION = 512
# A port that is read only when its device was asked something takes noise as slowly as a line at 115,200 baud brings it: ten megabytes
# would last a quarter of an hour.
POUR_S_MAX = 150.0
STALLED_S = 0.9  # a write that took so long was given up by the port (hw.link.base.WRITE_STALL_S): nobody read
LOSS_S_MAX = 10.0  # the bar of 5 s is the contract suites'; here the machine may be loaded
WARM_SHARE = 0.1  # of the noise, before memory is measured first


@dataclass(frozen=True, slots=True)
class NoiseFindings:
    """taken: bytes the port took. false: what was told that never was. before, after: kB resident, without and with the noise."""

    taken: int
    seconds: float
    false: list[str]
    states: list[str]
    before: int
    after: int


async def noise(name: str, folder: Path, size: int, seed: int = 1) -> NoiseFindings:
    """Random bytes as fast as the port takes them; afterwards the device is to be as before, and to work."""
    async with running(name, folder) as rig:
        async with watched(rig) as came:
            warm = int(size * WARM_SHARE)
            taken = await asyncio.to_thread(pour, rig.peer.port, warm, seed)
            before, started = resident_kb(), time.monotonic()
            taken += await asyncio.to_thread(pour, rig.peer.port, size - warm, seed + 1)
            seconds, after = time.monotonic() - started, resident_kb()
            if not rig.unasked:
                await rig.ready()
            false = rig.false() + came
        if rig.unasked:
            await rig.prove()
        await rig.work()
        return NoiseFindings(taken, seconds, false, [state.name for state in rig.states], before, after)


def pour(port: Port, size: int, seed: int) -> int:
    """Writes size random bytes, at most POUR_S_MAX long; returns how many of them the port took."""
    random, taken, give_up = Random(seed), 0, time.monotonic() + POUR_S_MAX
    while taken < size and (started := time.monotonic()) < give_up:
        portion = random.randbytes(min(PORTION, size - taken))
        port.write(portion)
        taken += len(portion) if time.monotonic() - started < STALLED_S else 0
    return taken


@dataclass(frozen=True, slots=True)
class ReplugFindings:
    """lost: how often it was told; more often than there were rounds on a machine too busy to poll. repeated: states told again
    without another one between. files, threads: more of them than before."""

    rounds: int
    seconds: float
    lost: int
    repeated: int
    false: list[str]
    files: int
    threads: int


async def replug(name: str, folder: Path, rounds: int) -> ReplugFindings:
    """Unplugs and replugs; every time the device is to tell its loss, come back and work."""
    async with running(name, folder) as rig:
        await rig.work()
        files, threads, started = file_count(), thread_count(), time.monotonic()
        false: list[str] = []
        rig.states.clear()
        for _ in range(rounds):
            rig.peer.port.unplug()
            await until(lambda: rig.device.state is DeviceState.LOST, LOSS_S_MAX)
            false += rig.false()
            rig.peer.port.replug()
            await rig.ready()
            false += rig.false()
            await rig.work()
        return ReplugFindings(
            rounds,
            time.monotonic() - started,
            rig.states.count(DeviceState.LOST),
            sum(one is other for one, other in pairwise(rig.states)),
            false,
            file_count() - files,
            thread_count() - threads,
        )


def file_count() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def thread_count() -> int:
    """Without those of the event loop, which keeps its own."""
    return sum(not thread.name.startswith("asyncio") for thread in threading.enumerate())


def resident_kb() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def main(kind: str, name: str, amount: int) -> str:
    """kind: noise or replug; amount: bytes or rounds. The findings as JSON."""
    with tempfile.TemporaryDirectory() as directory:
        if kind == "noise":
            return json.dumps(asdict(asyncio.run(noise(name, Path(directory), amount))))
        return json.dumps(asdict(asyncio.run(replug(name, Path(directory), amount))))


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
