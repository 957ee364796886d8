"""Commands to a PN532 and what it answers (UM0701-02, section 7): as far as a chip reader and its simulated controller need them.

The answer to command code c has the code c + 1. What is not named here stays as bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Code(IntEnum):
    DIAGNOSE = 0x00
    GET_FIRMWARE_VERSION = 0x02
    GET_GENERAL_STATUS = 0x04
    READ_REGISTER = 0x06
    WRITE_REGISTER = 0x08
    SET_SERIAL_BAUD_RATE = 0x10
    SET_PARAMETERS = 0x12
    SAM_CONFIGURATION = 0x14
    POWER_DOWN = 0x16
    RF_CONFIGURATION = 0x32
    IN_DATA_EXCHANGE = 0x40
    IN_COMMUNICATE_THRU = 0x42
    IN_DESELECT = 0x44
    IN_LIST_PASSIVE_TARGET = 0x4A
    IN_RELEASE = 0x52
    IN_SELECT = 0x54


class Status(IntEnum):
    """Table 12 of the manual, those a reader of travel documents meets; bits 0-5 of a status byte."""

    OK = 0x00
    TIMEOUT = 0x01  # the chip has not answered
    CRC = 0x02
    PARITY = 0x03
    FRAMING = 0x05
    RF_BUFFER = 0x09
    RF_PROTOCOL = 0x0B
    INTERNAL_BUFFER = 0x0E
    INVALID_PARAMETER = 0x10
    NOT_ACCEPTABLE = 0x27
    RELEASED = 0x29
    EXCHANGED = 0x2A  # another chip answers
    DISAPPEARED = 0x2B


MORE = 0x40  # in the target number of a request and in the status of an answer: the data goes on
STATUS_MASK = 0x3F
PAYLOAD_SIZE_MAX = 262  # of InDataExchange, either way
FIELD, MAX_RETRIES = 0x01, 0x05  # items of RFConfiguration
FIELD_OFF, FIELD_ON = b"\x00", b"\x01"
TYPE_A, TYPE_B = 0x00, 0x03  # modulation and speed of InListPassiveTarget: 106 kbit/s
AUTOMATIC_RATS = 0x10  # in SetParameters: activates ISO/IEC 14443-4 by itself
BAUD_CODES = {
    9_600: 0, 19_200: 1, 38_400: 2, 57_600: 3, 115_200: 4, 230_400: 5, 460_800: 6, 921_600: 7, 1_288_000: 8,
}  # fmt: skip
BAUD_AT_POWER_UP = 115_200
IC_PN532 = 0x32
_ISO_14443_4 = 0x20  # in SEL_RES
_RANDOM_UID = 0x08  # first byte of a UID that changes at each activation (ISO/IEC 14443-3, 6.5.4)
_ATQB_SIZE = 12


@dataclass(frozen=True, slots=True, repr=False)
class TargetA:
    """A chip of type A. sens_res: 2 bytes. ats: with its length byte first, b"" if it was not asked for."""

    sens_res: bytes
    sel_res: int
    uid: bytes
    ats: bytes = b""

    @property
    def has_apdus(self) -> bool:
        """ISO/IEC 14443-4."""
        return bool(self.sel_res & _ISO_14443_4)

    @property
    def identity(self) -> bytes:
        """What stays the same when the field was off."""
        fixed = b"" if self.uid[:1] == bytes([_RANDOM_UID]) and len(self.uid) == 4 else self.uid
        return b"A" + self.sens_res + bytes([self.sel_res]) + self.ats + fixed

    def encode(self) -> bytes:
        return self.sens_res + bytes([self.sel_res, len(self.uid)]) + self.uid + self.ats

    def __repr__(self) -> str:
        return f"TargetA(uid of {len(self.uid)} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class TargetB:
    """A chip of type B. atqb: 12 bytes, from 50. attrib: answer to ATTRIB."""

    atqb: bytes
    attrib: bytes = b"\x00"

    @property
    def has_apdus(self) -> bool:
        return bool(self.atqb[10] & 1)  # ISO/IEC 14443-3, 7.9.4.4: protocol type

    @property
    def identity(self) -> bytes:
        """Without the PUPI, which may be random."""
        return b"B" + self.atqb[5:]

    def encode(self) -> bytes:
        return self.atqb + bytes([len(self.attrib)]) + self.attrib

    def __repr__(self) -> str:
        return "TargetB(redacted)"


def list_passive_target(kind: int) -> bytes:
    """At most one chip of TYPE_A or TYPE_B. For B: any application family."""
    return bytes([Code.IN_LIST_PASSIVE_TARGET, 1, kind]) + (b"\x00" if kind == TYPE_B else b"")


def parse_target(kind: int, data: bytes) -> tuple[int, TargetA | TargetB] | None:
    """Target number and chip from the parameters of the answer to list_passive_target; None if there is none or it is malformed."""
    if len(data) < 2 or data[0] != 1:
        return None
    number, rest = data[1], data[2:]
    target = _parse_a(rest) if kind == TYPE_A else _parse_b(rest)
    return None if target is None else (number, target)


def _parse_a(data: bytes) -> TargetA | None:
    if len(data) < 4 or len(data) < 4 + data[3]:
        return None
    uid, ats = data[4 : 4 + data[3]], data[4 + data[3] :]
    if ats and ats[0] != len(ats):
        return None
    return TargetA(data[:2], data[2], uid, ats)


def _parse_b(data: bytes) -> TargetB | None:
    if len(data) <= _ATQB_SIZE or len(data) != _ATQB_SIZE + 1 + data[_ATQB_SIZE]:
        return None
    return TargetB(data[:_ATQB_SIZE], data[_ATQB_SIZE + 1 :])


def rf_configuration(item: int, value: bytes) -> bytes:
    return bytes([Code.RF_CONFIGURATION, item]) + value


def in_data_exchange(target: int, payload: bytes, *, more: bool = False) -> bytes:
    """payload: at most PAYLOAD_SIZE_MAX bytes, b"" to fetch what an answer has left. more: it goes on in the next command."""
    return bytes([Code.IN_DATA_EXCHANGE, target | (MORE if more else 0)]) + payload


SAM_NORMAL = bytes([Code.SAM_CONFIGURATION, 0x01, 0x00, 0x00])  # no security module, no timeout, no interrupt line
GET_FIRMWARE_VERSION = bytes([Code.GET_FIRMWARE_VERSION])
# Once each for a chip's ATR and PSL, and twice for its activation: the manual's default of ever would keep an empty field waiting.
FEW_RETRIES = rf_configuration(MAX_RETRIES, b"\x01\x01\x02")
