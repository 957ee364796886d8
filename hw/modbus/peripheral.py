"""A simulated controller: one unit of any register map, with the timers, grants and sensors that it names.

Outputs that the device times itself (pulse, timer register, or an external watchdog), grants that are used up by whoever passes,
contacts and counters as they are set.

Not modelled: response delay of real devices, bounce of contacts, diagnostics functions, broadcast, wear of settings memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from egate.domain.device import Alarm
from hw.modbus.controller import Controller, Mode, Point, Pulse, SensorMap, TimeRegister
from hw.modbus.frame import COIL_ON, READ_FUNCTIONS, WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS, Framing, Table
from hw.modbus.release_time import Watchdog, WatchdogKind
from hw.modbus.request import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, Request

REGISTER_MAX = 0xFFFF

_TABLES = {function: table for table, function in READ_FUNCTIONS.items()}


class Refusal(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class WriteSeen:
    """A write that arrived, carried out or not."""

    at: float
    table: Table
    address: int
    value: int


class Peripheral:
    """One unit. Set the attributes from any thread; its line calls the rest.

    present None: as person_count says. barriers: in the map's order. alarms: contacts that are on. mode: the value at the map's mode.
    timer_s: the setting at the map's timer register. watchdog: an external one, if there is any.
    Faults: silent (requests are ignored), replies_lost (so many are carried out and not answered), stuck (writes are answered and not
    carried out), timer_fault (nothing ends by itself).
    """

    def __init__(self, controller: Controller, unit: int, watchdog: Watchdog | None = None) -> None:
        self.unit, self.controller, self.watchdog = unit, controller, watchdog
        self.outputs = [0] * controller.outputs  # of the lock, or of the board; grants that are left
        signal = controller.signal
        wired = [*signal.lights.values(), signal.buzzer] if signal is not None else []
        self.lamps = {
            point.address: 0 for point in wired if point is not None
        }  # a signal's outputs, where the map says
        self._ends: dict[int, float] = {}  # when the device ends an output by itself
        self._lamp_ends: dict[int, float] = {}
        self._heard_at = 0.0
        self.door_closed, self.person_count, self.exit_count = True, 0, 0
        self.present: bool | None = None
        self.barriers = [False] * (len(controller.sensors.barriers) if controller.sensors else 0)
        self.alarms: frozenset[Alarm] = frozenset()
        mode = controller.lock.mode if controller.lock else None
        self.mode = mode.normal[0] if mode is not None else 0
        self.timer_s = 5.0
        self.silent = self.stuck = self.timer_fault = False
        self.replies_lost = self.request_count = 0
        self.writes: list[WriteSeen] = []
        self.on_change: Callable[[bool, float], None] = lambda released, at: None  # of output 0

    @property
    def released(self) -> bool:
        mode = self.controller.lock.mode if self.controller.lock else None
        return bool(self.outputs[0]) or (mode is not None and self.mode in mode.open)

    def pass_person(self, now: float) -> None:
        """Somebody goes through the exit and uses up a grant."""
        self.exit_count += 1
        if self.outputs[0] not in (0, REGISTER_MAX) and not isinstance(self._timer, Pulse):
            self._set(0, self.outputs[0] - 1, now)

    def power_cycle(self, now: float) -> None:
        for index in range(len(self.outputs)):
            self._set(index, 0, now)

    def tick(self, now: float) -> None:
        """Ends what is over."""
        if self.timer_fault:
            return
        for address in [address for address, end in self._lamp_ends.items() if now >= end]:
            self.lamps[address] = 0
            del self._lamp_ends[address]
        for index, end in list(self._ends.items()):
            if self.watchdog is not None and self.watchdog.kind is WatchdogKind.COMMUNICATION:
                end = self._heard_at + self.watchdog.seconds
            if now >= end:
                self._set(index, 0, end)

    def answer(self, request: Request, framing: Framing, now: float) -> bytes | None:
        """The answer's frame, None if there is none."""
        self.tick(now)
        self.request_count += 1
        if self.silent:
            return None
        self._heard_at = now
        try:
            frame = request.answer(self._carry_out(request, now), framing)
        except Refusal as refusal:
            frame = request.refusal(refusal.code, framing)
        if self.replies_lost > 0:
            self.replies_lost -= 1
            return None
        return frame

    @property
    def _timer(self) -> Pulse | TimeRegister | None:
        return self.controller.lock.timer if self.controller.lock else None

    def _carry_out(self, request: Request, now: float) -> bytes:
        function = request.function
        if function in _TABLES:
            return self._read(_TABLES[function], request)
        if function == WRITE_COIL:
            self._write(Table.COIL, request.address, request.value, now)
            return request.pdu
        if function == WRITE_REGISTER:
            self._write(Table.HOLDING, request.address, request.value, now)
            return request.pdu
        if function == WRITE_REGISTERS:
            data = request.pdu[6:]
            if not 0 < request.value <= 123 or len(data) != 2 * request.value:  # Application Protocol 1.1b3, 6.12
                raise Refusal(ILLEGAL_VALUE)
            for index in range(request.value):
                value = int.from_bytes(data[2 * index : 2 * index + 2], "big")
                self._write(Table.HOLDING, request.address + index, value, now)
            return request.pdu[:5]
        raise Refusal(ILLEGAL_FUNCTION)

    def _read(self, table: Table, request: Request) -> bytes:
        if not 0 < request.value <= (2000 if table.of_bits else 125):
            raise Refusal(ILLEGAL_VALUE)
        points = self._values(table)
        if request.address + request.value > max(points, default=-1) + 1:
            raise Refusal(ILLEGAL_ADDRESS)
        found = [points.get(address, 0) for address in range(request.address, request.address + request.value)]
        data = _packed(found) if table.of_bits else b"".join(value.to_bytes(2, "big") for value in found)
        return bytes([request.function, len(data)]) + data

    def _write(self, table: Table, address: int, value: int, now: float) -> None:
        self.writes.append(WriteSeen(now, table, address, value))
        if table is Table.COIL and self._light(address, value, now):
            return
        pulse = self._pulsed(table, address)
        if pulse is not None:
            index, step_s = pulse
            if not 0 < value <= 0x7FFF:
                raise Refusal(ILLEGAL_VALUE)
            if not self.stuck:
                self._set(index, 1, now)
                self._ends[index] = now + value * step_s
            return
        index = self._output(table, address)
        if table is Table.COIL and value not in (0, COIL_ON):
            raise Refusal(ILLEGAL_VALUE)
        if self.stuck:
            return
        self._set(index, int(bool(value)) if table is Table.COIL else value, now)
        if value and isinstance(self._timer, TimeRegister):
            self._ends[index] = now + self.timer_s
        elif value and self.watchdog is not None:
            self._ends[index] = now + self.watchdog.seconds

    def _light(self, address: int, value: int, now: float) -> bool:
        """Whether address is a lamp's, plain or timed, and it was switched."""
        signal = self.controller.signal
        timed = signal.pulse if signal is not None and address not in self.lamps else None
        lamp = address - signal.pulse_offset if signal is not None and timed is not None else address
        if lamp not in self.lamps:
            return False
        if not self.stuck:
            self.lamps[lamp] = int(bool(value))
            self._lamp_ends.pop(lamp, None)
            if timed is not None:
                self._lamp_ends[lamp] = now + value * timed.step_s
        return True

    def _pulsed(self, table: Table, address: int) -> tuple[int, float] | None:
        """Which output the write at address switches on for a time, and the step of that time."""
        lock, signal, count = self.controller.lock, self.controller.signal, len(self.outputs)
        if lock is not None and isinstance(lock.timer, Pulse) and table is lock.release.table:
            number = address - lock.release.address
            if 0 <= number < count:
                return number, lock.timer.step_s
        if signal is not None and signal.pulse is not None and table is Table.COIL:
            plain = address - signal.pulse_offset
            if plain in (self._values(Table.COIL) if plain >= 0 else ()):
                return self._output(table, plain), signal.pulse.step_s
        return None

    def _output(self, table: Table, address: int) -> int:
        """The number of the output at address. Raises Refusal if there is none."""
        lock, signal = self.controller.lock, self.controller.signal
        bases = [point for point in (lock.secure, lock.release) if table is point.table] if lock is not None else []
        firsts = [base.address for base in bases]
        if signal is not None and signal.base is not None and table is Table.COIL:
            firsts.append(signal.base.address)
        for first in firsts:
            if 0 <= address - first < len(self.outputs):
                return address - first
        raise Refusal(ILLEGAL_ADDRESS)

    def _set(self, index: int, value: int, now: float) -> None:
        before, self.outputs[index] = self.outputs[index], value
        if not value:
            self._ends.pop(index, None)
        if index == 0 and bool(before) is not bool(value):
            self.on_change(bool(value), now)

    def _values(self, table: Table) -> dict[int, int]:
        """What can be read of table, by address."""
        found: dict[int, int] = dict(self.lamps) if table is Table.COIL else {}
        lock, signal, sensors = self.controller.lock, self.controller.signal, self.controller.sensors
        for index, value in enumerate(self.outputs):
            if signal is not None and signal.base is not None and table is Table.COIL:
                found[signal.base.address + index] = value
            if lock is not None and table is lock.secure.table:
                found[lock.secure.address + index] = value
            if lock is not None and table is lock.state.table:
                found[lock.state.address + index] = value ^ lock.state.inverted
        if lock is not None and isinstance(lock.mode, Mode) and table is lock.mode.point.table:
            found[lock.mode.point.address] = self.mode
        if lock is not None and isinstance(lock.timer, TimeRegister) and table is lock.timer.point.table:
            found[lock.timer.point.address] = round(self.timer_s / lock.timer.step_s)
        if sensors is not None:
            found |= self._sensed(sensors, table)
        return found

    def _sensed(self, sensors: SensorMap, table: Table) -> dict[int, int]:
        present = self.person_count > 0 if self.present is None else self.present
        pairs: list[tuple[Point | None, int]] = [
            (sensors.door, self.door_closed),
            (sensors.present, present),
            (sensors.persons, self.person_count),
            (sensors.exits, self.exit_count % (REGISTER_MAX + 1)),
            *zip(sensors.barriers, self.barriers, strict=True),
            *((point, alarm in self.alarms) for alarm, point in sensors.alarms.items()),
        ]
        return {
            point.address: int(value) ^ point.inverted
            for point, value in pairs
            if point is not None and point.table is table
        }


def _packed(bits: Sequence[int]) -> bytes:
    packed = bytearray(-(-len(bits) // 8))
    for index, bit in enumerate(bits):
        packed[index >> 3] |= (bit & 1) << (index & 7)
    return bytes(packed)
