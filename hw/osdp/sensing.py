"""Sensors of a lane wired to a peripheral's inputs: asked again and again, told to the zone's model. Pure; `now` is an argument.

A report that the peripheral sends by itself may be older than the last answer: it is a reason to ask, not a level.
"""

from __future__ import annotations

from egate.domain.device import SensorLevels
from hw.osdp.duty import IN_TURN, SOON, Wish
from hw.osdp.inputs import InputFault, Wiring
from hw.osdp.orders import Answer, Ask, Completed, Order, Report, Status
from hw.osdp.peripheral import Peripheral
from hw.sensing.zone import Zone

ASK_S = 0.04  # chosen: below the zone's sample_s_max, a tenth of what a person needs through a door
# Levels that old are none: the bar. A lost answer costs one new connection, some 0.25 s; gaps below that are the zone's to judge.
STALE_S = 0.3
NO_READING = "no reading yet"


class SensorsDuty:
    """levels and read_at may be read from any thread; read_at is set after the levels of its reading.

    fault: why there are no levels although the peripheral answers, "" if there are.
    """

    def __init__(self, peripheral: Peripheral, wiring: Wiring) -> None:
        self._peripheral = peripheral
        self._wiring = wiring
        self._zone = Zone(wiring.layout)
        self._ask_at = 0.0
        self._ask_urgency = IN_TURN
        self._fed_at: float | None = None
        self.connected_now = False
        self.levels = SensorLevels()
        self.read_at: float | None = None
        self.heard_at = float("-inf")
        self.fault = NO_READING
        self.fault_count = 0

    @property
    def consistent(self) -> bool:
        return self._zone.consistent

    def connected(self, now: float) -> None:
        self.connected_now = True
        self.heard_at = self._ask_at = now

    def lost(self, diagnosis: str) -> None:
        self.connected_now = False  # what is known stays known until it is stale

    def heard(self, now: float) -> None:
        self.heard_at = now

    def handle_timer(self, now: float) -> None:
        if self._fed_at is not None and now >= self._fed_at + STALE_S:
            self.forget("its inputs were not answered")

    def next_timer(self) -> float | None:
        return None if self._fed_at is None else self._fed_at + STALE_S

    def wish(self, now: float) -> Wish | None:
        return Wish(self._ask_urgency, self._ask_at, Ask(Status.INPUT))

    def told(self, order: Order, now: float) -> None:
        self._ask_at, self._ask_urgency = now + ASK_S, IN_TURN

    def answered(self, answer: Answer, now: float) -> None:
        if isinstance(answer, Completed) and answer.order == Ask(Status.INPUT) and not answer.ok:
            self.fault = "refuses to tell its inputs"
        if not isinstance(answer, Report) or answer.status is not Status.INPUT:
            return
        if answer.asked:
            self._read(answer.entries)
        else:
            self._ask_at, self._ask_urgency = now, SOON

    def _read(self, entries: tuple[int, ...]) -> None:
        asked_at = self._peripheral.told_at
        try:
            inputs = self._wiring.read(entries)
        except InputFault as fault:
            self.fault_count += 1
            self.forget(str(fault))
            self._zone.feed_alarms(self._wiring.contacts(entries), asked_at)
            self.levels = self._zone.levels
            return
        self._zone.feed(inputs, asked_at)
        self._fed_at = asked_at
        self.levels = self._zone.levels
        self.read_at = asked_at if self._zone.consistent else None
        self.fault = "" if self._zone.consistent else "presence input and barriers contradict each other"

    def forget(self, fault: str) -> None:
        """The port is gone: what was read before says nothing any more."""
        self.read_at, self._fed_at = None, None
        self._zone.forget()
        self.levels = SensorLevels(alarms=self._zone.levels.alarms)
        self.fault = fault
