"""The card reader of an OSDP peripheral as `egate.ports.CardReader`."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from egate.domain.captured import CardRead
from egate.domain.device import DeviceState
from egate.errors import DeviceError, DeviceLost, DeviceTimeout
from hw.osdp.adapter.device import OsdpDevice
from hw.osdp.adapter.place import Place, place
from hw.osdp.adapter.signal import READER_MAX
from hw.osdp.cards import CardsDuty
from hw.osdp.duty import Duty
from hw.osdp.orders import Card
from hw.osdp.peripheral import Peripheral
from hw.url import DeviceUrl


def open_card_reader(url: DeviceUrl, base: Path) -> OsdpCardReader:
    """The card reader of url, not started. Raises ConfigurationError."""
    reader = url.integer("reader", 0, 0, READER_MAX)
    return OsdpCardReader(place(url, base, "card_reader", f"reader {reader}", ["reader"]), reader)


class OsdpCardReader(OsdpDevice):
    """Implements egate.ports.CardReader. A second `card` while one waits raises DeviceError."""

    def __init__(self, where: Place, reader: int) -> None:
        super().__init__(where)
        self._reader = reader
        self._duty: CardsDuty | None = None
        self._waiting: asyncio.Future[CardRead] | None = None
        self._armed_at = 0.0

    async def card(self, timeout_s: float) -> CardRead:
        if self._state is DeviceState.LOST:
            raise DeviceLost("card reader is not there")
        if self._waiting is not None:
            raise DeviceError("card reader is being read already")
        self._armed_at = time.monotonic()
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._waiting
        except TimeoutError:
            raise DeviceTimeout("no card was presented") from None
        finally:
            self._waiting = None

    # From here on: the bus's owner thread.

    def join(self, peripheral: Peripheral) -> Duty:
        self._duty = CardsDuty(
            peripheral, self._reader, lambda card, now: self._call_soon(self._told_card, (card, now))
        )
        return self.watched(self._duty, peripheral)

    def connected_state(self) -> DeviceState | None:
        return DeviceState.ONLINE if self._duty is not None and self._duty.connected_now else None

    def publish_more(self) -> None:
        pass

    # From here on: the event loop.

    def _told_card(self, told: tuple[Card, float]) -> None:
        card, at = told
        self._health.count("cards")
        if self._waiting is None or self._waiting.done() or at < self._armed_at:
            self._health.count("discarded")
            return
        self._waiting.set_result(CardRead(card.bits, card.bit_count, card.reader))

    def _change_state(self, state: DeviceState) -> None:
        super()._change_state(state)
        if state is DeviceState.LOST and self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(DeviceLost("card reader went away"))
