"""RTE block <-> the lines of a zone.

The reader knows two shapes (manual 9.1.1.2): two lines padded to 44, three lines padded to 30. A TD2 zone therefore comes as
two lines of 44 whose last eight characters are padding.
"""

from __future__ import annotations

from collections.abc import Sequence

from hw.mrz.frame import LINE_COUNT, PAD, Decoder, Frame, encode
from hw.mrz.zone import Zone

_WIDTHS = {2: 44, 3: 30}


def zone(frame: Frame) -> tuple[str, ...]:
    """The lines as printed: padding removed, missing lines left out. () if the reader saw no zone."""
    lines = (line.rstrip(PAD).decode("ascii") for line in frame.lines)
    return tuple(line for line in lines if line)


def block(lines: Sequence[str]) -> bytes:
    """What a reader sends for this zone. lines: one to three; longer ones are truncated from the right, as readers do."""
    width = _WIDTHS.get(len(lines), 44)
    padded = [line[:width].encode("ascii").ljust(width, PAD) for line in lines]
    return encode([b""] * (LINE_COUNT - len(padded)) + padded)


class NativeDecoder:
    """Bytes -> zones; see hw.mrz.zone.ZoneDecoder."""

    def __init__(self) -> None:
        self._decoder = Decoder()

    @property
    def skipped_count(self) -> int:
        return self._decoder.skipped_count

    def feed(self, data: bytes, now: float) -> list[Zone]:
        return _zones(self._decoder.feed(data, now))

    def handle_timer(self, now: float) -> list[Zone]:
        return _zones(self._decoder.handle_timer(now))


def _zones(frames: Sequence[Frame]) -> list[Zone]:
    return [Zone(zone(frame), frame.started_s) for frame in frames]
