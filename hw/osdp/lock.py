"""What may be said to a lock and when: timed release, securing, watching. Pure; `now` is an argument.

    ABSENT ──secure channel──▶ SECURING ──output status: off──▶ READY
       ▲                           │                               │
       └───────────── peripheral gone, release without answer ─────┘

What can go wrong, and what is done: a release without answer would be repeated by libosdp, where nothing can take it back. So its context
is destroyed, and all is built anew, secured first. Only what was acknowledged may go on over a new connection: it is timed by the
peripheral, and somebody is on his way through.
An output that reports active without a release of ours is SECURING again: told OFF until it is off; one that refuses to be told is let
be, or its siblings would lose their connection each time. A release that the peripheral's own timer did not end is ended by us, and nothing
is released any more for the life of the duty: without that timer nothing would secure the lock if we died. No reading and no reconnection
shows that it is sound. A peripheral that was opened (tamper) is not trusted as long as it says so.
"""

from __future__ import annotations

from collections.abc import Callable

from hw.osdp.duty import IN_TURN, NOW, SOON, Wish
from hw.osdp.orders import (
    OFF_AND_STOP_TIMER,
    ON_FOR_A_TIME,
    TIMER_TENTHS_MAX,
    TIMER_UNIT_S,
    Answer,
    Ask,
    Completed,
    Order,
    Output,
    Report,
    Status,
)
from hw.osdp.peripheral import Peripheral
from hw.osdp.release import Contact, Fate, Refusals, Release, Released, Securing

ASK_IDLE_S = 0.5  # chosen: four questions fit into the silence that means lost
ASK_RELEASED_S = 0.1  # chosen: how soon a bolt that fell is noticed
SECURE_AGAIN_S = 0.3  # chosen: how often a bolt that does not fall is told again
OVERDUE_S = 0.5  # chosen: a timed release that lasts so much longer is ended by us; the peripheral's timer is broken
SECURE_INTERRUPTS_S = 0.05  # chosen: how long `secure` waits for a release that is on the wire
TIMER_BROKEN = "its timer did not end a release; have it repaired, then start egate anew"
REFUSES = "its peripheral refuses to command this output"
TAMPERED = "its case was opened (tamper); no lane must count on it until it is closed"


