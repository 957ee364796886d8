"""The lock as `egate.ports.Lock`: one thread owns the port.

URL: samplegate+LINK://TARGET and the link's own parameters.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from egate.domain.device import DeviceHealth, DeviceState, LockState, ReleaseResult
from egate.errors import ConfigurationError, DeviceError
from hw.health import HealthLog
from hw.link.base import Link, LinkLost
from hw.link.opener import link_keys, open_link
from hw.url import DeviceUrl

from .session import Broken, Order, Release, Secure, Session, abandon

DURATION_S_MIN, DURATION_S_MAX = 0.1, 30.0  # egate.ports.Lock
SECURE_S_MAX = 1.0
TICK_S = 0.01
BACKOFF_S = (0.1, 0.5, 1.0)
RECEIVE_BYTES = 256

_T = TypeVar("_T")


def open_lock(url: DeviceUrl, base: Path) -> SampleLock:
    """The lock of url, not started. Raises ConfigurationError."""
    url.admit((), link_keys(url))
    return SampleLock(lambda: open_link(url))


class SampleLock:
    def __init__(self, open_port: Callable[[], Link]) -> None:
        self._open_port = open_port
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None
        self._on_state: Callable[[DeviceState], None] = lambda state: None
        self._on_lock: list[Callable[[LockState], None]] = []
        self._state, self._lock_state = DeviceState.LOST, LockState.UNKNOWN
        self._told: tuple[DeviceState, LockState] = (self._state, self._lock_state)
        self._health = HealthLog()
        self._releasing = False
        self._settled: list[Callable[[], None]] = []  # answers of this turn; owner thread

    @property
    def state(self) -> DeviceState:
        return self._state

    @property
    def health(self) -> DeviceHealth:
        return self._health.report(self._state)

    @property
    def lock_state(self) -> LockState:
        return self._lock_state

    def on_lock(self, callback: Callable[[LockState], None]) -> None:
        self._on_lock.append(callback)

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        if self._thread is not None or self._stop.is_set():
            raise DeviceError("the lock was started or closed before")
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._on_state = on_state
        self._thread = threading.Thread(target=self._run, name="samplegate", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        self._stop.set()
        if self._ended is not None:
            await asyncio.shield(self._ended)

    async def release(self, duration_s: float, deadline_s: float) -> ReleaseResult:
        if not DURATION_S_MIN <= duration_s <= DURATION_S_MAX:  # NaN refuses
            raise DeviceError("no lawful duration of a release")
        if self._releasing:
            raise DeviceError("a release is under way")
        if self._state is not DeviceState.ONLINE or not deadline_s > 0:
            return ReleaseResult.NOT_SENT
        self._releasing = True
        try:
            return await self._carried_out(lambda done: Release(duration_s, time.monotonic() + deadline_s, done))
        finally:
            self._releasing = False

    async def secure(self) -> bool:
        if self._state is not DeviceState.ONLINE:
            return False
        return await self._carried_out(lambda done: Secure(time.monotonic() + SECURE_S_MAX, done))

    async def _carried_out(self, make: Callable[[Callable[[_T], None]], Order]) -> _T:
        """Hands an order to the owner thread; its answer comes after the states it brought about."""
        assert self._loop is not None
        answer: asyncio.Future[_T] = self._loop.create_future()

        def settle(value: _T) -> None:
            if not answer.done():  # whoever asked may have been cancelled
                answer.set_result(value)

        self._orders.put(make(lambda value: self._later(lambda: settle(value))))
        if self._stop.is_set() and self._ended is not None and self._ended.done():
            self._refuse_orders()  # nobody else will
        return await answer

    # From here on: the owner thread.

    def _run(self) -> None:
        try:
            attempt = 0
            while not self._stop.is_set():
                attempt = 0 if self._stay_connected() else min(attempt + 1, len(BACKOFF_S) - 1)
                self._stop.wait(BACKOFF_S[attempt])
        finally:
            self._refuse_orders()
            self._in_loop(self._end)

    def _stay_connected(self) -> bool:
        """Until the port or the lock is lost. True if the lock was heard."""
        try:
            link = self._open_port()
        except (LinkLost, ConfigurationError) as error:
            self._health.lost(str(error))
            self._refuse_orders()
            return False
        self._health.opened()
        session = Session(time.monotonic())
        try:
            while not self._stop.is_set():
                self._turn(session, link)
        except (LinkLost, Broken) as lost:
            self._health.lost(str(lost))
        finally:
            link.close()  # first: whatever has not left the port yet never will
            session.end()
            self._publish(DeviceState.LOST, LockState.UNKNOWN)
            self._refuse_orders()
        return session.heard_at is not None

    def _turn(self, session: Session, link: Link) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                session.order(self._orders.get_nowait())
        if out := session.data_to_send(time.monotonic()):
            link.write(out)
        session.receive(link.read(RECEIVE_BYTES, TICK_S), time.monotonic())
        if session.heard_at is not None:
            self._health.heard(session.heard_at)
            self._health.identify(session.identity)
        known = session.state is not LockState.UNKNOWN
        self._publish(DeviceState.ONLINE if known else DeviceState.LOST, session.state)

    def _refuse_orders(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                abandon(self._orders.get_nowait(), was_sent=False)
        self._settle()

    def _later(self, call: Callable[[], None]) -> None:
        """After `_publish` of the same turn."""
        self._settled.append(call)

    def _publish(self, state: DeviceState, lock: LockState) -> None:
        if (state, lock) != self._told:
            self._told = (state, lock)
            self._in_loop(lambda: self._change(state, lock))
        self._settle()

    def _settle(self) -> None:
        settled, self._settled = self._settled, []
        for call in settled:
            self._in_loop(call)

    def _in_loop(self, call: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call)

    # From here on: the event loop.

    def _change(self, state: DeviceState, lock: LockState) -> None:
        if lock is not self._lock_state:
            self._lock_state = lock
            for callback in self._on_lock:
                callback(lock)
        if state is not self._state:
            self._state = state
            self._on_state(state)

    def _end(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
