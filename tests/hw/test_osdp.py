"""The lock adapter against libosdp's peripheral side, and the traps of libosdp: each test fails without its guard."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from egate.domain.device import DeviceRole, DeviceState, LockState, ReleaseResult
from egate.errors import ConfigurationError, DeviceError
from hw.link import memory
from hw.link.fault import FaultLink, FaultPlan
from hw.link.pump import Pump
from hw.osdp.acu import Acu
from hw.osdp.channel import Channel
from hw.osdp.keys import INSTALL_KEY, write_new_key
from hw.osdp.orders import ON_FOR_A_TIME, Ask, Output, Report, Status
from hw.osdp.pd import LockPeripheral
from hw.osdp.replies import Replies
from hw.registry import open_device
from tests.hw.lock_bench import lock_bench, until

# NOT_SENT if a poll was on the wire when the silence began: then libosdp still held the release back
UNACKNOWLEDGED = {ReleaseResult.UNKNOWN, ReleaseResult.NOT_SENT}


async def test_late_release_after_silence_never_executes(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.fault.silence(0.0, 2.0)
        called = time.monotonic()
        assert await bench.lock.release(3.0, 1.0) in UNACKNOWLEDGED
        assert time.monotonic() - called < 1.2
        assert bench.lock.lock_state is LockState.UNKNOWN
        await bench.ready(6.0)
        assert bench.released_at == []


async def test_replaced_peripheral_comes_back_within_five_seconds(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.power_cycle()
        await until(lambda: bench.states[-1] is not DeviceState.ONLINE, 5.0)  # noticed; LOST only if it stayed away
        await bench.ready(5.0)
        assert await bench.lock.release(0.3, 1.5) is ReleaseResult.ACKNOWLEDGED


async def test_lost_reply_is_unknown_and_the_bolt_falls_at_once(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.replies_lost = 1
        assert await bench.lock.release(20.0, 0.5) is ReleaseResult.UNKNOWN
        assert len(bench.released_at) == 1, "the release was not executed: nothing shown"
        await until(lambda: not bench.peripheral.released, 2.0)
        await bench.ready()


async def test_repetition_after_a_lost_reply_is_not_executed_again(tmp_path: Path) -> None:
    """libosdp repeats it after 1.0 s; the secure channel's chain is broken by then, and the lock is reconnected."""
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.replies_lost = 1
        assert await bench.lock.release(0.5, 1.5) is ReleaseResult.UNKNOWN
        await bench.ready()
        assert len(bench.released_at) == 1


