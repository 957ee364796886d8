"""Cards that a peripheral's reader reports (osdp_RAW). Pure; `now` is an argument.

The peripheral tells a card when it is polled; one that waited there while the line was away is told late, and so is counted from the
connection on only.
"""

from __future__ import annotations

from collections.abc import Callable

from hw.osdp.duty import Wish
from hw.osdp.orders import Answer, Card, Order
from hw.osdp.peripheral import Peripheral

OLD_S = 0.5  # chosen: what is told so soon after the secure channel came up was presented before it


class CardsDuty:
    """on_card: the card, and when it was told."""

    def __init__(self, peripheral: Peripheral, reader: int, on_card: Callable[[Card, float], None]) -> None:
        self._peripheral = peripheral
        self._reader = reader
        self._on_card = on_card
        self._connected_at = 0.0
        self.connected_now = False
        self.heard_at = float("-inf")
        self.old_count = 0

    def connected(self, now: float) -> None:
        self.connected_now = True
        self.heard_at = self._connected_at = now
        self._peripheral.reports_itself = True

    def lost(self, diagnosis: str) -> None:
        self.connected_now = False

    def heard(self, now: float) -> None:
        self.heard_at = now

    def handle_timer(self, now: float) -> None:
        pass

    def next_timer(self) -> float | None:
        return None

    def wish(self, now: float) -> Wish | None:
        return None

    def told(self, order: Order, now: float) -> None:
        pass

    def answered(self, answer: Answer, now: float) -> None:
        if not isinstance(answer, Card) or answer.reader != self._reader:
            return
        if now - self._connected_at < OLD_S:
            self.old_count += 1
            return
        self._on_card(answer, now)
