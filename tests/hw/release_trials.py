"""Trials of one release each: the process that holds the lock is killed, stopped or has its clock stepped, its port is unplugged, or the
line falls silent, around the command. Judged by the peripheral's own log alone.

    python -m tests.hw.release_trials --trials 200 [--seed N] [--json PATH]

A trial is given by its seed. EGATE_SOAK_SEED names the first one of `make soak`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from egate.commands.bench.measurement import commit, host
from tests.hw.release_trials_device import FAMILIES
from tests.hw.release_trials_process import Device, Holder

TOGETHER = 8  # chosen: they mostly wait
DEADLINE_S = 1.5
READY_S = 60.0  # a process starts on a loaded machine
RECOVERY_S = 30.0  # the lock itself takes some 5 s
FAULT_S_MIN, FAULT_S_MAX = 0.1, 9.0
DURATION_S_MAX = 5.0
LOOK_S = 0.02


class Fault(Enum):
    KILL = "SIGKILL"
    STOP = "SIGSTOP, SIGCONT"
    CLOCK = "clock step"
    UNPLUG = "unplug"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Trial:
    """offset_s: when the fault begins, seen from the command. replaced: what is plugged in again is another device with the same key.

    Plants, to be found by the judge: endless: the peripheral's timer never ends. late_s: the holder calls so much later than it says.
    """

    seed: int
    family: str
    fault: Fault
    duration_s: float
    offset_s: float
    fault_s: float
    step_s: float
    replaced: bool
    endless: bool = False
    late_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """violations: what must not be. released: the peripheral executed the release. overlapped: the fault met an unlock under way, or
    the command on its way. overrun_s: how much longer than its time; started_s: after the call; recovered_s: after the fault's end."""

    trial: Trial
    violations: tuple[str, ...]
    result: str | None
    released: bool
    overlapped: bool
    overrun_s: float | None = None
    started_s: float | None = None
    recovered_s: float | None = None


@dataclass(slots=True)
class _Course:
    """What became of a trial while it ran. Times on CLOCK_MONOTONIC."""

    called_at: float = 0.0
    fault_from: float = 0.0
    fault_until: float = 0.0
    result: str | None = None
    log: dict[str, Any] = field(default_factory=dict)
    recovered_at: float | None = None


def plan(seed: int, families: Sequence[str], *, short: bool = False) -> Trial:
    random = Random(seed)
    fault = list(Fault)[seed % len(Fault)]
    family = families[seed // len(Fault) % len(families)]
    near = random.choice([0.0, random.uniform(0.0, 0.05), random.random(), random.random()])
    before = fault is not Fault.KILL and random.random() < 0.4  # a dead process releases nothing
    longest = 0.8 if short else random.choice([1.5, 1.5, DURATION_S_MAX])
    return Trial(
        seed,
        family,
        fault,
        duration_s=round(random.uniform(0.3, longest), 1),
        offset_s=-near if before else near,
        fault_s=FAULT_S_MIN * ((5.0 if short else FAULT_S_MAX / FAULT_S_MIN) ** random.random()),
        step_s=random.choice([-1, 1]) * 10 ** random.uniform(-1, 7),
        replaced=random.random() < 0.5,
    )


async def run(trial: Trial, starting: asyncio.Semaphore) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="egate-trial-") as name:
        async with AsyncExitStack() as processes:
            async with starting:
                device = await Device.start(trial.family, Path(name), trial.seed)
                processes.push_async_callback(device.end)
                holder = await Holder.start(device.url, Path(name), clock=trial.fault is Fault.CLOCK)
                processes.push_async_callback(holder.end)
                await holder.wait(lambda: holder.started, READY_S)
            await holder.wait(lambda: holder.ready, READY_S)
            return judge(trial, await _carry_out(trial, device, holder))


async def campaign(trials: Sequence[Trial]) -> list[Verdict]:
    """Processes start one after the other: what starts computes, and neighbours keep real time."""
    limit, starting = asyncio.Semaphore(TOGETHER), asyncio.Semaphore(1)

    async def one(trial: Trial) -> Verdict:
        async with limit:
            return await run(trial, starting)

    return await asyncio.gather(*(one(trial) for trial in trials))


async def _carry_out(trial: Trial, device: Device, holder: Holder) -> _Course:
    course = _Course()
    if trial.endless:
        await device.order("plant")
    async with asyncio.TaskGroup() as group:
        group.create_task(_release(trial, holder, course))
        group.create_task(_fail(trial, device, holder, course))
    await holder.wait(lambda: holder.result is not None or not holder.alive, RECOVERY_S)
    # a kill that came before the call was told: the call was no later than the kill
    course.called_at, course.result = holder.called_at or course.fault_from, holder.result
    await _until(max(course.called_at + DEADLINE_S, course.fault_until) + 0.2)
    course.log = await _settled(trial, device)
    if holder.alive and not trial.endless:
        course.recovered_at = await _recover(holder)
    return course


async def _release(trial: Trial, holder: Holder, course: _Course) -> None:
    await asyncio.sleep(max(0.0, -trial.offset_s))
    holder.release(trial.duration_s, DEADLINE_S, trial.late_s)


