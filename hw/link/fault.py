"""A link with seeded faults, for tests and the simulated gate."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from random import Random

from hw.link.base import Link, LinkLost


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What goes wrong, in both directions. Probabilities are per byte in [0, 1].

    split_bytes_max: writes and reads come in portions of 1 to this many bytes (0: whole). delay_s: each portion
    waits so long, order is kept. echo: what is written is also read back (two-wire bus without echo suppression).
    """

    drop: float = 0.0
    duplicate: float = 0.0
    flip: float = 0.0
    split_bytes_max: int = 0
    delay_s: float = 0.0
    echo: bool = False


NO_FAULTS = FaultPlan()


class FaultLink:
    """Wraps inner. Plan, silence, garbage and unplugging may be changed at run time from any thread.

    Bytes of a silence are lost, not held back. The same seed and the same bytes give the same faults.
    """

    def __init__(self, inner: Link, seed: int, plan: FaultPlan = NO_FAULTS) -> None:
        self._inner = inner
        self._random = Random(seed)
        self._plan = plan
        self._lock = threading.Lock()
        self._silent_from = self._silent_until = 0.0
        self._unplugged = False
        self._injected = b""
        self.bytes_lost = 0

    def set_plan(self, plan: FaultPlan) -> None:
        self._plan = plan

    def silence(self, start_in_s: float, duration_s: float) -> None:
        """Loses every byte of both directions from start_in_s from now on, for duration_s."""
        start = time.monotonic() + start_in_s
        self._silent_from, self._silent_until = start, start + duration_s

    @property
    def silent(self) -> bool:
        return self._silent_from <= time.monotonic() < self._silent_until

    def inject(self, garbage: bytes) -> None:
        """Makes the owner read garbage next, ahead of what the peer sends."""
        with self._lock:
            self._injected += garbage

    def unplug(self) -> None:
        """The owner gets LinkLost from now on until replug."""
        self._unplugged = True

    def replug(self) -> None:
        self._unplugged = False

    def read(self, size_max: int, timeout_s: float) -> bytes:
        self._check()
        with self._lock:
            data, self._injected = self._injected[:size_max], self._injected[size_max:]
        if data:
            return data
        return self._suffer(self._inner.read(self._portion(size_max), timeout_s))

    def write(self, data: bytes) -> None:
        self._check()
        if self._plan.echo:
            self.inject(data)
        while data:
            size = self._portion(len(data))
            portion, data = self._suffer(data[:size]), data[size:]
            if portion:
                self._inner.write(portion)

    def close(self) -> None:
        self._inner.close()

    def _check(self) -> None:
        if self._unplugged:
            raise LinkLost("unplugged")

    def _portion(self, size: int) -> int:
        limit = self._plan.split_bytes_max
        return size if not limit else min(size, self._random.randint(1, limit))

    def _suffer(self, data: bytes) -> bytes:
        if not data:
            return data
        if self._plan.delay_s:
            time.sleep(self._plan.delay_s)
        if self.silent:
            self.bytes_lost += len(data)
            return b""
        plan = self._plan
        if not (plan.drop or plan.duplicate or plan.flip):
            return data
        return b"".join(self._mangle(byte, plan) for byte in data)

    def _mangle(self, byte: int, plan: FaultPlan) -> bytes:
        if self._random.random() < plan.drop:
            self.bytes_lost += 1
            return b""
        if self._random.random() < plan.flip:
            byte ^= 1 << self._random.randrange(8)
        return bytes([byte]) * (2 if self._random.random() < plan.duplicate else 1)
