"""The server's half of Modbus frames: the requests that arrive for any unit of a line, and the answers to them. See `frame`.

A request has no length of its own on a serial line: functions 1 to 6 have 8 bytes, 15 and 16 tell theirs. On a bad frame one byte
is skipped; a false start is discarded by whoever sees the line silent (`forget`).
"""

from __future__ import annotations

from dataclasses import dataclass

from hw.modbus.frame import PORTION_BYTES, REFUSED, WRITE_COILS, WRITE_REGISTERS, Framing, crc

REQUEST_BYTES_MAX = 260  # Messaging on TCP/IP 1.0b, 4.1: the largest frame
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3  # Application Protocol 1.1b3, 7

_FIXED_FUNCTIONS = frozenset({1, 2, 3, 4, 5, 6})


@dataclass(frozen=True, slots=True)
class Request:
    unit: int
    pdu: bytes
    transaction: int = 0

    @property
    def function(self) -> int:
        return self.pdu[0]

    @property
    def address(self) -> int:
        return int.from_bytes(self.pdu[1:3], "big")

    @property
    def value(self) -> int:
        """What is written, or how many are read or written."""
        return int.from_bytes(self.pdu[3:5], "big")

    def answer(self, pdu: bytes, framing: Framing) -> bytes:
        body = bytes([self.unit]) + pdu
        if framing is Framing.RTU:
            return body + crc(body).to_bytes(2, "little")
        return self.transaction.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body

    def refusal(self, code: int, framing: Framing) -> bytes:
        return self.answer(bytes([self.function | REFUSED, code]), framing)


class RequestDecoder:
    """skipped: bytes that belonged to no request."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._received = b""
        self._aligned = True  # a frame may begin here
        self.skipped = 0

    def feed(self, data: bytes) -> list[Request]:
        found: list[Request] = []
        for start in range(0, len(data), PORTION_BYTES):
            self._received += data[start : start + PORTION_BYTES]
            self._take(found)
        return found

    def _take(self, found: list[Request]) -> None:
        while self._received:
            size, request = self._rtu() if self._framing is Framing.RTU else self._tcp()
            if not size:
                return
            self._received = self._received[size:]
            self._aligned = request is not None
            if request is None:
                self.skipped += size
            else:
                found.append(request)

    def forget(self) -> None:
        """The line was silent: what has begun was never a frame."""
        self.skipped += len(self._received)
        self._received, self._aligned = b"", True

    def _rtu(self) -> tuple[int, Request | None]:
        received = self._received
        if len(received) < 8:
            return 0, None
        size = 8
        if received[1] in (WRITE_COILS, WRITE_REGISTERS):
            size = 9 + received[6]
            if size > REQUEST_BYTES_MAX:
                return 1, None
        elif received[1] not in _FIXED_FUNCTIONS:
            if not self._aligned:
                return 1, None
            size = min(len(received), REQUEST_BYTES_MAX)  # a function we do not know: whatever came at once
        if len(received) < size:
            return 0, None
        if crc(received[:size]):
            return 1, None
        return size, Request(received[0], received[1 : size - 2])

    def _tcp(self) -> tuple[int, Request | None]:
        received = self._received
        if len(received) < 8:
            return 0, None
        length = int.from_bytes(received[4:6], "big")
        if received[2:4] != b"\0\0" or not 2 <= length <= 254:
            return len(received), None  # a stream that lost its place finds no other
        if len(received) < 6 + length:
            return 0, None
        return 6 + length, Request(received[6], received[7 : 6 + length], int.from_bytes(received[:2], "big"))
