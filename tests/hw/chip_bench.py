"""A chip half and a reader half joined by a link in memory, under a clock of their own."""

from __future__ import annotations

from collections.abc import Callable

from egate.domain.chip import ChipRead
from hw.emrtd.drive import drive
from hw.emrtd.plan import Progress, ReadPlan
from hw.emrtd.transport import VpcdTransport

PLAN = ReadPlan(groups=("dg1", "dg2", "dg3"))


def zeros(size: int) -> bytes:
    return bytes(size)


class Bench:
    """A link to answer(data, now). What is written takes step_s; waiting takes the time waited."""

    def __init__(self, answer: Callable[[bytes, float], bytes], step_s: float = 0.001) -> None:
        self.now = 0.0
        self.written: list[bytes] = []
        self._answer, self._step_s = answer, step_s
        self._arrived = b""

    def read(self, size_max: int, timeout_s: float) -> bytes:
        if not self._arrived:
            self.now += timeout_s
        data, self._arrived = self._arrived[:size_max], self._arrived[size_max:]
        return data

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self._arrived += self._answer(data, self.now)
        self.now += self._step_s

    def close(self) -> None:
        pass

    @property
    def transport(self) -> VpcdTransport:
        return VpcdTransport(self, lambda: self.now)


def run(
    answer: Callable[[bytes, float], bytes],
    step_s: float = 0.001,
    plan: ReadPlan = PLAN,
    told: list[Progress] | None = None,
) -> tuple[ChipRead, float]:
    """The session's result and when it ended."""
    bench = Bench(answer, step_s)
    return drive(plan, bench.transport, zeros, lambda: bench.now, (told if told is not None else []).append), bench.now
