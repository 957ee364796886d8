"""An OSDP output as `egate.ports.Lock`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from egate.domain.device import DeviceState, LockState, ReleaseResult
from egate.errors import DeviceError
from hw.link.rfc2217 import SUSPENDED_S_MAX
from hw.link.stream import REPEATED_S_MAX
from hw.osdp.adapter.device import NOISY, OsdpDevice
from hw.osdp.adapter.place import Place, place
from hw.osdp.duty import Duty
from hw.osdp.lock import LockDuty
from hw.osdp.peripheral import Peripheral
from hw.osdp.release import Contact, Fate
from hw.url import DeviceUrl

DURATION_S_MIN, DURATION_S_MAX = (
    0.1,
    30.0,
)  # egate.ports.Lock; beyond 25.5 s the native module's timer ends it (hw/osdp/orders.py)
DEADLINE_S_MAX = 30.0  # chosen: no decision is that fresh
OUTPUT_MAX = 7  # chosen: door controllers have fewer
SECURE_S_MAX = 1.0  # chosen: how long `secure` waits for the confirmation
SECURE_AGAIN_S = 0.05  # chosen: a connection that was given up is back within some tenths
OUT_FRAME_BITS = 400  # mark, header, security block, command, 16 data bytes, MAC, CRC: 32 bytes, and reply-side slack
PROCESSING_S = 0.02  # chosen: thread scheduling here, execution there
DELAY_S_MAX = {"tcp": REPEATED_S_MAX, "rfc2217": REPEATED_S_MAX + SUSPENDED_S_MAX}  # of links that wait by themselves

STATES = {
    Contact.ABSENT: None,
    Contact.SECURING: DeviceState.DEGRADED,
    Contact.READY: DeviceState.ONLINE,
}


def open_lock(url: DeviceUrl, base: Path) -> OsdpLock:
    """The lock of url, not started. Raises ConfigurationError."""
    output = url.integer("output", 0, 0, OUTPUT_MAX)
    return OsdpLock(place(url, base, "lock", f"output {output}", ["output"]), output)


def transit_s(where: Place) -> float:
    """How long a release may be on its way after it was last looked at: links wait, too."""
    turnaround_s = int(where.settings.get("turnaround_ms", "0")) / 1000
    return PROCESSING_S + OUT_FRAME_BITS / where.baud + turnaround_s + DELAY_S_MAX.get(where.link, 0.0)


class OsdpLock(OsdpDevice):
    """Implements egate.ports.Lock."""

    def __init__(self, where: Place, output: int = 0) -> None:
        super().__init__(where)
        self._output = output
        self._transit_s = transit_s(where)
        self._duty: LockDuty | None = None
        self._peripheral: Peripheral | None = None
        self._on_lock: list[Callable[[LockState], None]] = []
        self._told_lock = LockState.UNKNOWN
        self._releasing = False
        self._unsettled = False  # a release was told of which nobody knows what became of it
        self._leaving = False

    @property
    def lock_state(self) -> LockState:
        active = None if self._duty is None else self._duty.active
        if active is None:
            return LockState.UNKNOWN
        return LockState.RELEASED if active else LockState.SECURED

    @property
    def diagnosis(self) -> str:
        """Why the lock is not ONLINE, for the operator; "" if it is."""
        if self._duty is None or self._peripheral is None:
            return "not connected"
        if not self._duty.diagnosis and self._peripheral.power_failed:
            return "its power failed"
        return self._duty.diagnosis or (NOISY if self.line_noisy else "")

    def on_lock(self, callback: Callable[[LockState], None]) -> None:
        self._on_lock.append(callback)

    async def release(self, duration_s: float, deadline_s: float) -> ReleaseResult:
        deadline = time.monotonic() + deadline_s
        if not 0 <= deadline_s <= DEADLINE_S_MAX:  # refuses NaN
            raise DeviceError(f"the deadline of a release lies 0 to {DEADLINE_S_MAX} s ahead")
        if not DURATION_S_MIN <= duration_s <= DURATION_S_MAX:
            raise DeviceError(f"a release lasts {DURATION_S_MIN} to {DURATION_S_MAX} s")
        if self._bus is None:
            raise DeviceError("the lock is not started")
        if self._releasing:
            raise DeviceError("a release is under way")
        if self._leaving:
            return ReleaseResult.NOT_SENT
        self._releasing = self._unsettled = True
        try:
            fate = await self._order(
                lambda now, done: self._release(duration_s, deadline, done), otherwise=Fate.NOT_SENT
            )
        except asyncio.CancelledError:
            self._hand_over(self._cancel)
            raise
        finally:
            self._releasing = False
        self._unsettled = fate is Fate.UNKNOWN
        return ReleaseResult[fate.name]

    async def secure(self) -> bool:
        secured = await self._order(self._secure, otherwise=False)
        self._unsettled &= not secured
        return secured

    async def close(self) -> None:
        """A release under way, or one of which nobody knows, is ended first if the peripheral can be told so."""
        self._leaving = True
        try:
            until = time.monotonic() + SECURE_S_MAX
            while self._unsettled and self._state is not DeviceState.LOST and time.monotonic() < until:
                if not await self.secure():
                    await asyncio.sleep(SECURE_AGAIN_S)  # its connection is being made anew
        finally:
            await super().close()

    # From here on: the bus's owner thread.

    def join(self, peripheral: Peripheral) -> Duty:
        self._peripheral = peripheral
        self._duty = LockDuty(peripheral, self._output, self._transit_s)
        return self.watched(self._duty, peripheral)

    def left(self) -> None:
        if self._duty is not None:
            self._duty.close()
        super().left()

    def connected_state(self) -> DeviceState | None:
        duty, peripheral = self._duty, self._peripheral
        if duty is None or peripheral is None:
            return None
        state = STATES[duty.contact]
        if not duty.trusted:
            return DeviceState.LOST  # it may answer and be secured; no lane must count on it
        if state is DeviceState.ONLINE and peripheral.power_failed:
            return DeviceState.DEGRADED
        return state

    def publish_more(self) -> None:
        if (lock := self.lock_state) is not self._told_lock:
            self._told_lock = lock
            self._call_soon(self._change_lock, lock)

    def _release(self, duration_s: float, deadline: float, done: Callable[[Fate], None]) -> None:
        if self._duty is None:
            done(Fate.NOT_SENT)
        else:
            self._duty.release(duration_s, deadline, done)

    def _secure(self, now: float, done: Callable[[bool], None]) -> None:
        if self._duty is None:
            done(False)
        else:
            self._duty.secure(now, now + SECURE_S_MAX, done)

    def _cancel(self, now: float) -> None:
        if self._duty is not None:
            self._duty.cancel_release(now)

    # From here on: the event loop.

    def _change_lock(self, lock: LockState) -> None:
        for callback in self._on_lock:
            callback(lock)
