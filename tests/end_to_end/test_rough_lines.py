"""Crossings over rough lines: nobody is released wrongly, no door event that matters is lost, and hardly anybody is sent away for it.

Twelve crossings here; `make soak` makes two thousand, and some hundred on a line that nobody could work with (EGATE_SOAK_SEED repeats).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from hw.link.fault import ROUGH_LINE, FaultPlan
from tests.end_to_end.hall import POLICY, open_hall
from tests.end_to_end.rough import DEVICES, RoughCampaign

ADMITTED_SHARE_MIN = 0.97
# One byte in a hundred: hardly a frame comes through.
HOPELESS_LINE = FaultPlan(flip=0.01)
PATIENT = {**POLICY, "document_s": 10.0, "capture_s": 10.0}


async def cross(
    folder: Path, crossings: int, lanes: int, seed: int, plan: FaultPlan, devices: tuple[str, ...] = DEVICES
) -> tuple[RoughCampaign, Mapping[str, float | int]]:
    print(f"seed {seed}")
    with open_hall(
        folder, seed=seed, scale=0.2, paced=True, policy=PATIENT, lanes=lanes, request_lanes=frozenset()
    ) as hall:
        campaign = RoughCampaign(hall, Random(seed), crossings, plan, devices)
        await campaign.run()
        assert hall.daemon.stop() == 0
        seen = campaign.check()
        print(seen)
        return campaign, seen


def chosen_seed() -> int:
    return int(os.environ.get("EGATE_SOAK_SEED", "0")) or int.from_bytes(os.urandom(4), "big")


async def test_twelve_crossings_over_rough_lines(tmp_path: Path) -> None:
    campaign, seen = await cross(tmp_path, 12, 3, 4711, ROUGH_LINE)
    assert seen["crossings"] == 12
    assert campaign.travellers


@pytest.mark.soak
async def test_two_thousand_crossings_over_rough_lines(tmp_path: Path) -> None:
    _, seen = await cross(tmp_path, 2000, 4, chosen_seed(), ROUGH_LINE)
    assert seen["admitted_share"] >= ADMITTED_SHARE_MIN, seen


@pytest.mark.soak
@pytest.mark.parametrize("devices", [DEVICES, ("lock",), ("lock", "sensors")], ids=["all", "lock", "lock and sensors"])
async def test_hopeless_line_releases_nobody_wrongly(tmp_path: Path, devices: tuple[str, ...]) -> None:
    """Readers on such a line read nothing; those whose readers are spared come as far as the lock."""
    campaign, seen = await cross(tmp_path, 100, 4, chosen_seed(), HOPELESS_LINE, devices)
    assert seen["crossings"] + campaign.unserved == 100
