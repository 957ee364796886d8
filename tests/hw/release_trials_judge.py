"""What a trial is, what became of it, and whether that may be: judged by the peripheral's log alone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

DEADLINE_S = 1.5  # of every release, from its call


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
    """violations: what must not be. released: the peripheral executed the release. overlapped: the fault met an unlock under way, or the
    command on its way. overrun_s: how much longer than its time; past_tick_s: of that, beyond the peripheral's own tick. started_s: after
    the call. recovered_s: after the fault was over and the bolt home."""

    trial: Trial
    violations: tuple[str, ...]
    result: str | None
    released: bool
    overlapped: bool
    overrun_s: float | None = None
    past_tick_s: float | None = None
    started_s: float | None = None
    recovered_s: float | None = None


@dataclass(slots=True)
class Course:
    """What became of a trial while it ran. Times on CLOCK_MONOTONIC."""

    called_at: float = 0.0
    fault_from: float = 0.0
    fault_until: float = 0.0
    result: str | None = None
    log: dict[str, Any] = field(default_factory=dict)
    recovered_at: float | None = None


def judge(trial: Trial, course: Course) -> Verdict:
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
    home_at = ends[-1][1] if ends else 0.0
    lasting = trial.fault is Fault.CLOCK  # it stays stepped
    busy_until = ends[-1][1] if ends else course.called_at + DEADLINE_S
    return Verdict(
        trial,
        tuple(wrong),
        course.result,
        bool(starts),
        overlapped=course.fault_from <= busy_until and (lasting or course.fault_until >= course.called_at),
        overrun_s=max(overruns, default=None),
        past_tick_s=max((overrun_s - end[2] for overrun_s, end in zip(overruns, ends, strict=False)), default=None),
        started_s=starts[0][1] - course.called_at if starts else None,
        recovered_s=None
        if course.recovered_at is None
        else max(0.0, course.recovered_at - max(course.fault_until, home_at)),
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
                "overrun_past_own_tick_ms_max": _worst(one.past_tick_s for one in group),
                "start_after_call_ms_max": _worst(one.started_s for one in group),
                "recovery_ms_max": _worst(one.recovered_s for one in group),
            }
            for name, group in sorted(groups.items())
        },
    }


def _worst(values: Iterable[float | None]) -> int | None:
    known = [value for value in values if value is not None]
    return round(max(known) * 1000) if known else None
