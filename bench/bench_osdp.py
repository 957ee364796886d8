"""How long from release() to the lock's acknowledgement, and what does an idle lock cost?

Budget: p50 <= 5 ms, p99 <= 15 ms on an unpaced pty, of a crossing's 25 and 60 ms; two idle locks <= 10 % of a core.
Estimate before measuring: hand-over to the owner thread up to 1 ms (its wait for bytes), three refreshes of libosdp 0.1 ms,
two AES frames 0.1 ms, two pty hops 0.1 ms, the peripheral's wake-up 0.1 ms, way back to the event loop 0.1 ms: 1 to 2 ms.
At 9600 baud the frames alone take 32 + 15 ms, and what is on the wire before them up to 50. Idle: 1,000 waits a second of
20 to 40 us, 2 to 4 % of a core a lock.
Run: `pytest bench/bench_osdp.py` (pytest-benchmark), or `python -m bench.bench_osdp` for percentiles and idle cost.
"""

from __future__ import annotations

import asyncio
import math
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from egate.domain.device import LockState, ReleaseResult
from tests.hw.lock_bench import LockBench, lock_bench, until

DURATION_S, DEADLINE_S = 0.1, 1.5
WARM, ROUNDS, ROUNDS_PACED, IDLE_S = 50, 2000, 50, 5.0


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[tuple[asyncio.Runner, LockBench]]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        bench = runner.run(stack.enter_async_context(lock_bench(tmp_path)))
        runner.run(bench.ready())
        yield runner, bench
        runner.run(stack.aclose())


def test_release_to_acknowledgement(ready: tuple[asyncio.Runner, LockBench], benchmark: BenchmarkFixture) -> None:
    runner, bench = ready
    benchmark.pedantic(lambda: runner.run(release(bench)), rounds=500, warmup_rounds=WARM)  # type: ignore[no-untyped-call]


async def release(bench: LockBench) -> float:
    """Milliseconds; NaN if it was not acknowledged (a stalled host looks like a lost reply)."""
    start = time.perf_counter()
    result = await bench.lock.release(DURATION_S, DEADLINE_S)
    return (time.perf_counter() - start) * 1000 if result is ReleaseResult.ACKNOWLEDGED else math.nan


async def measure(rounds: int, baud: int | None) -> str:
    with tempfile.TemporaryDirectory() as folder:
        async with lock_bench(Path(folder), baud=baud) as bench:
            await bench.ready()
            times = []
            for _ in range(WARM // 10 + rounds):
                times.append(await release(bench))
                await until(lambda: bench.lock.lock_state is not LockState.UNKNOWN, 5.0)
            del times[: WARM // 10]
    p50, p99, p999 = np.nanpercentile(times, [50, 99, 99.9])
    failed = int(np.isnan(times).sum())
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, p99.9 {p999:.2f} ms, n {rounds}, not acknowledged {failed}"


async def idle(locks: int) -> float:
    """Share of a core that so many locks and their simulated peripherals take while nothing happens."""
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            for number in range(locks):
                bench = await stack.enter_async_context(lock_bench(Path(folder), seed=number))
                await bench.ready()
            start = time.process_time()
            await asyncio.sleep(IDLE_S)
            return (time.process_time() - start) / IDLE_S


def main() -> None:
    print(f"host: {platform.machine()}, Python {platform.python_version()}")
    print(f"release to acknowledgement, unpaced pty: {asyncio.run(measure(ROUNDS, None))}")
    print(f"release to acknowledgement, 9600 baud:   {asyncio.run(measure(ROUNDS_PACED, 9600))}")
    print(f"two idle locks with their peripherals:   {asyncio.run(idle(2)):.1%} of a core")


if __name__ == "__main__":
    main()
