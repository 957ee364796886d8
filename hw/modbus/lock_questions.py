"""The questions to a lock by its register map, and the values in their answers."""

from __future__ import annotations

from hw.modbus.controller import LockMap, Point, TimeRegister, Write
from hw.modbus.frame import Question, Table, read, values, write_coil, write_register
from hw.modbus.lock_order import Purpose


class LockQuestions:
    """round: what is asked again and again, the state last."""

    def __init__(self, lock: LockMap, unit: int) -> None:
        self._map, self._unit = lock, unit
        self._points = {Purpose.STATE: lock.state}
        if lock.mode is not None:
            self._points[Purpose.MODE] = lock.mode.point
        if isinstance(lock.timer, TimeRegister):
            self._points[Purpose.TIMER] = lock.timer.point
        order = (Purpose.MODE, Purpose.TIMER, Purpose.STATE)
        self.round = tuple(purpose for purpose in order if purpose in self._points)

    def read(self, purpose: Purpose) -> Question:
        point = self._points[purpose]
        return read(point.table, self._unit, point.address)

    def value(self, purpose: Purpose, pdu: bytes) -> int:
        point: Point = self._points[purpose]
        return values(point.table, pdu, 1)[0] ^ point.inverted

    def secure(self) -> Question:
        return self._write(self._map.secure, self._map.secure.value)

    def release(self, value: int) -> Question:
        return self._write(self._map.release, value)

    def _write(self, write: Write, value: int) -> Question:
        if write.table is Table.COIL:
            return write_coil(self._unit, write.address, value)
        return write_register(self._unit, write.address, value, multiple=write.multiple)
