"""The controller's half of a PN532 session, for simulators: a chip in its field, spoken to as a real one is.

Not modelled: more than one chip, MIFARE and other cards without APDUs, the host as a card, time of any kind (a baud rate is noted,
not kept), registers beyond being remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hw.pn532.frame import TFI_CONTROLLER, TFI_HOST, Decoder, Frame, Signal, encode
from hw.pn532.messages import (
    AUTOMATIC_RATS,
    BAUD_AT_POWER_UP,
    BAUD_CODES,
    FIELD,
    IC_PN532,
    MORE,
    PAYLOAD_SIZE_MAX,
    TYPE_A,
    TYPE_B,
    Code,
    Status,
    TargetA,
    TargetB,
)
from hw.pn532.picc import APDU_SIZE_MAX, Picc

FIRMWARE = bytes([IC_PN532, 0x01, 0x06, 0x07])  # IC, version 1.6, ISO/IEC 14443 A and B, ISO 18092
_TARGET = 1
_ASKS_CHIP = (Code.IN_LIST_PASSIVE_TARGET, Code.IN_DATA_EXCHANGE, Code.IN_COMMUNICATE_THRU)
_BAUDS = {code: baud for baud, code in BAUD_CODES.items()}
_REGISTER_COUNT_MAX = 64


class FieldChip(Protocol):
    """What can lie in the field."""

    @property
    def target(self) -> TargetA | TargetB: ...

    def execute(self, command: bytes) -> bytes | None:
        """The answer to one APDU; None if the chip stays silent."""

    def reset(self) -> None:
        """The field was switched off."""


class Controller:
    """`receive` takes bytes from the host and gives those for it.

    waiting: the chip asks for time for ever; what is asked of it is acknowledged and not answered.
    """

    def __init__(self) -> None:
        self.waiting = False
        self.baud = BAUD_AT_POWER_UP
        self._decoder = Decoder()
        self._chip: FieldChip | None = None
        self._picc: Picc | None = None  # while the chip is activated
        self._automatic_rats = True
        self._command = bytearray()
        self._answer = b""
        self._last = b""
        self._registers: dict[int, int] = {}
        self._next_baud: int | None = None

    def insert(self, chip: FieldChip) -> None:
        """Lays a chip into the field, in place of one that is there."""
        self.remove()
        self._chip = chip

    def remove(self) -> None:
        self._release()
        self._chip = None

    def receive(self, data: bytes, now: float) -> bytes:
        return b"".join(self._take(frame) for frame in self._decoder.feed(data, now))

    def _take(self, frame: Frame | Signal) -> bytes:
        match frame:
            case Signal.NACK:
                return self._last
            case Signal.ACK:
                if self._next_baud is not None:
                    self.baud, self._next_baud = self._next_baud, None
                return b""
            case Frame(tfi, data) if tfi == TFI_HOST and self.waiting and data[0] in _ASKS_CHIP:
                return Signal.ACK.value
            case Frame(tfi, data) if tfi == TFI_HOST:
                answer = self._execute(data[0], data[1:])
                self._last = (
                    Signal.ERROR.value
                    if answer is None
                    else encode(Frame(TFI_CONTROLLER, bytes([data[0] + 1]) + answer))
                )
                return Signal.ACK.value + self._last
            case _:
                return b""

    def _execute(self, code: int, parameters: bytes) -> bytes | None:
        """The response's parameters; None for a command that is not known or malformed."""
        commands: dict[int, Callable[[bytes], bytes | None]] = {
            Code.DIAGNOSE: self._diagnose,
            Code.GET_FIRMWARE_VERSION: lambda _: FIRMWARE,
            Code.GET_GENERAL_STATUS: self._general_status,
            Code.READ_REGISTER: self._read_registers,
            Code.WRITE_REGISTER: self._write_registers,
            Code.SET_SERIAL_BAUD_RATE: self._set_baud,
            Code.SET_PARAMETERS: self._set_parameters,
            Code.SAM_CONFIGURATION: lambda _: b"",
            Code.POWER_DOWN: lambda _: b"\x00",
            Code.RF_CONFIGURATION: self._configure,
            Code.IN_LIST_PASSIVE_TARGET: self._list_targets,
            Code.IN_DATA_EXCHANGE: self._exchange,
            Code.IN_COMMUNICATE_THRU: self._communicate,
            Code.IN_DESELECT: lambda _: self._released(),
            Code.IN_RELEASE: lambda _: self._released(),
            Code.IN_SELECT: lambda _: bytes([Status.OK]),
        }
        command = commands.get(code)
        return None if command is None else command(parameters)

    def _diagnose(self, parameters: bytes) -> bytes | None:
        """Communication line test only: what was sent comes back."""
        return parameters if parameters[:1] == b"\x00" else None

    def _general_status(self, _: bytes) -> bytes:
        field = bytes([Status.OK, 1 if self._chip is not None else 0])
        return field + (b"\x00\x00" if self._picc is None else bytes([1, _TARGET, 0, 0, 0x10, 0]))

    def _read_registers(self, parameters: bytes) -> bytes | None:
        addresses = [int.from_bytes(parameters[at : at + 2], "big") for at in range(0, len(parameters), 2)]
        return bytes(self._registers.get(address, 0) for address in addresses) if addresses else None

    def _write_registers(self, parameters: bytes) -> bytes | None:
        if len(parameters) % 3 or not parameters:
            return None
        for at in range(0, len(parameters), 3):
            if len(self._registers) < _REGISTER_COUNT_MAX:
                self._registers[int.from_bytes(parameters[at : at + 2], "big")] = parameters[at + 2]
        return b""

    def _set_baud(self, parameters: bytes) -> bytes | None:
        """Takes effect once the host has acknowledged the answer."""
        if len(parameters) != 1 or parameters[0] not in _BAUDS:
            return None
        self._next_baud = _BAUDS[parameters[0]]
        return b""

    def _set_parameters(self, parameters: bytes) -> bytes | None:
        if len(parameters) != 1:
            return None
        self._automatic_rats = bool(parameters[0] & AUTOMATIC_RATS)
        return b""

    def _configure(self, parameters: bytes) -> bytes | None:
        if not parameters:
            return None
        if parameters[0] == FIELD and len(parameters) == 2 and not parameters[1] & 1:
            self._release()
        return b""

    def _list_targets(self, parameters: bytes) -> bytes | None:
        if len(parameters) < 2:
            return None
        self._release()
        chip, kind = self._chip, parameters[1]
        if chip is None or kind != (TYPE_A if isinstance(chip.target, TargetA) else TYPE_B):
            return b"\x00"
        target = chip.target
        ats = target.ats if isinstance(target, TargetA) else b""
        self._picc = Picc(ats, chip.execute)
        if isinstance(target, TargetA) and not self._automatic_rats:
            target = TargetA(target.sens_res, target.sel_res, target.uid)
        return bytes([1, _TARGET]) + target.encode()

    def _exchange(self, parameters: bytes) -> bytes | None:
        if not parameters:
            return None
        more, payload = parameters[0] & MORE, parameters[1:]
        if parameters[0] & ~MORE != _TARGET or self._picc is None or self._chip is None:
            return bytes([Status.NOT_ACCEPTABLE if self._chip is None else Status.TIMEOUT])
        if payload or not self._answer:
            self._answer = b""
            self._command += payload
            if len(self._command) > APDU_SIZE_MAX:
                self._command.clear()
                return bytes([Status.INTERNAL_BUFFER])
            if more:
                return bytes([Status.OK])
            command = bytes(self._command)
            self._command.clear()
            answer = self._chip.execute(command)
            if answer is None:
                return bytes([Status.TIMEOUT])
            self._answer = answer
        part, self._answer = self._answer[:PAYLOAD_SIZE_MAX], self._answer[PAYLOAD_SIZE_MAX:]
        return bytes([MORE if self._answer else Status.OK]) + part

    def _communicate(self, parameters: bytes) -> bytes:
        block = None if self._picc is None else self._picc.receive(parameters)
        return bytes([Status.TIMEOUT]) if block is None else bytes([Status.OK]) + block

    def _released(self) -> bytes:
        self._release()
        return bytes([Status.OK])

    def _release(self) -> None:
        self._picc = None
        self._command.clear()
        self._answer = b""
        if self._chip is not None:
            self._chip.reset()
