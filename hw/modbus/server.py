"""Simulated controllers on a line: the server half of Modbus.

Line              owns the link; hears the requests of all units on it, answers for those that are there
SensorPeripheral  a sensor block on a line of its own
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hw.link.base import Link
from hw.modbus.frame import Framing
from hw.modbus.peripheral import Peripheral, WriteSeen
from hw.modbus.points import Points
from hw.modbus.request import RequestDecoder

__all__ = ["Line", "Peripheral", "SensorPeripheral", "WriteSeen"]

RECEIVE_BYTES = 256
GAP_S = 0.05  # a frame that has not ended after this was never one: forget it, so that the next one is found


class Line:
    """Call poll again and again from one thread (`hw.link.pump.Pump` does)."""

    def __init__(
        self, link: Link, clock: Callable[[], float], peripherals: Sequence[Peripheral], framing: str = Framing.RTU
    ) -> None:
        self._link, self._clock = link, clock
        self._framing = Framing(framing)
        self._units = {peripheral.unit: peripheral for peripheral in peripherals}
        self._decoder = RequestDecoder(self._framing)
        self._received_at = 0.0

    @property
    def skipped(self) -> int:
        """Bytes that belonged to no request."""
        return self._decoder.skipped

    def poll(self, timeout_s: float = 0.005) -> None:
        """Waits up to timeout_s for bytes and answers the requests they complete. Raises LinkLost."""
        data = self._link.read(RECEIVE_BYTES, timeout_s)
        now = self._clock()
        for peripheral in self._units.values():
            peripheral.tick(now)
        if not data:
            if now - self._received_at > GAP_S:
                self._decoder.forget()
            return
        self._received_at = now
        for request in self._decoder.feed(data):
            asked = self._units.get(request.unit)
            answer = asked.answer(request, self._framing, now) if asked is not None else None
            if answer is not None:
                self._link.write(answer)

    def close(self) -> None:
        self._link.close()


class SensorPeripheral(Peripheral):
    """A sensor block alone on its line."""

    def __init__(self, link: Link, clock: Callable[[], float], points: Points, framing: str = Framing.RTU) -> None:
        super().__init__(points.controller, points.unit)
        self._line = Line(link, clock, [self], framing)

    def poll(self, timeout_s: float = 0.005) -> None:
        self._line.poll(timeout_s)

    def close(self) -> None:
        self._line.close()
