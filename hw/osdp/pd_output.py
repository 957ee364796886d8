"""One output of a simulated peripheral: a permanent state, a timed one above it, and what really happens to the contact.

osdp_OUT ──▶ permanent, timed ──▶ active      OSDP 2.2, 6.10; a timer of 0 ends at once (chosen: the standard does not say)
"""

from __future__ import annotations

from dataclasses import dataclass

# OSDP 2.2, 6.10 osdp_OUT: control codes
NOP, OFF_STOP_TIMER, ON_STOP_TIMER, OFF_AFTER_TIMER, ON_AFTER_TIMER, ON_TIMED, OFF_TIMED = range(7)
TIMER_UNIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Actuation:
    """One executed osdp_OUT. at: the peripheral's clock."""

    at: float
    control_code: int
    duration_s: float
    output: int = 0


@dataclass(slots=True)
class Unlock:
    """One interval in which the output was on (the bolt withdrawn); end None while it still is."""

    start: float
    end: float | None = None


class Output:
    """Faults to plant: timer_fault: a timed state never ends. stuck: on, whatever was commanded."""

    def __init__(self) -> None:
        self._permanent = False
        self._timed: bool | None = None
        self._timed_until = 0.0
        self.active = False
        self.unlocks: list[Unlock] = []
        self.timer_fault = False
        self.stuck = False

    def reset(self, now: float) -> None:
        """Power came back: off, no timer."""
        self._permanent, self._timed = False, None
        self._apply(now)

    def come_on(self, now: float) -> None:
        """By itself; it obeys the next command."""
        self._permanent = True
        self._apply(now)

    def command(self, control_code: int, duration_s: float, now: float) -> None:
        """control_code: NOP to OFF_TIMED."""
        if control_code in {OFF_STOP_TIMER, ON_STOP_TIMER}:
            self._timed = None
        if control_code in {OFF_STOP_TIMER, ON_STOP_TIMER, OFF_AFTER_TIMER, ON_AFTER_TIMER}:
            self._permanent = control_code in {ON_STOP_TIMER, ON_AFTER_TIMER}
        if control_code in {ON_TIMED, OFF_TIMED}:
            self._timed = control_code == ON_TIMED
            self._timed_until = now + duration_s
        self._apply(now)

    def run(self, now: float) -> bool:
        """Runs the timer. True if the contact moved since the last call of run, command or reset."""
        if self._timed is not None and now >= self._timed_until and not self.timer_fault:
            self._timed = None
        return self._apply(now)

    def _apply(self, now: float) -> bool:
        active = self.stuck or (self._permanent if self._timed is None else self._timed)
        if active == self.active:
            return False
        if active:
            self.unlocks.append(Unlock(now))
        else:
            self.unlocks[-1].end = now
        self.active = active
        return True
