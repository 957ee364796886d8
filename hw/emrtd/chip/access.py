"""What a chip's reader has proved, and the commands by which it does: BAC, PACE, chip, terminal and active authentication."""

from __future__ import annotations

from collections.abc import Callable

from egate.document.chip.security_info import PaceInfo, parse_card_access
from egate.domain.chip import CARD_ACCESS, AccessProtocol
from egate.errors import DocumentError
from hw.emrtd.chip.files import ATR, CVCA
from hw.emrtd.chip.personalisation import Personalisation
from hw.emrtd.protocol import (
    active_authentication,
    bac,
    chip_authentication,
    chip_authentication_chip,
    pace,
    pace_chip,
    terminal_authentication,
    terminal_authentication_chip,
)
from hw.emrtd.protocol.pace import Password
from hw.emrtd.protocol.secure_messaging import SecureMessaging
from hw.emrtd.protocol.terminal_authentication_chip import TrustPoints
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response

_OPEN_FILES = (CARD_ACCESS, ATR)  # anybody may read them
_SENSITIVE_FILES = {"dg3": 3, "dg4": 4}  # fingers and irises: a terminal with rights to them only
_DATES_SIZE = 14  # of MRZ_information: birth and expiry with their check digits
_Answer = Callable[[Command], Response]


