"""3M RTE native framing of serial MRZ readers: one block per document, unsolicited, no commands.

    SOH  length 2  "O" "U"  STX  flag  line 1 CR line 2 CR line 3 CR  ETX  BCC

Source: 3M RTE6701-OEM Integration Manual V1.03, 9.1.1 (length: 14 significant bits, low byte first, counts the check
character too; a missing line still has its CR; the last line is always line 3; lines are padded with `_`).
Chosen, the manual's full description (74-0200-31) is not public: length counts everything behind the length word, BCC
included; BCC is the exclusive-or of everything behind SOH up to and including ETX.

On the wire: noise before and after a block, noise inside (BCC), a noise byte that looks like SOH, a block cut short by
pulling the plug, blocks split anywhere. A candidate that turns out to be none costs one byte; one that stays incomplete
for INTER_CHARACTER_S is discarded, and what arrived behind its first byte is searched again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import xor

SOH, STX, ETX, CR = 0x01, 0x02, 0x03, 0x0D
HEADER = b"OU"  # optical reader, unsolicited
PAD = b"_"
LINE_COUNT = 3
LINE_SIZE_MAX = 44  # TD3, the longest zone

_PREFIX_SIZE = 3  # SOH and length
_LENGTH_MIN = len(HEADER) + 2 + LINE_COUNT + 2  # no character in any line
_LENGTH_MAX = _LENGTH_MIN + LINE_COUNT * LINE_SIZE_MAX
BLOCK_SIZE_MAX = _PREFIX_SIZE + _LENGTH_MAX
# Chosen: a character takes 1 ms at 9600 baud, 8 ms at 1200; readers send a block without pausing.
INTER_CHARACTER_S = 0.2


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """One block. flag: reader-specific. lines: always three, missing ones empty, padding still there.

    started_s: when its first byte, or noise directly before it, was fed.
    """

    flag: int
    lines: tuple[bytes, bytes, bytes]
    started_s: float = 0.0

    def __repr__(self) -> str:
        return f"Frame(lines={sum(map(bool, self.lines))}, redacted)"


class Decoder:
    """Bytes -> frames. Holds at most one block. skipped_count: bytes that belonged to no frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._since = 0.0
        self._last = 0.0
        self.skipped_count = 0

    def feed(self, data: bytes, now: float) -> list[Frame]:
        """Frames completed by data, in order. now: seconds, monotonic."""
        frames = self.handle_timer(now)
        if not self._buffer:
            self._since = now
        self._last = now
        self._buffer += data
        return frames + self._scan(now)

    def next_timer(self) -> float | None:
        """When handle_timer is due; None while nothing is pending."""
        return self._last + INTER_CHARACTER_S if self._buffer else None

    def handle_timer(self, now: float) -> list[Frame]:
        """Discards a start that has waited too long; frames that it had hidden come out. Harmless when not due."""
        timer = self.next_timer()
        frames: list[Frame] = []
        while timer is not None and now >= timer and self._buffer:
            self._skip(1)
            frames += self._scan(self._since)
        return frames

    def _scan(self, now: float) -> list[Frame]:
        frames: list[Frame] = []
        while self._buffer:
            start = self._buffer.find(SOH)
            if start != 0:
                self._skip(start if start > 0 else len(self._buffer))
                self._since = now
                continue
            size = _block_size(self._buffer)
            if size is None:
                self._skip(1)
                self._since = now
                continue
            if len(self._buffer) < size:
                break
            frame = _parse(bytes(self._buffer[:size]))
            if frame is None:
                self._skip(1)
                continue
            frames.append(replace(frame, started_s=self._since))
            del self._buffer[:size]
            self._since = now
        return frames

    def _skip(self, count: int) -> None:
        self.skipped_count += count
        del self._buffer[:count]


def encode(lines: Sequence[bytes], flag: int = 0x30) -> bytes:
    """One block. lines: three, missing ones empty, each at most 44 printable ASCII characters."""
    optical = b"".join(line + bytes([CR]) for line in lines)
    body = HEADER + bytes([STX, flag]) + optical + bytes([ETX])
    content = (len(body) + 1).to_bytes(2, "little") + body
    return bytes([SOH]) + content + bytes([_bcc(content)])


def _block_size(buffer: bytearray) -> int | None:
    """The size of the block that starts the buffer, as far as can be seen; None if there is none."""
    if len(buffer) < _PREFIX_SIZE:
        return _PREFIX_SIZE
    length = int.from_bytes(buffer[1:3], "little")
    expected = HEADER + bytes([STX])
    seen = bytes(buffer[3 : 3 + len(expected)])
    if not _LENGTH_MIN <= length <= _LENGTH_MAX or not expected.startswith(seen):
        return None
    return _PREFIX_SIZE + length


def _parse(block: bytes) -> Frame | None:
    content, bcc = block[1:-1], block[-1]
    if _bcc(content) != bcc or block[-2] != ETX:
        return None
    *lines, rest = block[7:-2].split(bytes([CR]))
    if len(lines) != LINE_COUNT or rest or not all(_is_line(line) for line in lines):
        return None
    return Frame(block[6], (lines[0], lines[1], lines[2]))


def _is_line(line: bytes) -> bool:
    return len(line) <= LINE_SIZE_MAX and all(0x20 <= character < 0x7F for character in line)


def _bcc(content: bytes) -> int:
    return reduce(xor, content, 0)
