"""The two long parts of a crossing's overhead by themselves: a decision's append, a release's round trip."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import cast

from bench.bench_journal import decide
from egate.domain.device import DeviceRole, DeviceState, LockState, ReleaseResult
from egate.journal import SqliteJournal
from egate.ports import Lock
from hw.registry import open_device

RELEASE_S, DEADLINE_S = 0.1, 1.5
POLL_S = 0.005
READY_S_MAX = 10.0


async def append_alone(directory: Path, count: int) -> list[float]:
    """Seconds of count appends of one decision each, one after the other."""
    times = []
    async with await SqliteJournal.open(directory / f"alone-{time.monotonic_ns()}.db") as journal:
        for number in range(count):
            started = time.monotonic()
            await decide(journal, number)
            times.append(time.monotonic() - started)
            await asyncio.sleep(POLL_S)  # as in a lane: the writer's thread has gone to sleep meanwhile
    return times


async def release_alone(url: str, base: Path, count: int) -> list[float]:
    """Seconds of count timed releases, from the call to the acknowledgement, each on a secured lock."""
    lock = cast(Lock, open_device(url, base, DeviceRole.LOCK))
    await lock.start(lambda state: None)
    times = []
    try:
        for _ in range(count):
            await _secured(lock)
            started = time.monotonic()
            if await lock.release(RELEASE_S, DEADLINE_S) is not ReleaseResult.ACKNOWLEDGED:
                raise RuntimeError("the lock did not acknowledge")
            times.append(time.monotonic() - started)
            await lock.secure()
    finally:
        await lock.close()
    return times


async def _secured(lock: Lock) -> None:
    async with asyncio.timeout(READY_S_MAX):
        # Looked at as the lane does it: the port tells no change of the output.
        while lock.state is not DeviceState.ONLINE or lock.lock_state is not LockState.SECURED:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
