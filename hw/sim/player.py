"""Plays a scenario: gives each command when it is due. `now` is an argument; who plays decides what time is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from hw.sim.control import CommandRefused
from hw.sim.scenario import Scenario


class Player:
    """execute: carries out one command of the control socket. Its refusals are told, and the scenario goes on."""

    def __init__(self, scenario: Scenario, execute: Callable[[dict[str, Any]], Any], start: float) -> None:
        self._execute, self._start = execute, start
        self._rest = deque(scenario.steps)
        self._end = None if scenario.end_s is None else start + scenario.end_s
        self._now = start

    @property
    def over(self) -> bool:
        """True once the scenario's end has come; one without an end goes on."""
        return self._end is not None and self._now >= self._end

    def step(self, now: float) -> list[str]:
        """Does what is due by now. Returns what was refused, in words."""
        self._now = now
        refused = []
        while self._rest and self._start + self._rest[0].at_s <= now:
            step = self._rest.popleft()
            try:
                self._execute({"command": step.command, "lane": step.lane, **step.arguments})
            except (CommandRefused, KeyError, TypeError, ValueError) as error:
                refused.append(f"{step.command} of {step.lane} at {step.at_s:g} s: {type(error).__name__}: {error}")
        return refused

    def next_due(self) -> float | None:
        due = [self._start + self._rest[0].at_s] if self._rest else []
        due += [self._end] if self._end is not None else []
        return min(due, default=None)
