"""Command and response APDUs of ISO/IEC 7816-4, as far as reading an eMRTD needs them (ICAO Doc 9303-10, 3.6).

Short length fields only. READ BINARY reaches 32,767 with its offset in P1-P2; beyond, the odd instruction takes the offset as a
data object (7816-4, 7.2.3).
"""

from __future__ import annotations

from dataclasses import dataclass

SELECT, READ_BINARY, READ_BINARY_ODD = 0xA4, 0xB0, 0xB1
APPLICATION = bytes.fromhex("A0000002471001")  # eMRTD application, Doc 9303-10, 3.5
EF_COM, EF_DG1, EF_DG2, EF_DG3 = 0x011E, 0x0101, 0x0102, 0x0103  # file identifiers, Doc 9303-10, table 37
EVEN_OFFSET_MAX = 0x7FFF
LE_MAX = 256

SW_OK = 0x9000
SW_END_OF_FILE = 0x6282  # fewer bytes than asked for
SW_WRONG_LENGTH = 0x6700
SW_ACCESS_DENIED = 0x6982  # security status not satisfied
SW_NOT_ALLOWED = 0x6986  # no current file
SW_WRONG_DATA = 0x6A80
SW_NOT_FOUND = 0x6A82
SW_WRONG_PARAMETERS = 0x6A86
SW_WRONG_OFFSET = 0x6B00
SW_WRONG_LE = 0x6C00  # low byte: the right one
SW_UNKNOWN_INSTRUCTION = 0x6D00

_OFFSET_TAG, _DATA_TAG = 0x54, 0x53  # data objects of the odd READ BINARY


@dataclass(frozen=True, slots=True, repr=False)
class Command:
    """cla, ins, p1, p2: 0-255. data: at most 255 bytes. le: bytes expected, 0-256."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int = 0

    def encode(self) -> bytes:
        body = bytes([len(self.data)]) + self.data if self.data else b""
        tail = bytes([self.le % LE_MAX]) if self.le else b""
        return bytes([self.cla, self.ins, self.p1, self.p2]) + body + tail

    def __repr__(self) -> str:
        return f"Command(ins={self.ins:02X})"


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """data: at most 256 bytes. sw: status word."""

    data: bytes
    sw: int

    def encode(self) -> bytes:
        return self.data + self.sw.to_bytes(2, "big")

    def __repr__(self) -> str:
        return f"Response(size={len(self.data)}, sw={self.sw:04X})"


def parse_command(message: bytes) -> Command | None:
    """None if it is not a command with short length fields."""
    if len(message) < 4:
        return None
    cla, ins, p1, p2 = message[:4]
    body = message[4:]
    if not body:
        return Command(cla, ins, p1, p2)
    if len(body) == 1:
        return Command(cla, ins, p1, p2, b"", body[0] or LE_MAX)
    size, rest = body[0], body[1:]
    if size == 0 or len(rest) not in (size, size + 1):
        return None
    le = (rest[size] or LE_MAX) if len(rest) > size else 0
    return Command(cla, ins, p1, p2, rest[:size], le)


def parse_response(message: bytes) -> Response | None:
    """None if it is too short to hold a status word."""
    if len(message) < 2:
        return None
    return Response(message[:-2], int.from_bytes(message[-2:], "big"))


def select_application() -> Command:
    return Command(0x00, SELECT, 0x04, 0x0C, APPLICATION)


def select_file(identifier: int) -> Command:
    return Command(0x00, SELECT, 0x02, 0x0C, identifier.to_bytes(2, "big"))


def read_binary(offset: int, size: int) -> Command:
    """size bytes of the current file from offset. offset: below 2**24. size: 1-256, of which beyond EVEN_OFFSET_MAX a few are
    spent on the data object around the content."""
    if offset <= EVEN_OFFSET_MAX:
        return Command(0x00, READ_BINARY, offset >> 8, offset & 0xFF, b"", size)
    return Command(0x00, READ_BINARY_ODD, 0, 0, bytes([_OFFSET_TAG, 3]) + offset.to_bytes(3, "big"), size)


def odd_offset(data: bytes) -> int | None:
    """The offset in the data of an odd READ BINARY; None if it is malformed."""
    if len(data) < 3 or data[0] != _OFFSET_TAG or data[1] != len(data) - 2 or len(data) > 6:
        return None
    return int.from_bytes(data[2:], "big")


def wrap_content(content: bytes) -> bytes:
    """The data object in which an odd READ BINARY returns content (at most 255 bytes)."""
    size = bytes([len(content)]) if len(content) < 0x80 else bytes([0x81, len(content)])
    return bytes([_DATA_TAG]) + size + content


def unwrap_content(data: bytes) -> bytes | None:
    """None unless data is exactly one such data object."""
    if len(data) < 2 or data[0] != _DATA_TAG:
        return None
    start = 2 if data[1] < 0x80 else 3
    if start == 3 and (data[1] != 0x81 or len(data) < 3):
        return None
    size = data[start - 1]
    return data[start:] if len(data) == start + size else None
