"""A release is timed by the device and never starts late, whatever becomes of the process, the port or the line around it."""

from __future__ import annotations

import os
from dataclasses import replace
from random import SystemRandom
from typing import Any

import pytest

from tests.hw.release_trials import campaign, plan
from tests.hw.release_trials_device import FAMILIES
from tests.hw.release_trials_judge import Course, Fault, Trial, Verdict, judge, summary
from tests.hw.release_trials_process import FAKETIME

TRIALS_SOAK = 200
SEED_VARIABLE = "EGATE_SOAK_SEED"


def check(verdicts: list[Verdict], seed: int) -> None:
    told = summary(verdicts)
    print(f"{SEED_VARIABLE}={seed}: {told}")
    assert not told["violations"], told["violations"]


ON, OFF = True, False
TRIAL = Trial(0, "osdp", Fault.SILENCE, duration_s=1.0, offset_s=0.0, fault_s=1.0, step_s=0.0, replaced=False)


@pytest.mark.parametrize(
    ("moves", "more", "wrong"),
    [
        ([[ON, 10.1, 0.001], [OFF, 11.1, 0.001]], {}, ""),
        ([[ON, 10.1, 0.001], [OFF, 10.3, 0.001]], {}, ""),  # ended by us
        ([], {"commands": 0, "result": "UNKNOWN"}, ""),
        ([[ON, 11.6, 0.2], [OFF, 12.6, 0.001]], {}, ""),  # it lay there in time
        ([[ON, 11.6, 0.001], [OFF, 12.6, 0.001]], {}, "released 1.600 s after the call"),
        ([[ON, 10.1, 0.001], [OFF, 11.15, 0.06]], {}, ""),  # it did not look before
        ([[ON, 10.1, 0.001], [OFF, 11.15, 0.01]], {}, "secured 0.050 s late"),
        ([[ON, 10.1, 0.001]], {}, "never secured"),
        ([[ON, 10.1, 0.0], [OFF, 10.2, 0.0], [ON, 10.3, 0.0], [OFF, 10.4, 0.0]], {}, "released 2 times by 1 commands"),
        ([[ON, 10.1, 0.001], [OFF, 11.1, 0.001]], {"commands": 2}, "released 1 times by 2 commands"),
        (
            [[ON, 10.1, 0.001], [OFF, 11.1, 0.001]],
            {"result": "NOT_SENT"},
            "was released by a command that was not sent",
        ),
        ([], {}, "an acknowledged release was not executed"),
        ([[ON, 10.1, 0.001], [OFF, 11.1, 0.001]], {"recovered_at": None}, "did not come back by itself"),
    ],
)
def test_judge(moves: list[list[Any]], more: dict[str, Any], wrong: str) -> None:
    log = {"moves": moves, "commands": more.pop("commands", 1)}
    course = Course(10.0, 10.0, 11.0, **{"result": "ACKNOWLEDGED", "log": log, "recovered_at": 12.0, **more})
    assert judge(TRIAL, course).violations == ((wrong,) if wrong else ())


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
