"""The chip half: a whole simulated eMRTD, command by command, and the same behind vpcd frames.

    PACE, BAC or neither -> secure messaging -> files, by SELECT or short identifier; chip, terminal, active authentication

A protected command that does not verify, and a command without protection, end the channel: the chip forgets keys and rights.

Not modelled: the contactless protocol below APDUs, the time a chip takes, delays after wrong passwords, logical channels, GET RESPONSE.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from hw.emrtd.chip.access import Access
from hw.emrtd.chip.files import ATR as ATR_FILE
from hw.emrtd.chip.files import CVCA, Files, ef_atr
from hw.emrtd.chip.personalisation import Limits, Personalisation
from hw.emrtd.protocol.secure_messaging import SecureMessagingError
from hw.emrtd.protocol.terminal_authentication_chip import TrustPoints
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response
from hw.emrtd.wire.frame import (
    CONTROL_ATR,
    CONTROL_OFF,
    CONTROL_ON,
    CONTROL_RESET,
    Decoder,
    encode,
)

CHAIN_SIZE_MAX = 4096  # chosen: a certificate with RSA of 4096 bits has some 1,200 bytes
_NO_CHIP = b""
_CLASSES = apdu.CLA_CHAINED | apdu.CLA_SECURE


class ChipApplication:
    """One document's chip, command APDU by response APDU. entropy: random bytes, as many as asked for.

    Raises DocumentError if personalisation names trust points that are none.
    """

    def __init__(self, personalisation: Personalisation, entropy: Callable[[int], bytes]) -> None:
        self.personalisation = personalisation
        self._trust = TrustPoints(personalisation.cvca) if personalisation.cvca else None  # outlives a reset
        self._entropy = entropy
        self._access = self._locked()
        self._files = Files(self._content, lambda name: self._access.may_read(name))
        self._chain: Command | None = None

    @property
    def content_read_size(self) -> int:
        """Bytes of files handed out since the document was made."""
        return self._files.read_size

    @property
    def protected(self) -> bool:
        """Whether a channel is open."""
        return self._access.messaging is not None

    def reset(self) -> None:
        """The field was switched off: what readers proved is forgotten."""
        self._lock()
        self._files.reset()

    def execute(self, message: bytes) -> bytes:
        """The answer to one command APDU, whatever it is."""
        command = apdu.parse_command(message)
        if command is None:
            return self._refused(apdu.SW_WRONG_LENGTH).encode()
        if command.cla & ~_CLASSES or command.cla & apdu.CLA_SECURE not in (0, apdu.CLA_SECURE):
            return self._refused(apdu.SW_UNKNOWN_CLASS).encode()
        limits = self.personalisation.limits
        if len(command.data) > limits.data_max or (command.extended and not limits.extended):
            return self._refused(apdu.SW_WRONG_LENGTH).encode()
        if command.cla & apdu.CLA_SECURE:
            return self._execute_protected(command).encode()
        if self.protected:
            self._lock()
        response = self._run(command, min(command.le, _room(limits)))
        self._access.settle()
        return response.encode()

    def _execute_protected(self, command: Command) -> Response:
        messaging = self._access.messaging
        if messaging is None:
            return Response(b"", apdu.SW_SM_WRONG)
        try:
            plain = messaging.unwrap_command(command)
            room = messaging.content_max(min(command.le, _room(self.personalisation.limits)))
            response = messaging.wrap_response(self._run(plain, room))
        except SecureMessagingError as error:
            return self._refused(apdu.SW_SM_MISSING if error.cause == "malformed" else apdu.SW_SM_WRONG)
        self._access.settle()
        return response

    def _refused(self, sw: int) -> Response:
        """An answer without protection, which ends the channel if there is one."""
        if self.protected:
            self._lock()
        return Response(b"", sw)

    def _locked(self) -> Access:
        return Access(self.personalisation, self._trust, self._entropy)

    def _lock(self) -> None:
        """Forgets keys, rights and what was half said."""
        self._access.wipe()
        self._access, self._chain = self._locked(), None

    def _run(self, command: Command, room: int) -> Response:
        """room: the most data that the response may have."""
        limits = self.personalisation.limits
        if command.le > limits.le_max and not (command.le == apdu.EXTENDED_LE_MAX and limits.extended):
            named = limits.le_refusal == apdu.SW_WRONG_LE and limits.le_max <= apdu.LE_MAX
            return Response(b"", apdu.SW_WRONG_LE | limits.le_max & 0xFF if named else apdu.SW_WRONG_LENGTH)
        if command.ins == apdu.SELECT:
            return self._files.select(command)
        if command.ins in (apdu.READ_BINARY, apdu.READ_BINARY_ODD):
            most = room if limits.answer_max is None else min(room, limits.answer_max)
            return self._files.read(command, most)
        whole = self._chained(command)
        if isinstance(whole, Response):
            return whole
        response = self._access.answer(whole, in_application=self._files.in_application)
        if response is None:
            return Response(b"", apdu.SW_UNKNOWN_INSTRUCTION)
        return response if len(response.data) <= room else Response(b"", apdu.SW_WRONG_LENGTH)

    def _chained(self, command: Command) -> Command | Response:
        """The whole command once its last link is here. GENERAL AUTHENTICATE answers every link."""
        if command.ins == apdu.GENERAL_AUTHENTICATE:
            return command
        begun, self._chain = self._chain, None
        if begun is not None:
            if (begun.ins, begun.p1, begun.p2) != (command.ins, command.p1, command.p2):
                return Response(b"", apdu.SW_CHAIN_EXPECTED)
            command = replace(command, data=begun.data + command.data)
        if len(command.data) > CHAIN_SIZE_MAX:
            return Response(b"", apdu.SW_WRONG_LENGTH)
        if not command.cla & apdu.CLA_CHAINED:
            return command
        self._chain = command
        return Response(b"", apdu.SW_OK)

    def _content(self, name: str) -> bytes | None:
        if name == CVCA:
            return None if self._trust is None else self._trust.ef_cvca()
        if name == ATR_FILE:
            return ef_atr(self.personalisation.limits)
        return self.personalisation.files.get(name)


def _room(limits: Limits) -> int:
    """The most data that any response may have."""
    return max(limits.le_max, apdu.LE_MAX)


class Chip:
    """One document's chip behind vpcd frames, or an empty field. Bytes in, bytes out; another document may be laid in its place."""

    def __init__(self, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._entropy = entropy
        self._decoder = Decoder()
        self._application: ChipApplication | None = None
        self._powered = False

    @property
    def content_read_size(self) -> int:
        """Bytes of files handed out since the document came."""
        return 0 if self._application is None else self._application.content_read_size

    def insert(self, personalisation: Personalisation) -> None:
        """A document comes into the field."""
        self.remove()
        self._application = ChipApplication(personalisation, self._entropy)

    def remove(self) -> None:
        self._power_off()
        self._application = None

    def receive(self, data: bytes, now: float) -> bytes:
        """What the chip sends back. Nothing at all to a command while no chip is there, or it has no power."""
        messages = self._decoder.feed(data, now)
        if self._decoder.broken:
            self._decoder.reset()
        return b"".join(self._answer(message) for message in messages)

    def _answer(self, message: bytes) -> bytes:
        if message == CONTROL_ATR:
            return encode(_NO_CHIP if self._application is None else atr(self._application.personalisation.limits))
        if message in (CONTROL_OFF, CONTROL_ON, CONTROL_RESET):
            self._power_off()
            self._powered = message != CONTROL_OFF and self._application is not None
            return b""
        if not self._powered or not message or self._application is None:
            return b""
        return encode(self._application.execute(message))

    def _power_off(self) -> None:
        self._powered = False
        if self._application is not None:
            self._application.reset()


def atr(limits: Limits) -> bytes:
    """Answer to reset as PC/SC part 3 (3.1.3.2.3) builds it for a contactless chip. Historical bytes: none, or card capabilities that
    tell of extended length fields (7816-4, 12.1.1)."""
    historical = b"\x80\x73\x80\x01\x40" if limits.extended else b""
    content = bytes([0x80 | len(historical), 0x80, 0x01]) + historical
    check = 0
    for octet in content:
        check ^= octet
    return b"\x3b" + content + bytes([check])
