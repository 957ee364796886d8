"""Counts what happens to a device: the same few words in every family, safe from any thread."""

from __future__ import annotations

import threading
from collections import Counter
from types import MappingProxyType

from egate.domain.device import DeviceHealth, DeviceState

ERROR_CHARACTERS_MAX = 200  # chosen: a line of a table


class HealthLog:
    """One per adapter. Words must never hold what a device read from a traveller, a document or a card, nor a key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: Counter[str] = Counter(opened=0, lost=0, errors=0)
        self._heard_at: float | None = None
        self._last_error = ""
        self._identity = ""

    def opened(self) -> None:
        """The port was opened."""
        self.count("opened")

    def lost(self, why: str) -> None:
        """The port or the device went away, or could not be opened. The same words again count once more, but are no news."""
        self._failed("lost", why)

    def error(self, why: str) -> None:
        """One exchange or message failed."""
        self._failed("errors", why)

    def heard(self, now: float) -> None:
        """A valid answer or message: the heartbeat. now: CLOCK_MONOTONIC."""
        self._heard_at = now

    def count(self, name: str, by: int = 1) -> None:
        """name: of the family's own, e.g. "frames", "skipped_bytes"."""
        with self._lock:
            self._counters[name] += by

    def identify(self, identity: str) -> None:
        self._identity = identity[:ERROR_CHARACTERS_MAX]

    def report(self, state: DeviceState) -> DeviceHealth:
        with self._lock:
            counters = dict(self._counters)
        return DeviceHealth(state, self._heard_at, MappingProxyType(counters), self._last_error, self._identity)

    def _failed(self, name: str, why: str) -> None:
        with self._lock:
            self._counters[name] += 1
            self._last_error = why[:ERROR_CHARACTERS_MAX]
