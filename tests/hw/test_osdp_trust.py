"""What a lock must not forget over a loss of the line: that its case was opened, that its timer is to be judged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hw.osdp.release import Contact, Fate
from tests.hw.line_bench import Workbench


@pytest.fixture
def bench() -> Iterator[Workbench]:
    one = Workbench(1)
    one.run_until(lambda: one.ready(1))
    yield one
    one.close()


def blip(bench: Workbench, duration_s: float) -> None:
    """The line is cut until the connection is lost, and for duration_s more."""
    bench.wire.spoil = lambda data, is_reply: b""
    bench.run_until(lambda: bench.locks[1].contact is Contact.ABSENT)
    bench.run(duration_s)


def mend(bench: Workbench) -> None:
    bench.wire.spoil = lambda data, is_reply: data


def test_opened_case_is_remembered_over_a_new_connection(bench: Workbench) -> None:
    lock = bench.locks[1]
    bench.simulated[1].set_local(tampered=True, power_failed=False)
    bench.run_until(lambda: not lock.trusted)
    for _ in range(3):
        blip(bench, 0.1)
        mend(bench)
        end = bench.time + 1.0
        while bench.time < end:
            bench.step()
            assert not lock.trusted
    assert lock.contact is Contact.READY
    bench.simulated[1].set_local(tampered=False, power_failed=False)
    bench.run_until(lambda: lock.trusted and bench.ready(1))


def test_case_opened_while_away_is_known_before_the_lock_is_ready(bench: Workbench) -> None:
    lock = bench.locks[1]
    blip(bench, 0.1)
    bench.simulated[1].set_local(tampered=True, power_failed=False)
    mend(bench)
    for _ in range(1500):
        bench.step()
        assert lock.contact is not Contact.READY or not lock.trusted
    assert lock.contact is Contact.READY


@pytest.mark.parametrize("secured", [False, True])
def test_broken_timer_is_noticed_though_the_line_was_lost(bench: Workbench, secured: bool) -> None:
    lock = bench.locks[1]
    bench.simulated[1].timer_fault = True
    bench.release(1, 0.5, 1.0)
    bench.run_until(lambda: bool(bench.fates))
    assert bench.fates[0][1] is Fate.ACKNOWLEDGED
    blip(bench, 1.0)  # past its end
    if secured:
        lock.secure(bench.time, bench.time + 1.0, lambda done: None)
    mend(bench)
    bench.run_until(lambda: lock.contact is Contact.SECURING)
    lock.secure(bench.time, bench.time + 1.0, lambda done: None)
    bench.run_until(lambda: lock.timer_broken)
    bench.run_until(lambda: not bench.simulated[1].released, 0.5)


def test_release_that_nobody_wants_is_ended_with_the_next_connection(bench: Workbench) -> None:
    bench.release(1, 20.0, 1.0)
    bench.run_until(lambda: bool(bench.fates))
    blip(bench, 0.1)
    bench.locks[1].secure(bench.time, bench.time + 1.0, lambda done: None)
    mend(bench)
    bench.run_until(lambda: bench.locks[1].contact is Contact.SECURING)
    bench.run_until(lambda: not bench.simulated[1].released, 0.2)
    bench.run_until(lambda: bench.ready(1))
    assert not bench.locks[1].timer_broken