async def test_lock_state_is_not_secured_between_release_and_report(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        release = asyncio.ensure_future(bench.lock.release(0.5, 1.5))
        await until(lambda: bench.peripheral.released, 1.0)
        states = [bench.lock.lock_state]
        assert await release is ReleaseResult.ACKNOWLEDGED
        states.append(bench.lock.lock_state)
        assert LockState.SECURED not in states
        await until(lambda: bench.lock.lock_state is LockState.RELEASED, 0.4)


async def test_another_key_is_never_accepted(tmp_path: Path) -> None:
    async with lock_bench(tmp_path, peripheral_key=bytes(range(16))) as bench:
        await until(lambda: "wrong key" in bench.lock.diagnosis, 5.0)
        assert bench.states == []
        assert await bench.lock.release(1.0, 0.1) is ReleaseResult.NOT_SENT


async def test_peripheral_waiting_for_its_first_key_is_never_accepted(tmp_path: Path) -> None:
    """libosdp would fall back to the install key and send it our key under that public one."""
    async with lock_bench(tmp_path, peripheral_key=None) as bench:
        await until(lambda: "secure channel" in bench.lock.diagnosis, 5.0)
        assert bench.states == []
        assert not bench.peripheral.online


async def test_secure_ends_a_release_that_is_on_the_wire(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.replies_lost = 1
        release = asyncio.ensure_future(bench.lock.release(20.0, 1.5))
        await until(lambda: bench.peripheral.released, 1.0)
        called = time.monotonic()
        assert await bench.lock.secure()
        assert time.monotonic() - called < 1.0
        assert not bench.peripheral.released
        assert await release is ReleaseResult.UNKNOWN


async def test_cancelled_release_does_not_start_later(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.fault.silence(0.0, 0.6)
        release = asyncio.ensure_future(bench.lock.release(3.0, 1.5))
        await until(lambda: bench.fault.bytes_lost > 0, 1.0)
        release.cancel()
        await until(release.done, 1.0)
        await bench.ready(6.0)
        assert bench.released_at == []
        assert await bench.lock.release(0.2, 1.5) is ReleaseResult.ACKNOWLEDGED


async def test_broken_timer_of_the_peripheral_is_ended_by_us_and_shown(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.timer_fault = True
        assert await bench.lock.release(0.3, 1.5) is ReleaseResult.ACKNOWLEDGED
        await until(lambda: not bench.peripheral.released, 2.0)
        unlock = bench.peripheral.unlocks[-1]
        assert unlock.end is not None
        assert unlock.end - unlock.start > 0.5
        await until(lambda: bench.lock.state is DeviceState.LOST, 1.0)
        assert "timer" in bench.lock.diagnosis
        assert await bench.lock.release(0.3, 0.1) is ReleaseResult.NOT_SENT


async def test_garbage_on_the_line_is_survived(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.port.write(bytes(range(256)) * 4 + b"\xff\x53\x81\xff\x7f")
        bench.fault.inject(b"\xff\x53" * 500)
        await bench.ready(10.0)
        await until(lambda: bench.peripheral.online, 10.0)
        await bench.ready(10.0)
        assert await bench.lock.release(0.2, 1.5) in {ReleaseResult.ACKNOWLEDGED, ReleaseResult.UNKNOWN}
        await bench.ready(10.0)


async def test_works_at_9600_baud(tmp_path: Path) -> None:
    async with lock_bench(tmp_path, baud=9600) as bench:
        await bench.ready()
        called = time.monotonic()
        assert await bench.lock.release(0.3, 1.5) is ReleaseResult.ACKNOWLEDGED
        assert time.monotonic() - called < 0.5


async def test_works_on_a_line_that_delivers_byte_by_byte(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        bench.fault.set_plan(FaultPlan(split_bytes_max=1))
        await bench.ready()
        assert await bench.lock.release(0.3, 1.5) is ReleaseResult.ACKNOWLEDGED


async def test_release_of_zero_deadline_is_not_sent(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        assert await bench.lock.release(1.0, 0.0) is ReleaseResult.NOT_SENT
        for deadline_s in (float("nan"), -1.0, 1000.0):
            with pytest.raises(DeviceError):
                await bench.lock.release(1.0, deadline_s)
        assert bench.released_at == []


async def test_close_joins_the_thread_and_ends_a_release_on_the_way(tmp_path: Path) -> None:
    async with lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.fault.silence(0.0, 0.5)
        release = asyncio.ensure_future(bench.lock.release(3.0, 1.5))
        await until(lambda: bench.fault.bytes_lost > 0, 1.0)
        await bench.lock.close()
        assert await release in UNACKNOWLEDGED
        await until(lambda: all(thread.name != "osdp-bus" for thread in threading.enumerate()), 1.0)
        await until(lambda: not bench.fault.silent, 1.0)
        assert bench.released_at == []


def test_url_is_checked_completely(tmp_path: Path) -> None:
    write_new_key(tmp_path / "lane.scbk")
    good = "osdp+pty:///tmp/lock?address=1&key=file:lane.scbk"
    open_device(good, tmp_path, DeviceRole.LOCK)
    open_device(good + "&output=1&baud=115200", tmp_path, DeviceRole.LOCK)
    for bad in (
        "osdp+pty:///tmp/lock?address=1",
        "osdp+pty:///tmp/lock?key=file:lane.scbk",
        good.replace("address=1", "address=127"),
        good + "&output=8",
        good + "&unknown=1",
        good + "&install_key=2",
        good.replace("lane.scbk", "absent.scbk"),
        good.replace("pty:", "sim:"),
    ):
        with pytest.raises(ConfigurationError):
            open_device(bad, tmp_path, DeviceRole.LOCK)


def test_install_key_is_refused_unless_asked_for(tmp_path: Path) -> None:
    write_new_key(tmp_path / "lane.scbk")
    (tmp_path / "lane.scbk").write_text(INSTALL_KEY.hex())
    url = "osdp+pty:///tmp/lock?address=1&key=file:lane.scbk"
    with pytest.raises(ConfigurationError, match="install key"):
        open_device(url, tmp_path, DeviceRole.LOCK)
    open_device(url + "&install_key=1", tmp_path, DeviceRole.LOCK)


@pytest.mark.parametrize("content", ["00", "00" * 15, "00" * 17])
def test_key_of_another_length_is_refused(tmp_path: Path, content: str) -> None:
    write_new_key(tmp_path / "lane.scbk")
    (tmp_path / "lane.scbk").write_text(content)
    with pytest.raises(ConfigurationError, match="16 bytes"):
        open_device("osdp+pty:///tmp/lock?address=1&key=file:lane.scbk", tmp_path, DeviceRole.LOCK)


def test_new_keys_differ_and_are_private(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_new_key(tmp_path / name)
    assert (tmp_path / "a").read_text() != (tmp_path / "b").read_text()
    assert (tmp_path / "a").stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        write_new_key(tmp_path / "a")


def test_libosdp_alone_would_release_late() -> None:
    """The trap itself: proof that a silence around a release is dangerous. Without our guards the queued one starts 1.2 s later."""
    near, far = memory.pair()
    fault = FaultLink(far, 1)
    key = bytes(range(16))
    peripheral = LockPeripheral(fault, key, time.monotonic)
    channel = Channel(time.monotonic)
    channel.attach(near)
    replies = Replies()
    acu = Acu(channel, 1, key)

    def turn_until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 8.0
        while not condition():
            assert time.monotonic() < deadline
            acu.refresh_to_send()
            peripheral.poll(0.001)
            for _, frame in replies.feed(near.read(1024, 0.0), time.monotonic()):
                channel.deliver(frame)

    turn_until(lambda: acu.online)
    fault.silence(0.0, 0.5)
    called = time.monotonic()
    assert acu.submit(Output(0, ON_FOR_A_TIME, 5))
    turn_until(lambda: peripheral.released)
    assert time.monotonic() - called > 0.5
    acu.close()
    peripheral.close()


def test_native_references_do_not_leak_or_run_out() -> None:
    """A status answer a second for a year: libosdp 3.2.9 forgets a reference to each event and takes one of each answer."""
    near, far = memory.pair()
    key = bytes(range(16))
    peripheral = LockPeripheral(far, key, time.monotonic)
    pump = Pump("lock-peripheral", peripheral.poll)
    channel = Channel(time.monotonic)
    channel.attach(near)
    replies = Replies()
    acu = Acu(channel, 1, key)

    def transact() -> list[object]:
        answers: list[object] = [*acu.refresh_to_send()]
        for _, frame in replies.feed(near.read(1024, 0.002), time.monotonic()):
            channel.deliver(frame)
        return answers + acu.refresh_to_hear()

    def exchange(count: int) -> None:
        for _ in range(count):
            deadline = time.monotonic() + 5
            while not acu.submit(Ask(Status.OUTPUT)):
                transact()
                assert time.monotonic() < deadline
            while not any(isinstance(answer, Report) and answer.asked for answer in transact()):
                assert time.monotonic() < deadline

    exchange(50)
    gc.collect()
    blocks, nones = sys.getallocatedblocks(), sys.getrefcount(None)
    exchange(1000)
    gc.collect()
    assert sys.getallocatedblocks() - blocks < 500
    assert abs(sys.getrefcount(None) - nones) < 500
    acu.close()
    pump.close()
    peripheral.close()