class LockDuty:
    """One output of a peripheral that drives a bolt. All calls from one thread; `active`, `contact` may be read from any.

    transit_s: how long a command may be on its way until it is executed; nothing is sent later than that before its deadline.
    """

    def __init__(self, peripheral: Peripheral, output: int, transit_s: float) -> None:
        self._peripheral = peripheral
        self._channel = peripheral.channel
        self._output = output
        self._transit_s = transit_s
        self._release: Release | None = None
        self._securing: list[Securing] = []
        self._off_wanted, self._off_urgency = False, NOW
        self._told_off = False  # since it was READY, or connected
        self._refusals = Refusals()
        self._ask_at = self._secured_at = 0.0
        self._ask_urgency = IN_TURN
        self._released: Released | None = None
        self._confirming = False
        self.contact = Contact.ABSENT
        self.active: bool | None = None  # output status, None if not known
        self.timer_broken = False  # once True it stays
        self.heard_at = float("-inf")
        self._diagnosis = peripheral.diagnosis

    @property
    def trusted(self) -> bool:
        """False: it answers and can be secured, but no lane must count on it."""
        return not self.timer_broken and not self._refusals.lasting and not self._peripheral.tampered

    @property
    def diagnosis(self) -> str:
        """Why it is not to be relied on, "" if it is."""
        if self.contact is not Contact.ABSENT and not self.trusted:
            return TIMER_BROKEN if self.timer_broken else REFUSES if self._refusals.lasting else TAMPERED
        return self._diagnosis

    def connected(self, now: float) -> None:
        self.contact, self._diagnosis = Contact.SECURING, "securing"
        self.heard_at = now
        if self._released is not None:  # it shall first report whether that goes on in its time, or should be over
            self._secured_at = now
            self._ask_soon(now)
        else:
            self._command_off(now)

    def lost(self, diagnosis: str) -> None:
        self.contact, self.active, self._diagnosis = Contact.ABSENT, None, diagnosis
        self._confirming = self._off_wanted = False
        self._end_release()

    def close(self) -> None:
        """Nobody is left waiting."""
        self.lost("closed")
        self._answer_securing(False)

    def heard(self, now: float) -> None:
        self.heard_at = now

    def release(self, duration_s: float, deadline: float, done: Callable[[Fate], None]) -> None:
        """Releases once the lock is READY, before deadline. done is called once; one release at a time.

        duration_s is rounded to tenths, and what is beyond the native module's timer is cut off.
        """
        if self._release is not None:
            raise RuntimeError("a release is under way")
        tenths = min(round(duration_s / TIMER_UNIT_S), TIMER_TENTHS_MAX)
        self._release = Release(tenths, deadline, done)
        if self.contact is Contact.ABSENT or not self.trusted:
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
            self._unwanted()
            done(False)
            return
        self._securing.append(Securing(deadline, done))
        if self.contact is Contact.SECURING and self.active is None and self._unwanted():
            return  # it was asked at the connection; without report it is told OFF in SECURE_AGAIN_S
        self._released = None
        self._command_off(now)

    def cancel_release(self, now: float) -> None:
        """Nobody waits for the release any more: it must not start from now on."""
        if self._release is not None and self._release.submitted:
            self._peripheral.abandon("nobody waited for a release", now)
        self._end_release()

    def handle_timer(self, now: float) -> None:
        self._expire_securing(now)
        release = self._release
        if release is not None and release.submitted and now >= release.deadline:
            self._peripheral.abandon("did not answer a release in time", now)
        elif release is not None and not release.submitted and not self._may_still_start(release, now):
            self._end_release()
        if self._told_off_again_at() <= now:
            # Nothing new: no neighbour loses the line, and with it its connection, to an output that does not obey.
            self._command_off(now, SOON if self._told_off else NOW)

    def next_timer(self) -> float | None:
        times = [one.deadline for one in self._securing] + [self._told_off_again_at()]
        if self._release is not None:
            times.append(self._release.deadline - (0.0 if self._release.submitted else self._transit_s))
        return min(times)

    def wish(self, now: float) -> Wish | None:
        if self._off_wanted and not self._refusals.forbid(now):
            return Wish(self._off_urgency, self._secured_at, Output(self._output, OFF_AND_STOP_TIMER))
        release = self._release
        waiting = release is not None and not release.submitted and self.contact is Contact.READY
        if release is not None and waiting and self._may_still_start(release, now):
            return Wish(NOW, now, Output(self._output, ON_FOR_A_TIME, release.tenths))
        return Wish(self._ask_urgency, self._ask_at, Ask(Status.OUTPUT))

    def told(self, order: Order, now: float) -> None:
        if isinstance(order, Ask):
            self._ask_at, self._ask_urgency = now + (ASK_IDLE_S if self.active is False else ASK_RELEASED_S), IN_TURN
        elif isinstance(order, Output) and order.control_code == OFF_AND_STOP_TIMER:
            self._off_wanted, self._told_off = False, True
        elif self._release is not None:
            self.active = None  # from before the first byte until the peripheral reports again
            self._released = None
            self._release.out_count = self._channel.out_count
            self._release.submitted = True
            self._limit_out(self._release)

    def answered(self, answer: Answer, now: float) -> None:
        if isinstance(answer, Report) and answer.status is Status.OUTPUT:
            self._on_report(answer, now)
        elif isinstance(answer, Report) and answer.status is Status.LOCAL and self.contact is Contact.SECURING:
            self._ask_soon(now)  # that may have been all that was missing
        elif isinstance(answer, Completed) and isinstance(answer.order, Output) and answer.order.output == self._output:
            self._on_completed(answer.order, answer.ok, now)

    def _on_completed(self, order: Output, ok: bool, now: float) -> None:
        release = self._release
        if order.control_code == ON_FOR_A_TIME and release is not None and release.submitted:
            if not ok:  # refused, or executed with the reply lost: libosdp does not tell which
                self._peripheral.abandon("failed a release", now)
                return
            self._released = Released(now + release.tenths * TIMER_UNIT_S + OVERDUE_S)
            self._channel.out_until = None
            self._release = None
            release.done(Fate.ACKNOWLEDGED)
            self._ask_soon(now)
        elif order.control_code == OFF_AND_STOP_TIMER and not ok:
            self._refusals.add(now)
        elif order.control_code == OFF_AND_STOP_TIMER:
            self._refusals = Refusals()
            self._released = None
            self._confirming = True
            self._ask_soon(now)

    def _on_report(self, report: Report, now: float) -> None:
        if not report.asked:  # may have waited in the peripheral's queue and be older than our last command
            self._ask_soon(now)
            return
        if self._output >= len(report.entries):
            self._diagnosis = f"has no output {self._output}"
            return
        if self._release is not None and self._release.submitted:
            return  # older than the release that is on the wire
        self.active = bool(report.entries[self._output])
        unwanted = self._released is not None and self._released.unwanted
        if self.active:
            self._on_active()
            self._ask_at = min(self._ask_at, now + ASK_RELEASED_S)
        if unwanted:
            self._released = None
            self.contact = Contact.SECURING
            self._command_off(now)
            return
        if self.active:
            return
        measured_at = self._peripheral.told_at
        if self._released is not None and (self._released.seen or measured_at > self._released.until):
            self._released = None  # it is over: what comes on now comes on by itself
        if self._confirming:
            self._confirming = False
            self._answer_securing(True)
        if self.contact is Contact.SECURING and not self.timer_broken:
            self._become_ready()

    def _on_active(self) -> None:
        """The peripheral itself reports that it is released: silence alone says nothing about its timer, nor does a report
        that waited for us while we were held up."""
        if self._released is not None:
            self._released.seen = True
            if self._peripheral.told_at <= self._released.until:
                if self.contact is Contact.SECURING:  # connected anew in the midst of it
                    self._become_ready()
                return
            self._released = None
            self.timer_broken = True
        self.contact = Contact.SECURING
        self._diagnosis = "active without a release"

    def _become_ready(self) -> None:
        if self._peripheral.local_known and not self._refusals.lasting:  # it may have been opened while it was away
            self.contact, self._diagnosis, self._told_off = Contact.READY, "", False

    def _unwanted(self) -> bool:
        """Whether there is an acknowledged release, which nobody wants any more."""
        if self._released is None:
            return False
        self._released.unwanted = True
        return True

    def _may_still_start(self, release: Release, now: float) -> bool:
        return self.trusted and now < release.deadline - self._transit_s

    def _limit_out(self, release: Release) -> None:
        self._channel.out_until = release.deadline - self._transit_s

    def _told_off_again_at(self) -> float:
        in_its_time = self._released is not None and self.active is True
        if self.contact is Contact.SECURING and self.active is not False and not self._off_wanted and not in_its_time:
            return self._secured_at + SECURE_AGAIN_S
        return float("inf")

    def _command_off(self, now: float, urgency: int = NOW) -> None:
        self._secured_at, self._off_urgency, self._off_wanted = now, urgency, True

    def _ask_soon(self, now: float) -> None:
        self._ask_at, self._ask_urgency = now, SOON

    def _end_release(self) -> None:
        """Ends a release that has no acknowledgement; its context is gone or never had it."""
        release, self._release = self._release, None
        if release is None:
            return
        if release.submitted:  # otherwise the limit is that of another lock's release, on another output
            self._channel.out_until = None
        left = release.submitted and self._channel.out_count > release.out_count
        release.done(Fate.UNKNOWN if left else Fate.NOT_SENT)

    def _answer_securing(self, confirmed: bool) -> None:
        waiting, self._securing = self._securing, []
        for one in waiting:
            one.done(confirmed)

    def _expire_securing(self, now: float) -> None:
        late = [one for one in self._securing if now >= one.deadline]
        self._securing = [one for one in self._securing if now < one.deadline]
        for one in late:
            one.done(False)
