"""What serial bar code readers send per code, as configured at the reader: unsolicited, without a check of any kind.

    [prefix] [AIM identifier 3] [length 1-6] content terminator

AIM identifier (ISO/IEC 15424): "]", code character, modifier. length: decimal digits, the size of content.

Nothing proves a frame, so its form must be unlikely in noise: prefix or identifier, and a terminator, are always there. Content of
undeclared length is printable text in UTF-8, without control characters, so the terminator has one. Binary content (seals) may hold
the terminator's bytes and needs its length declared.

On the wire: noise before, inside and after; a frame cut short; frames split anywhere. Of several beginnings before one terminator
the last counts: the others were cut short, or noise. Without a terminator what waits is bounded by the largest frame; after
INTER_CHARACTER_S of silence it is discarded; with a declared length a false start costs one byte, and the rest is searched again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from egate.domain.captured import ScannedCode, Symbology
from hw.barcode.arrivals import Arrivals

CONTENT_SIZE_MAX = 7089  # ISO/IEC 18004: digits in the largest QR code; Aztec, PDF417 and Data Matrix hold less
CONTENT_SIZE_MIN = 8  # chosen: shorter printable runs come up in noise; a site may go lower with a longer prefix
LENGTH_DIGITS_MAX = 6
INTER_CHARACTER_S = (
    0.2  # chosen: a character takes 1 ms at 9600 baud, 8 ms at 1200; readers send a code without pausing
)
SYMBOLOGIES = {"L": Symbology.PDF417, "z": Symbology.AZTEC, "d": Symbology.DATA_MATRIX, "Q": Symbology.QR}
AIM_CHARACTERS = {symbology: character for character, symbology in SYMBOLOGIES.items()} | {Symbology.OTHER: "X"}
_AIM = rb"\][A-Za-z][0-9A-F]"
_AIM_SIZE = 3
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Framing:
    """As the reader is set up. aim: it sends AIM identifiers. length_digits: 0 if it does not declare the length.

    Raises ValueError for a framing that noise would meet or content would end.
    """

    prefix: bytes = b""
    terminator: bytes = b"\r"
    aim: bool = False
    length_digits: int = 0
    size_min: int = CONTENT_SIZE_MIN

    def __post_init__(self) -> None:
        if not self.prefix and not self.aim:
            raise ValueError("neither prefix nor AIM identifier: every line of noise would be a code")
        if not self.terminator:
            raise ValueError("no terminator")
        if not self.length_digits and not any(byte < 0x20 or byte == 0x7F for byte in self.terminator):
            raise ValueError("a terminator without a control character could be content; declare the length")

    @property
    def start_size(self) -> int:
        return len(self.prefix) + (_AIM_SIZE if self.aim else 0) + self.length_digits

    @property
    def frame_size_max(self) -> int:
        return self.start_size + CONTENT_SIZE_MAX + len(self.terminator)

    @property
    def start(self) -> re.Pattern[bytes]:
        length = rb"[0-9]{%d}" % self.length_digits if self.length_digits else b""
        return re.compile(re.escape(self.prefix) + (_AIM if self.aim else b"") + length)


class Decoder:
    """Bytes -> codes. Holds at most one frame. skipped_count: bytes that belonged to no code."""

    def __init__(self, framing: Framing) -> None:
        self._framing, self._start = framing, framing.start
        self._arrivals = Arrivals()
        self.skipped_count = 0

    def feed(self, data: bytes, now: float) -> list[ScannedCode]:
        """Codes completed by data, in order; scanned_s is when the frame's first byte was fed. now: seconds, monotonic."""
        codes = self.handle_timer(now)
        for at in range(0, len(data), self._framing.frame_size_max):  # so that what waits stays bounded
            self._arrivals.add(data[at : at + self._framing.frame_size_max], now)
            codes += self._scan()
        return codes

    def next_timer(self) -> float | None:
        """When handle_timer is due; None while nothing is pending."""
        return self._arrivals.last_s + INTER_CHARACTER_S if self._arrivals.data else None

    def handle_timer(self, now: float) -> list[ScannedCode]:
        """Discards a start that has waited too long; codes that it had hidden come out. Harmless when not due."""
        timer = self.next_timer()
        codes: list[ScannedCode] = []
        while timer is not None and now >= timer and self._arrivals.data:
            self._skip(1 if self._framing.length_digits else len(self._arrivals.data))
            codes += self._scan()
        return codes

    def _scan(self) -> list[ScannedCode]:
        step = self._counted if self._framing.length_digits else self._delimited
        codes: list[ScannedCode] = []
        while self._arrivals.data:
            before = len(self._arrivals.data)
            code = step()
            if code is not None:
                codes.append(code)
            elif len(self._arrivals.data) == before:
                break
        return codes

    def _delimited(self) -> ScannedCode | None:
        """Takes what stands before the next terminator. None with nothing taken: more is needed."""
        buffer, framing = self._arrivals.data, self._framing
        end = buffer.find(framing.terminator)
        if end < 0:
            self._skip_to_start()
            return None
        frame = bytes(buffer[:end])
        start = next(reversed([*self._start.finditer(frame)]), None)
        if start is None or not self._is_text(frame[start.end() :]):
            self._skip(end + len(framing.terminator))
            return None
        self._skip(start.start())
        return self._take(start[0], frame[start.end() :])

    def _counted(self) -> ScannedCode | None:
        """Takes the frame at the first start, or skips. None with nothing taken: more is needed."""
        buffer, framing = self._arrivals.data, self._framing
        start = self._start.search(buffer)
        if start is None:
            self._skip(max(0, len(buffer) - framing.start_size + 1))
            return None
        if start.start():
            self._skip(start.start())
            return None
        size = int(buffer[start.end() - framing.length_digits : start.end()])
        end = start.end() + size
        seen = buffer[end : end + len(framing.terminator)]
        if not framing.size_min <= size <= CONTENT_SIZE_MAX or not framing.terminator.startswith(seen):
            self._skip(1)
            return None
        if len(seen) < len(framing.terminator):
            return None
        return self._take(bytes(buffer[: start.end()]), bytes(buffer[start.end() : end]))

    def _take(self, start: bytes, content: bytes) -> ScannedCode:
        symbology = Symbology.UNKNOWN
        if self._framing.aim:
            character = chr(start[len(self._framing.prefix) + 1])
            symbology = SYMBOLOGIES.get(character, Symbology.OTHER)
        code = ScannedCode(symbology, content, self._arrivals.first_s)
        self._arrivals.drop(len(start) + len(content) + len(self._framing.terminator))
        return code

    def _is_text(self, content: bytes) -> bool:
        if not self._framing.size_min <= len(content) <= CONTENT_SIZE_MAX:
            return False
        try:
            return _CONTROL.search(content.decode("utf-8")) is None
        except UnicodeDecodeError:
            return False

    def _skip_to_start(self) -> None:
        """No terminator yet: keeps what may be a frame's beginning, at most as much as the largest frame."""
        buffer, framing = self._arrivals.data, self._framing
        surplus = max(0, len(buffer) - framing.frame_size_max + 1)
        start = self._start.search(buffer, surplus)
        unfinished = max(surplus, len(buffer) - max(framing.start_size, len(framing.terminator)) + 1)
        self._skip(start.start() if start is not None else min(unfinished, len(buffer)))

    def _skip(self, count: int) -> None:
        self.skipped_count += count
        self._arrivals.drop(count)


def encode(content: bytes, framing: Framing, symbology: Symbology = Symbology.UNKNOWN) -> bytes:
    """One frame, as a reader set up like this sends it; content may be one that the framing cannot carry. symbology: for aim."""
    aim = f"]{AIM_CHARACTERS.get(symbology, 'X')}0".encode("ascii") if framing.aim else b""
    length = str(len(content)).zfill(framing.length_digits).encode("ascii") if framing.length_digits else b""
    return framing.prefix + aim + length + content + framing.terminator
