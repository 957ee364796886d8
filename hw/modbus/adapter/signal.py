"""Lights and a buzzer on a relay board as `egate.ports.Signal`."""

from __future__ import annotations

import time
from dataclasses import replace

from egate.domain.device import DeviceState
from egate.domain.signal import DARK, Sound, TravellerSignal
from egate.errors import DeviceTimeout, ProtocolViolation
from hw.modbus.adapter.borrower import Borrower
from hw.modbus.adapter.bus import Bus
from hw.modbus.adapter.line import Client
from hw.modbus.controller import SignalMap
from hw.modbus.frame import Refused
from hw.modbus.lights import Lights

FAILURES_DEGRADED, FAILURES_LOST = 1, 3  # chosen: with the heartbeat's second and the waits below, lost within 3 s
AGAIN_S = 0.1  # chosen: after a question without answer
LOST_AGAIN_S = (0.5, 1.0, 2.0)  # chosen; the last one repeats
FAREWELL_QUESTIONS_MAX = 8  # every output once


class ModbusSignal(Borrower):
    """Implements egate.ports.Signal. It has no display: that part of a signal is not shown."""

    def __init__(self, bus: Bus, signal: SignalMap, unit: int) -> None:
        super().__init__(bus)
        self._lights = Lights(signal, unit)
        self._failures = 0
        self._not_before = 0.0
        self.diagnosis = "not connected"

    async def show(self, signal: TravellerSignal) -> None:
        if self._loop is None:  # no thread yet, and perhaps never one: nothing is to pile up
            self._show(signal, time.monotonic())
        else:
            self._hand_over(lambda now: self._show(signal, now))

    # From here on: the line's thread.

    def _show(self, signal: TravellerSignal, now: float) -> None:
        """What is shown to nobody comes later without its sound."""
        self._lights.show(replace(signal, sound=Sound.NONE) if self.lost else signal, now)

    def connected(self, now: float) -> None:
        super().connected(now)
        self._not_before, self._failures = now, FAILURES_LOST  # until it has answered
        self._lights.forget()

    def disconnected(self, why: str) -> None:
        super().disconnected(why)
        self.diagnosis = why
        self._lights.forget()
        self._tell_state(DeviceState.LOST)

    def due(self, now: float) -> float:
        return max(self._not_before, self._lights.due(now))

    def turn(self, client: Client) -> None:
        question = self._lights.next_question(time.monotonic())
        try:
            client.ask(question, patient=not self.lost)
        except (DeviceTimeout, ProtocolViolation, Refused) as failure:
            self._on_failure(str(failure))
            return
        now = time.monotonic()
        self._health.heard(now)
        self._failures, self._not_before, self.diagnosis = 0, now, ""
        self._lights.answered(now)
        self._tell_state(DeviceState.ONLINE)

    def farewell(self, client: Client) -> None:
        now = time.monotonic()
        self._lights.show(DARK, now)
        for _ in range(FAREWELL_QUESTIONS_MAX):
            if self.lost or self._lights.due(now) > now:
                return
            self.turn(client)
            now = time.monotonic()

    def _on_failure(self, why: str) -> None:
        self.diagnosis = why
        self._health.error(why)
        self._failures += 1
        now = time.monotonic()
        if self._failures < FAILURES_LOST:
            self._not_before = now + AGAIN_S
            self._tell_state(DeviceState.DEGRADED)
            return
        if not self.lost:
            self._health.lost(why)
        self._not_before = now + LOST_AGAIN_S[min(self._failures - FAILURES_LOST, len(LOST_AGAIN_S) - 1)]
        self._lights.forget()
        self._tell_state(DeviceState.LOST)
