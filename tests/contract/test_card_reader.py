"""What every egate.ports.CardReader must do."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from egate.domain.captured import CardRead
from egate.domain.device import DeviceRole, DeviceState
from egate.errors import DeviceError, DeviceLost, DeviceTimeout
from egate.ports import CardReader
from tests.contract.conftest import SIMULATOR, open_hardware
from tests.hw.lock_bench import until
from tests.hw.osdp_bus_bench import bus_bench

BITS, BIT_COUNT = b"\x12\x34\x56\x40", 26  # the length of the usual Wiegand card
HOLD_S = 0.2


@dataclass
class Bench:
    """reader not started. present: holds a card to the simulated reader once; None on hardware."""

    reader: CardReader
    present: Callable[[bytes, int], object] | None = None
    unplug: Callable[[], None] | None = None
    replug: Callable[[], None] | None = None
    states: list[tuple[DeviceState, int]] = field(default_factory=list)

    async def start(self) -> None:
        await self.reader.start(lambda state: self.states.append((state, threading.get_ident())))

    async def ready(self, within_s: float = 10.0) -> None:
        await until(lambda: self.reader.state is DeviceState.ONLINE, within_s)

    async def hold(self, bits: bytes = BITS, bit_count: int = BIT_COUNT) -> CardRead:
        """Presents the card again and again until it is read."""
        if self.present is None:
            pytest.skip("nobody holds a card to real hardware")
        reading = asyncio.ensure_future(self.reader.card(15.0))
        while not reading.done():
            self.present(bits, bit_count)
            await asyncio.wait([reading], timeout=HOLD_S)
        return await reading


@asynccontextmanager
async def osdp(folder: Path) -> AsyncIterator[Bench]:
    async with bus_bench(folder, 1) as inner:
        reader = cast(CardReader, inner.open(DeviceRole.CARD_READER, 1))
        yield Bench(reader, inner.peripherals[1].present_card, inner.port.unplug, inner.port.replug)


# A family adds its simulator here: a context manager of a Bench whose reader is not started.
SIMULATORS: dict[str, Callable[[Path], AbstractAsyncContextManager[Bench]]] = {"osdp": osdp}


@pytest.fixture(params=SIMULATORS)
async def bench(where: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if where == SIMULATOR:
        async with SIMULATORS[request.param](tmp_path) as inner:
            yield inner
    elif request.param != next(iter(SIMULATORS)):
        pytest.skip("real hardware runs once")
    else:
        reader = cast(CardReader, open_hardware(where, DeviceRole.CARD_READER))
        yield Bench(reader)
        await reader.close()


def faults(bench: Bench) -> tuple[Callable[[], None], Callable[[], None]]:
    if bench.unplug is None or bench.replug is None:
        pytest.skip("nobody unplugs real hardware")
    return bench.unplug, bench.replug


async def test_before_start_it_is_lost(bench: Bench) -> None:
    assert bench.reader.state is DeviceState.LOST
    with pytest.raises(DeviceLost):
        await bench.reader.card(1.0)


async def test_card_is_read_bit_by_bit(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    card = await bench.hold()
    assert (card.bits, card.bit_count) == (BITS, BIT_COUNT)
    async with asyncio.timeout(15.0):
        while card.bit_count == BIT_COUNT:  # the first may have been presented again before it was told
            card = await bench.hold(b"\x80", 1)
    assert (card.bits[0] & 0x80, card.bit_count) == (0x80, 1)


async def test_no_card_is_a_timeout(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    called = time.monotonic()
    with pytest.raises(DeviceTimeout):
        await bench.reader.card(0.2)
    assert time.monotonic() - called > 0.15


async def test_card_from_before_the_call_is_none(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    await bench.hold()
    discarded = bench.reader.health.counters.get("discarded", 0)
    if bench.present is None:
        pytest.skip("nobody holds a card to real hardware")
    bench.present(b"\xff\xff\xff\xff", 32)
    await until(lambda: bench.reader.health.counters.get("discarded", 0) > discarded, 5.0)
    with pytest.raises(DeviceTimeout):
        await bench.reader.card(0.3)
    assert (await bench.hold()).bit_count == BIT_COUNT


async def test_second_read_while_one_waits_is_refused_and_cancelling_is_safe(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    waiting = asyncio.ensure_future(bench.reader.card(10.0))
    await asyncio.sleep(0)
    with pytest.raises(DeviceError):
        await bench.reader.card(1.0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await bench.hold()).bit_count == BIT_COUNT


async def test_loss_ends_a_read_is_told_once_and_ends_by_itself(bench: Bench) -> None:
    unplug, replug = faults(bench)
    await bench.start()
    await bench.ready()
    bench.states.clear()
    waiting = asyncio.ensure_future(bench.reader.card(30.0))
    await asyncio.sleep(0)
    unplug()
    with pytest.raises(DeviceLost):
        await asyncio.wait_for(waiting, 5.0)
    replug()
    await bench.ready()
    told = [state for state, _ in bench.states]
    assert told.count(DeviceState.LOST) == 1
    assert all(one is not other for one, other in itertools.pairwise(told)), "told twice"
    assert {thread for _, thread in bench.states} == {threading.get_ident()}
    assert (await bench.hold()).bit_count == BIT_COUNT


async def test_no_card_shows_in_words(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.start()
    await bench.ready()
    card = await bench.hold()
    words = f"{card!r} {bench.reader.health!r} {bench.reader!r} {caplog.text}"
    assert BITS.hex() not in words
    assert repr(BITS)[2:-1] not in words


async def test_close_is_idempotent_and_ends_a_read(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    waiting = asyncio.ensure_future(bench.reader.card(30.0))
    await asyncio.sleep(0)
    await asyncio.wait_for(bench.reader.close(), 3.0)
    await asyncio.wait_for(bench.reader.close(), 3.0)
    with pytest.raises(DeviceLost):
        await asyncio.wait_for(waiting, 1.0)


async def test_close_without_start(bench: Bench) -> None:
    await asyncio.wait_for(bench.reader.close(), 1.0)
