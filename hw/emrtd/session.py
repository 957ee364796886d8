"""The reader half: reads the files of one chip and says how far it came.

    reset, ATR -> SELECT application -> per file: SELECT, READ BINARY until its own length is reached

A file's length stands in its first bytes (BER-TLV). What a chip may do: answer late, never, twice, with another length, with
an error status, or leave the field. Each ends the session with a failure naming file and cause; files read before stay.
Access control comes later (PACE, BAC): a chip that demands it answers 6982 and the session says "access_denied".
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from hw.emrtd import apdu
from hw.emrtd.apdu import Command, Response
from hw.emrtd.frame import CONTROL_ATR, CONTROL_OFF, CONTROL_RESET, Decoder, encode

# Chosen: real chips answer READ BINARY in some 30 ms; without cryptography nothing takes near a second.
RESPONSE_S_MAX = 1.0
SESSION_S_MAX = 15.0  # chosen: a traveller has lifted the document by then
FILE_SIZE_MAX = 256 * 1024  # chosen: above any portrait or finger image a document carries
CHUNK_SIZE = 256  # the most that a short length field asks for

_FILES = {"com": apdu.EF_COM, "dg1": apdu.EF_DG1, "dg2": apdu.EF_DG2, "dg3": apdu.EF_DG3}
_CAUSES = {apdu.SW_ACCESS_DENIED: "access_denied", apdu.SW_NOT_FOUND: "not_found"}
_ATR_STARTS = (0x3B, 0x3F)  # ISO/IEC 7816-3, 8.1: direct and inverse convention
_ODD_OVERHEAD = 3

_Script = Generator[bytes, bytes, None]
_Exchange = Generator[bytes, bytes, bytes]


@dataclass(frozen=True, slots=True, repr=False)
class ChipRead:
    """files: content by name "com", "dg1", "dg2", "dg3". failure: "" if all were read, else what ended the session.

    failure is place and cause: "chip_absent", "chip_timeout", "dg2_access_denied", "dg3_not_found", "dg2_malformed".
    """

    files: dict[str, bytes] = field(default_factory=dict)
    failure: str = ""

    def __repr__(self) -> str:
        return f"ChipRead(files={sorted(self.files)}, failure={self.failure!r})"


class _Failed(Exception):
    """Ends the script; its text is the cause."""


class ReaderSession:
    """One session. `receive` takes bytes from the chip, `data_to_send` gives bytes for it, `result` is set at the end.

    After the end one last message (power off) is to be sent. now: seconds, monotonic.
    """

    def __init__(self, now: float) -> None:
        self.result: ChipRead | None = None
        self._decoder = Decoder()
        self._files: dict[str, bytes] = {}
        self._place = "chip"
        self._deadline_s = now + SESSION_S_MAX
        self._answer_due_s = now + RESPONSE_S_MAX
        self._output = encode(CONTROL_RESET) + encode(CONTROL_ATR)
        self._script = self._run()
        next(self._script)

    def receive(self, data: bytes, now: float) -> None:
        for message in self._decoder.feed(data, now):
            self._step(message, now)
        if self._decoder.broken:
            self.end("malformed")
        self.handle_timer(now)

    def data_to_send(self) -> bytes:
        """What to write now; empties the output."""
        data, self._output = self._output, b""
        return data

    def next_timer(self) -> float | None:
        """When handle_timer is due; None after the end."""
        return None if self.result is not None else min(self._answer_due_s, self._deadline_s)

    def handle_timer(self, now: float) -> None:
        timer = self.next_timer()
        if timer is not None and now >= timer:
            self.end("timeout")

    def end(self, cause: str) -> None:
        """Ends the session where it is, e.g. "lost" when the link is gone. Harmless when it has ended."""
        if self.result is None:
            self._finish(f"{self._place}_{cause}")

    def _step(self, message: bytes, now: float) -> None:
        if self.result is not None:
            return
        if self._output:  # an answer to what has not been asked yet
            self.end("malformed")
            return
        try:
            self._output = encode(self._script.send(message))
            self._answer_due_s = now + RESPONSE_S_MAX
        except StopIteration:
            self._finish("")
        except _Failed as failed:
            self.end(str(failed))

    def _finish(self, failure: str) -> None:
        self._script.close()
        self._output = encode(CONTROL_OFF)
        self.result = ChipRead(self._files, failure)

    def _run(self) -> _Script:
        """Yields commands and is sent the messages that answer them; the first of these is the ATR."""
        atr = yield b""
        if not atr:
            raise _Failed("absent")
        if atr[0] not in _ATR_STARTS:
            raise _Failed("malformed")
        yield from _exchange(apdu.select_application())
        for name, identifier in _FILES.items():
            self._place = name
            self._files[name] = yield from _read_file(identifier)


def _read_file(identifier: int) -> _Exchange:
    yield from _exchange(apdu.select_file(identifier))
    content = yield from _read_chunk(0, CHUNK_SIZE)
    size = _file_size(content)
    if size > FILE_SIZE_MAX:
        raise _Failed("too_long")
    while len(content) < size:
        content += yield from _read_chunk(len(content), size - len(content))
    return content[:size]


def _read_chunk(offset: int, rest: int) -> _Exchange:
    """At least one byte of the current file from offset, at most rest."""
    if offset <= apdu.EVEN_OFFSET_MAX:
        size = min(rest, CHUNK_SIZE)
        content: bytes | None = yield from _exchange(apdu.read_binary(offset, size))
    else:
        size = min(rest + _ODD_OVERHEAD, CHUNK_SIZE)
        content = apdu.unwrap_content((yield from _exchange(apdu.read_binary(offset, size))))
    if not content or len(content) > size:
        raise _Failed("malformed")
    return content


def _exchange(command: Command) -> _Exchange:
    """The data of the answer. 6Cxx is followed once (ISO/IEC 7816-4, 5.1.3: right length in the low byte)."""
    response = _parsed((yield command.encode()))
    if response.sw & 0xFF00 == apdu.SW_WRONG_LE and command.le:
        again = Command(command.cla, command.ins, command.p1, command.p2, command.data, response.sw & 0xFF or 256)
        response = _parsed((yield again.encode()))
    if response.sw in (apdu.SW_OK, apdu.SW_END_OF_FILE):
        return response.data
    raise _Failed(_CAUSES.get(response.sw, f"status_{response.sw:04x}"))


def _parsed(message: bytes) -> Response:
    response = apdu.parse_response(message)
    if response is None:
        raise _Failed("malformed")
    return response


def _file_size(head: bytes) -> int:
    """The file's size from its tag (one byte, Doc 9303-10) and length. head: its first bytes."""
    if len(head) < 2:
        raise _Failed("malformed")
    if head[1] < 0x80:
        return 2 + head[1]
    count = head[1] & 0x7F
    if not 1 <= count <= 4 or len(head) < 2 + count:
        raise _Failed("malformed")
    return 2 + count + int.from_bytes(head[2 : 2 + count], "big")
