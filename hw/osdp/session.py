"""What may be said to a lock and when: connection, timed release, securing. Pure but for libosdp's context; `now` is an argument.

    ABSENT ──link, secure channel──▶ SECURING ──output status: off──▶ READY
       ▲                                │                               │
       └───────── no answer, link lost, release without answer ─────────┘

What can go wrong, and what is done: a release that has no answer at its deadline is still queued or about to be repeated inside
libosdp, where nothing can take it back. So the context is destroyed, the port closed, and all is built anew, secured first.
The same when the peripheral stops answering: libosdp itself waits 300 s before it tries again.
An output that reports active without a release of ours is SECURING again: told OFF until it is off.
A release that the peripheral's own timer did not end is ended by us, and nothing is released any more for the life of the session:
without that timer nothing would secure the lock if we died. No reading and no reconnection shows that a timer is sound; somebody
has to look at it and start anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from hw.osdp.acu import Acu, Command, Completed, OutputReport
from hw.osdp.channel import Channel

CONNECT_S_MAX = 2.0  # chosen: the handshake takes 2 ms unpaced, 0.5 s at 9600 baud
SILENCE_S_MAX = 2.5  # chosen: outlasts one repetition of libosdp (1.0 s), well below the 5 s watchdog
ASK_IDLE_S = 0.5  # chosen: four questions fit into SILENCE_S_MAX
ASK_RELEASED_S = 0.1  # chosen: how soon a bolt that fell is noticed
SECURE_AGAIN_S = 0.3  # chosen: how often a bolt that does not fall is told again
TIMER_BROKEN = "its timer did not end a release; have it repaired, then start egate anew"
OVERDUE_S = 0.5  # chosen: a timed release that lasts so much longer is ended by us; the peripheral's timer is broken
SECURE_INTERRUPTS_S = 0.05  # chosen: how long `secure` waits for a release that is on the wire


class Contact(Enum):
    ABSENT = "ABSENT"  # no link, or no secure channel
    SECURING = (
        "SECURING"  # answers, but has not confirmed that it is secured, or is active unasked; or its timer is broken
    )
    READY = "READY"


class Fate(Enum):
    """What became of a release."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"


@dataclass(slots=True)
class _Release:
    duration_s: float
    deadline: float
    done: Callable[[Fate], None]
    submitted: bool = False
    out_count: int = 0


@dataclass(slots=True)
class _Released:
    """An acknowledged release: until when an active output may be its doing, and whether it was seen active since."""

    until: float
    seen: bool = False


@dataclass(slots=True)
class _Securing:
    deadline: float
    done: Callable[[bool], None]


