"""A lock's session against a simulated controller, under a virtual clock: every promise, then seeded campaigns of faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from hw.modbus.frame import Table
from hw.modbus.lock import OVERDUE_S, READ_BACK_S, SILENCE_S_MAX
from hw.modbus.lock_order import Contact, Fate, Order, Purpose
from hw.modbus.map_file import parse, shipped
from hw.modbus.release_time import Watchdog, WatchdogKind
from tests.hw.modbus_bench import TRANSIT_S, VirtualLock

RELAY = shipped("waveshare_relay")
TURNSTILE = shipped("lot_turnstile_sdk")
GRANTS = shipped("lot_turnstile")
PLAIN = parse(
    """
    [controller]
    name = "coils without a timer"
    [lock]
    state = { table = "discrete", address = 4, inverted = true }
    secure = { table = "coil", address = 2, value = 0 }
    release = { table = "coil", address = 2, value = 0xFF00 }
    """,
    "test",
)
RELAY_WATCHDOG = Watchdog("K3", 5.0)
MODES = {"blocked": 1, "open": 2}


def is_release(order: Order, now: float) -> bool:
    return order.purpose is Purpose.RELEASE


def test_ready_only_after_it_was_read_as_secured() -> None:
    lock = VirtualLock(RELAY)
    lock.peripheral.outputs[0], lock.peripheral.stuck = 1, True
    lock.advance(3.0)
    assert lock.contact() is Contact.SECURING
    assert lock.active() is True
    assert sum(order.purpose is Purpose.SECURE for order in lock.asked) > 5, "told again and again"
    lock.peripheral.stuck = False
    lock.ready()


def test_release_is_read_back_and_ends_by_the_boards_timer() -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    fates = lock.release(2.0)
    lock.advance(0.1)
    assert fates == [Fate.ACKNOWLEDGED]
    assert lock.active() is True
    lock.advance(3.0)
    assert lock.active() is False
    assert lock.contact() is Contact.READY
    (on, _), (off, _) = lock.moved
    assert off - on == pytest.approx(2.0, abs=0.01)
    assert [order.purpose for order in lock.asked].count(Purpose.SECURE) == 1, "the board ended it, not we"


@pytest.mark.parametrize(("duration_s", "steps"), [(0.1, 1), (0.11, 2), (0.3, 3), (1.0, 10), (30.0, 300)])
def test_pulse_lasts_as_long_as_asked_for(duration_s: float, steps: int) -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.release(duration_s)
    lock.advance(0.2)
    assert [write.value for write in lock.peripheral.writes if write.address == 0x0200] == [steps]


def test_nothing_is_sent_later_than_its_transit_before_the_deadline() -> None:
    lock = VirtualLock(RELAY)
    lock.peripheral.silent = True
    lock.advance(0.3)
    assert lock.release(1.0) == [Fate.NOT_SENT], "nobody is there"
    lock.peripheral.silent, lock.peripheral.stuck, lock.peripheral.outputs[0] = False, True, 1
    lock.advance(1.0)
    assert lock.contact() is Contact.SECURING
    asked_at = lock.now
    fates = lock.release(1.0, 0.5)
    while not fates:
        lock.advance(0.005)
    assert fates == [Fate.NOT_SENT]
    assert lock.now <= asked_at + 0.5 - TRANSIT_S + 0.01
    lock.peripheral.stuck = False
    lock.advance(2.0)
    assert lock.releases_sent == 0


def test_release_that_was_held_up_by_ourselves_is_not_sent() -> None:
    lock = VirtualLock(RELAY, held_s=3.0)
    lock.ready()
    fates = lock.release(1.0, 1.0)
    lock.advance(0.5)
    assert fates == [Fate.NOT_SENT]
    assert lock.releases_sent == 0
    lock.held_s = 0.0
    lock.ready()


def test_deadline_that_has_passed_is_not_sent() -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    fates = lock.release(1.0, 0.0)
    lock.advance(0.5)
    assert fates == [Fate.NOT_SENT]
    assert lock.releases_sent == 0


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_release_without_answer_is_unknown_sent_once_and_secured_first(lost: str) -> None:
    lock = VirtualLock(RELAY, lose=lambda order, now: lost if is_release(order, now) else "")
    lock.ready()
    fates = lock.release(20.0)
    lock.advance(0.26)
    assert fates == [Fate.UNKNOWN]
    assert lock.session.must_abort
    lock.advance(5.0)
    assert lock.contact() is Contact.READY
    assert lock.releases_sent == 1
    after = lock.asked[[order.purpose for order in lock.asked].index(Purpose.RELEASE) + 1]
    assert after.purpose is Purpose.SECURE
    assert not lock.released()


def test_acknowledgement_that_is_not_read_back_is_unknown() -> None:
    """On a two-wire bus the echo of a release is its acknowledgement; and a board may answer and not move."""
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.peripheral.stuck = True
    fates = lock.release(5.0, 2.0)
    lock.advance(READ_BACK_S / 2)
    assert fates == []
    lock.advance(READ_BACK_S)
    assert fates == [Fate.UNKNOWN]


@pytest.mark.parametrize("duration_s", [0.1, 0.2, 1.0])
def test_release_that_was_never_read_released_is_unknown(duration_s: float) -> None:
    """Also if it could be over by then: what was only echoed moved nothing."""
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.peripheral.stuck = True
    lock.lose = lambda order, now: "answer" if order.purpose is Purpose.STATE and now < 101.7 else ""
    fates = lock.release(duration_s, 2.0)
    lock.advance(2.0)
    assert fates == [Fate.UNKNOWN]


def test_refused_release_is_not_sent() -> None:
    lock = VirtualLock(PLAIN, RELAY_WATCHDOG)
    lock.ready()
    lock.peripheral.controller = RELAY  # another board: it has no such coil as output 10
    lock.peripheral.outputs = [0]
    fates = lock.release(1.0)
    lock.advance(0.05)
    assert fates == [Fate.NOT_SENT]


def test_active_without_a_release_is_secured() -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.peripheral.outputs[0] = 1
    lock.advance(1.0)
    assert not lock.released()
    assert lock.contact() is Contact.READY


def test_timer_that_does_not_end_a_release_is_never_counted_on_again() -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.peripheral.timer_fault = True
    assert not (fates := lock.release(1.0))
    lock.advance(1.0 + OVERDUE_S / 2)
    assert fates == [Fate.ACKNOWLEDGED]
    assert not lock.timer_broken()
    lock.advance(OVERDUE_S * 2)
    assert lock.timer_broken()
    assert not lock.released(), "secured by us"
    lock.peripheral.timer_fault = False
    lock.session.disconnect("unplugged")
    lock.session.connect(lock.now)
    lock.advance(5.0)
    assert "timer" in lock.session.diagnosis
    assert lock.release(1.0) == [Fate.NOT_SENT]
    assert lock.releases_sent == 1


@pytest.mark.parametrize("silence", ["silent", "unplugged"])
def test_timer_that_did_not_end_a_release_while_nobody_looked_is_noticed(silence: str) -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.peripheral.timer_fault = True
    lock.release(1.0)
    lock.advance(0.2)
    if silence == "silent":
        lock.lose = lambda order, now: "request"
        lock.advance(6.0)
        lock.lose = lambda order, now: ""
    else:
        lock.session.disconnect("unplugged")
        lock.now += 6.0
        lock.session.connect(lock.now)
    lock.advance(2.0)
    assert lock.timer_broken()
    assert not lock.released(), "secured by us"


def test_loss_of_the_line_does_not_blame_a_timer_that_works() -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.release(1.0)
    lock.advance(0.2)
    lock.session.disconnect("unplugged")
    lock.session.connect(lock.now)
    lock.advance(0.05)
    assert not lock.released(), "read once, then secured"
    lock.ready()
    lock.release(20.0)
    lock.advance(0.2)
    lock.lose = lambda order, now: "answer"
    lock.advance(25.0)
    assert not lock.released(), "told to secure though it does not answer"
    lock.lose = lambda order, now: ""
    lock.advance(2.0)
    lock.ready()
    assert not lock.timer_broken()


def test_answer_that_was_late_says_nothing_about_the_timer() -> None:
    """We stand still during a release: what was measured before its end is no evidence, though it is read long after."""
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.release(1.0)
    lock.advance(0.2)
    order = lock.session.next_order(lock.now)
    asked_at = lock.now
    lock.now += 9.0
    lock.session.on_answer(order, bytes([1, 1, 1]), asked_at, lock.now)
    assert not lock.timer_broken()
    lock.peripheral.tick(lock.now)
    lock.advance(1.0)
    assert lock.contact() is Contact.READY


def test_second_release_waits_until_the_first_is_over() -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    first = lock.release(0.5)
    lock.advance(0.1)
    second = lock.release(0.5, 2.0)
    lock.advance(0.2)
    assert (first, second) == ([Fate.ACKNOWLEDGED], [])
    lock.advance(1.0)
    assert second == [Fate.ACKNOWLEDGED]
    assert [released for _, released in lock.moved[:4]] == [True, False, True, False]


def test_secure_ends_a_release_and_is_idempotent() -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.release(20.0)
    lock.advance(0.1)
    for _ in range(3):
        answers = lock.secure()
        lock.advance(0.05)
        assert answers == [True]
        assert not lock.released()


def test_secure_beats_a_release_that_is_not_sent_yet() -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    fates = lock.release(5.0)
    answers = lock.secure()
    assert fates == [Fate.NOT_SENT]
    lock.advance(0.5)
    assert answers == [True]
    assert lock.releases_sent == 0


def test_secure_without_confirmation_is_false_in_time() -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.peripheral.outputs[0], lock.peripheral.stuck = 1, True
    answers = lock.secure()
    lock.advance(1.1)
    assert answers == [False]


def test_cancelled_release_does_not_last() -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.release(5.0)
    lock.session.cancel_release()
    lock.advance(1.0)
    assert lock.releases_sent == 0
    lock.lose = lambda order, now: "answer" if order.purpose is Purpose.STATE and lock.releases_sent else ""
    fates = lock.release(5.0)
    lock.advance(0.05)
    assert lock.releases_sent == 1 and not fates, "written, not read back"
    lock.session.cancel_release()
    lock.lose = lambda order, now: ""
    lock.advance(0.5)
    assert fates == [Fate.UNKNOWN]
    assert not lock.released()


def test_silence_is_noticed_and_ends_by_itself() -> None:
    lock = VirtualLock(RELAY)
    lock.ready()
    lock.peripheral.silent = True
    lock.advance(SILENCE_S_MAX + 1.0)
    assert lock.contact() is Contact.ABSENT
    assert lock.active() is None
    questions = len(lock.asked)
    lock.advance(10.0)
    assert len(lock.asked) - questions < 20, "a dead unit is asked seldom"
    lock.peripheral.silent = False
    lock.advance(2.0)
    assert lock.contact() is Contact.READY


# Watchdogs, grants, modes.


def test_lock_without_timer_or_watchdog_is_none() -> None:
    assert PLAIN.lock is not None
    with pytest.raises(ValueError, match="watchdog"):
        VirtualLock(PLAIN)


def test_watchdog_relay_ends_a_release_and_is_checked() -> None:
    lock = VirtualLock(PLAIN, RELAY_WATCHDOG)
    lock.ready()
    fates = lock.release(8.0)
    lock.advance(5.4)
    assert fates == [Fate.ACKNOWLEDGED]
    assert not lock.released()
    assert [order.purpose for order in lock.asked].count(Purpose.SECURE) == 1, "the watchdog ended it"
    lock.peripheral.timer_fault = True
    lock.release(8.0)
    lock.advance(6.5)
    assert lock.timer_broken()
    assert not lock.released()


def test_release_shorter_than_the_watchdog_is_ended_by_us() -> None:
    lock = VirtualLock(PLAIN, RELAY_WATCHDOG)
    lock.ready()
    lock.release(2.0)
    lock.advance(4.0)
    (on, _), (off, _) = lock.moved
    assert off - on == pytest.approx(2.0, abs=0.05)
    assert lock.contact() is Contact.READY


def test_communication_watchdog_covers_our_death() -> None:
    lock = VirtualLock(PLAIN, Watchdog("of the island", 2.0, WatchdogKind.COMMUNICATION))
    lock.ready()
    lock.release(4.0)
    lock.advance(3.5)
    assert lock.released(), "we talk: it does not trip"
    lock.advance(1.0)
    assert not lock.released(), "we end it"
    lock.release(20.0)
    lock.advance(1.0)
    assert lock.released()
    lock.peripheral.tick(lock.now + 2.1)  # we are dead
    assert not lock.released()


def test_grant_is_one_passage_and_is_taken_back() -> None:
    lock = VirtualLock(TURNSTILE)
    lock.peripheral.timer_s = 8.0
    lock.ready()
    fates = lock.release(5.0)
    lock.advance(1.0)
    assert fates == [Fate.ACKNOWLEDGED]
    lock.peripheral.pass_person(lock.now)
    lock.advance(0.3)
    assert lock.active() is False, "used up"
    lock.release(5.0)
    lock.advance(5.4)
    assert not lock.released(), "nobody went: taken back before the turnstile's own 8 s"
    written = [write.value for write in lock.peripheral.writes if write.table is Table.HOLDING]
    assert set(written) == {0, 1}, "never free passage"


def test_turnstiles_own_timer_ends_a_longer_grant() -> None:
    lock = VirtualLock(TURNSTILE)
    lock.peripheral.timer_s = 3.0
    lock.ready()
    lock.release(10.0)
    lock.advance(3.3)
    assert not lock.released()
    lock.peripheral.timer_fault = True
    lock.release(10.0)
    lock.advance(4.5)
    assert lock.timer_broken()


@pytest.mark.parametrize("seconds", [0.0, 31.0])
def test_turnstile_whose_timer_is_set_out_of_range_is_unfit(seconds: float) -> None:
    lock = VirtualLock(TURNSTILE)
    lock.peripheral.timer_s = seconds
    lock.advance(2.0)
    assert lock.contact() is Contact.UNFIT
    assert "timer" in lock.session.diagnosis
    assert lock.release(1.0) == [Fate.NOT_SENT]
    lock.peripheral.timer_s = 5.0
    lock.advance(1.0)
    assert lock.contact() is Contact.READY


@pytest.mark.parametrize(("mode", "active"), [("blocked", False), ("open", True)])
def test_other_mode_than_normal_is_unfit(mode: str, active: bool) -> None:
    lock = VirtualLock(GRANTS, RELAY_WATCHDOG)
    lock.ready()
    lock.peripheral.mode = MODES[mode]
    lock.advance(1.0)
    assert lock.contact() is Contact.UNFIT
    assert mode in lock.session.diagnosis
    assert lock.active() is active
    assert lock.release(1.0) == [Fate.NOT_SENT]
    answers = lock.secure()
    lock.advance(1.1)
    assert answers == [not active], "whoever stands before an open turnstile is not held back by a grant of 0"
    lock.peripheral.mode = 0
    lock.ready()


def test_turnstile_that_is_open_to_everybody_is_left_open_until_its_mode_is_normal() -> None:
    """It may be open for a fire: decision 0018."""
    lock = VirtualLock(TURNSTILE)
    lock.ready()
    lock.peripheral.mode, lock.peripheral.outputs[0], lock.peripheral.stuck = MODES["open"], 1, True
    lock.advance(1.0)
    asked = len(lock.asked)
    lock.advance(5.0)
    assert Purpose.SECURE not in {order.purpose for order in lock.asked[asked:]}
    assert lock.contact() is Contact.UNFIT and lock.active() is True
    lock.peripheral.mode, lock.peripheral.stuck = 0, False
    lock.ready()
    assert not lock.released()


def test_unknown_mode_is_unfit() -> None:
    lock = VirtualLock(GRANTS, RELAY_WATCHDOG)
    lock.peripheral.mode = 77
    lock.advance(1.0)
    assert lock.contact() is Contact.UNFIT
    assert "77" in lock.session.diagnosis


# Campaigns.


@dataclass
class Campaign:
    """Seeded faults around one release after another. Counts what happened, so that no promise is kept by nothing happening."""

    seed: int
    counts: dict[str, int] = field(default_factory=dict)

    def run(self, trials: int) -> None:
        random = Random(self.seed)
        for _ in range(trials):
            self._trial(random)

    def _trial(self, random: Random) -> None:
        controller, watchdog = random.choice(((RELAY, None), (TURNSTILE, None), (PLAIN, RELAY_WATCHDOG)))
        lock = VirtualLock(controller, watchdog)
        lock.advance(1.0)
        quiet_from = lock.now + random.uniform(-0.2, 2.0)
        quiet_until = quiet_from + random.choice((0.0, 0.1, 0.5, 2.0, 9.0))
        loss = random.choice((0.0, 0.0, 0.1, 0.5))

        def lose(order: Order, now: float) -> str:
            if quiet_from <= now < quiet_until or random.random() < loss:
                return random.choice(("request", "answer"))
            return ""

        lock.lose = lose
        lock.advance(random.uniform(0.0, 3.0))
        duration_s, deadline_s = random.uniform(0.1, 4.0), random.uniform(0.0, 2.0)
        deadline = lock.now + deadline_s
        sent_before = lock.releases_sent
        fates = lock.release(duration_s, deadline_s)
        if random.random() < 0.2:
            lock.advance(random.uniform(0.0, deadline_s))
            (lock.session.cancel_release if random.random() < 0.5 else lock.secure)()
        lock.advance(20.0)
        starts = [at for at, released in lock.moved if released]
        assert len(fates) == 1
        assert lock.releases_sent - sent_before <= 1 and len(starts) <= 1, "a release twice"
        assert all(at < deadline for at in starts), "a release after its deadline"
        assert not (fates[0] is Fate.NOT_SENT and starts), "a release that was said not to be sent"
        assert starts or fates[0] is not Fate.ACKNOWLEDGED, "acknowledged, and nothing happened"
        allowed = max(duration_s, 5.0) if controller is not RELAY else duration_s
        ends = [at for at, released in lock.moved if not released]
        assert len(ends) == len(starts)
        assert all(end - start <= allowed + 0.2 for start, end in zip(starts, ends, strict=True)), "open for too long"
        self._count(fates[0].name, bool(starts))

    def _count(self, fate: str, started: bool) -> None:
        key = f"{fate} {'started' if started else 'not'}"
        self.counts[key] = self.counts.get(key, 0) + 1


def test_no_fault_opens_late_twice_or_for_too_long() -> None:
    campaign = Campaign(seed=6)
    campaign.run(200)
    assert campaign.counts.keys() == {
        "ACKNOWLEDGED started",
        "NOT_SENT not",
        "UNKNOWN started",
        "UNKNOWN not",
    }, campaign.counts
    assert min(campaign.counts.values()) > 5, campaign.counts


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_no_fault_opens_late_twice_or_for_too_long_soak(seed: int) -> None:
    Campaign(seed).run(2_000)
