"""The sensor's half of the protocol: a simulated fingerprint sensor, for tests and the simulated gate.

    sensor = FingerPeripheral()
    port = FingerPort(sensor, open_pty_master(path, baud=57_600), time.monotonic)
    pump = Pump("finger", port.poll)
    sensor.lay(picture)          # (h, w) uint8, 500 dpi, dark ridges; what is beyond the window is not seen
    sensor.lay(picture, Placement.DRY)
    sensor.lift()

All may be called, and all attributes below set, from any thread at any time:

    silent            answers nothing (hangs, or its cable is cut)
    password          4 bytes; a host must prove it first, unless it is the public default
    greetings         instructions it knows besides; empty: a ZFM-20
    knows_parameters  False: READ_SYS_PARA is refused (R308)
    judges            False: IMG2TZ is refused
    judging_spoils    IMG2TZ leaves something else in the image buffer; no manual says that it does not
    deaf              so many commands more are answered as not received whole
    damage            changes the packets of an upload, each as bytes, its confirmation first
    baud, packet_size as the host set them; registers, not pace: the link's owner paces the bytes
    looks, uploads, lit   how often a host asked for a picture, for the image; whether it switched the light on

Not modelled: time (a picture takes a sensor some 0.3 s), its library of templates, the wake-up line, optics (the picture is quantised
to 4 bits as it is; a placement only changes the codes), its 55 at power-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from hw.finger.frame import ADDRESS_DEFAULT, Decoder, Packet, PacketType, encode
from hw.finger.messages import (
    BAUD_CODE_DEFAULT,
    BAUD_CODE_MAX,
    PACKET_CODE_DEFAULT,
    PACKET_SIZES,
    PASSWORD_DEFAULT,
    Code,
    Instruction,
    Parameters,
    Register,
)
from hw.finger.picture import R30X, Model, pack
from hw.link.base import Link, LinkLost

READ_SIZE = 4096
POLL_S = 0.01
LIBRARY_SIZE = 1000  # R307
SYSTEM = 9  # what an R307 says


class Placement(Enum):
    """How a finger lies there."""

    GOOD = auto()
    DRY = auto()
    WET = auto()
    PARTIAL = auto()
    SMUDGED = auto()
    MOVING = auto()


JUDGEMENT = {
    Placement.DRY: Code.TOO_DRY,
    Placement.WET: Code.TOO_WET,
    Placement.PARTIAL: Code.TOO_FEW_FEATURES,
    Placement.SMUDGED: Code.DISORDERLY,
}
Damage = Callable[[Sequence[bytes]], Sequence[bytes]]


class FingerPeripheral:
    """Bytes in, bytes out. now: seconds, monotonic."""

    def __init__(
        self, model: Model = R30X, password: bytes = PASSWORD_DEFAULT, address: bytes = ADDRESS_DEFAULT
    ) -> None:
        self.password = password
        self.silent = False
        self.deaf = 0
        self.greetings = frozenset({Instruction.GET_ECHO, Instruction.HAND_SHAKE})
        self.knows_parameters = self.judges = True
        self.judging_spoils = False
        self.damage: Damage = list
        self.looks = self.uploads = 0
        self.lit = False
        self._model, self._address = model, address
        self._decoder = Decoder(address)
        self._packet_code, self._baud_code = PACKET_CODE_DEFAULT, BAUD_CODE_DEFAULT
        self._proven = False
        self._finger: tuple[bytes, Placement] | None = None
        self._image: bytes | None = None

    @property
    def packet_size(self) -> int:
        return PACKET_SIZES[self._packet_code]

    @property
    def baud(self) -> int:
        return self._parameters.baud

    def lay(self, picture: NDArray[np.uint8], placement: Placement = Placement.GOOD) -> None:
        """A finger with this print lies on the sensor, instead of any other."""
        self._finger = (pack(picture, self._model), placement)

    def lift(self) -> None:
        self._finger = None

    def restart(self) -> None:
        """Power went and came: the password is to be proven again, the image is gone; registers stay."""
        self._proven, self._image = False, None
        self._decoder = Decoder(self._address)

    def receive(self, data: bytes, now: float) -> bytes:
        """What it answers to data."""
        answers = [
            self._answer(packet.payload)
            for packet in self._decoder.feed(data, now)
            if packet.type is PacketType.COMMAND and packet.payload
        ]
        return b"" if self.silent else b"".join(answers)

    def _answer(self, command: bytes) -> bytes:
        code, arguments = command[0], command[1:]
        if self.deaf > 0:
            self.deaf -= 1
            return self._confirm(Code.PACKET_ERROR)
        if code == Instruction.VFY_PWD:
            self._proven = arguments == self.password
            return self._confirm(Code.OK if self._proven else Code.WRONG_PASSWORD)
        if not self._proven and self.password != PASSWORD_DEFAULT:
            return self._confirm(Code.PASSWORD_NEEDED)
        if code in self.greetings:
            return self._confirm(Code.ECHO if code == Instruction.GET_ECHO else Code.OK)
        if code == Instruction.READ_SYS_PARA and self.knows_parameters:
            return self._acknowledge(bytes([Code.OK]) + self._parameters.encode())
        if code == Instruction.UP_IMAGE:
            return self._upload()
        return self._confirm(self._carry_out(code, arguments))

    def _carry_out(self, code: int, arguments: bytes) -> Code:
        if code == Instruction.GEN_IMG:
            return self._take_picture()
        if code == Instruction.IMG2TZ and self.judges:
            return self._judge()
        if code == Instruction.SET_SYS_PARA and len(arguments) == 2:
            return self._set(arguments[0], arguments[1])
        if code == Instruction.AURA_LED and len(arguments) == 4 and self._model.aura:
            self.lit = arguments[0] != 4
            return Code.OK
        if code in (Instruction.LED_ON, Instruction.LED_OFF) and not self._model.aura:
            self.lit = code == Instruction.LED_ON
            return Code.OK
        return Code.PACKET_ERROR

    def _take_picture(self) -> Code:
        self.looks += 1
        finger = self._finger
        if finger is None:
            return Code.NO_FINGER
        self._image, placement = finger
        return Code.IMAGE_FAILED if placement is Placement.MOVING else Code.OK

    def _judge(self) -> Code:
        if self._image is None:
            return Code.NO_IMAGE
        if self.judging_spoils:
            self._image = bytes(len(self._image))
        return JUDGEMENT.get(self._finger[1], Code.OK) if self._finger is not None else Code.OK

    def _set(self, register: int, value: int) -> Code:
        if register == Register.PACKET_SIZE and value < len(PACKET_SIZES):
            self._packet_code = value
        elif register == Register.BAUD and 0 < value <= BAUD_CODE_MAX:
            self._baud_code = value
        else:
            return Code.NO_REGISTER
        return Code.OK

    def _upload(self) -> bytes:
        self.uploads += 1
        if self._image is None:
            return self._confirm(Code.CANNOT_UPLOAD)
        size, image = self.packet_size, self._image
        packets = [
            encode(Packet(PacketType.DATA, image[at : at + size]), self._address)
            for at in range(0, len(image) - size, size)
        ]
        packets.append(encode(Packet(PacketType.END, image[-size:]), self._address))
        return b"".join(self.damage([self._confirm(Code.OK), *packets]))

    @property
    def _parameters(self) -> Parameters:
        return Parameters(0, SYSTEM, LIBRARY_SIZE, 3, self._address, self._packet_code, self._baud_code)

    def _confirm(self, code: Code) -> bytes:
        return self._acknowledge(bytes([code]))

    def _acknowledge(self, payload: bytes) -> bytes:
        return encode(Packet(PacketType.ACK, payload), self._address)


class FingerPort:
    """Joins a simulated sensor to a link; poll is run by one thread (hw.link.pump)."""

    def __init__(self, sensor: FingerPeripheral, link: Link, clock: Callable[[], float]) -> None:
        self._sensor, self._link, self._clock = sensor, link, clock

    def poll(self) -> None:
        try:
            if data := self._link.read(READ_SIZE, POLL_S):
                self._link.write(self._sensor.receive(data, self._clock()))
        except LinkLost:
            return
