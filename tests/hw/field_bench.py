"""A chip for the field of a simulated PN532: files that anybody may read, behind single APDUs."""

from __future__ import annotations

from collections.abc import Mapping

from hw.emrtd.chip.application import ChipApplication
from hw.emrtd.chip.personalisation import Limits, Personalisation
from hw.pn532.messages import TargetA, TargetB

UID = bytes.fromhex("04A1B2C3D4E580")
SHORT_ATS, EXTENDED_ATS = bytes.fromhex("0578808002"), bytes.fromhex("0A788080028073800140")  # frames of 256 bytes
TYPE_A = TargetA(bytes.fromhex("0344"), 0x20, UID, SHORT_ATS)
TYPE_A_EXTENDED = TargetA(bytes.fromhex("0344"), 0x20, UID, EXTENDED_ATS)
TYPE_B = TargetB(bytes.fromhex("50A1B2C3D400000000008181"), b"\x00")


class FieldChip:
    """files: content by name. silent: it answers nothing."""

    def __init__(self, files: Mapping[str, bytes], target: TargetA | TargetB = TYPE_A) -> None:
        self.target = target
        self.silent = False
        self.commands: list[bytes] = []
        limits = Limits(data_max=4096, le_max=4096) if target is TYPE_A_EXTENDED else Limits()
        self._application = ChipApplication(Personalisation(files, limits=limits), bytes)

    def execute(self, command: bytes) -> bytes | None:
        self.commands.append(command)
        return None if self.silent else self._application.execute(command)

    def reset(self) -> None:
        self._application.reset()
