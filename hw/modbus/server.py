"""A simulated sensor block: the server half of Modbus, with the inputs and registers of `points` and a few coils.

Not modelled: response delay of real devices, diagnostics functions, broadcast, several units on one line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    ReadDiscreteInputsResponse,
    WriteSingleCoilRequest,
    WriteSingleCoilResponse,
)
from pymodbus.pdu.register_message import ReadInputRegistersRequest, ReadInputRegistersResponse

from hw.link.base import Link
from hw.modbus.exchange import FRAMINGS
from hw.modbus.points import Points

RECEIVE_BYTES = 256
COILS = 8
GAP_S = 0.05  # a frame that has not ended after this was never one: forget it, so that the next one is found


@dataclass(frozen=True, slots=True)
class CoilWrite:
    at: float
    address: int
    value: bool


class SensorPeripheral:
    """Call poll again and again from one thread (`hw.link.pump.Pump` does); set the attributes from any.

    present None: as person_count says; a bool contradicts or confirms it. silent: requests are ignored.
    replies_lost: so many requests are carried out and not answered.
    """

    def __init__(self, link: Link, clock: Callable[[], float], points: Points, framing: str = "rtu") -> None:
        self._link = link
        self._clock = clock
        self._points = points
        self._framer = FRAMINGS[framing](DecodePDU(True))
        self._received = b""
        self._received_at = 0.0
        self.door_closed = True
        self.person_count = 0
        self.exit_count = 0
        self.present: bool | None = None
        self.coils = [False] * COILS
        self.coil_writes: list[CoilWrite] = []
        self.silent = False
        self.replies_lost = 0
        self.request_count = 0

    def poll(self, timeout_s: float = 0.005) -> None:
        """Waits up to timeout_s for bytes and answers a request they complete. Raises LinkLost."""
        data = self._link.read(RECEIVE_BYTES, timeout_s)
        now = self._clock()
        if self._received and now - self._received_at > GAP_S:
            self._received = b""
        if not data:
            return
        self._received += data
        self._received_at = now
        try:
            used, request = self._framer.handleFrame(self._received, 0, 0)
        except (ModbusException, ValueError, IndexError):
            self._received = b""
            return
        self._received = self._received[used:]
        if request is not None and request.dev_id == self._points.unit:
            self._answer(request)

    def close(self) -> None:
        self._link.close()

    def _answer(self, request: ModbusPDU) -> None:
        self.request_count += 1
        if self.silent:
            return
        response = self._carry_out(request)
        response.dev_id, response.transaction_id = request.dev_id, request.transaction_id
        if self.replies_lost > 0:
            self.replies_lost -= 1
            return
        self._link.write(self._framer.buildFrame(response))

    def _carry_out(self, request: ModbusPDU) -> ModbusPDU:
        # the exact class: a write request is a subclass of its response, discrete inputs of coils
        kind = type(request)
        points = self._points
        if kind is ReadDiscreteInputsRequest:
            present = self.person_count > 0 if self.present is None else self.present
            values = _window(request, {points.door: self.door_closed, points.presence: present})
            return ReadDiscreteInputsResponse(bits=[bool(v) for v in values]) if values else _no_address(request)
        if kind is ReadInputRegistersRequest:
            values = _window(request, {points.persons: self.person_count, points.exits: self.exit_count % 65536})
            return ReadInputRegistersResponse(registers=values) if values else _no_address(request)
        if kind is ReadCoilsRequest and request.address + request.count <= COILS:
            return ReadCoilsResponse(bits=self.coils[request.address : request.address + request.count])
        if kind is WriteSingleCoilRequest and request.address < COILS:
            self.coils[request.address] = bool(request.bits[0])
            self.coil_writes.append(CoilWrite(self._clock(), request.address, bool(request.bits[0])))
            return WriteSingleCoilResponse(address=request.address, bits=[bool(request.bits[0])])
        if kind in {ReadCoilsRequest, WriteSingleCoilRequest}:
            return _no_address(request)
        return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_FUNCTION)


def _window(request: ModbusPDU, points: dict[int, int]) -> Sequence[int]:
    """The asked range, points that are no sensor read 0; empty if it reaches beyond the last one."""
    if request.address + request.count > max(points) + 1:
        return []
    return [int(points.get(address, 0)) for address in range(request.address, request.address + request.count)]


def _no_address(request: ModbusPDU) -> ModbusPDU:
    return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_ADDRESS)
