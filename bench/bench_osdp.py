"""How long from release() to the lock's acknowledgement, alone and beside neighbours, and what does an idle lock cost?

Budget: over a link paced to 115,200 baud p50 <= 15 ms, p99 <= 60 ms; with eight devices on one bus p99 <= 120 ms; an idle lock
<= 0.4 % of a core (32 lanes of five devices share 60 %).
Estimate before measuring, 115,200 baud: what is on the wire when the order comes, half of a question and its answer (28 + 28 bytes, 5 ms)
on every third; osdp_OUT 29 bytes 2.5 ms, its answer 15 bytes 1.3 ms, the pace in portions of 4 ms, six wake-ups 0.6 ms: 5 to 8 ms. With
eight devices the wire is busy a third of the time, so a frame pair more now and then: 15 ms. Idle: seven exchanges a second of 0.3 ms:
0.2 % of a core.
The peripherals run in a process of their own.
Run: `pytest bench/bench_osdp.py` (pytest-benchmark), or `python -m bench.bench_osdp [--json FILE]` for percentiles and idle cost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import platform
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.osdp_line import KEY_FILE, lines
from egate.domain.device import DeviceState, LockState, ReleaseResult
from hw.osdp.adapter import OsdpLock, open_lock
from hw.url import parse
from tests.hw.lock_bench import until, write_key

DURATION_S, DEADLINE_S = 0.1, 1.5
BAUD = 115_200
WARM, ROUNDS, ROUNDS_SLOW = 20, 500, 50
LOCKS_IDLE, IDLE_S = 32, 10.0

Figures = dict[str, float]


@asynccontextmanager
async def locks(count: int, devices: int, baud: int | None) -> AsyncIterator[list[OsdpLock]]:
    """count lines of so many locks each, ready; line by line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_key(folder / KEY_FILE, secrets.token_bytes(16))
        with lines(folder, count, devices, baud):
            urls = [
                f"osdp+pty://{folder}/line-{line}?address={address}&baud={baud or BAUD}&key=file:{KEY_FILE}"
                for line in range(count)
                for address in range(1, devices + 1)
            ]
            opened = [open_lock(parse(url), folder) for url in urls]
            for lock in opened:
                await lock.start(lambda state: None)
            try:
                await until(lambda: all(is_ready(lock) for lock in opened), 60.0)
                yield opened
            finally:
                for lock in opened:
                    await lock.close()


def is_ready(lock: OsdpLock) -> bool:
    return lock.state is DeviceState.ONLINE and lock.lock_state is LockState.SECURED


@pytest.fixture
def lock() -> Iterator[tuple[asyncio.Runner, OsdpLock]]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner, runner.run(stack.enter_async_context(locks(1, 1, None)))[0]
        runner.run(stack.aclose())


def test_release_to_acknowledgement(lock: tuple[asyncio.Runner, OsdpLock], benchmark: BenchmarkFixture) -> None:
    runner, one = lock
    benchmark.pedantic(lambda: runner.run(release(one)), rounds=200, warmup_rounds=WARM)  # type: ignore[no-untyped-call]


async def release(lock: OsdpLock) -> float:
    """Milliseconds; NaN if it was not acknowledged (a stalled host looks like a lost reply)."""
    start = time.perf_counter()
    result = await lock.release(DURATION_S, DEADLINE_S)
    return (time.perf_counter() - start) * 1000 if result is ReleaseResult.ACKNOWLEDGED else math.nan


async def measure(devices: int, baud: int | None, rounds: int) -> Figures:
    """One lock is released again and again, the others of its bus are idle."""
    random = secrets.SystemRandom()
    async with locks(1, devices, baud) as opened:
        times = []
        for _ in range(WARM + rounds):
            times.append(await release(opened[0]))
            await until(lambda: opened[0].lock_state is not LockState.UNKNOWN, 5.0)
            await asyncio.sleep(random.random() * 0.05)  # the order comes at any moment of the bus's round
    p50, p99, p999 = np.nanpercentile(times[WARM:], [50, 99, 99.9])
    failed = int(np.isnan(times[WARM:]).sum())
    return {"p50_ms": p50, "p99_ms": p99, "p99.9_ms": p999, "count": rounds, "not_acknowledged": failed}


async def idle(count: int) -> Figures:
    """What so many locks cost this process while nothing happens, each on a line of its own."""
    async with locks(count, 1, BAUD):
        await asyncio.sleep(1.0)
        start, wall = time.process_time(), time.perf_counter()
        await asyncio.sleep(IDLE_S)
        share = (time.process_time() - start) / (time.perf_counter() - wall)
    return {"locks": count, "core_percent": share * 100, "core_percent_per_lock": share * 100 / count}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    report: dict[str, object] = {"host": platform.machine(), "python": platform.python_version()}
    for name, devices, baud, rounds in (
        ("one device, unpaced pty", 1, None, arguments.rounds),
        ("one device, 115200 baud", 1, BAUD, arguments.rounds),
        ("eight devices, 115200 baud", 8, BAUD, arguments.rounds),
        ("one device, 9600 baud", 1, 9600, min(ROUNDS_SLOW, arguments.rounds)),
    ):
        figures = asyncio.run(measure(devices, baud, rounds))
        report[name] = figures
        print(f"release to acknowledgement, {name}: {show(figures)}", flush=True)
    report["idle"] = figures = asyncio.run(idle(LOCKS_IDLE))
    print(f"idle: {show(figures)}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def show(figures: Figures) -> str:
    return ", ".join(
        f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}" for name, value in figures.items()
    )


if __name__ == "__main__":
    main()
