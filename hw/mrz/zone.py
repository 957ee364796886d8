"""A zone as its reader sent it, and what every framing's decoder does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, repr=False)
class Zone:
    """lines: as printed; () if the reader saw a document without a zone. started_s: when its first byte was fed."""

    lines: tuple[str, ...]
    started_s: float

    def __repr__(self) -> str:
        return f"Zone({len(self.lines)} lines, redacted)"


class ZoneDecoder(Protocol):
    """Bytes -> zones, sans-IO. now: seconds, monotonic. skipped_count: bytes that belonged to no zone."""

    @property
    def skipped_count(self) -> int: ...

    def feed(self, data: bytes, now: float) -> list[Zone]:
        """Zones completed by data, in order."""

    def handle_timer(self, now: float) -> list[Zone]:
        """Discards a start that has waited too long; zones that it had hidden come out. Harmless when not due."""
