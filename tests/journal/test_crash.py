"""SIGKILL of the writing process at random points: what was acknowledged is there, what is there is whole.

Each seed kills three times over one file, after a random number of acknowledgements and a random further delay of up to a few
commits. The kill takes the process, not the kernel's cache: that each commit is synced is shown by test_store (synchronous=FULL).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from egate.journal import SqliteJournal
from egate.journal.chain import Entry

KILLS = 3
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", range(4))
async def test_acknowledged_entries_survive_a_kill(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    acknowledged: dict[str, int] = {}
    for kill in range(KILLS):
        fresh = run_and_kill(path, kill * 1_000_000, chance)
        assert fresh, "the child was killed before it acknowledged anything: the test shows nothing"
        acknowledged |= fresh
        await check(path, acknowledged)


def run_and_kill(path: Path, first: int, chance: random.Random) -> dict[str, int]:
    """Crossings that the child saw acknowledged, with the last sequence number of each."""
    command = [sys.executable, "-m", "tests.journal.crash_child", str(path), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(chance.randrange(1, 400))]
        until = time.perf_counter() + chance.uniform(0, 0.004)
        while time.perf_counter() < until:
            pass  # a sleep could not end between two commits
        os.kill(child.pid, signal.SIGKILL)
        lines += child.stdout.readlines()
        assert child.wait(30) == -signal.SIGKILL
    whole = [line.split() for line in lines if line.endswith(b"\n")]
    return {crossing.decode(): int(seq) for seq, crossing in whole}


async def check(path: Path, acknowledged: dict[str, int]) -> None:
    async with await SqliteJournal.open(path) as journal:
        assert (await journal.verify()).fault is None
        entries: list[Entry] = []
        while page := await journal.entries(len(entries), 1000):
            entries += page
        by_crossing: dict[str, list[str]] = {}
        for entry in entries:
            by_crossing.setdefault(entry.crossing, []).append(entry.kind)
        for crossing, seq in acknowledged.items():
            assert (entries[seq - 1].crossing, entries[seq - 1].kind) == (crossing, "DECISION"), (
                "an acknowledged entry is lost"
            )
            assert await journal.response("gate", crossing) is not None
        rows = await journal.read(
            lambda connection: {row[0] for row in connection.execute("SELECT crossing FROM rows")}
        )
        assert rows == set(by_crossing), "a transaction was written in part"
        assert {tuple(kinds) for kinds in by_crossing.values()} == {("STARTED", "DECISION")}
        assert {each.crossing for each in await journal.unfinished()} == set(by_crossing)
