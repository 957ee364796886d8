"""The field of the simulated chip reader and the chip in it, as its host sees them: vpcd frames, or a PN532 on its serial port.

A chip falls silent in one way here: it goes on asking for time, and lasts through resets.
"""

from __future__ import annotations

import secrets
from typing import Protocol

from hw.emrtd.chip.application import Chip, ChipApplication, atr
from hw.emrtd.chip.personalisation import Personalisation
from hw.emrtd.wire.atr import historical_bytes
from hw.pn532.messages import TargetA
from hw.pn532.pd import Controller

_SENS_RES, _SEL_RES = bytes.fromhex("0344"), 0x20  # a chip with a UID of one size and ISO/IEC 14443-4
_INTERFACE = bytes.fromhex("78808002")  # T0 for frames of 256 bytes, TA 106 kbit/s, TB waiting time 77 ms, TC with CID
_RANDOM_UID = b"\x08"  # ISO/IEC 14443-3, 6.5.4: travel documents don't tell one UID twice
PROTOCOLS = ("apdu", "pn532")


class Field(Protocol):
    """silent: the chip does not answer for now."""

    silent: bool

    @property
    def content_read_size(self) -> int:
        """Bytes of files handed out since the document came."""

    def insert(self, personalisation: Personalisation) -> None:
        """A document comes into the field, in place of one that is there."""

    def remove(self) -> None: ...

    def receive(self, data: bytes, now: float) -> bytes:
        """What goes back to the host."""


class FramedField:
    """vpcd frames (hw.emrtd.wire.frame)."""

    def __init__(self) -> None:
        self.silent = False
        self._chip = Chip()

    @property
    def content_read_size(self) -> int:
        return self._chip.content_read_size

    def insert(self, personalisation: Personalisation) -> None:
        self._chip.insert(personalisation)

    def remove(self) -> None:
        self._chip.remove()

    def receive(self, data: bytes, now: float) -> bytes:
        answer = self._chip.receive(data, now)
        return b"" if self.silent else answer


class Pn532Field:
    """A PN532 (hw.pn532.pd)."""

    def __init__(self) -> None:
        self.silent = False
        self._controller = Controller()
        self._chip: _FieldChip | None = None

    @property
    def content_read_size(self) -> int:
        return 0 if self._chip is None else self._chip.application.content_read_size

    def insert(self, personalisation: Personalisation) -> None:
        self._chip = _FieldChip(personalisation)
        self._controller.insert(self._chip)

    def remove(self) -> None:
        self._controller.remove()
        self._chip = None

    def receive(self, data: bytes, now: float) -> bytes:
        self._controller.waiting = self.silent
        return self._controller.receive(data, now)


class _FieldChip:
    def __init__(self, personalisation: Personalisation) -> None:
        self.application = ChipApplication(personalisation, secrets.token_bytes)
        historical = historical_bytes(atr(personalisation.limits))
        self._ats = bytes([1 + len(_INTERFACE) + len(historical)]) + _INTERFACE + historical

    @property
    def target(self) -> TargetA:
        return TargetA(_SENS_RES, _SEL_RES, _RANDOM_UID + secrets.token_bytes(3), self._ats)

    def execute(self, command: bytes) -> bytes:
        return self.application.execute(command)

    def reset(self) -> None:
        self.application.reset()


def make_field(protocol: str) -> Field:
    """protocol: of PROTOCOLS."""
    return Pn532Field() if protocol == "pn532" else FramedField()
