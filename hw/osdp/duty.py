"""What a device wants of its peripheral, and how urgently. Pure; `now` is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hw.osdp.orders import Answer, Order

# Urgency of wishes, the smaller the sooner.
NOW, SOON, IN_TURN = range(3)


@dataclass(frozen=True, slots=True)
class Wish:
    """order is to be told from `at` on. urgency NOW: before the other peripherals' turns, and before silent ones have answered."""

    urgency: int
    at: float
    order: Order


class Duty(Protocol):
    """What one device wants of its peripheral. It may call `abandon` of the peripheral it was added to."""

    def connected(self, now: float) -> None:
        """The secure channel is up."""

    def lost(self, diagnosis: str) -> None:
        """The context is gone, and with it whatever was in it. Also called if there was none."""

    def heard(self, now: float) -> None:
        """The peripheral answered."""

    def handle_timer(self, now: float) -> None: ...

    def next_timer(self) -> float | None:
        """When handle_timer must be called; None: not before something happens."""

    def wish(self, now: float) -> Wish | None:
        """What it wants to say next. Asked for again and again until it is told, and only while connected."""

    def told(self, order: Order, now: float) -> None:
        """Its wish goes out now."""

    def answered(self, answer: Answer, now: float) -> None:
        """Each answer of the peripheral, also those to the orders of other duties."""
