"""A chip's file system (ICAO Doc 9303-10, 3.6 and 3.11): a master file, the eMRTD application in it, elementary files in both."""

from __future__ import annotations

from collections.abc import Callable

from hw.emrtd.chip.personalisation import Limits
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response
from hw.emrtd.wire.data_object import encode

# EF.CVCA (TR-03110-3, A.5) and EF.ATR/INFO (7816-4, 12.2.2), besides egate.domain.chip.FILE_NAMES
CVCA, ATR = "cvca", "atr"
_MASTER_FILES = {apdu.EF_CARD_ACCESS: "card_access", apdu.EF_CARD_SECURITY: "card_security", 0x2F01: ATR}
_APPLICATION_FILES = {
    identifier: name for name, identifier in apdu.FILE_IDENTIFIERS.items() if name not in apdu.MASTER_FILE_NAMES
} | {0x011C: CVCA}
_BY_NAME, _BY_IDENTIFIER, _CHILD_EF = 0x04, 0x00, 0x02  # P1 of SELECT
_SHORT_IDENTIFIER = 0x80  # in P1 of READ BINARY
_SHORT_IDENTIFIER_MAX = 30


class Files:
    """Current directory and file. content: of a file by name, None if there is none. may_read: whether its access rules are met."""

    def __init__(self, content: Callable[[str], bytes | None], may_read: Callable[[str], bool]) -> None:
        self._content, self._may_read = content, may_read
        self._current: str | None = None
        self.in_application = False
        self.read_size = 0  # bytes handed out

    def reset(self) -> None:
        self._current, self.in_application = None, False

    def select(self, command: Command) -> Response:
        """SELECT. What could not be selected leaves everything as it was."""
        data = command.data
        if command.p1 == _BY_NAME:
            return self._enter(data == apdu.APPLICATION, application=True)
        if command.p1 == _BY_IDENTIFIER and data in (b"", apdu.MASTER_FILE.to_bytes(2, "big")):
            return self._enter(True, application=False)
        if command.p1 in (_BY_IDENTIFIER, _CHILD_EF) and len(data) == 2:
            return Response(b"", self._open(self._names.get(int.from_bytes(data, "big"))))
        return Response(b"", apdu.SW_WRONG_PARAMETERS)

    def read(self, command: Command, room: int) -> Response:
        """READ BINARY, even and odd. room: the most data that the response may have."""
        odd = command.ins == apdu.READ_BINARY_ODD
        offset = apdu.odd_offset(command.data) if odd else command.p1 << 8 | command.p2
        if offset is None:
            return Response(b"", apdu.SW_WRONG_DATA)
        if not odd and command.p1 & _SHORT_IDENTIFIER:
            offset, short = command.p2, command.p1 & ~_SHORT_IDENTIFIER
        else:
            short = command.p1 << 8 | command.p2 if odd else 0  # 0: the current file
        if short > _SHORT_IDENTIFIER_MAX:
            return Response(b"", apdu.SW_WRONG_PARAMETERS)
        if short and (sw := self._open(self._short_names.get(short))) != apdu.SW_OK:
            return Response(b"", sw)
        return self._read(offset, command.le, room, odd=odd)

    @property
    def _names(self) -> dict[int, str]:
        return _APPLICATION_FILES if self.in_application else _MASTER_FILES

    @property
    def _short_names(self) -> dict[int, str]:
        return {identifier & 0x1F: name for identifier, name in self._names.items()}

    def _enter(self, known: bool, *, application: bool) -> Response:
        if not known:
            return Response(b"", apdu.SW_NOT_FOUND)
        self._current, self.in_application = None, application
        return Response(b"", apdu.SW_OK)

    def _open(self, name: str | None) -> int:
        """Makes it the current file. The status word."""
        if name is not None and not self._may_read(name):
            return apdu.SW_ACCESS_DENIED
        if name is None or self._content(name) is None:
            return apdu.SW_NOT_FOUND
        self._current = name
        return apdu.SW_OK

    def _read(self, offset: int, le: int, room: int, *, odd: bool) -> Response:
        if self._current is None:
            return Response(b"", apdu.SW_NOT_ALLOWED)
        if not self._may_read(self._current):  # rights may have gone since it was selected
            return Response(b"", apdu.SW_ACCESS_DENIED)
        file = self._content(self._current) or b""
        if offset >= len(file):
            return Response(b"", apdu.SW_WRONG_OFFSET)
        size = min(le, room)
        asked = le - apdu.content_overhead(le) if odd else le
        size = size - apdu.content_overhead(size) if odd else size
        if size <= 0:
            return Response(b"", apdu.SW_WRONG_LENGTH)
        content = file[offset : offset + size]
        self.read_size += len(content)
        at_end = offset + len(content) == len(file) and len(content) < asked
        return Response(apdu.wrap_content(content) if odd else content, apdu.SW_END_OF_FILE if at_end else apdu.SW_OK)


def ef_atr(limits: Limits) -> bytes | None:
    """EF.ATR/INFO: the sizes of extended commands and responses; None for a chip without them."""
    if not limits.extended:
        return None
    sizes = [encode(0x02, size.to_bytes(3, "big").lstrip(b"\x00")) for size in (limits.data_max, limits.le_max)]
    return encode(0x7F66, b"".join(sizes))
