"""What a trace tells of one frame. What is not known to be harmless is told by its size alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

SILENCE_S = 0.3  # chosen: no frame pauses so long; what waits for its rest is let go as noise
HELD_BYTES_MAX = 65_536  # the largest frame of any family announces less
PORTION_BYTES = 2048  # chosen: a frame or two


class Direction(StrEnum):
    TO_DEVICE = ">"
    FROM_DEVICE = "<"


@dataclass(frozen=True, slots=True)
class Told:
    """name: what kind of frame. shown: its bytes if they may be seen, b"" otherwise. size: in bytes, always true."""

    size: int
    name: str
    shown: bytes = b""


@dataclass(frozen=True, slots=True)
class Record:
    """at: CLOCK_MONOTONIC seconds, when the frame's last byte passed. port: the link's target."""

    at: float
    port: str
    direction: Direction
    told: Told


# How long the frame is that begins at the first byte: None if that cannot be told yet, 0 if no frame begins there.
Measure = Callable[[bytes], int | None]


class Cutter:
    """Cuts one direction of a line into frames; what belongs to none is gathered and counted as noise."""

    def __init__(self, measure: Measure, tell: Callable[[bytes], Told]) -> None:
        """tell is asked for whole frames only."""
        self._measure = measure
        self._tell = tell
        self._held = b""
        self._at = 0.0

    def feed(self, data: bytes, now: float) -> list[Told]:
        told: list[Told] = []
        if now - self._at > SILENCE_S or len(self._held) > HELD_BYTES_MAX:
            told, self._held = _noise(len(self._held)), b""
        self._at = now
        for start in range(0, len(data), PORTION_BYTES):  # noise costs a copy of what is held for each of its bytes
            self._held += data[start : start + PORTION_BYTES]
            told += self._cut()
        return told

    def _cut(self) -> list[Told]:
        told: list[Told] = []
        noise = 0
        while self._held:
            size = self._measure(self._held)
            if size is None or size > len(self._held):
                break
            if size == 0:
                noise, self._held = noise + 1, self._held[1:]
                continue
            told += [*_noise(noise), self._tell(self._held[:size])]
            noise, self._held = 0, self._held[size:]
        return told + _noise(noise)


class Sizes:
    """For families that nobody has looked at, and for those whose every byte is somebody's."""

    def feed(self, data: bytes, now: float) -> list[Told]:
        return [Told(len(data), "bytes")] if data else []


def _noise(size: int) -> list[Told]:
    return [Told(size, "noise")] if size else []


def line(record: Record, started: float) -> str:
    """One line of a trace: seconds since started, direction, size, name, and the bytes that may be seen."""
    told = record.told
    head = f"{record.at - started:11.6f} {record.direction} {told.size:5d} {told.name}"
    return f"{head}  {told.shown.hex(' ')}" if told.shown else head
