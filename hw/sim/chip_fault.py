"""Chips that stall, tear or answer garbage: what a traveller's hand, a worn antenna or an attacker does to a session.

In memory around a transport here; the parameters of the same faults on the simulated reader are given by `on_reader`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from hw.emrtd.transport import Card, CardRemoved, CardTimeout, CardTransport, never

STALL_S = 60.0  # longer than any session


class ChipFault(StrEnum):
    STALL = "stall"  # no answer any more
    TEAR = "tear"  # one exchange is lost, the chip has forgotten its session
    PULL = "pull"  # the document is lifted
    GARBAGE = "garbage"  # an answer of random bytes, once
    FLIP = "flip"  # one bit of each answer from then on


def on_reader(fault: ChipFault, after_size: int) -> dict[str, Any]:
    """Arguments of Simulator.present_document. after_size: bytes read of the chip's files until then. Raises KeyError for the others:
    they are faults of the link (Simulator.fault with device "chip")."""
    arguments: dict[ChipFault, dict[str, Any]] = {
        ChipFault.STALL: {"chip_stall_s": STALL_S, "stall_after_size": after_size},
        ChipFault.PULL: {"pulled_after_size": after_size},
    }
    return arguments[fault]


class FaultyTransport:
    """inner: of a sound chip. after_count: exchanges that go well before the fault."""

    def __init__(self, inner: CardTransport, fault: ChipFault, after_count: int, seed: int) -> None:
        self.cancelled: Callable[[], bool] = never
        self._inner, self._fault, self._rest = inner, fault, after_count
        self._draw = random.Random(seed)

    def connect(self) -> Card | None:
        if self._rest < 0 and self._fault is ChipFault.PULL:
            return None
        return self._inner.connect()

    def transmit(self, command: bytes, timeout_s: float) -> bytes:
        self._rest -= 1
        answer = self._inner.transmit(command, timeout_s)
        match self._fault:
            case ChipFault.STALL if self._rest < 0:
                raise CardTimeout("stalled")
            case ChipFault.PULL if self._rest < 0:
                raise CardRemoved("pulled")
            case ChipFault.TEAR if self._rest == -1:
                raise CardTimeout("torn")
            case ChipFault.GARBAGE if self._rest == -1:
                return self._draw.randbytes(self._draw.randrange(300))
            case ChipFault.FLIP if self._rest < 0:
                return self._flipped(answer)
        return answer

    def disconnect(self) -> None:
        self._inner.disconnect()

    def idle(self, timeout_s: float) -> int:
        return 0

    def close(self) -> None:
        self._inner.close()

    def _flipped(self, answer: bytes) -> bytes:
        if not answer:
            return answer
        changed = bytearray(answer)
        changed[self._draw.randrange(len(changed))] ^= 1 << self._draw.randrange(8)
        return bytes(changed)
