"""Modbus frames by function, address and count. Bits and single registers are shown; values of many registers are not: some boards
put card numbers there.

    RTU   unit function data CRC(2)          TCP   transaction(2) 0(2) length(2) unit function data
    Modbus Application Protocol 1.1b3, section 6; Modbus over Serial Line 1.02, 2.5.1
"""

from __future__ import annotations

from collections.abc import Iterator

from hw.link.trace.record import Cutter, Direction, Told

FUNCTIONS = {
    1: "read coils",
    2: "read discrete inputs",
    3: "read holding registers",
    4: "read input registers",
    5: "write coil",
    6: "write register",
    15: "write coils",
    16: "write registers",
}
_READS, _WRITES_ONE, _WRITES_MANY = frozenset({1, 2, 3, 4}), frozenset({5, 6}), frozenset({15, 16})
_BITS = frozenset({1, 2, 15})
_EXCEPTION = 0x80
_CRC_BYTES, _PREFIX_BYTES, _PDU_BYTES_MAX = 2, 6, 253


def reader(direction: Direction, *, tcp: bool) -> Cutter:
    asks = direction is Direction.TO_DEVICE
    measure = _measure_tcp if tcp else lambda data: _measure_rtu(data, asks)
    return Cutter(measure, lambda frame: _tell(frame, asks, tcp=tcp))


def _measure_rtu(data: bytes, asks: bool) -> int | None:
    if len(data) < 3:
        return None if len(data) < 2 or _is_known(data[1]) else 0
    pdu = _pdu_size(data[1:], asks)
    if pdu is None:
        return None
    size = 1 + pdu + _CRC_BYTES
    if pdu == 0 or len(data) < size:
        return None if pdu else 0
    return size if _crc(data[: size - 2]) == int.from_bytes(data[size - 2 : size], "little") else 0


def _measure_tcp(data: bytes) -> int | None:
    if len(data) < _PREFIX_BYTES:
        return None
    length = int.from_bytes(data[4:6], "big")
    if data[2:4] != b"\0\0" or not 2 <= length <= _PDU_BYTES_MAX + 1:
        return 0
    return _PREFIX_BYTES + length


def _is_known(function: int) -> bool:
    return function & ~_EXCEPTION in FUNCTIONS


def _pdu_size(pdu: bytes, asks: bool) -> int | None:
    """Of function and data; None if it cannot be told yet, 0 if it is no frame of this direction."""
    function = pdu[0]
    if function & _EXCEPTION:
        return 2 if _is_known(function) and not asks else 0
    if function in _WRITES_ONE or (function in _READS and asks) or (function in _WRITES_MANY and not asks):
        return 5
    if function in _READS:
        return 2 + pdu[1]
    if function in _WRITES_MANY:
        return None if len(pdu) < 6 else 6 + pdu[5]
    return 0


def _crc(data: bytes) -> int:
    """Modbus over Serial Line 1.02, 6.2.2: CRC-16 with polynomial A001 reflected, start FFFF."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def _table() -> Iterator[int]:
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        yield crc


_TABLE = tuple(_table())


def _tell(frame: bytes, asks: bool, *, tcp: bool) -> Told:
    unit, pdu = (frame[6], frame[7:]) if tcp else (frame[0], frame[1:-_CRC_BYTES])
    function = pdu[0]
    if not _is_known(function) or _pdu_size(pdu + bytes(6), asks) != len(pdu):
        return Told(len(frame), f"unit {unit}, function {function}")
    words, seen = (_ask_words if asks else _answer_words)(pdu)
    name = FUNCTIONS[function & ~_EXCEPTION]
    return Told(len(frame), f"unit {unit}, {name}, {words}", frame if seen else b"")


def _ask_words(pdu: bytes) -> tuple[str, bool]:
    address = f"address {_number(pdu, 1)}"
    if pdu[0] in _WRITES_ONE:
        return f"{address}, value {_number(pdu, 3)}", True
    return f"{address}, count {_number(pdu, 3)}", pdu[0] in _READS | _BITS


def _answer_words(pdu: bytes) -> tuple[str, bool]:
    if pdu[0] & _EXCEPTION:
        return f"exception {pdu[1]}", True
    if pdu[0] in _READS:
        is_bits = pdu[0] in _BITS
        return f"{pdu[1]} bytes of bits" if is_bits else f"{pdu[1] // 2} registers, values not shown", is_bits
    return f"address {_number(pdu, 1)}, {'value' if pdu[0] in _WRITES_ONE else 'count'} {_number(pdu, 3)}", True


def _number(pdu: bytes, at: int) -> int:
    return int.from_bytes(pdu[at : at + 2], "big")
