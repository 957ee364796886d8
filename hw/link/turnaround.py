"""Silence between hearing and speaking, for two-wire devices that let go of the line slowly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from hw.link.base import Link


class TurnaroundLink:
    """Wraps inner: each write waits until turnaround_s have passed since bytes last arrived."""

    def __init__(
        self,
        inner: Link,
        turnaround_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._inner = inner
        self._turnaround_s = turnaround_s
        self._clock = clock
        self._sleep = sleep
        self._heard_at = -turnaround_s

    def read(self, size_max: int, timeout_s: float) -> bytes:
        data = self._inner.read(size_max, timeout_s)
        if data:
            self._heard_at = self._clock()
        return data

    def write(self, data: bytes) -> None:
        wait_s = self._heard_at + self._turnaround_s - self._clock()
        if wait_s > 0:
            self._sleep(wait_s)
        self._inner.write(data)

    def close(self) -> None:
        self._inner.close()

    def __getattr__(self, name: str) -> Any:
        if name == "fileno":  # links that tell their descriptor go on doing so
            return getattr(self._inner, name)
        raise AttributeError(name)


def in_turn(link: Link, turnaround_s: float) -> Link:
    """link itself if there is no silence to keep."""
    return TurnaroundLink(link, turnaround_s) if turnaround_s > 0 else link
