"""What every device family survives: noise on its port, and being unplugged. Small here; the whole bars in `make soak`."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.hw.device_campaign import FAMILIES, SLOW
from tests.hw.device_campaign_run import POUR_S_MAX, file_count, noise, replug, thread_count

NOISE_SIZE = 200_000  # over all families together
ROUNDS = 3
NOISE_SIZE_SOAK = 10_000_000  # required, each
ROUNDS_SOAK = 100  # required
GROWTH_KB_MAX = 4_096  # chosen: a tenth of a promille of what an unbounded buffer would hold of the noise is 1 kB
PROCESS_S_MAX = 900
Findings = TypeVar("Findings")


async def all_families(
    campaign: Callable[[str, Path, int], Coroutine[Any, Any, Findings]], folder: Path, amount: int
) -> dict[str, Findings]:
    """All at once: they mostly wait. Raises what went wrong with any, once all are over."""
    names = sorted(FAMILIES.keys() - SLOW)
    for name in names:
        (folder / name).mkdir()
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(campaign(name, folder / name, amount)) for name in names}
    return {name: task.result() for name, task in tasks.items()}


async def test_noise_is_nothing_that_was_read_and_every_device_recovers(tmp_path: Path) -> None:
    found = await all_families(noise, tmp_path, NOISE_SIZE // len(FAMILIES))
    assert {name: findings.false for name, findings in found.items() if findings.false} == {}
    assert min(findings.taken for findings in found.values()) == NOISE_SIZE // len(FAMILIES)


async def test_every_device_comes_back_each_time_tells_it_once_and_leaks_nothing(tmp_path: Path) -> None:
    files, threads = file_count(), thread_count()
    for name, findings in (await all_families(replug, tmp_path, ROUNDS)).items():
        assert findings.lost >= ROUNDS, name
        assert (findings.repeated, findings.false) == (0, []), name
    assert file_count() <= files
    assert thread_count() <= threads


def alone(kind: str, name: str, amount: int) -> dict[str, Any]:
    """The campaign in a process of its own, whose memory and descriptors are nobody else's."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hw.device_campaign_run", kind, name, str(amount)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=PROCESS_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    print(name, done.stdout)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.soak
@pytest.mark.timeout(PROCESS_S_MAX)
@pytest.mark.parametrize("name", FAMILIES)
def test_ten_megabytes_of_noise(name: str) -> None:
    found = alone("noise", name, NOISE_SIZE_SOAK)
    assert found["taken"] == NOISE_SIZE_SOAK or found["seconds"] > POUR_S_MAX - 1
    assert found["false"] == []
    assert found["after"] - found["before"] < GROWTH_KB_MAX


@pytest.mark.soak
@pytest.mark.timeout(PROCESS_S_MAX)
@pytest.mark.parametrize("name", FAMILIES)
def test_unplugged_and_replugged_a_hundred_times(name: str) -> None:
    found = alone("replug", name, ROUNDS_SOAK)
    assert found["lost"] >= ROUNDS_SOAK
    assert (found["repeated"], found["false"]) == (0, [])
    assert found["files"] <= 0 and found["threads"] <= 0
