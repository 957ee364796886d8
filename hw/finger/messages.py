"""What host and sensor say to each other: instructions, confirmation codes, system parameters.

Sources: user manuals of GROW R307 (V1.20) and R503 (V1.1), ZhianTec ZFM-20 (V1.4); where they differ it is noted here.
An unknown code is a value: sensors of this family come from several makers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from egate.domain.biometric import Guidance

PASSWORD_SIZE = 4
PASSWORD_DEFAULT = bytes(PASSWORD_SIZE)  # manuals: as delivered. It is public and protects nothing
PACKET_SIZES = (32, 64, 128, 256)  # by the code of the parameter
PACKET_CODE_DEFAULT = 2  # manuals
BAUD_UNIT = 9600
BAUD_CODE_DEFAULT = 6  # manuals: 57,600
BAUD_CODE_MAX = 12  # manuals: 115,200


class Instruction(IntEnum):
    GEN_IMG = 0x01  # take a picture into the image buffer, if a finger is there
    IMG2TZ = 0x02  # find features in the image buffer; its code tells whether the picture is any good
    UP_IMAGE = 0x0A  # send the image buffer as data packets
    SET_SYS_PARA = 0x0E
    READ_SYS_PARA = 0x0F
    VFY_PWD = 0x13
    AURA_LED = 0x35  # R503: ring of light
    HAND_SHAKE = 0x40  # R503, newer R30x; answers OK
    LED_ON = 0x50  # R30x: the light below the prism
    LED_OFF = 0x51
    GET_ECHO = 0x53  # R30x; answers ECHO. ZFM-20 and older know neither of the two greetings


class Code(IntEnum):
    """Confirmation code, the first byte of each answer."""

    OK = 0x00
    PACKET_ERROR = 0x01
    NO_FINGER = 0x02
    IMAGE_FAILED = 0x03
    TOO_DRY = 0x04  # 04 and 05: Synochip's list (AS608), not in GROW's
    TOO_WET = 0x05
    DISORDERLY = 0x06
    TOO_FEW_FEATURES = 0x07  # or too small an area
    CANNOT_UPLOAD = 0x0F
    WRONG_PASSWORD = 0x13
    NO_IMAGE = 0x15
    RESIDUE = 0x17  # of an earlier print
    NO_REGISTER = 0x1A
    PASSWORD_NEEDED = 0x21
    ECHO = 0x55  # answer of GET_ECHO


class Register(IntEnum):
    """Of SET_SYS_PARA."""

    BAUD = 4
    PACKET_SIZE = 6


# What the traveller can do about a picture that is no good.
GUIDANCE: Mapping[int, Guidance] = {
    Code.NO_FINGER: Guidance.PLACE_FINGER,
    Code.IMAGE_FAILED: Guidance.HOLD_STILL,
    Code.TOO_DRY: Guidance.PRESS_HARDER,
    Code.TOO_WET: Guidance.PRESS_LIGHTER,
    Code.DISORDERLY: Guidance.CLEAN_SENSOR,
    Code.TOO_FEW_FEATURES: Guidance.CENTRE_FINGER,
    Code.NO_IMAGE: Guidance.HOLD_STILL,
    Code.RESIDUE: Guidance.CLEAN_SENSOR,
}
GREETINGS: Mapping[bytes, Code] = {
    bytes([Instruction.GET_ECHO]): Code.ECHO,
    bytes([Instruction.HAND_SHAKE]): Code.OK,
}
JUDGE = bytes([Instruction.IMG2TZ, 1])  # into character buffer 1
AURA_WAITING = bytes([Instruction.AURA_LED, 1, 0x80, 2, 0])  # R503: breathing, medium speed, blue, without end
AURA_OFF = bytes([Instruction.AURA_LED, 4, 0, 2, 0])


@dataclass(frozen=True, slots=True)
class Parameters:
    """What READ_SYS_PARA tells. library_size: how many templates the sensor can hold; none is ever stored by us."""

    status: int
    system: int
    library_size: int
    security: int
    address: bytes
    packet_code: int = PACKET_CODE_DEFAULT
    baud_code: int = BAUD_CODE_DEFAULT

    @property
    def packet_size(self) -> int:
        return PACKET_SIZES[self.packet_code]

    @property
    def baud(self) -> int:
        return self.baud_code * BAUD_UNIT

    def __str__(self) -> str:
        return (
            f"R30x system {self.system:04X}, library {self.library_size}, packets {self.packet_size}, {self.baud} baud"
        )

    def encode(self) -> bytes:
        """The answer's payload behind its code."""
        words = (self.status, self.system, self.library_size, self.security)
        tail = (self.packet_code, self.baud_code)
        return (
            b"".join(word.to_bytes(2, "big") for word in words)
            + self.address
            + b"".join(word.to_bytes(2, "big") for word in tail)
        )


PARAMETERS_SIZE = 16


def parse_parameters(answer: bytes) -> Parameters | None:
    """answer: with its code. None if it holds none, or some that cannot be."""
    if len(answer) != 1 + PARAMETERS_SIZE or answer[0] != Code.OK:
        return None
    status, system, library_size, security = (int.from_bytes(answer[at : at + 2], "big") for at in (1, 3, 5, 7))
    packet_code, baud_code = (int.from_bytes(answer[at : at + 2], "big") for at in (13, 15))
    if packet_code >= len(PACKET_SIZES) or not baud_code:
        return None
    return Parameters(status, system, library_size, security, answer[9:13], packet_code, baud_code)


def verify_password(password: bytes) -> bytes:
    return bytes([Instruction.VFY_PWD]) + password


def set_parameter(register: Register, value: int) -> bytes:
    return bytes([Instruction.SET_SYS_PARA, register, value])