async def _fail(trial: Trial, device: Device, holder: Holder, course: _Course) -> None:
    await asyncio.sleep(max(0.0, trial.offset_s))
    course.fault_from = time.monotonic()
    match trial.fault:
        case Fault.KILL:
            await holder.kill()
        case Fault.STOP:
            holder.stop()
            await asyncio.sleep(trial.fault_s)
            holder.go_on()
        case Fault.CLOCK:
            holder.step_clock(trial.step_s)
        case Fault.UNPLUG:
            await device.order("unplug")
            if trial.replaced:
                await device.order("power_cycle")
            await asyncio.sleep(trial.fault_s)
            await device.order("replug")
        case Fault.SILENCE:
            await device.order("silence", duration_s=trial.fault_s)
            await asyncio.sleep(trial.fault_s)
    course.fault_until = time.monotonic()


async def _settled(trial: Trial, device: Device) -> dict[str, Any]:
    """The log once the bolt is home, or has been out for much longer than it may."""
    until = time.monotonic() + trial.duration_s + 1.0
    while True:
        log = await device.order("log")
        if not (log["moves"] and log["moves"][-1][0]) or time.monotonic() > until:
            return log
        await asyncio.sleep(LOOK_S)


async def _recover(holder: Holder) -> float | None:
    """When the lock was ready again and obeyed; None if it did not become so by itself."""
    until = time.monotonic() + RECOVERY_S
    while time.monotonic() < until:
        if holder.ready:
            ready_at = holder.ready_since
            if await holder.obeys(DEADLINE_S):
                return ready_at
        await asyncio.sleep(LOOK_S)
    return None


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


def judge(trial: Trial, course: _Course) -> Verdict:
    """By the peripheral's log. One tick is allowed: what happened since it looked the last time, it cannot have done before."""
    moves: list[list[Any]] = course.log["moves"]
    starts, ends = [move for move in moves if move[0]], [move for move in moves if not move[0]]
    wrong = []
    if len(starts) > 1 or course.log["commands"] > 1:
        wrong.append(f"released {len(starts)} times by {course.log['commands']} commands")
    for _, at, tick_s in starts:
        if not at - tick_s <= course.called_at + DEADLINE_S:
            wrong.append(f"released {at - course.called_at:.3f} s after the call")
    if len(ends) < len(starts):
        wrong.append("never secured")
    overruns = [end[1] - start[1] - trial.duration_s for start, end in zip(starts, ends, strict=False)]
    for overrun_s, end in zip(overruns, ends, strict=False):
        if not overrun_s <= end[2]:
            wrong.append(f"secured {overrun_s:.3f} s late")
    if course.result == "NOT_SENT" and starts:
        wrong.append("was released by a command that was not sent")
    if course.result == "ACKNOWLEDGED" and not starts:
        wrong.append("an acknowledged release was not executed")
    if trial.fault is not Fault.KILL and not trial.endless and course.recovered_at is None:
        wrong.append("did not come back by itself")
    lasting = trial.fault is Fault.CLOCK  # it stays stepped
    busy_until = ends[-1][1] if ends else course.called_at + DEADLINE_S
    return Verdict(
        trial,
        tuple(wrong),
        course.result,
        bool(starts),
        overlapped=course.fault_from <= busy_until and (lasting or course.fault_until >= course.called_at),
        overrun_s=max(overruns, default=None),
        started_s=starts[0][1] - course.called_at if starts else None,
        recovered_s=None if course.recovered_at is None else max(0.0, course.recovered_at - course.fault_until),
    )


def summary(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Counts by family and fault, and the worst of each measure."""
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(f"{verdict.trial.family}, {verdict.trial.fault.value}", []).append(verdict)
    return {
        "trials": len(verdicts),
        "violations": [f"seed {one.trial.seed}: {', '.join(one.violations)}" for one in verdicts if one.violations],
        "groups": {
            name: {
                "trials": len(group),
                "released": sum(one.released for one in group),
                "fault_met_the_release": sum(one.overlapped for one in group),
                "results": dict(Counter(str(one.result) for one in group)),
                "overrun_ms_max": _worst(one.overrun_s for one in group),
                "start_after_call_ms_max": _worst(one.started_s for one in group),
                "recovery_ms_max": _worst(one.recovered_s for one in group),
            }
            for name, group in sorted(groups.items())
        },
    }


def _worst(values: Iterable[float | None]) -> int | None:
    known = [value for value in values if value is not None]
    return round(max(known) * 1000) if known else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(2**31))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    started = time.monotonic()
    trials = [plan(options.seed + number, list(FAMILIES)) for number in range(options.trials)]
    told = summary(asyncio.run(campaign(trials)))
    report = {
        "command": f"python -m tests.hw.release_trials --trials {options.trials} --seed {options.seed}",
        "commit": commit(),
        "host": host(),
        "seed": options.seed,
        "took_s": round(time.monotonic() - started),
        **told,
    }
    text = json.dumps(report, indent=2) + "\n"
    print(text)
    if options.json is not None:
        options.json.write_text(text, encoding="utf-8")
    sys.exit(bool(told["violations"]))


if __name__ == "__main__":
    main()
