"""SIGKILL at random points of crossings on two lanes at once: what gates were told is kept, and nothing moves without a record.

Sixty crossings with five kills here; `make soak` makes a thousand with twenty (EGATE_SOAK_SEED repeats one).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.end_to_end.campaign import Campaign
from tests.end_to_end.hall import POLICY, open_hall

SEED = 4711


async def kill_again_and_again(directory: Path, crossings: int, kills: int, seed: int) -> None:
    print(f"seed {seed}")
    # At demo speed people would take most of the time; bytes take theirs.
    with open_hall(directory, seed=seed, scale=0.05, paced=True, policy=POLICY) as hall:
        campaign = Campaign(hall, Random(seed), crossings // 2, kills)
        await campaign.run()
        print(await campaign.check())
        journal = hall.journal.path
        verify = [sys.executable, "-m", "egate.cli", "journal", "verify", "--db", str(journal)]
        assert (await asyncio.to_thread(subprocess.run, verify, check=False)).returncode == 0
        assert len(campaign.told) == crossings
        assert campaign.killed == kills


async def test_sixty_crossings_with_five_kills(tmp_path: Path) -> None:
    await kill_again_and_again(tmp_path, 60, 5, SEED)


@pytest.mark.soak
async def test_thousand_crossings_with_twenty_kills(tmp_path: Path) -> None:
    seed = int(os.environ.get("EGATE_SOAK_SEED", "0")) or int.from_bytes(os.urandom(4), "big")
    await kill_again_and_again(tmp_path, 1000, 20, seed)
