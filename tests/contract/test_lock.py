"""What every egate.ports.Lock must do."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from egate.domain.device import DeviceRole, DeviceState, LockState, ReleaseResult
from egate.errors import DeviceError
from egate.ports import Lock
from tests.contract.conftest import SIMULATOR, open_hardware
from tests.hw.lock_bench import lock_bench, until
from tests.hw.modbus_bench import modbus_lock_bench
from tests.hw.osdp_bus_bench import bus_bench

DEADLINE_S = 1.5


@dataclass
class Bench:
    """lock not started. unplug, replug: None where nobody can do it."""

    lock: Lock
    unplug: Callable[[], None] | None = None
    replug: Callable[[], None] | None = None
    states: list[tuple[DeviceState, int]] = field(default_factory=list)

    async def start(self) -> None:
        await self.lock.start(lambda state: self.states.append((state, threading.get_ident())))

    async def ready(self, within_s: float = 10.0) -> None:
        await until(
            lambda: self.lock.state is DeviceState.ONLINE and self.lock.lock_state is LockState.SECURED, within_s
        )

    async def reaches(self, state: LockState, within_s: float) -> None:
        await until(lambda: self.lock.lock_state is state, within_s)


@asynccontextmanager
async def osdp(folder: Path) -> AsyncIterator[Bench]:
    async with lock_bench(folder, start=False) as inner:
        yield Bench(inner.lock, inner.port.unplug, inner.port.replug)


@asynccontextmanager
async def osdp_on_a_bus(folder: Path) -> AsyncIterator[Bench]:
    """Beside a neighbour that is there, and one that is not."""
    async with bus_bench(folder, 3) as inner:
        inner.faults[3].silence(0.0, 600.0)
        for address in (2, 3):
            await inner.lock(address)
        lock = cast(Lock, inner.open(DeviceRole.LOCK, 1))
        yield Bench(lock, inner.port.unplug, inner.port.replug)


@asynccontextmanager
async def modbus(folder: Path) -> AsyncIterator[Bench]:
    async with modbus_lock_bench(folder, start=False) as inner:
        yield Bench(inner.lock, inner.port.unplug, inner.port.replug)


# A family adds its simulators here: context managers of a Bench whose lock is not started.
SIMULATORS: dict[str, Callable[[Path], AbstractAsyncContextManager[Bench]]] = {
    "osdp": osdp,
    "osdp_on_a_bus": osdp_on_a_bus,
    "modbus": modbus,
}
# Those whose whole run is left to `make soak`; what is special about a bus has tests of its own in tests/hw/test_osdp_bus*.py.
SOAK = {"osdp_on_a_bus": pytest.mark.soak}


@pytest.fixture(params=[pytest.param(name, marks=SOAK.get(name, ())) for name in SIMULATORS])
async def bench(where: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if where == SIMULATOR:
        async with SIMULATORS[request.param](tmp_path) as inner:
            yield inner
    elif request.param != next(iter(SIMULATORS)):
        pytest.skip("real hardware runs once")
    else:
        lock = cast(Lock, open_hardware(where, DeviceRole.LOCK))
        yield Bench(lock)
        await lock.close()


def faults(bench: Bench) -> tuple[Callable[[], None], Callable[[], None]]:
    if bench.unplug is None or bench.replug is None:
        pytest.skip("nobody unplugs real hardware")
    return bench.unplug, bench.replug


async def in_time(awaitable: Awaitable[object], within_s: float) -> object:
    return await asyncio.wait_for(awaitable, within_s)


async def test_before_start_nothing_is_known_or_done(bench: Bench) -> None:
    assert bench.lock.state is DeviceState.LOST
    assert bench.lock.lock_state is LockState.UNKNOWN
    assert await bench.lock.secure() is False


async def test_start_returns_at_once_and_the_lock_becomes_ready_secured(bench: Bench) -> None:
    called = time.monotonic()
    await bench.start()
    assert time.monotonic() - called < 0.2
    await bench.ready()


async def test_absent_peer_is_a_state_not_an_exception(bench: Bench) -> None:
    unplug, replug = faults(bench)
    unplug()
    await bench.start()
    assert bench.lock.state is DeviceState.LOST
    assert await in_time(bench.lock.release(1.0, DEADLINE_S), DEADLINE_S + 0.2) is ReleaseResult.NOT_SENT
    assert await in_time(bench.lock.secure(), 2.0) is False
    replug()
    await bench.ready()


async def test_release_is_acknowledged_and_ends_by_itself(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    assert await bench.lock.release(1.0, DEADLINE_S) is ReleaseResult.ACKNOWLEDGED
    released = time.monotonic()
    await bench.reaches(LockState.RELEASED, 0.9)
    await bench.reaches(LockState.SECURED, 3.0)
    assert 0.7 < time.monotonic() - released < 2.0


async def test_secure_ends_a_release_and_is_idempotent(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    assert await bench.lock.release(20.0, DEADLINE_S) is ReleaseResult.ACKNOWLEDGED
    for _ in range(3):
        assert await in_time(bench.lock.secure(), 2.0) is True
        assert bench.lock.lock_state is LockState.SECURED


async def test_second_release_while_one_is_under_way_is_refused(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    first = asyncio.ensure_future(bench.lock.release(0.5, DEADLINE_S))
    await asyncio.sleep(0)
    with pytest.raises(DeviceError):
        await bench.lock.release(0.5, DEADLINE_S)
    assert await first is ReleaseResult.ACKNOWLEDGED
    assert await bench.lock.release(0.5, DEADLINE_S) is ReleaseResult.ACKNOWLEDGED
    await bench.lock.secure()


@pytest.mark.parametrize("duration_s", [0.0, 0.05, -1.0, 30.1, float("nan"), float("inf")])
async def test_release_of_no_lawful_duration_is_refused(bench: Bench, duration_s: float) -> None:
    await bench.start()
    await bench.ready()
    with pytest.raises(DeviceError):
        await bench.lock.release(duration_s, DEADLINE_S)
    assert bench.lock.lock_state is LockState.SECURED


async def test_passed_deadline_means_not_sent(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    assert await bench.lock.release(1.0, 0.0) is ReleaseResult.NOT_SENT
    assert bench.lock.lock_state is LockState.SECURED


async def test_loss_is_noticed_within_five_seconds_told_once_and_ends_by_itself(bench: Bench) -> None:
    unplug, replug = faults(bench)
    await bench.start()
    await bench.ready()
    bench.states.clear()
    unplug()
    await until(lambda: bench.lock.state is DeviceState.LOST, 5.0)
    assert bench.lock.lock_state is LockState.UNKNOWN
    assert await bench.lock.secure() is False
    replug()
    await bench.ready()
    told = [state for state, _ in bench.states]
    assert told[0] is DeviceState.LOST
    assert told[-1] is DeviceState.ONLINE
    assert told.count(DeviceState.LOST) == 1
    assert all(one is not other for one, other in itertools.pairwise(told)), "told twice"
    assert {thread for _, thread in bench.states} == {threading.get_ident()}


async def test_close_is_idempotent_and_ends_everything(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    await in_time(bench.lock.close(), 3.0)
    await in_time(bench.lock.close(), 3.0)
    assert bench.lock.lock_state is LockState.UNKNOWN
    assert await in_time(bench.lock.release(1.0, DEADLINE_S), 1.0) is ReleaseResult.NOT_SENT
    assert await in_time(bench.lock.secure(), 1.0) is False


async def test_close_without_start(bench: Bench) -> None:
    await in_time(bench.lock.close(), 1.0)
