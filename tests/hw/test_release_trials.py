"""A release is timed by the device and never starts late, whatever becomes of the process, the port or the line around it."""

from __future__ import annotations

import os
from dataclasses import replace
from random import SystemRandom

import pytest

from tests.hw.release_trials import campaign, plan
from tests.hw.release_trials_device import FAMILIES
from tests.hw.release_trials_judge import Fault, Verdict, summary
from tests.hw.release_trials_process import FAKETIME

TRIALS_SOAK = 200
SEED_VARIABLE = "EGATE_SOAK_SEED"


def check(verdicts: list[Verdict], seed: int) -> None:
    told = summary(verdicts)
    print(f"{SEED_VARIABLE}={seed}: {told}")
    assert not told["violations"], told["violations"]


@pytest.mark.skipif(not FAKETIME.exists(), reason="no libfaketime")
async def test_release_ends_by_itself_and_never_starts_late() -> None:
    """One short trial of each fault, and two that must be found wrong: a timer that never ends while nobody is left to secure, and a
    release that starts after its deadline."""
    short = [plan(seed, ["osdp"], short=True) for seed in range(len(Fault))] + [plan(5, ["modbus"], short=True)]
    endless = replace(short[0], endless=True, offset_s=0.3)
    late = replace(short[2], late_s=1.6, offset_s=0.0)
    assert (endless.fault, late.fault) == (Fault.KILL, Fault.CLOCK)
    *verdicts, endless_verdict, late_verdict = await campaign([*short, endless, late])
    check(verdicts, 0)
    assert endless_verdict.violations == ("never secured",)
    assert [wrong.endswith("s after the call") for wrong in late_verdict.violations] == [True]


@pytest.mark.soak
@pytest.mark.skipif(not FAKETIME.exists(), reason="no libfaketime")
async def test_release_ends_by_itself_and_never_starts_late_soak() -> None:
    seed = int(os.environ.get(SEED_VARIABLE) or SystemRandom().randrange(2**31))
    print(f"{SEED_VARIABLE}={seed}")
    verdicts = await campaign([plan(seed + number, list(FAMILIES)) for number in range(TRIALS_SOAK)])
    check(verdicts, seed)
    # the dangerous state: the fault met a release that was on its way or under way
    assert sum(one.overlapped for one in verdicts) >= TRIALS_SOAK // 2
    assert sum(one.released for one in verdicts) >= TRIALS_SOAK // 3
