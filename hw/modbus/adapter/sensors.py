"""Door and presence sensors on Modbus as `egate.ports.Sensors`: polled often while something happens, seldom while nothing does."""

from __future__ import annotations

import time
from collections.abc import Callable

from egate.domain.device import DeviceState, SensorLevels
from egate.errors import DeviceTimeout, ProtocolViolation
from hw.modbus.adapter.borrower import Borrower
from hw.modbus.adapter.bus import Bus
from hw.modbus.adapter.line import Client
from hw.modbus.controller import SensorMap
from hw.modbus.frame import Refused
from hw.modbus.reading import Reading
from hw.modbus.watch import Condition, Watch
from hw.sensing.zone import Zone

POLL_S = 0.025  # chosen: a person needs 300 ms through a door
IDLE_POLL_S = 0.1  # chosen: levels stay fresher than the 0.3 s at which policies look (levels_age_s)
IDLE_BARRIER_POLL_S = 0.05  # chosen: a body is in a group of barriers for 0.15 s at least (hw.sensing.layout)
# Chosen: how soon a unit that comes back is noticed; the last one repeats. Alone on its line only the first counts.
LOST_POLL_S = (0.2, 0.5, 1.0)
STATES = {
    Condition.LOST: DeviceState.LOST,
    Condition.DEGRADED: DeviceState.DEGRADED,
    Condition.ONLINE: DeviceState.ONLINE,
}


class ModbusSensors(Borrower):
    """Implements egate.ports.Sensors."""

    def __init__(self, bus: Bus, sensors: SensorMap, unit: int) -> None:
        super().__init__(bus)
        self._reading = Reading(sensors, unit)
        self._zone = Zone(sensors.layout)
        self._watch = Watch(self._zone)
        self._idle_s = IDLE_BARRIER_POLL_S if sensors.barriers else IDLE_POLL_S
        self._next_at = 0.0
        self._lost_count = 0
        self._failure = "not connected"
        self._on_levels: list[Callable[[SensorLevels], None]] = []
        self._told_levels = SensorLevels()

    @property
    def levels(self) -> SensorLevels:
        return self._watch.levels

    @property
    def read_at(self) -> float | None:
        return self._watch.read_at

    @property
    def diagnosis(self) -> str:
        """Why the sensors are not ONLINE, for the operator; "" if they are."""
        if self._watch.condition is Condition.ONLINE:
            return ""
        return self._failure or "the sensors contradict each other"

    def on_levels(self, callback: Callable[[SensorLevels], None]) -> None:
        self._on_levels.append(callback)

    # From here on: the line's thread.

    @property
    def lost(self) -> bool:
        return self._watch.condition is Condition.LOST

    def connected(self, now: float) -> None:
        super().connected(now)
        self._next_at, self._lost_count = now, 0

    def disconnected(self, why: str) -> None:
        super().disconnected(why)
        self._failure = why
        self._watch.on_lost()
        self._publish()

    def due(self, now: float) -> float:
        return self._next_at

    def turn(self, client: Client) -> None:
        asked_at: float | None = None
        answers: list[bytes] = []
        try:
            for question in self._reading.questions:
                pdu, left_at = client.ask(question, patient=not self.lost)
                asked_at = left_at if asked_at is None else asked_at
                answers.append(pdu)
        except (DeviceTimeout, ProtocolViolation, Refused) as failure:
            self._on_failure(str(failure))
            return
        if asked_at is None:
            return
        self._failure, self._lost_count = "", 0
        self._health.heard(asked_at)
        self._watch.on_reading(self._reading.inputs(answers), asked_at)
        now = time.monotonic()
        self._next_at = now + (POLL_S if self._watch.lively(now) else self._idle_s)
        self._publish()

    def farewell(self, client: Client) -> None:
        self._failure = "closed"

    def left(self) -> None:
        self._watch.on_lost()
        self._publish()
        super().left()

    def _on_failure(self, why: str) -> None:
        self._failure = why
        self._health.error(why)
        was_lost = self.lost
        now = time.monotonic()
        self._watch.on_failure(now)
        if self.lost and not was_lost:
            self._health.lost(why)
        self._next_at = now + (LOST_POLL_S[self._lost_count] if self.lost else POLL_S)
        self._lost_count = min(self._lost_count + 1, len(LOST_POLL_S) - 1) if self.lost and self._bus.shared else 0
        self._publish()

    def _publish(self) -> None:
        if self._watch.levels != self._told_levels:
            self._told_levels = self._watch.levels
            self._call_soon(self._change_levels, self._told_levels)
        self._tell_state(STATES[self._watch.condition])

    # From here on: the event loop.

    def _change_levels(self, levels: SensorLevels) -> None:
        for callback in self._on_levels:
            callback(levels)
