"""One Modbus request and its one answer, on pymodbus' frames (Modbus Application Protocol 1.1b3; Modbus over Serial Line 1.02).

    RTU   unit function data CRC(2)             the length follows from the function; frames are told apart by silence
    TCP   transaction(2) 0(2) length(2) unit function data

On the wire: noise before, inside or after the answer; an answer cut off; the late answer to an earlier request; an answer of
another unit. Whatever is not the answer to this request leaves the exchange unanswered, and it ends by its time limit: pymodbus' own
clients would send the request again, which for a command means doing it twice.
"""

from __future__ import annotations

import logging
from typing import Protocol

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.framer.base import FramerBase
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU

ANSWER_BYTES_MAX = 512  # two frames of the largest size; noise beyond it ends the exchange

# pymodbus reports every byte of noise as an error; what it means is told by the device state.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class Garbled(Exception):
    """What arrived cannot become the answer any more."""


class Refused(Exception):
    """The device answered with a Modbus exception."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


class Framing(Protocol):
    """How frames lie on a link: "rtu" or "tcp"."""

    def __call__(self, decoder: DecodePDU) -> FramerBase: ...


FRAMINGS: dict[str, Framing] = {"rtu": FramerRTU, "tcp": FramerSocket}


class Exchange:
    """frame: send it once. receive: feed what arrives until it returns the answer."""

    def __init__(self, framing: str, request: ModbusPDU, transaction: int = 0) -> None:
        self._framer = FRAMINGS[framing](DecodePDU(False))
        self._request = request
        request.transaction_id = transaction if framing == "tcp" else 0
        self._received = b""
        self.frame = self._framer.buildFrame(request)

    def receive(self, data: bytes) -> ModbusPDU | None:
        """The answer, or None while it is incomplete. Raises Garbled or Refused."""
        self._received += data
        if len(self._received) > ANSWER_BYTES_MAX:
            raise Garbled("too much noise")
        try:
            used, answer = self._framer.handleFrame(self._received, self._request.dev_id, self._request.transaction_id)
        except (ModbusException, ValueError, IndexError) as error:
            raise Garbled(str(error)) from None
        self._received = self._received[used:]
        if answer is None or answer.function_code & 0x7F != self._request.function_code:
            return None
        if isinstance(answer, ExceptionResponse):
            raise Refused(answer.exception_code)
        return answer