class LockSession:
    """One lock behind one channel. All calls from one thread.

    transit_s: how long a command may be on its way until it is executed; nothing is sent later than that before its deadline.
    """

    def __init__(self, channel: Channel, make_acu: Callable[[], Acu], output: int, transit_s: float) -> None:
        self._channel = channel
        self._make_acu = make_acu
        self._output = output
        self._transit_s = transit_s
        self._acu: Acu | None = None
        self._release: _Release | None = None
        self._securing: list[_Securing] = []
        self._connecting_since = self._heard_at = self._asked_at = self._secured_at = 0.0
        self._asked: deque[float] = deque()  # when each open question was asked; libosdp answers in order
        self._measured_at = 0.0  # the report at hand says nothing about an earlier time
        self._released: _Released | None = None
        self._confirming = False
        self.contact = Contact.ABSENT
        self.active: bool | None = None  # output status, None if not known
        self.timer_broken = False  # once True it stays
        self.must_reconnect = False  # the caller closes the link and opens it again
        self.diagnosis = "not connected"

    def connect(self, now: float) -> None:
        """The channel has a link."""
        self._acu = self._make_acu()
        self._connecting_since = now
        self.must_reconnect = False

    def disconnect(self, diagnosis: str) -> None:
        """The link is gone, or will be closed. What was queued is gone with it."""
        self._forget(diagnosis)

    def close(self) -> None:
        """As disconnect, for good: nobody is left waiting."""
        self._forget("closed")
        self._answer_securing(False)

    def release(self, duration_s: float, deadline: float, done: Callable[[Fate], None]) -> None:
        """Releases once the lock is READY, before deadline. done is called once; one release at a time."""
        if self._release is not None:
            raise RuntimeError("a release is under way")
        self._release = _Release(duration_s, deadline, done)
        if self.contact is Contact.ABSENT or self.timer_broken:
            self._end_release()

    def secure(self, now: float, deadline: float, done: Callable[[bool], None]) -> None:
        """Secures now; a release that is not yet answered loses."""
        if self._release is not None:
            if not self._release.submitted:
                self._end_release()
            else:
                self._release.deadline = min(self._release.deadline, now + SECURE_INTERRUPTS_S)
                self._limit_out(self._release)
        if self.contact is Contact.ABSENT:
            done(False)
            return
        self._securing.append(_Securing(deadline, done))
        self._command_off(now)

    def cancel_release(self) -> None:
        """Nobody waits for the release any more: it must not start from now on."""
        if self._release is not None and self._release.submitted:
            self._abandon("nobody waited for a release")
        self._end_release()

    def step(self, now: float) -> None:
        """Lets libosdp work; call it about every millisecond, connected or not."""
        self._expire_securing(now)
        if self._acu is None:
            return
        for answer in self._acu.refresh():
            if self.must_reconnect:
                return
            if isinstance(answer, OutputReport):
                self._on_report(answer, now)
            else:
                self._on_completed(answer, now)
        if self.contact is Contact.ABSENT:
            self._await_channel(now)
        else:
            self._keep_watch(now)
        self._drive_release(now)

    def _await_channel(self, now: float) -> None:
        if self._acu is None:
            return
        if self._acu.online:
            self.contact, self.diagnosis = Contact.SECURING, TIMER_BROKEN if self.timer_broken else "securing"
            self._heard_at = now
            self._command_off(now)
        elif now - self._connecting_since > CONNECT_S_MAX:
            answers = self._channel.received_count > 0
            self._abandon("answers without secure channel: wrong key or address?" if answers else "no answer")

    def _keep_watch(self, now: float) -> None:
        if self._acu is None:
            return
        if now - self._heard_at > SILENCE_S_MAX or not self._acu.online:
            self._abandon("stopped answering")
            return
        if self.contact is Contact.SECURING and self.active is not False and now - self._secured_at > SECURE_AGAIN_S:
            self._command_off(now)
        if now - self._asked_at > (ASK_IDLE_S if self.active is False else ASK_RELEASED_S):
            self._ask(now)

    def _on_completed(self, answer: Completed, now: float) -> None:
        if answer.ok:
            self._heard_at = now
        release = self._release
        if answer.command is Command.STATUS and self._asked:
            self._measured_at = self._asked.popleft()
        if answer.command is Command.RELEASE and release is not None and release.submitted:
            if not answer.ok:  # refused, or executed with the reply lost: libosdp does not tell which
                self._abandon("failed a release")
                return
            self._released = _Released(now + release.duration_s + OVERDUE_S)
            self._channel.out_until = None
            self._release = None
            release.done(Fate.ACKNOWLEDGED)
            self._ask(now)
        elif answer.command is Command.SECURE and answer.ok:
            self._released = None
            self._confirming = True
            self._ask(now)
        elif not answer.ok:  # libosdp goes offline for 300 s after a refusal
            self._abandon("refused a command")

    def _on_report(self, report: OutputReport, now: float) -> None:
        if not report.asked or self._output >= len(report.active):
            self._ask(
                now
            )  # sent by itself: may have waited in the peripheral's queue and be older than our last command
            return
        self._heard_at = now
        if self._release is not None and self._release.submitted:
            return  # older than the release that is on the wire
        self.active = report.active[self._output]
        if self.active:
            self._on_active()
            return
        if self._released is not None and (self._released.seen or self._measured_at > self._released.until):
            self._released = None  # it is over: what comes on now comes on by itself
        if self._confirming:
            self._confirming = False
            self._answer_securing(True)
        if self.contact is Contact.SECURING and not self.timer_broken:
            self.contact, self.diagnosis = Contact.READY, ""

    def _on_active(self) -> None:
        """The peripheral itself reports that it is released: silence alone says nothing about its timer, nor does a report
        that waited for us while we were held up."""
        if self._released is not None:
            self._released.seen = True
            if self._measured_at <= self._released.until:
                return
            self._released = None
            self.timer_broken = True
        self.contact = Contact.SECURING
        self.diagnosis = TIMER_BROKEN if self.timer_broken else "active without a release"

    def _drive_release(self, now: float) -> None:
        release = self._release
        if release is None or self._acu is None:
            return
        if release.submitted:
            if now >= release.deadline:
                self._abandon("did not answer a release in time")
        elif now >= release.deadline - self._transit_s:
            self._end_release()
        elif self.contact is Contact.READY:
            self.active = None  # from before the first byte until the peripheral reports again
            release.out_count = self._channel.out_count
            release.submitted = True
            self._limit_out(release)
            if not self._acu.release(self._output, release.duration_s):
                self._abandon("did not take a release")

    def _limit_out(self, release: _Release) -> None:
        self._channel.out_until = release.deadline - self._transit_s

    def _command_off(self, now: float) -> None:
        self._secured_at = now
        if self._acu is not None and not self._acu.secure(self._output):
            self._abandon("left the secure channel")

    def _ask(self, now: float) -> None:
        self._asked_at = now
        if self._acu is not None and self._acu.ask():
            self._asked.append(now)

    def _abandon(self, diagnosis: str) -> None:
        """Past this call nothing that was queued is sent."""
        self.must_reconnect = True
        self._forget(diagnosis)

    def _forget(self, diagnosis: str) -> None:
        if self._acu is not None:
            self._acu.close()
        self._acu = None
        self._asked.clear()
        self.contact, self.active, self.diagnosis = Contact.ABSENT, None, diagnosis
        self._released, self._confirming = None, False
        self._end_release()

    def _end_release(self) -> None:
        """Ends a release that has no acknowledgement; its context is gone or never had it."""
        release, self._release = self._release, None
        self._channel.out_until = None
        if release is not None:
            left = release.submitted and self._channel.out_count > release.out_count
            release.done(Fate.UNKNOWN if left else Fate.NOT_SENT)

    def _answer_securing(self, confirmed: bool) -> None:
        waiting, self._securing = self._securing, []
        for one in waiting:
            one.done(confirmed)

    def _expire_securing(self, now: float) -> None:
        late = [one for one in self._securing if now > one.deadline]
        self._securing = [one for one in self._securing if now <= one.deadline]
        for one in late:
            one.done(False)
