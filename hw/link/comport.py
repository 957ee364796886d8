"""The client's half of a Telnet connection with the COM port option: a serial port at the far end of a network (RFC 854, 856, 2217).

    data             any byte; FF is doubled
    command          FF verb option                     verb: DO, DONT, WILL, WONT
    subnegotiation   FF FA 2C code value... FF F0       FF within is doubled; the server answers with code + 100 and the value it took

We offer BINARY and COM PORT, ask for BINARY, and refuse every other option: ECHO and SUPPRESS GO AHEAD mean nothing to a device.
What can go wrong on the wire: commands split anywhere; a server that refuses the option, sets another value than we asked for, answers
twice, or never; notifications of line and modem state at any time; subnegotiations of any length. Whatever is not understood is skipped
and counted. No port and no clock in here.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import Enum, auto

IAC, DONT, DO, WONT, WILL, SB, SE = 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0xFA, 0xF0  # RFC 854
BINARY = 0  # RFC 856
COM_PORT = 44  # RFC 2217, section 3; its commands follow
SET_BAUDRATE, SET_DATASIZE, SET_PARITY, SET_STOPSIZE, SET_CONTROL = 1, 2, 3, 4, 5
SUSPEND, RESUME = 8, 9
PURGE_DATA = 12
SERVER = 100  # what a server adds to a command's code
PARITY_CODES = {"N": 1, "O": 2, "E": 3}
NO_FLOW_CONTROL = 1  # of SET_CONTROL
DTR_CODES, RTS_CODES = {True: 8, False: 9}, {True: 11, False: 12}  # of SET_CONTROL
PURGE_TRANSMIT, PURGE_BOTH = 2, 3  # of PURGE_DATA
# Chosen: the option's values are 1 to 4 bytes, a server's signature some words. Longer ones are skipped.
SUBNEGOTIATION_BYTES_MAX = 256


class _Place(Enum):
    DATA = auto()
    COMMAND = auto()  # after IAC
    OPTION = auto()  # after a verb


class ComPort:
    """One connection. What is to be sent collects in `data_to_send`; `receive` gives the serial port's own bytes."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._place = _Place.DATA
        self._verb = 0
        self._sub: bytearray | None = None
        self._wanted: dict[int, bytes] = {}
        self._ours = {BINARY: False, COM_PORT: False}  # options the server has agreed to
        offers = ((WILL, BINARY), (WILL, COM_PORT), (DO, BINARY))
        self._asked = set(offers)
        self.refused = ""  # why this server can never serve; "" while it can
        self.suspended = False  # the server wants no data now
        self.skipped_count = 0
        for verb, option in offers:
            self._out += bytes((IAC, verb, option))

    @property
    def agreed(self) -> bool:
        """The server takes COM port commands and any byte. Then `configure`."""
        return all(self._ours.values())

    @property
    def configured(self) -> bool:
        """Everything asked for by `configure` is confirmed."""
        return not self._wanted

    def configure(self, baud: int, parity: str, stop_bits: int, lines: Mapping[str, bool]) -> None:
        """lines: "rts" and "dtr" as far as they are to be set."""
        self._ask(SET_BAUDRATE, struct.pack(">I", baud))
        self._ask(SET_DATASIZE, b"\x08")
        self._ask(SET_PARITY, bytes([PARITY_CODES[parity]]))
        self._ask(SET_STOPSIZE, bytes([stop_bits]))
        for code in (NO_FLOW_CONTROL, *(_LINES[name][level] for name, level in lines.items())):
            self._command(SET_CONTROL, bytes([code]))  # servers differ in what they answer to these
        self._out += purge(PURGE_BOTH)  # what arrived before is not ours

    def send(self, data: bytes) -> None:
        """data for the serial port."""
        self._out += data.replace(b"\xff", b"\xff\xff")

    def data_to_send(self) -> bytes:
        out = bytes(self._out)
        self._out.clear()
        return out

    def receive(self, data: bytes) -> bytes:
        """What of data came from the serial port. Takes answers and notifications out."""
        if self._place is _Place.DATA and self._sub is None and IAC not in data:
            return data
        own = bytearray()
        for byte in data:
            self._take(byte, own)
        return bytes(own)

    def _take(self, byte: int, own: bytearray) -> None:
        if self._place is _Place.OPTION:
            self._place = _Place.DATA
            self._on_option(self._verb, byte)
        elif self._place is _Place.DATA and byte == IAC:
            self._place = _Place.COMMAND
        elif self._place is _Place.DATA or byte == IAC:  # a plain byte, or the second of a doubled one
            self._place = _Place.DATA
            self._on_byte(byte, own)
        else:
            self._on_command(byte)

    def _on_byte(self, byte: int, own: bytearray) -> None:
        if self._sub is None:
            own.append(byte)
        elif len(self._sub) < SUBNEGOTIATION_BYTES_MAX:
            self._sub.append(byte)
        else:
            self.skipped_count += 1

    def _on_command(self, byte: int) -> None:
        self._place = _Place.DATA
        if byte in (DO, DONT, WILL, WONT):
            self._verb, self._place = byte, _Place.OPTION
        elif byte == SB:
            self._sub = bytearray()
        elif byte == SE and self._sub is not None:
            sub, self._sub = bytes(self._sub), None
            self._on_subnegotiation(sub)
        else:
            self.skipped_count += 1

    def _on_option(self, verb: int, option: int) -> None:
        if verb in (DO, DONT) and option in self._ours:
            self._ours[option] = verb == DO
            if verb == DONT:
                self.refused = "it is no serial port server: it refuses RFC 2217 or binary data"
            self._answer(WILL, option)
        elif verb == WILL and option in (BINARY, COM_PORT):
            self._answer(DO, option)
        elif verb in (DO, WILL):
            self._answer(WONT if verb == DO else DONT, option)

    def _answer(self, verb: int, option: int) -> None:
        """Once: an answer to an answer would go on for ever (RFC 854)."""
        if (verb, option) not in self._asked:
            self._asked.add((verb, option))
            self._out += bytes((IAC, verb, option))

    def _on_subnegotiation(self, sub: bytes) -> None:
        if len(sub) < 2 or sub[0] != COM_PORT:
            self.skipped_count += 1
            return
        code, value = sub[1] - SERVER, sub[2:]
        if code in (SUSPEND, RESUME):
            self.suspended = code == SUSPEND
        elif code in self._wanted:
            wanted = self._wanted.pop(code)
            if value != wanted:
                self.refused = f"it does not set its port to the {_NAMES[code]} asked for"

    def _ask(self, code: int, value: bytes) -> None:
        self._wanted[code] = value
        self._command(code, value)

    def _command(self, code: int, value: bytes) -> None:
        self._out += _subnegotiation(code, value)


def purge(which: int) -> bytes:
    """The command that makes the server drop what it holds; which: PURGE_…"""
    return _subnegotiation(PURGE_DATA, bytes([which]))


def _subnegotiation(code: int, value: bytes) -> bytes:
    return bytes((IAC, SB, COM_PORT, code)) + value.replace(b"\xff", b"\xff\xff") + bytes((IAC, SE))


_LINES = {"rts": RTS_CODES, "dtr": DTR_CODES}
_NAMES = {
    SET_BAUDRATE: "baud rate",
    SET_DATASIZE: "eight data bits",
    SET_PARITY: "parity",
    SET_STOPSIZE: "stop bits",
}
