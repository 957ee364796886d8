"""Several contestants timed in turns, so that whatever else the host does meets all of them.

Two clocks. Wall time is what a traveller waits. CPU time of the process leaves out the moments in which the host ran something else;
on a quiet host both agree for work on one thread, on a busy one only its ratio says anything about the contestants.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.stats import interval, percentile, summary_ms

ROUNDS, WARM_UP = 40, 3  # chosen: the median's 95 % interval is then from the 14th to the 27th value


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        return {"wall_ms": summary_ms(self.wall), "cpu_ms": summary_ms(self.cpu)}


def in_turns(contestants: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, Times]:
    """rounds times of each contestant, after a warm-up, one after another in every round."""
    times = {name: Times() for name in contestants}
    for index in range(WARM_UP + rounds):
        for name, call in contestants.items():
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            if index >= WARM_UP:
                times[name].cpu.append(time.process_time() - cpu)
                times[name].wall.append(time.perf_counter() - wall)
    return times


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long the slower contestant takes: the median of the rounds' own ratios, which a host that slows down between
    them does not move, by either clock; low and high: its 95 % interval by CPU time.
    """

    cpu: float
    wall: float
    low: float
    high: float

    def report(self) -> dict[str, float]:
        return {name: round(getattr(self, name), 3) for name in ("cpu", "wall", "low", "high")}


def ratio(slower: Times, faster: Times) -> Ratio:
    by_cpu, by_wall = _pairs(slower.cpu, faster.cpu), _pairs(slower.wall, faster.wall)
    return Ratio(percentile(by_cpu, 0.5), percentile(by_wall, 0.5), *interval(by_cpu, 0.5))


def _pairs(slower: list[float], faster: list[float]) -> list[float]:
    return [each / other for each, other in zip(slower, faster, strict=True)]
