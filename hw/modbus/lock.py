"""What may be said to a lock and when: timed release, reading back, securing. Pure; `now` is an argument, seconds of one clock.

    ABSENT ──an answer──▶ SECURING ──reads secured, asked after it was told──▶ READY
       ▲                   ▲     ▲                                              │
       │                   │     └── active unasked, release without answer ────┤
       └─────── no answer for SILENCE_S_MAX, link lost        UNFIT ◀── mode ───┘

The owner of the line asks for `next_order` when `due` has come, sends its question once and tells what became of it.

What can go wrong, and what is done: a release whose answer stays away may have been executed, or lie in a buffer on the way. It is
UNKNOWN, the lock is secured before anything else, and the line is thrown away (`must_abort`): what it still holds must not leave later.
An echo on a two-wire bus looks like the answer to a release, so only the state that is read back acknowledges it.
An output that reads active without a release of ours is secured until it is not, except in a mode that is open to everybody. A release
that neither timer nor watchdog ended is ended by us, and nothing is released any more for the life of the session: if we died, nothing
would secure that lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from hw.modbus.controller import LockMap
from hw.modbus.fitness import Fitness
from hw.modbus.lock_order import TIMER_BROKEN, Contact, Failure, Fate, Order, Purpose, Release, Released, Securing
from hw.modbus.lock_questions import LockQuestions
from hw.modbus.release_time import Watchdog, release_time

ASK_IDLE_S = 0.5  # chosen: four questions fit into SILENCE_S_MAX
ASK_RELEASED_S = 0.1  # chosen: how soon a bolt that fell is noticed
ASK_AGAIN_S = 0.1  # chosen: after a question without answer, so that a late one has come and gone
ABSENT_ASK_S = (0.25, 0.5, 1.0)  # chosen: a dead unit costs its neighbours a time limit each; the last one repeats
SILENCE_S_MAX = 2.0  # chosen: outlasts a few lost answers, well below the 5 s watchdog
SECURE_AGAIN_S = 0.3  # chosen: how often a bolt that does not fall is told again
OVERDUE_S = 0.5  # chosen: a release that lasts so much longer than its timer allows is ended by us
READ_BACK_S = 0.3  # chosen: how long a bolt may take until its contact reads released
READ_BACK_AGAIN_S = 0.02  # chosen: some twenty readings in that time


class LockSession:
    """One lock in one unit. All calls from one thread.

    transit_s: how long a command may be on its way until it is executed; nothing is sent later than that before its deadline.
    watchdog: needed if the map has no timer.
    """

    def __init__(self, lock: LockMap, unit: int, transit_s: float, watchdog: Watchdog | None = None) -> None:
        if lock.timer is None and watchdog is None:
            raise ValueError("a lock without timer and watchdog")
        self._map, self._transit_s, self._watchdog = lock, transit_s, watchdog
        self._questions = LockQuestions(lock, unit)
        self._fitness = Fitness(lock)
        self._release: Release | None = None
        self._released: Released | None = None
        self._securing = Securing()
        self._round: deque[Purpose] = deque()  # what is asked next, the state last
        self._must_secure = True
        self._secured = False  # told and answered since; what is read from now on confirms it
        self._look_first = False  # before it is told: whether the timer has ended a release meanwhile
        self._not_before = self._round_at = self._wrote_at = self._heard_at = float("-inf")
        self._failures = 0
        self.contact = Contact.ABSENT
        self.active: bool | None = None  # as the device reads, None if not known
        self.timer_broken = False  # once True it stays
        self.must_abort = False  # the owner throws away what the line still holds, and clears this
        self.diagnosis = "not connected"

    def connect(self, now: float) -> None:
        """There is a line. The lock is secured before anything else."""
        self._secure_first()
        self._not_before, self._failures, self._heard_at = now, 0, now
        self.must_abort = False

    def disconnect(self, diagnosis: str, *, for_good: bool = False) -> None:
        """The line is gone, and what was on it. for_good: nobody is left waiting."""
        self._absent(diagnosis)
        if for_good:
            self._securing.answer(False)

    def release(self, duration_s: float, deadline: float, done: Callable[[Fate], None]) -> None:
        """Releases once the lock is READY, before deadline. done is called once; one release at a time."""
        if self._release is not None:
            raise RuntimeError("a release is under way")
        self._release = Release(duration_s, deadline, done)
        if self.contact in (Contact.ABSENT, Contact.UNFIT) or self.timer_broken:
            self._end_release()

    def cancel_release(self) -> None:
        """Nobody waits for the release any more: it must not start from now on, nor last."""
        self._end_release()

    def secure(self, deadline: float, done: Callable[[bool], None]) -> None:
        """Secures now; a release that is not acknowledged loses."""
        self._end_release()
        if self.contact is Contact.ABSENT:
            done(False)
            return
        self._securing.add(deadline, done)
        self._secure_first()
        self._not_before = float("-inf")

    def due(self) -> float:
        """When to ask for `next_order`."""
        release, released = self._release, self._released
        pressing = release is not None and (release.answered_at is not None or self._may_release())
        if self._must_secure or self._round or pressing:
            return self._not_before
        busy = released is not None or self.active is not False or release is not None
        round_at = self._round_at + (ASK_RELEASED_S if busy else ASK_IDLE_S)
        own_end = released.own_end if released is not None and released.own_end is not None else round_at
        return max(self._not_before, min(round_at, own_end))

    def expires(self) -> float:
        """When to call `expire` at the latest."""
        own = self._release.expires(self._transit_s) if self._release is not None else float("inf")
        return min(own, self._securing.expires())

    def expire(self, now: float) -> None:
        """Answers whoever has waited long enough; also while there is no line."""
        if self._release is not None and now >= self._release.expires(self._transit_s):
            self._end_release()
        self._securing.expire(now)

    def next_order(self, now: float) -> Order:
        """What to ask now, `due` having come. Its outcome must be told before the next call."""
        self.expire(now)
        released, release = self._released, self._release
        if released is not None and released.own_end is not None and now >= released.own_end:
            self._secure_first()
        if self._must_secure:
            return self._order_securing(now)
        if release is not None and release.answered_at is not None:
            return Order(Purpose.STATE, self._questions.read(Purpose.STATE), answer_by=release.deadline)
        if release is not None and self._may_release():
            return self._order_release(release)
        if not self._round:
            self._round_at = now
            self._round.extend(self._questions.round)
        return Order(self._round[0], self._questions.read(self._round[0]))

    def last_order(self) -> Order:
        """What is said before the lock is left: nobody would end a release any more."""
        return Order(Purpose.SECURE, self._questions.secure())

    def on_answer(self, order: Order, pdu: bytes, asked_at: float, now: float) -> None:
        """asked_at: before the question left; the answer says nothing about a later time."""
        self._heard_at, self._failures, self._not_before = now, 0, float("-inf")
        if self.contact is Contact.ABSENT:
            self.contact = Contact.SECURING
            self._explain("securing")
        if self._round and order.purpose is self._round[0]:
            self._round.popleft()
        match order.purpose:
            case Purpose.SECURE:
                self._must_secure, self._secured = False, True
                self._round_at = float("-inf")  # read it back at once
                if self._released is not None:
                    self._released.own_end, self._released.ended = None, True
            case Purpose.RELEASE:
                if self._release is not None:
                    self._release.answered_at = now
            case Purpose.MODE:
                self._fitness.on_mode(self._questions.value(Purpose.MODE, pdu))
                self._judge()
            case Purpose.TIMER:
                self._fitness.on_timer(self._questions.value(Purpose.TIMER, pdu))
                self._judge()
            case Purpose.STATE:
                self._on_state(bool(self._questions.value(Purpose.STATE, pdu)), asked_at, now)

    def on_failure(self, order: Order, failure: Failure, why: str, now: float) -> None:
        """The order was not sent, or has no answer that can be used."""
        self._round.clear()
        if order.purpose is Purpose.RELEASE:
            self._on_release_failed(failure, now)
            return
        if failure is Failure.NOT_SENT:
            return
        self._failures += 1
        self._not_before = now + ASK_AGAIN_S
        if self.contact is Contact.ABSENT:
            self._explain(why)
            if order.purpose is Purpose.SECURE:
                self._not_before = now + ABSENT_ASK_S[min(self._failures, len(ABSENT_ASK_S)) - 1]
                self._look_first = self._released is not None
        elif now - self._heard_at > SILENCE_S_MAX:
            self._absent(why)

    def _on_release_failed(self, failure: Failure, now: float) -> None:
        self._not_before, self._round_at = now, float("-inf")  # secure it, or read it, at once
        if failure is Failure.NO_ANSWER:
            self.must_abort = True
            if self._release is not None:
                self._release.answered_at = now  # it may have been carried out
        self._end_release()

    def _order_securing(self, now: float) -> Order:
        if self._look_first:
            self._look_first = False
            return Order(Purpose.STATE, self._questions.read(Purpose.STATE))
        self._wrote_at = now
        return self.last_order()

    def _order_release(self, release: Release) -> Order:
        self.active = None  # from before the first byte until it was read again
        self._round.clear()
        time = release_time(self._map, self._fitness.timer_s, self._watchdog, release.duration_s)
        release.own_end_s, release.device_end_s = time.own_end_s, time.device_end_s
        question = self._questions.release(time.value)
        return Order(Purpose.RELEASE, question, release.deadline - self._transit_s, release.deadline)

    def _may_release(self) -> bool:
        """One release after the other: a lock that still reads released is no place to start from."""
        if self._release is None or self._release.answered_at is not None:
            return False
        return self.contact is Contact.READY and self._secured and self.active is False

    def _on_state(self, active: bool, asked_at: float, now: float) -> None:
        release = self._release
        if release is not None and release.answered_at is not None:
            self._on_read_back(release, active, now)
            return
        self.active = active or self._fitness.open
        released = self._released
        if not active:
            self._released = None  # over: what comes on from now on comes on by itself
            if self._secured:
                self._on_secured()
        elif self._fitness.open:
            self._released = None  # it is open to everybody, perhaps for a fire: secured once its mode is normal again
        elif released is not None and asked_at > released.until:
            self._released, self.timer_broken = None, True
            self._not_secured(TIMER_BROKEN)
        elif released is None or released.ended:
            self._not_secured("active without a release" if released is None else "does not secure")

    def _on_read_back(self, release: Release, active: bool, now: float) -> None:
        """Only what was read acknowledges: the answer to a release may have been its echo."""
        since = release.answered_at if release.answered_at is not None else now
        self._round.clear()
        if active:
            end = None if release.own_end_s is None else since + release.own_end_s
            self._released = Released(end, since + release.device_end_s + OVERDUE_S)
            self.active, self._release, self._round_at = True, None, now
            release.done(Fate.ACKNOWLEDGED)
        elif now - since > READ_BACK_S:
            self._end_release()
            self.diagnosis = "acknowledged a release and reads secured"
        else:
            self._not_before = now + READ_BACK_AGAIN_S

    def _on_secured(self) -> None:
        if not self._fitness.open:
            self._securing.answer(True)
        if self.contact is Contact.SECURING and not self.timer_broken:
            self.contact, self.diagnosis = Contact.READY, ""

    def _not_secured(self, diagnosis: str) -> None:
        if self.contact is not Contact.UNFIT:
            self.contact = Contact.SECURING
            self._explain(diagnosis)
        self._secure_first()
        self._not_before = self._wrote_at + SECURE_AGAIN_S

    def _judge(self) -> None:
        """After the unit has said something of itself."""
        if self._fitness.why:
            self.contact = Contact.UNFIT
            self._explain(self._fitness.why)
            self._end_release()
        elif self.contact is Contact.UNFIT:
            self.contact = Contact.SECURING
            self._explain("securing")
            self._secure_first()

    def _explain(self, diagnosis: str) -> None:
        self.diagnosis = TIMER_BROKEN if self.timer_broken else diagnosis

    def _secure_first(self) -> None:
        self._must_secure, self._secured = True, False
        self._round.clear()

    def _absent(self, diagnosis: str) -> None:
        self._end_release()
        self._failures, self._look_first = 0, self._released is not None
        self._fitness.forget()
        self.contact, self.active = Contact.ABSENT, None
        self._explain(diagnosis)
        self._secure_first()

    def _end_release(self) -> None:
        """Ends a release that is not acknowledged; one that may have been carried out is secured first."""
        release, self._release = self._release, None
        if release is None:
            return
        if release.answered_at is not None:
            self._secure_first()
            if self.contact is Contact.READY:
                self.contact, self.diagnosis = Contact.SECURING, "a release was not confirmed"
        release.done(Fate.NOT_SENT if release.answered_at is None else Fate.UNKNOWN)
