"""The controller's half: one question at a time, each sent exactly once. No port, no clock: `now` is CLOCK_MONOTONIC seconds.

idle ──order or poll due──▶ asked ──its answer──▶ idle
                              └── no answer in time ──▶ broken: the port must be opened anew, so that nothing of it is delivered later
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from egate.domain.device import LockState, ReleaseResult

from .frame import Code, Decoder, Frame, encode

POLL_S = 0.1
ANSWER_S_MAX = 0.5  # the lock answers within 20 ms
TRANSIT_S = 0.05  # chosen: a frame at 9600 baud, and the lock's own time


@dataclass(slots=True)
class Release:
    duration_s: float
    deadline: float
    done: Callable[[ReleaseResult], None]


@dataclass(slots=True)
class Secure:
    deadline: float
    done: Callable[[bool], None]


Order = Release | Secure


class Broken(Exception):
    """The lock did not answer."""


class Session:
    """One opening of the port. state UNKNOWN until the first answer."""

    def __init__(self, now: float) -> None:
        self.state = LockState.UNKNOWN
        self.identity = ""
        self.heard_at: float | None = None
        self._decoder = Decoder()
        self._orders: deque[Order] = deque()
        self._asked: tuple[int, float, Order | None] | None = None  # sequence, until, on whose behalf
        self._sequence = 0
        self._poll_at = now

    @property
    def skipped_count(self) -> int:
        return self._decoder.skipped_count

    def order(self, order: Order) -> None:
        if isinstance(order, Secure):  # what has not been sent is not to be sent any more
            for waiting in [item for item in self._orders if isinstance(item, Release)]:
                self._orders.remove(waiting)
                waiting.done(ReleaseResult.NOT_SENT)
        self._orders.append(order)

    def data_to_send(self, now: float) -> bytes:
        """At most one frame. Raises Broken."""
        if self._asked is not None:
            if now < self._asked[1]:
                return b""
            raise Broken("it does not answer")
        while self._orders:
            order = self._orders.popleft()
            if now + TRANSIT_S > order.deadline:
                abandon(order, was_sent=False)
                continue
            until = min(order.deadline, now + ANSWER_S_MAX)
            if isinstance(order, Secure):
                return self._ask(Code.SECURE, b"", until, order)
            return self._ask(Code.RELEASE, round(order.duration_s * 10).to_bytes(2, "big"), until, order)
        if now < self._poll_at:
            return b""
        self._poll_at = now + POLL_S
        return self._ask(Code.STATUS if self.identity else Code.IDENTIFY, b"", now + ANSWER_S_MAX, None)

    def receive(self, data: bytes, now: float) -> None:
        for frame in self._decoder.feed(data, now):
            if self._asked is not None and frame.sequence == self._asked[0]:
                self._answered(frame, now)

    def end(self) -> None:
        """Nothing more is sent in this session."""
        self.state = LockState.UNKNOWN
        if self._asked is not None and self._asked[2] is not None:
            abandon(self._asked[2], was_sent=True)
        self._asked = None
        while self._orders:
            abandon(self._orders.popleft(), was_sent=False)

    def _ask(self, code: Code, data: bytes, until: float, order: Order | None) -> bytes:
        self._sequence = self._sequence % 255 + 1
        self._asked = (self._sequence, until, order)
        return encode(Frame(self._sequence, code, data))

    def _answered(self, frame: Frame, now: float) -> None:
        assert self._asked is not None
        order, self._asked = self._asked[2], None
        self.heard_at = now
        if frame.code == Code.IDENTITY:
            self.identity = frame.data.decode("ascii", "replace")
        elif frame.code == Code.STATE and frame.data in (b"\0", b"\1"):
            self.state = LockState.RELEASED if frame.data == b"\1" else LockState.SECURED
        released = frame.code == Code.STATE and self.state is LockState.RELEASED
        if isinstance(order, Release):
            order.done(ReleaseResult.ACKNOWLEDGED if released else ReleaseResult.UNKNOWN)
        elif isinstance(order, Secure):
            order.done(frame.code == Code.STATE and not released)


def abandon(order: Order, *, was_sent: bool) -> None:
    if isinstance(order, Secure):
        order.done(False)
    else:
        order.done(ReleaseResult.UNKNOWN if was_sent else ReleaseResult.NOT_SENT)
