"""Modbus frames: the questions of a client and the one answer to each (Application Protocol 1.1b3, 6; Serial Line 1.02, 2.5.1).

    RTU   unit function data CRC(2, low byte first)      no length: it follows from the function; silence parts frames
    TCP   transaction(2) protocol 0(2) length(2) unit function data

    1 2   read coils / discrete inputs     address count           answer: size, bits from the lowest
    3 4   read holding / input registers   address count           answer: size, values, high byte first
    5 6   write one coil / register        address value           answer: the same again
    15 16 write coils / registers          address count size ...  answer: address count
    refused: function + 0x80, exception code

On the wire: noise before, inside or after the answer; an answer cut off; the late answer to an earlier question; an answer of another
unit; on a two-wire bus our own question again. Whatever is not the answer to this question is skipped byte by byte and counted, and the
question ends by its time limit: it is never sent again from here, because a command sent twice is done twice. The echo of a written
coil or register is the very frame that acknowledges it: no writer may believe an acknowledgement that it has not read back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ANSWER_BYTES_MAX = 512  # two frames of the largest size; noise beyond it ends the exchange
PORTION_BYTES = 256  # chosen: however much comes at once, the buffer stays small
REFUSED = 0x80  # Application Protocol 1.1b3, 4.1: set in the function code of an exception
BITS_PER_READ_MAX = 2000  # Application Protocol 1.1b3, 6.1
REGISTERS_PER_READ_MAX = 125  # Application Protocol 1.1b3, 6.3
COIL_ON = 0xFF00  # Application Protocol 1.1b3, 6.5

_HEADER_BYTES = 7  # of a TCP frame, unit included
_CRC_BYTES = 2


class Table(StrEnum):
    """The four tables of a device (Application Protocol 1.1b3, 4.3)."""

    COIL = "coil"
    DISCRETE = "discrete"
    HOLDING = "holding"
    INPUT = "input"

    @property
    def of_bits(self) -> bool:
        return self in (Table.COIL, Table.DISCRETE)


READ_FUNCTIONS = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16


class Framing(StrEnum):
    RTU = "rtu"
    TCP = "tcp"


class Garbled(Exception):
    """What arrived cannot become the answer any more."""


class Refused(Exception):
    """The device answered with a Modbus exception."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Question:
    """unit: 1 to 247. pdu: function and data. answer_size: bytes of the PDU of an answer that is no exception."""

    unit: int
    pdu: bytes
    answer_size: int

    @property
    def function(self) -> int:
        return self.pdu[0]

    def frame(self, framing: Framing, transaction: int = 0) -> bytes:
        body = bytes([self.unit]) + self.pdu
        if framing is Framing.RTU:
            return body + crc(body).to_bytes(_CRC_BYTES, "little")
        return transaction.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body

    @property
    def kind(self) -> tuple[int, int]:
        """What an RTU answer has in common with answers to other questions: it could pass for one of theirs."""
        return self.function, self.answer_size

    def longer(self) -> Question:
        """A reading from the same place whose answer has another size."""
        bits = self.function in (READ_FUNCTIONS[Table.COIL], READ_FUNCTIONS[Table.DISCRETE])
        count = int.from_bytes(self.pdu[3:5], "big") + (8 if bits else 1)
        return Question(self.unit, self.pdu[:3] + count.to_bytes(2, "big"), self.answer_size + (1 if bits else 2))

    def answered_by(self, pdu: bytes) -> bool:
        """Whether pdu, no exception, belongs to this question as far as it shows."""
        if len(pdu) != self.answer_size or pdu[0] != self.function:
            return False
        if self.function in (WRITE_COIL, WRITE_REGISTER):
            return pdu == self.pdu
        if self.function in (WRITE_COILS, WRITE_REGISTERS):
            return pdu == self.pdu[:5]
        return pdu[1] == self.answer_size - 2


