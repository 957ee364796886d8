"""How long does a decision wait for the disk, and how many lanes does one file carry?

Budget: p50 <= 5 ms, p99 <= 20 ms, of a crossing's 25 and 60 ms.
Estimate before measuring: one append is one WAL write of about 4 pages and one fdatasync. A group shares the sync, so its rate is bound by
Python: CBOR of a 1 KiB body 60 us, SQLite inserts 20 us, hash 5 us, future and queue 20 us, together some 8,000/s.
Run: `pytest bench/bench_journal.py` (pytest-benchmark), or `python -m bench.bench_journal` for percentiles with raw SQLite beside ours.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from egate.journal import SqliteJournal
from egate.ports import Record, StoredResponse

BODY = {
    "verdict": "ADMIT",
    "policy": "demo-1",
    "checks": [
        {"check": f"CHECK_{i}", "result": "PASS", "score": 0.1 * i, "threshold": 0.5, "fmr": 1e-5} for i in range(11)
    ],
    "models": {"face": "a" * 64, "finger": "b" * 64},
}
ANSWER = b"r" * 800
SINGLES, GROUPS, GROUP = 2_000, 60, 50


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[asyncio.Runner, SqliteJournal]]:
    with asyncio.Runner() as runner:
        journal = runner.run(SqliteJournal.open(tmp_path / "journal.db"))
        yield runner, journal
        runner.run(journal.close())


def test_single_append(opened: tuple[asyncio.Runner, SqliteJournal], benchmark: BenchmarkFixture) -> None:
    runner, journal = opened
    numbers = iter(range(10**9))
    benchmark.pedantic(lambda: runner.run(decide(journal, next(numbers))), rounds=1000, warmup_rounds=50)  # type: ignore[no-untyped-call]


def test_group_of_50(opened: tuple[asyncio.Runner, SqliteJournal], benchmark: BenchmarkFixture) -> None:
    runner, journal = opened
    numbers = iter(range(10**9))

    async def group() -> None:
        await asyncio.gather(*[decide(journal, next(numbers)) for _ in range(GROUP)])

    benchmark.pedantic(lambda: runner.run(group()), rounds=100, warmup_rounds=5)  # type: ignore[no-untyped-call]


def test_verify(opened: tuple[asyncio.Runner, SqliteJournal], benchmark: BenchmarkFixture) -> None:
    """10,000 entries."""
    runner, journal = opened

    async def fill() -> None:
        for start in range(0, 10_000, 500):
            await asyncio.gather(*[decide(journal, start + i) for i in range(500)])

    runner.run(fill())
    benchmark.pedantic(lambda: runner.run(journal.verify()), rounds=5)  # type: ignore[no-untyped-call]


async def decide(journal: SqliteJournal, number: int) -> int:
    """One decision as a lane records it."""
    answer = StoredResponse("gate-1", f"r{number}", b"p" * 32, ANSWER)
    return await journal.append([Record("DECISION", "lane-1", f"c{number}", BODY)], response=answer)


async def measure(folder: Path) -> None:
    async with await SqliteJournal.open(folder / "journal.db") as journal:
        for number in range(100):
            await decide(journal, number)
        singles = [await timed(journal, number) for number in range(SINGLES)]
        report("single append", singles)
        started = time.perf_counter()
        in_group: list[float] = []
        for _ in range(GROUPS):
            in_group += await asyncio.gather(*[timed(journal, number) for number in range(GROUP)])
        report(f"append in groups of {GROUP}", in_group)
        print(f"{'':28}{GROUPS * GROUP / (time.perf_counter() - started):,.0f} appends/s")
        started = time.perf_counter()
        result = await journal.verify()
        print(f"{'verify':28}{result.checked / (time.perf_counter() - started):,.0f} entries/s, fault {result.fault}")


async def timed(journal: SqliteJournal, number: int) -> float:
    started = time.perf_counter()
    await decide(journal, number)
    return time.perf_counter() - started


def measure_raw(folder: Path) -> None:
    """The floor: the same bytes by plain sqlite3 in this thread, WAL and FULL, no chain, no thread, no loop."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (body BLOB, hash BLOB, answer BLOB)")
    values = (bytes(1000), bytes(32), ANSWER)
    times = []
    for _ in range(SINGLES):
        started = time.perf_counter()
        connection.execute("INSERT INTO t VALUES (?, ?, ?)", values)
        times.append(time.perf_counter() - started)
    connection.close()
    report("raw SQLite single", times)


def report(name: str, seconds: list[float]) -> None:
    p50, p99, p999 = np.percentile(np.array(seconds) * 1000, [50, 99, 99.9])
    print(f"{name:28}p50 {p50:.2f} ms  p99 {p99:.2f} ms  p99.9 {p999:.2f} ms  n={len(seconds)}")


def main() -> None:
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
    with tempfile.TemporaryDirectory(dir=".") as folder:  # the disk of the checkout: /tmp may be memory
        measure_raw(Path(folder))
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
