"""What all Modbus devices share: they borrow a line, tell their state in the event loop, and take orders from it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from egate.domain.device import DeviceHealth, DeviceState
from egate.errors import DeviceError
from hw.health import HealthLog
from hw.loop_calls import call_soon, carried_out
from hw.modbus.adapter.bus import Bus
from hw.modbus.adapter.line import Client
from hw.modbus.adapter.lines import unclaim

_T = TypeVar("_T")


class Borrower:
    """The event loop's half: state, health, start, close. The line's half: see bus.Member; families of devices fill it in."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._health = HealthLog()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None
        self._on_state: Callable[[DeviceState], None] = _ignore
        self._state = self._told_state = DeviceState.LOST
        self._closing = False
        self._orders: deque[Callable[[float], None]] = (
            deque()
        )  # bounded: one release, and what else there is, is awaited
        self._handing_over = threading.Lock()
        self._taking = True

    @property
    def state(self) -> DeviceState:
        return self._state

    @property
    def health(self) -> DeviceHealth:
        return self._health.report(self._state)

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        if self._loop is not None or self._closing:
            raise DeviceError("the device was started or closed before")
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._on_state = on_state
        self._bus.join(self)

    async def close(self) -> None:
        first, self._closing = not self._closing, True
        unclaim(self._bus, self)
        if self._ended is None:
            return
        if first:
            self._bus.leave(self)
        await asyncio.shield(self._ended)

    async def _order(self, order: Callable[[float, Callable[[_T], None]], None], otherwise: _T) -> _T:
        """Lets the line's thread carry out order; its answer, or otherwise if the thread is gone."""
        return await carried_out(self._hand_over, order, otherwise)

    def _hand_over(self, order: Callable[[float], None]) -> bool:
        with self._handing_over:
            if self._taking:
                self._orders.append(order)
        if self._taking:
            self._bus.ring()
        return self._taking

    def _call_soon(self, callback: Callable[[_T], None], value: _T) -> None:
        call_soon(self._loop, callback, value)

    # From here on: the line's thread.

    @property
    def lost(self) -> bool:
        return self._told_state is DeviceState.LOST

    def connected(self, now: float) -> None:
        self._health.opened()

    def disconnected(self, why: str) -> None:
        self._health.lost(why)

    def tend(self, now: float) -> float:
        self._carry_out_orders()
        return float("inf")

    def due(self, now: float) -> float:
        raise NotImplementedError

    def turn(self, client: Client) -> None:
        raise NotImplementedError

    def take_abort(self) -> bool:
        return False

    def farewell(self, client: Client) -> None:
        pass

    def left(self) -> None:
        with self._handing_over:
            self._taking = False
        self._carry_out_orders()  # there is no device any more: each is answered at once
        self._tell_state(DeviceState.LOST)
        self._call_soon(self._end, None)

    def _carry_out_orders(self) -> None:
        while self._orders:
            self._orders.popleft()(time.monotonic())

    def _tell_state(self, state: DeviceState) -> None:
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


def _ignore(state: DeviceState) -> None:
    pass