def read(table: Table, unit: int, address: int, count: int = 1) -> Question:
    size = -(-count // 8) if table.of_bits else 2 * count
    return Question(unit, _head(READ_FUNCTIONS[table], address, count), 2 + size)


def write_coil(unit: int, address: int, value: int) -> Question:
    """value: COIL_ON or 0, or what a vendor's own coil takes."""
    return Question(unit, _head(WRITE_COIL, address, value), 5)


def write_register(unit: int, address: int, value: int, *, multiple: bool = False) -> Question:
    """multiple: by the function for several registers; some devices know no other."""
    if not multiple:
        return Question(unit, _head(WRITE_REGISTER, address, value), 5)
    return Question(unit, _head(WRITE_REGISTERS, address, 1) + b"\x02" + value.to_bytes(2, "big"), 5)


def values(table: Table, pdu: bytes, count: int) -> list[int]:
    """The count first values of an answer that reads table."""
    data = pdu[2:]
    if table.of_bits:
        return [data[index >> 3] >> (index & 7) & 1 for index in range(count)]
    return [data[2 * index] << 8 | data[2 * index + 1] for index in range(count)]


class Answer:
    """Collects the answer to one question. skipped: bytes that were not it."""

    def __init__(self, question: Question, framing: Framing, transaction: int = 0) -> None:
        self._question = question
        self._framing = framing
        self._transaction = transaction
        self._received = b""
        self._total = 0
        self.skipped = 0

    def feed(self, data: bytes) -> bytes | None:
        """The answer's PDU, or None while there is none. Raises Garbled or Refused."""
        for start in range(0, len(data), PORTION_BYTES):
            portion = data[start : start + PORTION_BYTES]
            self._received += portion
            self._total += len(portion)
            pdu = self._find()
            if pdu is not None and pdu[0] & REFUSED:
                raise Refused(pdu[1])
            if pdu is not None:
                return pdu
            if self._total > ANSWER_BYTES_MAX:
                raise Garbled("too much noise")
        return None

    def _find(self) -> bytes | None:
        while True:
            size, pdu = self._rtu() if self._framing is Framing.RTU else self._tcp()
            if pdu is not None or not size:
                return pdu
            self.skipped += size
            self._received = self._received[size:]

    def _rtu(self) -> tuple[int, bytes | None]:
        """How many bytes at the front are not the answer, 0 if more must come; or the answer."""
        received, question = self._received, self._question
        if len(received) < 2:
            return 0, None
        if received[0] != question.unit or received[1] & ~REFUSED != question.function:
            return 1, None
        size = 3 if received[1] & REFUSED else 1 + question.answer_size
        if len(received) < size + _CRC_BYTES:
            return 0, None
        pdu = received[1:size]
        if crc(received[: size + _CRC_BYTES]):  # over a frame and its own CRC it is 0
            return 1, None
        return (0, pdu) if pdu[0] & REFUSED or question.answered_by(pdu) else (1, None)

    def _tcp(self) -> tuple[int, bytes | None]:
        """As _rtu. A stream has no noise: what has no header ends the exchange; other frames are skipped whole."""
        received, question = self._received, self._question
        if len(received) < _HEADER_BYTES + 1:
            return 0, None
        length = int.from_bytes(received[4:6], "big")
        if received[2:4] != b"\0\0" or not 2 <= length <= 254:  # Messaging on TCP/IP 1.0b, 3.1.3
            raise Garbled("not a Modbus/TCP frame")
        size = _HEADER_BYTES - 1 + length
        if len(received) < size:
            return 0, None
        pdu = received[_HEADER_BYTES:size]
        if int.from_bytes(received[:2], "big") != self._transaction or received[6] != question.unit:
            return size, None
        refused = pdu[0] == question.function | REFUSED and len(pdu) == 2
        return (0, pdu) if refused or question.answered_by(pdu) else (size, None)


def _head(function: int, address: int, value: int) -> bytes:
    return bytes([function]) + address.to_bytes(2, "big") + value.to_bytes(2, "big")


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc(data: bytes) -> int:
    """Serial Line 1.02, 6.2.2: polynomial 0xA001 reflected, all ones at the start; the low byte is sent first."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC_TABLE[(value ^ byte) & 0xFF]
    return value
