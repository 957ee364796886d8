"""A chip without any reader: commands are function calls. For tests, benchmarks and whoever checks documents he issued himself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from egate.domain.chip import ChipRead
from hw.emrtd.drive import drive
from hw.emrtd.plan import OnProgress, ReadPlan, ignore_progress
from hw.emrtd.transport import Card, never

ANONYMOUS = Card()  # tells nothing of itself


class DirectTransport:
    """execute: one command APDU to one response APDU. reset: what a switched field does to the chip."""

    def __init__(
        self,
        execute: Callable[[bytes], bytes],
        reset: Callable[[], None] = lambda: None,
        card: Card | None = ANONYMOUS,
    ) -> None:
        self.cancelled: Callable[[], bool] = never
        self.card = card
        self._execute, self._reset = execute, reset

    def connect(self) -> Card | None:
        self._reset()
        return self.card

    def transmit(self, command: bytes, timeout_s: float) -> bytes:
        return self._execute(command)

    def disconnect(self) -> None:
        self._reset()

    def idle(self, timeout_s: float) -> int:
        return 0

    def close(self) -> None:
        pass


def read_directly(
    plan: ReadPlan,
    execute: Callable[[bytes], bytes],
    entropy: Callable[[int], bytes],
    *,
    reset: Callable[[], None] = lambda: None,
    on_progress: OnProgress = ignore_progress,
) -> ChipRead:
    """What a session reads of a chip that answers at once; no time passes for it."""
    return drive(plan, DirectTransport(execute, reset), entropy, _standing_clock(), on_progress)


def _standing_clock() -> Callable[[], float]:
    ticks = count()
    return lambda: next(ticks) * 1e-6