class Access:
    """One session's rights, from a reset of the chip to the next. messaging: the channel that the next command must come in."""

    def __init__(self, chip: Personalisation, trust: TrustPoints | None, entropy: Callable[[int], bytes]) -> None:
        self._chip, self._trust, self._entropy = chip, trust, entropy
        self.messaging: SecureMessaging | None = None
        self._opened = AccessProtocol.NONE in chip.access
        self._id_icc = chip.mrz_information[:-_DATES_SIZE]  # the document number, until PACE gives another one
        self._bac = bac.ChipHalf(chip.mrz_information, entropy)
        self._pace = pace_chip.ChipHalf(_offers(chip), _passwords(chip), entropy, chip.mapping_key)
        self._agreement = chip_authentication_chip.ChipHalf(chip.chip_authentication_keys)
        self._terminal: terminal_authentication_chip.ChipHalf | None = None
        self._general: _Answer | None = None  # what the last MSE has made of GENERAL AUTHENTICATE
        self._pending: SecureMessaging | None = None  # of BAC, until its answer is out

    def wipe(self) -> None:
        if self.messaging is not None:
            self.messaging.wipe()

    def may_read(self, name: str) -> bool:
        if name in self._chip.denied:
            return False
        if name in _OPEN_FILES:
            return True
        if name in _SENSITIVE_FILES and self._trust is not None:
            return self._terminal is not None and _SENSITIVE_FILES[name] in self._terminal.rights
        return self._opened and (name != CVCA or self._trust is not None)

    def answer(self, command: Command, *, in_application: bool) -> Response | None:
        """None for commands that are none of its matter. The answer goes out in the channel that the command came in; then settle()."""
        match command.ins:
            case apdu.GET_CHALLENGE:
                return self._challenge(command, in_application=in_application)
            case apdu.EXTERNAL_AUTHENTICATE:
                return self._authenticate(command.data)
            case apdu.INTERNAL_AUTHENTICATE:
                return self._prove(command.data)
            case apdu.MANAGE_SECURITY_ENVIRONMENT:
                return self._manage((command.p1, command.p2), command.data)
            case apdu.GENERAL_AUTHENTICATE if self._general is not None:
                return self._general(command)
            case apdu.GENERAL_AUTHENTICATE:
                return Response(b"", apdu.SW_CONDITIONS)
            case apdu.PERFORM_SECURITY_OPERATION if (
                command.p1,
                command.p2,
            ) == terminal_authentication.VERIFY_CERTIFICATE:
                return self._of_terminal(lambda half: half.verify_certificate(command.data))
            case _:
                return None

    def settle(self) -> None:
        """Takes over the keys that the answer before has led to."""
        if self._pace.result is not None:
            self._switch(self._pace.result.messaging)
            self._id_icc, self._opened = self._pace.result.chip_key, True
            self._pace.result = None
        if self._agreement.agreed is not None:
            agreed, self._agreement.agreed = self._agreement.agreed, None
            self._switch(agreed.messaging)
            if self._trust is not None:
                self._terminal = terminal_authentication_chip.ChipHalf(
                    self._trust, self._id_icc, agreed.terminal_key, self._entropy
                )
        if self._pending is not None:
            self._switch(self._pending)
            self._pending, self._opened = None, True

    def _switch(self, messaging: SecureMessaging) -> None:
        self.wipe()
        self.messaging = messaging

    def _challenge(self, command: Command, *, in_application: bool) -> Response:
        if command.le < bac.CHALLENGE_SIZE:
            return Response(b"", apdu.SW_WRONG_LENGTH)
        if self._terminal is not None:
            return Response(self._terminal.challenge(), apdu.SW_OK)
        if AccessProtocol.BAC not in self._chip.access or not in_application or self.messaging is not None:
            return Response(b"", apdu.SW_CONDITIONS)
        return Response(self._bac.challenge(), apdu.SW_OK)

    def _authenticate(self, data: bytes) -> Response:
        """EXTERNAL AUTHENTICATE: of BAC where there is no channel yet, else of the terminal."""
        if self.messaging is not None:
            return self._of_terminal(lambda half: half.external_authenticate(data))
        answered = self._bac.answer(data) if AccessProtocol.BAC in self._chip.access else None
        if answered is None:
            return Response(b"", apdu.SW_NOT_VERIFIED)
        token, self._pending = answered
        return Response(token, apdu.SW_OK)

    def _prove(self, data: bytes) -> Response:
        key = self._chip.active_authentication_key
        if key is None:
            return Response(b"", apdu.SW_UNKNOWN_INSTRUCTION)
        if not self._opened:
            return Response(b"", apdu.SW_ACCESS_DENIED)
        half = active_authentication.ChipHalf(key, self._chip.active_authentication_hash, self._entropy)
        return half.internal_authenticate(data)

    def _manage(self, template: tuple[int, int], data: bytes) -> Response:
        self._general = None
        if template == pace.SET_AUTHENTICATION_TEMPLATE:
            if AccessProtocol.PACE not in self._chip.access or self.messaging is not None:
                return Response(b"", apdu.SW_CONDITIONS)
            self._general = self._pace.general_authenticate
            return self._pace.set_template(data)
        if not self._opened:
            return Response(b"", apdu.SW_ACCESS_DENIED)
        if template == chip_authentication.SET_KEY_AGREEMENT_TEMPLATE:
            return self._agreement.set_key_agreement_template(data)
        if template == chip_authentication.SET_AUTHENTICATION_TEMPLATE:
            self._general = lambda command: self._agreement.general_authenticate(command.data)
            return self._agreement.set_authentication_template(data)
        if template == terminal_authentication.SET_VERIFICATION_TEMPLATE:
            return self._of_terminal(lambda half: half.set_verification_template(data))
        if template == terminal_authentication.SET_AUTHENTICATION_TEMPLATE:
            return self._of_terminal(lambda half: half.set_authentication_template(data))
        return Response(b"", apdu.SW_WRONG_PARAMETERS)

    def _of_terminal(self, answer: Callable[[terminal_authentication_chip.ChipHalf], Response]) -> Response:
        """Terminal authentication follows chip authentication, whose key it signs."""
        return Response(b"", apdu.SW_CONDITIONS) if self._terminal is None else answer(self._terminal)


def _offers(chip: Personalisation) -> tuple[PaceInfo, ...]:
    try:
        return parse_card_access(chip.files.get(CARD_ACCESS, b"")).pace
    except DocumentError:
        return ()


def _passwords(chip: Personalisation) -> dict[pace.PasswordKind, Password]:
    found = [Password.of_mrz(chip.mrz_information)] if chip.mrz_information else []
    found += [Password.of_can(chip.can)] if chip.can else []
    return {password.kind: password for password in found}
