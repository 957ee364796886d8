"""LED, buzzer and display of an OSDP peripheral as `egate.ports.Signal`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from egate.domain.device import DeviceState
from egate.domain.signal import DARK, TravellerSignal
from hw.osdp.adapter.device import OsdpDevice
from hw.osdp.adapter.place import Place, place
from hw.osdp.duty import Duty
from hw.osdp.lights import LightsDuty
from hw.osdp.peripheral import Peripheral
from hw.url import DeviceUrl

READER_MAX = 7  # chosen: door controllers have two
LED_MAX = 7  # chosen
DARK_S_MAX = 0.3  # chosen: how long `close` waits until the light is told to end; otherwise its own timer ends it


def open_signal(url: DeviceUrl, base: Path) -> OsdpSignal:
    """The signal of url, not started. Raises ConfigurationError."""
    reader, led = url.integer("reader", 0, 0, READER_MAX), url.integer("led", 0, 0, LED_MAX)
    return OsdpSignal(place(url, base, "signal", f"reader {reader}", ["reader", "led"]), reader, led)


class OsdpSignal(OsdpDevice):
    """Implements egate.ports.Signal."""

    def __init__(self, where: Place, reader: int, led: int) -> None:
        super().__init__(where)
        self._reader, self._led = reader, led
        self._duty: LightsDuty | None = None
        self._newest = DARK  # what is to be shown once there is a duty

    async def show(self, signal: TravellerSignal) -> None:
        self._newest = signal
        self._hand_over(lambda now: self._show(signal, now))

    async def close(self) -> None:
        if self._hand_over(lambda now: self._show(DARK, now)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DARK_S_MAX):
                    await self._order(self._when_settled, otherwise=None)
        await super().close()

    # From here on: the bus's owner thread.

    def join(self, peripheral: Peripheral) -> Duty:
        self._duty = LightsDuty(peripheral, self._reader, self._led)
        self._duty.show(self._newest, 0.0)
        return self.watched(self._duty, peripheral)

    def connected_state(self) -> DeviceState | None:
        if self._duty is None or not self._duty.connected_now:
            return None
        return DeviceState.DEGRADED if "LED" in self._duty.unable else DeviceState.ONLINE

    def publish_more(self) -> None:
        pass

    def _show(self, signal: TravellerSignal, now: float) -> None:
        if self._duty is not None:
            self._duty.show(signal, now)

    def _when_settled(self, now: float, done: Callable[[None], None]) -> None:
        if self._duty is None:
            done(None)
        else:
            self._duty.when_settled(lambda: done(None))
