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
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from egate.commands.bench.measurement import commit, host
from tests.hw.release_trials_device import FAMILIES
from tests.hw.release_trials_judge import DEADLINE_S, Course, Fault, Trial, Verdict, judge, summary
from tests.hw.release_trials_process import Device, Holder

TOGETHER = 8  # chosen: they mostly wait
READY_S = 60.0  # a process starts on a loaded machine
RECOVERY_S = 30.0  # the lock itself takes some 5 s
FAULT_S_MIN, FAULT_S_MAX = 0.1, 9.0
DURATION_S_MAX = 5.0
LOOK_S = 0.02


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


async def _carry_out(trial: Trial, device: Device, holder: Holder) -> Course:
    course = Course()
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


async def _release(trial: Trial, holder: Holder, course: Course) -> None:
    await asyncio.sleep(max(0.0, -trial.offset_s))
    holder.release(trial.duration_s, DEADLINE_S, trial.late_s)


async def _fail(trial: Trial, device: Device, holder: Holder, course: Course) -> None:
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
