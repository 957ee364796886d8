"""The chip half: an eMRTD without access control that answers from its files.

Not modelled: PACE, BAC and secure messaging (later work), chip and active authentication, the contactless
protocol below APDUs, the time a chip takes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hw.emrtd import apdu
from hw.emrtd.apdu import Command, Response
from hw.emrtd.frame import (
    CONTROL_ATR,
    CONTROL_OFF,
    CONTROL_ON,
    CONTROL_RESET,
    Decoder,
    encode,
)

ATR = bytes.fromhex("3B80800101")  # ISO/IEC 7816-3 as PC/SC part 3 builds it for a contactless chip without history
_NO_CHIP = b""
_ODD_OVERHEAD = 3  # tag and length around the content


class Chip:
    """One document's chip, or an empty field. Bytes in, bytes out; replaced by laying another document on the reader."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._files: Mapping[int, bytes] | None = None
        self._denied: Collection[int] = ()
        self._selected = False
        self._file: bytes | None = None
        self._powered = False
        self.content_read_size = 0  # bytes of files handed out since the document came

    def insert(self, files: Mapping[int, bytes], denied: Collection[int] = ()) -> None:
        """A document comes into the field. files: content by file identifier. denied: those that ask for access control."""
        self.remove()
        self._files, self._denied = files, denied

    def remove(self) -> None:
        self._files = None
        self._power_off()
        self.content_read_size = 0

    def receive(self, data: bytes, now: float) -> bytes:
        """What the chip sends back. Nothing at all to a command while no chip is there, or it has no power."""
        messages = self._decoder.feed(data, now)
        if self._decoder.broken:
            self._decoder.reset()
        return b"".join(self._answer(message) for message in messages)

    def _answer(self, message: bytes) -> bytes:
        if message == CONTROL_ATR:
            return encode(_NO_CHIP if self._files is None else ATR)
        if message in (CONTROL_OFF, CONTROL_ON, CONTROL_RESET):
            self._power_off()
            self._powered = message != CONTROL_OFF and self._files is not None
            return b""
        command = apdu.parse_command(message)
        if not self._powered or not message:
            return b""
        if command is None:
            return encode(Response(b"", apdu.SW_WRONG_LENGTH).encode())
        return encode(self._execute(command).encode())

    def _power_off(self) -> None:
        self._powered = self._selected = False
        self._file = None

    def _execute(self, command: Command) -> Response:
        match command.ins:
            case apdu.SELECT:
                return self._select(command)
            case apdu.READ_BINARY:
                return self._read(command.p1 << 8 | command.p2, command.le, odd=False)
            case apdu.READ_BINARY_ODD:
                offset = apdu.odd_offset(command.data)
                if offset is None:
                    return Response(b"", apdu.SW_WRONG_DATA)
                return self._read(offset, command.le, odd=True)
            case _:
                return Response(b"", apdu.SW_UNKNOWN_INSTRUCTION)

    def _select(self, command: Command) -> Response:
        files = self._files or {}
        if command.p1 == 0x04:
            self._selected, self._file = command.data == apdu.APPLICATION, None
            return Response(b"", apdu.SW_OK if self._selected else apdu.SW_NOT_FOUND)
        if command.p1 != 0x02 or len(command.data) != 2:
            return Response(b"", apdu.SW_WRONG_PARAMETERS)
        identifier = int.from_bytes(command.data, "big")
        if not self._selected or identifier not in files:
            return Response(b"", apdu.SW_NOT_FOUND)
        if identifier in self._denied:
            return Response(b"", apdu.SW_ACCESS_DENIED)
        self._file = files[identifier]
        return Response(b"", apdu.SW_OK)

    def _read(self, offset: int, le: int, *, odd: bool) -> Response:
        if self._file is None:
            return Response(b"", apdu.SW_NOT_ALLOWED)
        if offset >= len(self._file) or (not odd and offset > apdu.EVEN_OFFSET_MAX):
            return Response(b"", apdu.SW_WRONG_OFFSET)
        size = le - _ODD_OVERHEAD if odd else le
        if size <= 0:
            return Response(b"", apdu.SW_WRONG_LENGTH)
        content = self._file[offset : offset + size]
        self.content_read_size += len(content)
        status = apdu.SW_OK if len(content) == size else apdu.SW_END_OF_FILE
        return Response(apdu.wrap_content(content) if odd else content, status)
