"""Command and response APDUs of ISO/IEC 7816-4 as an eMRTD uses them (ICAO Doc 9303-10, 3.6), both directions.

    case 1   CLA INS P1 P2
    case 2   CLA INS P1 P2 Le                    short: Le 1 byte (00 = 256)
    case 3   CLA INS P1 P2 Lc data
    case 4   CLA INS P1 P2 Lc data Le
    extended: Lc is 00 and two bytes; Le two bytes (0000 = 65,536), preceded by 00 in case 2       (7816-4, 5.1)

Extended fields are used where the data or the expected length needs them, and only there. READ BINARY reaches 32,767 with its offset
in P1-P2; beyond, the odd instruction takes the offset as a data object (7816-4, 11.3.3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hw.emrtd.wire import data_object

SELECT, READ_BINARY, READ_BINARY_ODD = 0xA4, 0xB0, 0xB1
GET_CHALLENGE, EXTERNAL_AUTHENTICATE, INTERNAL_AUTHENTICATE = 0x84, 0x82, 0x88
MANAGE_SECURITY_ENVIRONMENT, GENERAL_AUTHENTICATE, PERFORM_SECURITY_OPERATION = 0x22, 0x86, 0x2A
# 7816-4, 5.4.1: not the last of a chain; secure messaging with authenticated header
CLA_CHAINED, CLA_SECURE = 0x10, 0x0C

APPLICATION = bytes.fromhex("A0000002471001")  # eMRTD application, Doc 9303-10, 3.5
MASTER_FILE = 0x3F00
EF_CARD_ACCESS, EF_CARD_SECURITY = 0x011C, 0x011D  # in the master file, Doc 9303-10, 3.11
EF_COM = 0x011E  # in the application, as the data groups are; Doc 9303-10, table 37
EF_SOD = 0x011D  # in the application; the same identifier as EF.CardSecurity in the master file
FILE_IDENTIFIERS = {
    "card_access": EF_CARD_ACCESS,
    "card_security": EF_CARD_SECURITY,
    "com": EF_COM,
    "sod": EF_SOD,
    **{f"dg{number}": 0x0100 + number for number in range(1, 17)},
}
MASTER_FILE_NAMES = ("card_access", "card_security")

EVEN_OFFSET_MAX = 0x7FFF
DATA_MAX, LE_MAX = 255, 256  # with short length fields
EXTENDED_DATA_MAX, EXTENDED_LE_MAX = 65_535, 65_536

SW_OK = 0x9000
SW_END_OF_FILE = 0x6282  # fewer bytes than asked for
SW_NOT_VERIFIED = 0x6300  # authentication failed
SW_WRONG_LENGTH = 0x6700
SW_CHAIN_EXPECTED = 0x6883  # last command of the chain expected
SW_ACCESS_DENIED = 0x6982  # security status not satisfied
SW_CONDITIONS = 0x6985  # conditions of use not satisfied
SW_NOT_ALLOWED = 0x6986  # no current file
SW_SM_MISSING = 0x6987  # expected secure messaging objects missing
SW_SM_WRONG = 0x6988  # secure messaging objects incorrect
SW_WRONG_DATA = 0x6A80
SW_NOT_SUPPORTED = 0x6A81
SW_NOT_FOUND = 0x6A82
SW_WRONG_PARAMETERS = 0x6A86
SW_REFERENCE_NOT_FOUND = 0x6A88
SW_WRONG_OFFSET = 0x6B00
SW_WRONG_LE = 0x6C00  # low byte: the right one
SW_UNKNOWN_INSTRUCTION = 0x6D00
SW_UNKNOWN_CLASS = 0x6E00

_OFFSET_TAG, _DATA_TAG = 0x54, 0x53  # data objects of the odd READ BINARY


@dataclass(frozen=True, slots=True, repr=False)
class Command:
    """cla, ins, p1, p2: 0-255. data: at most 65,535 bytes. le: bytes expected, 0-65,536; 0 for none."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int = 0

    @property
    def extended(self) -> bool:
        """Whether it needs extended length fields."""
        return len(self.data) > DATA_MAX or self.le > LE_MAX

    @property
    def header(self) -> bytes:
        return bytes([self.cla, self.ins, self.p1, self.p2])

    def encode(self) -> bytes:
        """Raises ValueError if data or le is too long."""
        if len(self.data) > EXTENDED_DATA_MAX or not 0 <= self.le <= EXTENDED_LE_MAX:
            raise ValueError("command too long")
        if not self.extended:
            body = bytes([len(self.data)]) + self.data if self.data else b""
            return self.header + body + (bytes([self.le % LE_MAX]) if self.le else b"")
        body = b"\x00" + len(self.data).to_bytes(2, "big") + self.data if self.data else b"\x00"
        return self.header + body + ((self.le % EXTENDED_LE_MAX).to_bytes(2, "big") if self.le else b"")

    def __repr__(self) -> str:
        return f"Command(ins={self.ins:02X})"


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """data: at most 65,536 bytes. sw: status word."""

    data: bytes
    sw: int

    def encode(self) -> bytes:
        return self.data + self.sw.to_bytes(2, "big")

    def __repr__(self) -> str:
        return f"Response(size={len(self.data)}, sw={self.sw:04X})"


