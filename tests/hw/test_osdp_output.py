"""An output that is on without a release of ours, and a timer that does not end one: told OFF again and again, and remembered."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from egate.domain.device import DeviceState, LockState, ReleaseResult
from hw.link import memory
from hw.link.pump import Pump
from hw.osdp.acu import Acu
from hw.osdp.channel import Channel
from hw.osdp.line import Line
from hw.osdp.lock import OVERDUE_S, SECURE_AGAIN_S, LockDuty
from hw.osdp.pd import OFF_STOP_TIMER, LockPeripheral
from hw.osdp.peripheral import Peripheral
from hw.osdp.release import Contact, Fate
from tests.hw.lock_bench import LockBench, lock_bench, until


def off_times(bench: LockBench) -> list[float]:
    return [one.at for one in bench.peripheral.actuations if one.control_code == OFF_STOP_TIMER]


async def test_output_that_comes_on_by_itself_is_told_off(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.come_on()
        await until(lambda: bool(bench.peripheral.unlocks), 1.0)
        await until(lambda: not bench.peripheral.released, 1.5)
        await bench.ready()
        assert DeviceState.LOST not in bench.states
        assert bench.lock.diagnosis == ""


async def test_output_that_does_not_obey_is_told_off_again_and_again(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.stuck = True
        await until(lambda: bench.lock.lock_state is LockState.RELEASED, 1.5)
        known = len(off_times(bench))
        await until(lambda: len(off_times(bench)) >= known + 4, 4.0)
        told = off_times(bench)[known:]
        assert all(later - one > SECURE_AGAIN_S / 2 for one, later in itertools.pairwise(told)), "a flood"
        assert bench.lock.state is DeviceState.DEGRADED
        assert await bench.lock.release(0.3, 0.1) is ReleaseResult.NOT_SENT, "not before it is secured"
        bench.peripheral.stuck = False
        await bench.ready()


async def test_release_of_ours_is_not_told_off_in_its_time(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        known = len(off_times(bench))
        assert await bench.lock.release(1.0, 1.5) is ReleaseResult.ACKNOWLEDGED
        await until(lambda: bench.lock.lock_state is LockState.RELEASED, 0.5)
        await bench.ready()
        assert len(off_times(bench)) == known
        assert (bench.peripheral.unlocks[-1].end or 0.0) - bench.peripheral.unlocks[-1].start > 0.95
        bench.peripheral.come_on()
        await until(lambda: len(off_times(bench)) > known, 1.5)


async def test_release_without_end_is_told_off_until_it_is_off(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.timer_fault = True
        assert await bench.lock.release(0.3, 1.5) is ReleaseResult.ACKNOWLEDGED
        bench.peripheral.stuck = True
        await until(lambda: bench.lock.state is DeviceState.LOST, 2.0)
        known = len(off_times(bench))
        await until(lambda: len(off_times(bench)) >= known + 4, 4.0)
        assert bench.lock.state is DeviceState.LOST


async def test_lock_with_a_broken_timer_is_lost_until_egate_starts_anew(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.timer_fault = True
        assert await bench.lock.release(0.3, 1.5) is ReleaseResult.ACKNOWLEDGED
        await until(lambda: not bench.peripheral.released, 2.0)
        await until(lambda: bench.lock.state is DeviceState.LOST, 1.0)
        bench.peripheral.timer_fault = False
        bench.states.clear()
        known = len(off_times(bench))
        bench.peripheral.power_cycle()
        await until(lambda: len(off_times(bench)) > known, 10.0)  # it was reconnected, and secured first
        await until(lambda: bench.lock.lock_state is LockState.SECURED, 2.0)
        assert await bench.lock.secure() is True
        assert bench.states == []
        assert bench.lock.state is DeviceState.LOST
        assert "timer" in bench.lock.diagnosis
        called = time.monotonic()
        assert await bench.lock.release(0.3, 1.5) is ReleaseResult.NOT_SENT
        assert time.monotonic() - called < 0.5


async def test_closing_answers_those_who_wait_for_the_lock_to_be_secured(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.fault.silence(0.0, 5.0)
        waiting = [asyncio.ensure_future(bench.lock.secure()) for _ in range(2)]
        await asyncio.sleep(0)  # their orders are handed over
        await asyncio.wait_for(bench.lock.close(), 0.8)
        assert await asyncio.wait_for(asyncio.gather(*waiting), 0.5) == [False, False]


class Workbench:
    """A session stepped by the test against a peripheral of the same clock, which may jump."""

    def __init__(self) -> None:
        self.jumped_s = 0.0
        near, far = memory.pair()
        key = bytes(range(16))
        self.peripheral = LockPeripheral(far, key, self.now)
        self.pump = Pump("lock-peripheral", self.peripheral.poll)
        self.near = near
        self.channel = Channel(self.now)
        self.channel.attach(near)
        self.line = Line(115_200)
        self.acu_side = Peripheral(self.channel, 1, lambda: Acu(self.channel, 1, key))
        self.line.add(self.acu_side)
        self.session = LockDuty(self.acu_side, 0, 0.02)
        self.acu_side.add(self.session, self.now())
        self.fates: list[Fate] = []

    def now(self) -> float:
        return time.monotonic() + self.jumped_s

    def turn(self) -> None:
        self.line.receive(self.near.read(1024, 0.001), self.now())
        self.line.turn(self.now())

    def turn_until(self, condition: Callable[[], bool], within_s: float = 2.0) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, self.session.diagnosis
            self.turn()

    def ready(self) -> bool:
        return self.session.contact is Contact.READY and self.session.active is False

    def leave_an_answer_unread(self) -> None:
        """Until a report of the output lies in the port's buffer."""
        deadline = time.monotonic() + 2.0
        known = self.peripheral.question_count
        while True:
            assert time.monotonic() < deadline
            self.line.turn(self.now())
            time.sleep(0.002)  # the peripheral's turn
            if self.peripheral.question_count > known:
                return
            self.line.receive(self.near.read(1024, 0.001), self.now())
            known = self.peripheral.question_count


@pytest.fixture
def workbench() -> Iterator[Workbench]:
    bench = Workbench()
    bench.acu_side.plug(bench.now())
    bench.turn_until(bench.ready, 5.0)
    yield bench
    bench.acu_side.unplug("closed")
    bench.pump.close()
    bench.peripheral.close()


def test_output_that_comes_on_after_our_securing_is_told_off(workbench: Workbench) -> None:
    """The rest of a release that was ended at once excuses nothing."""
    bench = workbench
    bench.session.release(20.0, bench.now() + 1.5, bench.fates.append)
    bench.turn()
    bench.session.secure(bench.now(), bench.now() + 1.0, lambda secured: None)  # before the release is acknowledged
    bench.turn_until(lambda: bool(bench.fates))
    bench.turn_until(bench.ready)
    bench.peripheral.come_on()
    bench.turn_until(lambda: bench.peripheral.released)
    bench.turn_until(lambda: not bench.peripheral.released)


def test_report_that_waited_while_we_were_held_up_says_nothing_about_the_timer(workbench: Workbench) -> None:
    """Time jumps over the end of a release, as when the machine was suspended, with a report of before in the port's buffer."""
    bench = workbench
    bench.session.release(1.0, bench.now() + 1.5, bench.fates.append)
    bench.turn_until(lambda: bench.session.active is True)
    bench.leave_an_answer_unread()
    bench.jumped_s = 1.0 + OVERDUE_S + 0.2
    bench.turn_until(lambda: not bench.peripheral.released)
    bench.turn_until(bench.ready)
    assert not bench.session.timer_broken
    assert bench.fates == [Fate.ACKNOWLEDGED]
