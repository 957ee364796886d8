"""Several simulated peripherals on one line, as on RS-485: each hears every command and answers those to its address.

    link ──▶ PeripheralBus ──▶ Tap, Tap, …   one per peripheral; a FaultLink around a tap faults that peripheral alone

Not modelled: peripherals hear no replies of others, and two that answer at once do not collide: their frames follow each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hw.link.base import Link, LinkLost

RECEIVE_BYTES = 1024
HELD_BYTES_MAX = 4096  # chosen: what a peripheral that does not listen misses


class Polled(Protocol):
    def poll(self, timeout_s: float) -> None: ...


class Tap:
    """One peripheral's end of the line, as a Link that never waits."""

    def __init__(self, line: Link) -> None:
        self._line = line
        self._held = bytearray()

    def hear(self, data: bytes) -> None:
        self._held += data
        del self._held[:-HELD_BYTES_MAX]

    def read(self, size_max: int, timeout_s: float) -> bytes:
        data = bytes(self._held[:size_max])
        del self._held[:size_max]
        return data

    def write(self, data: bytes) -> None:
        self._line.write(data)

    def close(self) -> None:
        """The line stays: it is the others' too."""


class PeripheralBus:
    """Call poll again and again from one thread. A peripheral whose own link is unplugged is left out until it is back."""

    def __init__(self, line: Link) -> None:
        self._line = line
        self._taps: list[Tap] = []
        self._peripherals: Sequence[Polled] = ()

    def tap(self) -> Tap:
        tap = Tap(self._line)
        self._taps.append(tap)
        return tap

    def join(self, peripherals: Sequence[Polled]) -> None:
        """Those that are made on its taps; before the first poll."""
        self._peripherals = tuple(peripherals)

    def poll(self, timeout_s: float = 0.001) -> None:
        """Raises LinkLost if the line itself is gone."""
        data = self._line.read(RECEIVE_BYTES, timeout_s)
        for tap in self._taps:
            tap.hear(data)
        for peripheral in self._peripherals:
            try:
                peripheral.poll(0.0)
            except LinkLost:
                continue

    def close(self) -> None:
        self._line.close()
