"""Generic line framing: readers that send a zone as lines of text, unsolicited or once triggered.

    [prefix] line 1 separator line 2 separator [line 3 separator] terminator
    [prefix] line 1 separator line 2 separator [line 3] terminator

As Access-IS, DESKO, ARH, Elyctis and imagers with an OCR font do in their serial line modes; prefix, separator (line_terminator)
and terminator as configured at the reader. If separator and terminator are equal, each line ends with one.

Nothing proves a frame: it counts if it is a zone by form (Doc 9303-4 to -7), see `zone_order`. The first line's length tells how
many lines there are; without a prefix no zone character may stand directly before it. A misread inside the alphabet is the check
digits' matter (egate.document.zone_checks), as with every reader. What no decoder can tell: with one mark for all ends and no prefix, a
loss of exactly a line's length. Set the reader up with a prefix or a terminator of its own where it has one.

On the wire: noise before, between and after; a zone cut short; a line lost, so that lines of two readings follow each other; blocks
split anywhere. A candidate that is none costs one byte; what stays incomplete for INTER_CHARACTER_S is discarded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from egate.document.zone.mrz_format import LAYOUTS
from hw.barcode.arrivals import Arrivals
from hw.mrz.zone import Zone

INTER_CHARACTER_S = 0.2  # chosen: as hw.mrz.frame
SHAPES = tuple(sorted({(layout.lines, layout.size) for layout in LAYOUTS.values()}))  # how many lines, how long
FIRST_LETTERS = frozenset("".join(layout.first_letters for layout in LAYOUTS.values()))
# A line of dates has 12 digits and their check digits, less what is unknown of a birth; names have none. Between them lies what
# a reader may take for each other (O and 0, I and 1). Chosen.
DATE_DIGITS_MIN = 6
_CHARACTER = rb"[A-Z0-9<]"
ZONE_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<")


@dataclass(frozen=True, slots=True)
class LineFraming:
    """As the reader is set up. Raises ValueError for one that a zone's own characters would end."""

    prefix: bytes = b""
    separator: bytes = b"\r"
    terminator: bytes = b"\r"

    def __post_init__(self) -> None:
        for name, mark in (("line_terminator", self.separator), ("terminator", self.terminator)):
            if not mark or re.match(_CHARACTER, mark):
                raise ValueError(f"{name} is empty or begins with a character of the zone")


class LineDecoder:
    """Bytes -> zones. Holds at most one frame. skipped_count: bytes that belonged to no zone."""

    def __init__(self, framing: LineFraming) -> None:
        self._frame, self._beginning, self._start = _patterns(framing)
        self._size_max = max(len(encode(("<" * size,) * count, framing)) for count, size in SHAPES) + len(
            framing.separator
        )
        self._has_prefix = bool(framing.prefix)
        self._arrivals = Arrivals()
        self._before: int | None = None  # the byte that stood before what waits; None: silence
        self._heard_s = 0.0
        self.skipped_count = 0

    def feed(self, data: bytes, now: float) -> list[Zone]:
        """Zones completed by data, in order. now: seconds, monotonic."""
        zones = self.handle_timer(now)
        if now >= self._heard_s + INTER_CHARACTER_S:
            self._before = None
        self._heard_s = now
        for at in range(0, len(data), self._size_max):  # so that what waits stays bounded
            self._arrivals.add(data[at : at + self._size_max], now)
            zones += self._scan()
        return zones

    def next_timer(self) -> float | None:
        """When handle_timer is due; None while nothing is pending."""
        return self._arrivals.last_s + INTER_CHARACTER_S if self._arrivals.data else None

    def handle_timer(self, now: float) -> list[Zone]:
        """Discards what has waited too long; no zone can be hidden in it, for it would have ended. Harmless when not due."""
        timer = self.next_timer()
        if timer is not None and now >= timer:
            self._skip(len(self._arrivals.data))
        return []

    def _scan(self) -> list[Zone]:
        zones: list[Zone] = []
        buffer = self._arrivals.data
        while buffer:
            start = self._start.search(buffer)
            self._skip(start.start() if start is not None else len(buffer))
            if buffer and self._inside_a_line():
                self._skip(1)
                continue
            found = self._frame.match(buffer)
            if found is not None:
                lines = tuple(line.decode("ascii") for line in found.groups() if line is not None)
                if zone_order(lines):
                    zones.append(Zone(lines, self._arrivals.first_s))
                    self._drop(found.end())
                else:
                    self._skip(1)
            elif buffer and self._beginning.fullmatch(buffer):
                break
            elif buffer:
                self._skip(1)
        return zones

    def _inside_a_line(self) -> bool:
        return not self._has_prefix and self._before is not None and self._before in ZONE_BYTES

    def _skip(self, count: int) -> None:
        self.skipped_count += count
        self._drop(count)

    def _drop(self, count: int) -> None:
        if count:
            self._before = self._arrivals.data[count - 1]
            self._arrivals.drop(count)


def encode(lines: Sequence[str], framing: LineFraming) -> bytes:
    """One frame, as a reader set up like this sends it; lines may be none of a zone."""
    content = framing.separator.join(line.encode("ascii") for line in lines)
    return framing.prefix + content + framing.terminator


def zone_order(lines: Sequence[str]) -> bool:
    """Whether lines of a zone's shape stand in a zone's order: document code first, dates in the second line, no dates in names.

    Lines of two readings that follow each other have the shape and not the order. Identity cards of national layouts pass.
    """
    digits = [sum(character.isdigit() for character in line) for line in lines]
    names = digits[2] if len(lines) == 3 else digits[0]
    return lines[0][0] in FIRST_LETTERS and digits[1] >= DATE_DIGITS_MIN and names < DATE_DIGITS_MIN


def _patterns(framing: LineFraming) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """Of a whole frame (its groups are lines), of any proper beginning of one, and of where one can start."""
    prefix, separator, terminator = framing.prefix, framing.separator, framing.terminator
    ends = [terminator] if separator == terminator else [separator + terminator, terminator]
    whole, beginnings = [], []
    for count, size in SHAPES:
        line = b"(%s{%d})" % (_CHARACTER, size)
        body = re.escape(separator).join([line] * count)
        whole.append(body + b"(?:" + b"|".join(map(re.escape, ends)) + b")")
        for end in ends:
            rest = _started(end)
            for index in reversed(range(count)):
                behind = rest if index == count - 1 else _started(separator, rest)
                rest = b"(?:%s{%d}%s|%s{0,%d})" % (_CHARACTER, size, behind, _CHARACTER, size - 1)
            beginnings.append(rest)
    first = prefix[:1] or b"".join(letter.encode("ascii") for letter in sorted(FIRST_LETTERS))
    start = re.compile(b"[" + re.escape(first) + b"]" if prefix else b"[" + first + b"]")
    frame = re.compile(re.escape(prefix) + b"(?:" + b"|".join(whole) + b")")
    return frame, re.compile(_started(prefix, b"(?:" + b"|".join(beginnings) + b")")), start


def _started(literal: bytes, rest: bytes = b"") -> bytes:
    """A pattern of any beginning of literal, or all of it and then rest."""
    pattern = rest
    for byte in reversed(literal):
        pattern = b"(?:" + re.escape(bytes([byte])) + pattern + b")?"
    return pattern
