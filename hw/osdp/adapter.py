"""An OSDP lock as `egate.ports.Lock`: one thread per lock owns the port and libosdp's context.

URL: osdp+LINK://TARGET?address=1&key=file:PATH[&output=0][&install_key=1] and the link's own parameters.
key: the secure channel base key, 16 bytes in hexadecimal. install_key=1 admits the public install key as key (never in production).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from egate.domain.device import DeviceHealth, DeviceState, LockState, ReleaseResult
from egate.errors import ConfigurationError, DeviceError
from hw.health import HealthLog
from hw.link.base import Link, LinkLost
from hw.link.opener import link_keys, open_link
from hw.osdp.acu import Acu
from hw.osdp.channel import Channel
from hw.osdp.keys import INSTALL_KEY, KEY_BYTES
from hw.osdp.session import Contact, Fate, LockSession
from hw.url import DeviceUrl

DURATION_S_MIN, DURATION_S_MAX = 0.1, 30.0  # egate.ports.Lock
DEADLINE_S_MAX = 30.0  # chosen: no decision is that fresh
ADDRESS_MAX = 126  # OSDP 2.2, 5.7: 127 is broadcast
OUTPUT_MAX = 7  # chosen: door controllers have fewer
TICK_S = 0.001  # libosdp wants a refresh at least every 50 ms; command round trips grow with this
RECEIVE_BYTES = 1024
SECURE_S_MAX = 1.0  # chosen: how long `secure` waits for the confirmation
BACKOFF_S = (0.1, 0.25, 0.5, 1.0)  # waits before the port is opened again; the last one repeats
OUT_FRAME_BITS = 400  # mark, header, security block, command, 16 data bytes, MAC, CRC: 32 bytes, and reply-side slack
RECONNECT_S = 1.5  # chosen: how long a connection that was up may take to come back before the lock counts as lost; the bar is 5 s
PROCESSING_S = 0.02  # chosen: thread scheduling here, execution there


ORDERS_S = 0.01  # how often orders are looked at while there is no connection
STATES = {
    Contact.ABSENT: DeviceState.LOST,
    Contact.SECURING: DeviceState.DEGRADED,
    Contact.READY: DeviceState.ONLINE,
}

_T = TypeVar("_T")


def open_lock(url: DeviceUrl, base: Path) -> OsdpLock:
    """The lock of url, not started. Raises ConfigurationError."""
    url.admit({"address", "key"}, {"output", "install_key"} | link_keys(url))
    address = url.integer("address", None, 0, ADDRESS_MAX)
    output = url.integer("output", 0, 0, OUTPUT_MAX)
    install_key = url.flag("install_key")
    key = url.secret("key", base)
    if len(key) != KEY_BYTES:
        raise url.error(f"the key is not {KEY_BYTES} bytes long")
    if key == INSTALL_KEY and not install_key:
        raise url.error("the key is the public install key")
    transit_s = PROCESSING_S + OUT_FRAME_BITS / url.integer("baud", 9600, 50, 4_000_000)
    return OsdpLock(lambda: open_link(url), address, key, output, transit_s=transit_s)


class OsdpLock:
    """Implements egate.ports.Lock."""

    def __init__(
        self,
        open_port: Callable[[], Link],
        address: int,
        key: bytes,
        output: int = 0,
        *,
        transit_s: float = PROCESSING_S,
        tick_s: float = TICK_S,
    ) -> None:
        self._open_port = open_port
        self._tick_s = tick_s
        self._channel = Channel(time.monotonic)
        self._session = LockSession(self._channel, lambda: Acu(self._channel, address, key), output, transit_s)
        self._orders: deque[Callable[[float], None]] = deque()  # bounded: one release, and secure is awaited
        self._handing_over = threading.Lock()
        self._taking = True
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None
        self._on_state: Callable[[DeviceState], None] = _ignore
        self._state = self._told = DeviceState.LOST
        self._on_lock: list[Callable[[LockState], None]] = []
        self._told_lock = LockState.UNKNOWN
        self._health = HealthLog()
        self._heard_at = float("-inf")
        self._releasing = False

    @property
    def state(self) -> DeviceState:
        return self._state

    @property
    def health(self) -> DeviceHealth:
        return self._health.report(self._state)

    def on_lock(self, callback: Callable[[LockState], None]) -> None:
        self._on_lock.append(callback)

    @property
    def lock_state(self) -> LockState:
        active = self._session.active
        if active is None:
            return LockState.UNKNOWN
        return LockState.RELEASED if active else LockState.SECURED

    @property
    def diagnosis(self) -> str:
        """Why the lock is not ONLINE, for the operator; "" if it is."""
        return self._session.diagnosis

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        if self._thread is not None or self._stop.is_set():
            raise DeviceError("the lock was started or closed before")
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._on_state = on_state
        self._thread = threading.Thread(target=self._run, name="osdp-lock", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        self._stop.set()
        if self._ended is not None:
            await asyncio.shield(self._ended)

    async def release(self, duration_s: float, deadline_s: float) -> ReleaseResult:
        deadline = time.monotonic() + deadline_s
        if not 0 <= deadline_s <= DEADLINE_S_MAX:  # refuses NaN
            raise DeviceError(f"the deadline of a release lies 0 to {DEADLINE_S_MAX} s ahead")
        if not DURATION_S_MIN <= duration_s <= DURATION_S_MAX:
            raise DeviceError(f"a release lasts {DURATION_S_MIN} to {DURATION_S_MAX} s")
        if self._thread is None:
            raise DeviceError("the lock is not started")
        if self._releasing:
            raise DeviceError("a release is under way")
        self._releasing = True
        try:
            fate = await self._order(
                lambda now, done: self._session.release(duration_s, deadline, done), otherwise=Fate.NOT_SENT
            )
        except asyncio.CancelledError:
            self._hand_over(lambda now: self._session.cancel_release())
            raise
        finally:
            self._releasing = False
        return ReleaseResult[fate.name]

    async def secure(self) -> bool:
        if self._thread is None:
            return False
        return await self._order(lambda now, done: self._session.secure(now, now + SECURE_S_MAX, done), otherwise=False)

    async def _order(self, order: Callable[[float, Callable[[_T], None]], None], otherwise: _T) -> _T:
        """Lets the owner thread carry out order; its answer, or otherwise if the thread does not run."""
        answer: asyncio.Future[_T] = asyncio.get_running_loop().create_future()

        def settle(value: _T) -> None:
            if not answer.done():
                answer.set_result(value)

        if not self._hand_over(lambda now: order(now, lambda value: self._call_soon(settle, value))):
            return otherwise
        return await answer

    def _hand_over(self, order: Callable[[float], None]) -> bool:
        with self._handing_over:
            if self._taking:
                self._orders.append(order)
            return self._taking

    def _call_soon(self, callback: Callable[[_T], None], value: _T) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            if self._loop is not None:
                self._loop.call_soon_threadsafe(callback, value)

    # From here on: the owner thread.

    def _run(self) -> None:
        try:
            attempt = 0
            while not self._stop.is_set():
                attempt = 0 if self._stay_connected() else min(attempt + 1, len(BACKOFF_S) - 1)
                self._wait(BACKOFF_S[attempt])
        finally:
            self._session.close()
            with self._handing_over:
                self._taking = False
            self._carry_out_orders()  # contact is absent: each is answered at once
            self._publish()
            self._call_soon(self._end, None)

    def _stay_connected(self) -> bool:
        """Opens the port and serves the lock until it is lost. True if it was ready at some time."""
        try:
            link = self._open_port()
        except (LinkLost, ConfigurationError) as error:
            self._session.diagnosis = str(error)
            return False
        self._health.opened()
        ready = False
        self._channel.attach(link)
        self._session.connect(time.monotonic())
        try:
            while not self._stop.is_set() and not self._session.must_reconnect:
                self._channel.receive(RECEIVE_BYTES, self._tick_s)
                self._turn()
                ready |= self._session.contact is Contact.READY
            diagnosis = self._session.diagnosis
        except LinkLost as lost:
            diagnosis = str(lost)
            self._heard_at = float("-inf")  # the port is gone: nothing to wait for
        finally:
            self._channel.attach(None)
            link.close()
        self._health.lost(diagnosis)
        self._session.disconnect(diagnosis)
        self._publish()
        return ready

    def _wait(self, duration_s: float) -> None:
        until = time.monotonic() + duration_s
        while time.monotonic() < until and not self._stop.wait(ORDERS_S):
            self._turn()

    def _turn(self) -> None:
        self._carry_out_orders()
        self._session.step(time.monotonic())
        self._publish()

    def _carry_out_orders(self) -> None:
        while self._orders:
            self._orders.popleft()(time.monotonic())

    def _publish(self) -> None:
        if (lock := self.lock_state) is not self._told_lock:
            self._told_lock = lock
            self._call_soon(self._change_lock, lock)
        state = STATES[self._session.contact]
        now = time.monotonic()
        if self._session.timer_broken:
            state = DeviceState.LOST  # it answers and can be secured; no lane must count on it
        elif state is not DeviceState.LOST:
            self._heard_at = now
            self._health.heard(now)
        elif now - self._heard_at < RECONNECT_S and not self._stop.is_set():
            # One late answer ends libosdp's connection; the next one is up in some 0.3 s. Its lock state is UNKNOWN meanwhile.
            state = DeviceState.DEGRADED
        if state is not self._told:
            self._told = state
            self._call_soon(self._change_state, state)

    # From here on: the event loop.

    def _change_lock(self, lock: LockState) -> None:
        for callback in self._on_lock:
            callback(lock)

    def _change_state(self, state: DeviceState) -> None:
        self._state = state
        self._on_state(state)

    def _end(self, _: None) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


def _ignore(state: DeviceState) -> None:
    pass
