"""What a lock's unit says of itself: its mode, and how its own timer is set. Either may forbid to count on it."""

from __future__ import annotations

from hw.modbus.controller import LockMap, TimeRegister
from hw.modbus.lock_order import Purpose
from hw.modbus.release_time import TIMER_S_MAX


class Fitness:
    """open: the mode lets everybody pass. timer_s: the timer's setting, None if not known or out of range. why: "" if it is fit."""

    def __init__(self, lock: LockMap) -> None:
        self._map = lock
        self._whys: dict[Purpose, str] = {}
        self.open = False
        self.timer_s: float | None = None

    @property
    def why(self) -> str:
        return "; ".join(self._whys.values())

    def forget(self) -> None:
        self._whys.clear()
        self.open, self.timer_s = False, None

    def on_mode(self, value: int) -> None:
        mode = self._map.mode
        if mode is None:
            return
        self.open = value in mode.open
        name = "open to everybody" if self.open else "blocked" if value in mode.blocked else "unknown"
        self._judge(Purpose.MODE, "" if value in mode.normal else f"its mode is {name} ({value})")

    def on_timer(self, value: int) -> None:
        timer = self._map.timer
        seconds = value * timer.step_s if isinstance(timer, TimeRegister) else 0.0
        self.timer_s = seconds if 0.0 < seconds <= TIMER_S_MAX else None
        why = f"its own timer is set to {seconds:g} s, allowed are more than 0 and up to {TIMER_S_MAX:g} s"
        self._judge(Purpose.TIMER, why if self.timer_s is None else "")

    def _judge(self, purpose: Purpose, why: str) -> None:
        self._whys.pop(purpose, None)
        if why:
            self._whys[purpose] = why
