"""What all devices on OSDP share: joining the bus of their port, telling states in the event loop, health."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from egate.domain.device import DeviceHealth, DeviceState
from egate.errors import DeviceError
from hw.health import HealthLog
from hw.loop_calls import call_soon, carried_out
from hw.osdp.adapter.bus import BUSES, Bus
from hw.osdp.adapter.place import Place
from hw.osdp.duty import Duty
from hw.osdp.orders import Answer, Capability, Completed, Order
from hw.osdp.peripheral import Peripheral

# Chosen: how long a connection that was up may take to come back before the device counts as lost; the bar is 5 s. One spoilt answer
# ends libosdp's connection; the next one is up in some 0.3 s.
RECONNECT_S = 1.5

NOISY = "its line brings a flood of noise"

_T = TypeVar("_T")


class OsdpDevice(ABC):
    """Implements egate.ports.Device and, for its bus, Member."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._health = HealthLog()
        self._bus: Bus | None = None
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None
        self._on_state: Callable[[DeviceState], None] = _ignore
        self._state = self._told_state = DeviceState.LOST
        self._port_open = False
        self._heard_at = float("-inf")
        self._spoken_to: Peripheral | None = None
        self._told_noise = False

    @property
    def place(self) -> Place:
        return self._place

    @property
    def state(self) -> DeviceState:
        return self._state

    @property
    def health(self) -> DeviceHealth:
        return self._health.report(self._state)

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        """Raises ConfigurationError if it contradicts a device that was started before it."""
        if self._bus is not None or self._closed:
            raise DeviceError("the device was started or closed before")
        self._loop = asyncio.get_running_loop()
        self._on_state = on_state
        self._ended = self._loop.create_future()
        try:
            self._bus = BUSES.join(self)
        except BaseException:
            self._ended = None
            raise

    async def close(self) -> None:
        if self._bus is not None and not self._closed:
            self._closed = True
            BUSES.leave(self._bus, self)
        self._closed = True
        if self._ended is not None:
            await asyncio.shield(self._ended)

    async def _order(self, order: Callable[[float, Callable[[_T], None]], None], otherwise: _T) -> _T:
        """Lets the owner thread carry out order; its answer, or otherwise if nobody carries out orders any more."""
        return await carried_out(self._hand_over, order, otherwise)

    def _hand_over(self, order: Callable[[float], None]) -> bool:
        return self._bus is not None and not self._closed and self._bus.order(order)

    def _call_soon(self, callback: Callable[[_T], None], value: _T) -> None:
        call_soon(self._loop, callback, value)

    # From here on: the bus's owner thread.

    @abstractmethod
    def join(self, peripheral: Peripheral) -> Duty: ...

    @abstractmethod
    def connected_state(self) -> DeviceState | None:
        """What the device is worth while its peripheral answers; None if it does not."""

    @abstractmethod
    def publish_more(self) -> None:
        """Tells what else has changed."""

    def opened(self) -> None:
        self._port_open = True
        self._health.opened()

    def closed(self, why: str) -> None:
        self._port_open = False
        self._health.lost(why)

    def publish(self, now: float) -> None:
        self.publish_more()
        state = self.connected_state()
        if state is None:
            waiting = self._port_open and now - self._heard_at < RECONNECT_S
            state = DeviceState.DEGRADED if waiting else DeviceState.LOST
        if self.line_noisy and state is DeviceState.ONLINE:
            state = DeviceState.DEGRADED
        if self.line_noisy and not self._told_noise:
            self._health.error(NOISY)
        self._told_noise = self.line_noisy
        self._tell(state)

    def left(self) -> None:
        self.publish_more()
        self._tell(DeviceState.LOST)
        self._call_soon(self._end, None)

    def watched(self, duty: Duty, peripheral: Peripheral) -> Duty:
        """duty, with the device's health kept beside it."""
        self._spoken_to = peripheral
        return _Watched(duty, peripheral, self)

    @property
    def line_noisy(self) -> bool:
        return self._spoken_to is not None and self._spoken_to.line_noisy

    def note_connected(self, peripheral: Peripheral) -> None:
        self._health.identify(f"{peripheral.identity}; {_capabilities(peripheral)}")

    def note_heard(self, now: float) -> None:
        self._heard_at = now
        self._health.heard(now)

    def note_lost(self, why: str) -> None:
        if self._port_open and not self._closed:
            self._health.lost(why)

    def note_failed(self, order: Order) -> None:
        self._health.error(f"{type(order).__name__} was not confirmed")

    def _tell(self, state: DeviceState) -> None:
        if state is not self._told_state:
            self._told_state = state
            self._call_soon(self._change_state, state)

    # From here on: the event loop.

    def _change_state(self, state: DeviceState) -> None:
        self._state = state
        self._on_state(state)

    def _end(self, _: None) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


class _Watched:
    """A duty that is also written into its device's health."""

    def __init__(self, duty: Duty, peripheral: Peripheral, device: OsdpDevice) -> None:
        self._duty = duty
        self._peripheral = peripheral
        self._device = device
        self.handle_timer, self.next_timer = duty.handle_timer, duty.next_timer
        self.wish = duty.wish
        self._told: Order | None = None

    def connected(self, now: float) -> None:
        self._device.note_connected(self._peripheral)
        self._duty.connected(now)

    def lost(self, diagnosis: str) -> None:
        self._told = None
        self._device.note_lost(diagnosis)
        self._duty.lost(diagnosis)

    def heard(self, now: float) -> None:
        self._device.note_heard(now)
        self._duty.heard(now)

    def told(self, order: Order, now: float) -> None:
        self._told = order
        self._duty.told(order, now)

    def answered(self, answer: Answer, now: float) -> None:
        if isinstance(answer, Completed) and answer.order is self._told and not answer.ok:
            self._device.note_failed(answer.order)
        self._duty.answered(answer, now)


def _capabilities(peripheral: Peripheral) -> str:
    return ", ".join(f"{one.name.lower()} {peripheral.capability(one)[1]}" for one in Capability)


def _ignore(state: DeviceState) -> None:
    pass