def parse_command(message: bytes) -> Command | None:
    """None if it is none of the seven forms."""
    if len(message) < 4:
        return None
    cla, ins, p1, p2 = message[:4]
    body = message[4:]
    if not body:
        return Command(cla, ins, p1, p2)
    if len(body) == 1:
        return Command(cla, ins, p1, p2, b"", body[0] or LE_MAX)
    if body[0]:
        parts = _split(body[0], body[1:], 1)
    elif len(body) == 3:
        parts = b"", int.from_bytes(body[1:], "big") or EXTENDED_LE_MAX
    else:
        parts = _split(int.from_bytes(body[1:3], "big"), body[3:], 2)
    return None if parts is None else Command(cla, ins, p1, p2, *parts)


def _split(size: int, rest: bytes, le_size: int) -> tuple[bytes, int] | None:
    """Data and Le of rest, which follows an Lc of size."""
    if size == 0 or len(rest) not in (size, size + le_size):
        return None
    if len(rest) == size:
        return rest, 0
    return rest[:size], int.from_bytes(rest[size:], "big") or 1 << 8 * le_size


def parse_response(message: bytes) -> Response | None:
    """None if it is too short to hold a status word, or too long."""
    if not 2 <= len(message) <= EXTENDED_LE_MAX + 2:
        return None
    return Response(message[:-2], int.from_bytes(message[-2:], "big"))


def chained(command: Command, size: int = DATA_MAX) -> tuple[Command, ...]:
    """The command as a chain of commands with at most size bytes of data each (7816-4, 5.3.3). Only the last one expects data."""
    if len(command.data) <= size:
        return (command,)
    parts = [command.data[start : start + size] for start in range(0, len(command.data), size)]
    links = [replace(command, cla=command.cla | CLA_CHAINED, data=part, le=0) for part in parts[:-1]]
    return (*links, replace(command, data=parts[-1]))


def select_application() -> Command:
    return Command(0x00, SELECT, 0x04, 0x0C, APPLICATION)


def select_file(identifier: int) -> Command:
    return Command(0x00, SELECT, 0x02, 0x0C, identifier.to_bytes(2, "big"))


def read_binary(offset: int, size: int) -> Command:
    """size bytes of the current file from offset. offset: below 2**24. size: 1-65,536, of which beyond EVEN_OFFSET_MAX a few are
    spent on the data object around the content (content_overhead)."""
    if offset <= EVEN_OFFSET_MAX:
        return Command(0x00, READ_BINARY, offset >> 8, offset & 0xFF, b"", size)
    return Command(0x00, READ_BINARY_ODD, 0, 0, bytes([_OFFSET_TAG, 3]) + offset.to_bytes(3, "big"), size)


def odd_offset(data: bytes) -> int | None:
    """The offset in the data of an odd READ BINARY; None if it is malformed."""
    if len(data) < 3 or data[0] != _OFFSET_TAG or data[1] != len(data) - 2 or len(data) > 6:
        return None
    return int.from_bytes(data[2:], "big")


def content_overhead(size: int) -> int:
    """Bytes around content so that the whole data object has size bytes: tag and length."""
    return 2 if size < 0x82 else 3 if size < 0x103 else 4 if size < 0x10004 else 5


def wrap_content(content: bytes) -> bytes:
    """The data object in which an odd READ BINARY returns content."""
    return data_object.encode(_DATA_TAG, content)


def unwrap_content(data: bytes) -> bytes | None:
    """None unless data is exactly one such data object."""
    return data_object.single(data, _DATA_TAG)
