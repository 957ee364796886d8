"""A link with seeded faults, for tests and the simulated gate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hw.link.base import Link, LinkLost
from hw.link.uart import resample

BURST_BYTES = 4096  # as many as a port's driver holds


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What goes wrong, in both directions. Probabilities are in [0, 1]: drop, duplicate and flip per byte, split per write or read,
    stall per portion.

    split_bytes_max: writes and reads that are split come in portions of 1 to this many bytes (0: all whole). stall: the portion and
    all behind it wait stall_s. delay_s: each portion waits so long; order is kept. echo: what is written is also read back (two-wire bus
    without echo suppression). baud, peer_baud: speeds of the wrapped end and of the other; if they differ each hears what its
    own speed makes of the other's bits (0: equal).
    """

    drop: float = 0.0
    duplicate: float = 0.0
    flip: float = 0.0
    split: float = 1.0
    split_bytes_max: int = 0
    stall: float = 0.0
    stall_s: float = 0.05
    delay_s: float = 0.0
    echo: bool = False
    baud: int = 0
    peer_baud: int = 0

    @property
    def mismatched(self) -> bool:
        return bool(self.baud and self.peer_baud) and self.baud != self.peer_baud


NO_FAULTS = FaultPlan()
# The line of the long campaigns: 0.02 % of bytes flipped, as many dropped, 5 % split, stalls of 50 ms. The stalls' frequency and the
# size of portions are chosen: a polled line stalls every few seconds, and headers are cut.
ROUGH_LINE = FaultPlan(drop=0.0002, flip=0.0002, split=0.05, split_bytes_max=6, stall=0.002, stall_s=0.05)


class FaultLink:
    """Wraps inner. Plan, silence, garbage and unplugging may be changed at run time from any thread.

    Bytes of a silence are lost, not held back. The same seed and the same bytes give the same losses and flips, for each direction by
    itself; how the bytes are cut in portions only changes when they come.
    """

    def __init__(
        self, inner: Link, seed: int, plan: FaultPlan = NO_FAULTS, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """sleep: how stalls and delays pass; seconds."""
        self._inner = inner
        self._sleep = sleep
        self._reading, self._writing, self._timing = (Random(f"{seed} {way}") for way in ("read", "write", "time"))
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
        if data := self._take_injected(size_max):
            return data
        plan = self._plan
        if plan.mismatched:
            # Bits of one burst belong together, and may become more bytes than they were: what exceeds size_max is read next.
            self.inject(resample(self._inner.read(BURST_BYTES, timeout_s), plan.peer_baud, plan.baud))
            data = self._take_injected(size_max)
        else:
            data = self._inner.read(self._portion(size_max, plan), timeout_s)
        return self._suffer(data, plan, self._reading)

    def write(self, data: bytes) -> None:
        self._check()
        plan = self._plan
        if plan.echo:
            self.inject(data)
        if plan.mismatched:
            data = resample(data, plan.baud, plan.peer_baud)
        whole = not self._is_split(plan)
        while data:
            size = len(data) if whole else self._timing.randint(1, plan.split_bytes_max)
            portion, data = self._suffer(data[:size], plan, self._writing), data[size:]
            if portion:
                self._inner.write(portion)

    def close(self) -> None:
        self._inner.close()

    def _check(self) -> None:
        if self._unplugged:
            raise LinkLost("unplugged")

    def _take_injected(self, size_max: int) -> bytes:
        with self._lock:
            data, self._injected = self._injected[:size_max], self._injected[size_max:]
        return data

    def _is_split(self, plan: FaultPlan) -> bool:
        return plan.split_bytes_max > 0 and self._timing.random() < plan.split

    def _portion(self, size: int, plan: FaultPlan) -> int:
        return min(size, self._timing.randint(1, plan.split_bytes_max)) if self._is_split(plan) else size

    def _suffer(self, data: bytes, plan: FaultPlan, random: Random) -> bytes:
        if not data:
            return data
        if wait_s := plan.delay_s + (plan.stall_s if plan.stall and self._timing.random() < plan.stall else 0.0):
            self._sleep(wait_s)
        if self.silent:
            self.bytes_lost += len(data)
            return b""
        if not (plan.drop or plan.duplicate or plan.flip):
            return data
        return b"".join(self._mangle(byte, plan, random) for byte in data)

    def _mangle(self, byte: int, plan: FaultPlan, random: Random) -> bytes:
        if random.random() < plan.drop:
            self.bytes_lost += 1
            return b""
        if random.random() < plan.flip:
            byte ^= 1 << random.randrange(8)
        return bytes([byte]) * (2 if random.random() < plan.duplicate else 1)
