"""A lock on Modbus as `egate.ports.Lock`: joins a `LockSession` to its line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from egate.domain.device import DeviceState, LockState, ReleaseResult
from egate.errors import DeviceError, DeviceTimeout, ProtocolViolation
from hw.link.base import LinkLost
from hw.modbus.adapter.borrower import Borrower
from hw.modbus.adapter.bus import Bus
from hw.modbus.adapter.line import Client, NotSent
from hw.modbus.controller import LockMap
from hw.modbus.frame import Refused
from hw.modbus.lock import LockSession
from hw.modbus.lock_order import Contact, Failure, Fate
from hw.modbus.release_time import Watchdog

DURATION_S_MIN, DURATION_S_MAX = 0.1, 30.0  # egate.ports.Lock
DEADLINE_S_MAX = 30.0  # chosen: no decision is that fresh
SECURE_S_MAX = 1.0  # chosen: how long `secure` waits for the confirmation
FAREWELL_S_MAX = 1.0  # chosen: longer than any answer takes
FAREWELL_QUESTIONS_MAX = 3  # chosen: securing may be said again, and whoever closes does not wait for ever
# Application Protocol 1.1b3, 7: illegal function, address, value; busy; no path behind the gateway. What the others mean is not known:
# an acknowledgement (5) is one of them.
NOT_CARRIED_OUT = frozenset({1, 2, 3, 6, 10})
STATES = {
    Contact.ABSENT: DeviceState.LOST,
    Contact.SECURING: DeviceState.DEGRADED,
    Contact.UNFIT: DeviceState.LOST,
    Contact.READY: DeviceState.ONLINE,
}


class ModbusLock(Borrower):
    """Implements egate.ports.Lock. transit_s: how long a command may be on its way."""

    def __init__(
        self, bus: Bus, lock: LockMap, unit: int, *, transit_s: float, watchdog: Watchdog | None = None
    ) -> None:
        super().__init__(bus)
        self._session = LockSession(lock, unit, transit_s, watchdog)
        self._on_lock: list[Callable[[LockState], None]] = []
        self._told_lock = LockState.UNKNOWN
        self._releasing = False

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

    def on_lock(self, callback: Callable[[LockState], None]) -> None:
        self._on_lock.append(callback)

    async def release(self, duration_s: float, deadline_s: float) -> ReleaseResult:
        deadline = time.monotonic() + deadline_s
        if not 0 <= deadline_s <= DEADLINE_S_MAX:  # refuses NaN
            raise DeviceError(f"the deadline of a release lies 0 to {DEADLINE_S_MAX} s ahead")
        if not DURATION_S_MIN <= duration_s <= DURATION_S_MAX:
            raise DeviceError(f"a release lasts {DURATION_S_MIN} to {DURATION_S_MAX} s")
        if self._loop is None:
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
        if self._loop is None:
            return False
        return await self._order(lambda now, done: self._session.secure(now + SECURE_S_MAX, done), otherwise=False)

    # From here on: the line's thread.

    @property
    def lost(self) -> bool:
        return self._session.contact is Contact.ABSENT

    def connected(self, now: float) -> None:
        super().connected(now)
        self._session.connect(now)

    def disconnected(self, why: str) -> None:
        super().disconnected(why)
        self._session.disconnect(why)
        self._publish()

    def tend(self, now: float) -> float:
        self._carry_out_orders()
        self._session.expire(time.monotonic())
        self._publish()
        return self._session.expires()

    def due(self, now: float) -> float:
        return self._session.due()

    def turn(self, client: Client) -> None:
        session = self._session
        order = session.next_order(time.monotonic())
        self._publish()  # before a release leaves: its state is not known from now on
        was_lost, failure, why = self.lost, Failure.NO_ANSWER, ""
        try:
            pdu, asked_at = client.ask(
                order.question, not_after=order.not_after, answer_by=order.answer_by, patient=not self.lost
            )
        except LinkLost as lost:
            session.on_failure(order, Failure.NO_ANSWER, str(lost), time.monotonic())
            raise
        except NotSent as late:
            failure, why = Failure.NOT_SENT, str(late)
        except Refused as refused:
            failure = Failure.REFUSED if refused.code in NOT_CARRIED_OUT else Failure.NO_ANSWER
            why = f"unit {order.question.unit} refused: {refused}"
        except (DeviceTimeout, ProtocolViolation) as error:
            why = str(error)
        else:
            now = time.monotonic()
            self._health.heard(now)
            session.on_answer(order, pdu, asked_at, now)
        if why:
            self._health.error(why)
            session.on_failure(order, failure, why, time.monotonic())
            if self.lost and not was_lost:
                self._health.lost(why)
        self._publish()

    def take_abort(self) -> bool:
        taken, self._session.must_abort = self._session.must_abort, False
        return taken

    def farewell(self, client: Client) -> None:
        question = self._session.last_order().question
        for _ in range(1 if self.lost else FAREWELL_QUESTIONS_MAX):
            try:
                now = time.monotonic()  # everybody who leaves is in a hurry: it is not to be given up for that
                client.ask(question, answer_by=None if self.lost else now + FAREWELL_S_MAX, patient=not self.lost)
                return
            except Refused:
                return
            except (DeviceTimeout, ProtocolViolation) as failure:
                self._health.error(str(failure))

    def left(self) -> None:
        self._session.disconnect("closed", for_good=True)
        self._publish()
        super().left()

    def _publish(self) -> None:
        if (lock := self.lock_state) is not self._told_lock:
            self._told_lock = lock
            self._call_soon(self._change_lock, lock)
        self._tell_state(DeviceState.LOST if self._session.timer_broken else STATES[self._session.contact])

    # From here on: the event loop.

    def _change_lock(self, lock: LockState) -> None:
        for callback in self._on_lock:
            callback(lock)
