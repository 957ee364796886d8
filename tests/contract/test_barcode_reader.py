"""What every BarcodeReader promises (egate.ports), on simulated readers; with --device=URL on a real one.

On a real reader only the tests run that need nobody's hand.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from egate.domain.captured import ScannedCode, Symbology
from egate.domain.device import DeviceRole, DeviceState
from egate.errors import DeviceError, DeviceLost, DeviceTimeout
from egate.ports import BarcodeReader
from hw.link.noise import SIZE_MIN
from tests.contract.conftest import SIMULATOR, open_hardware
from tests.hw.barcode_bench import SETUPS, BarcodeBench, barcode_bench
from tests.hw.lock_bench import until

LOSS_S_MAX = 5.0  # required of every device
ONE, TWO = b"token-of-the-first-traveller", b"token-of-the-second-traveller"


@dataclass
class Bench:
    """A started reader. simulator: None on hardware."""

    reader: BarcodeReader
    simulator: BarcodeBench | None = None
    told: list[tuple[DeviceState, int]] = field(default_factory=list)

    @property
    def hand(self) -> BarcodeBench:
        if self.simulator is None:
            pytest.skip("needs a hand that holds a code")
        return self.simulator

    @property
    def states(self) -> list[DeviceState]:
        return [state for state, _ in self.told]

    async def until(self, state: DeviceState) -> None:
        await until(lambda: self.reader.state is state, LOSS_S_MAX)

    async def scanning(self, timeout_s: float = 5.0) -> asyncio.Task[ScannedCode]:
        """A scan that is armed."""
        task = asyncio.create_task(self.reader.scan(timeout_s))
        await asyncio.sleep(0)
        return task

    async def scan(self, content: bytes, symbology: Symbology = Symbology.QR) -> ScannedCode:
        task = await self.scanning()
        self.hand.show(content, symbology)
        return await task


# What differs between the others and a set-up with declared lengths is the frame, see tests/hw/test_barcode_frame.py.
EVERY_SETUP = pytest.mark.parametrize("bench", SETUPS, indirect=True)


@pytest.fixture(params=["looking", "imager"])
async def bench(where: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if where != SIMULATOR:
        found = Bench(cast(BarcodeReader, open_hardware(where, DeviceRole.BARCODE_READER)))
        await start(found)
        yield found
        await found.reader.close()
        return
    async with barcode_bench(tmp_path, request.param) as inner:
        found = Bench(inner.reader, inner)
        await start(found)
        yield found


async def start(found: Bench) -> None:
    assert found.reader.state is DeviceState.LOST
    with pytest.raises(DeviceLost):
        await found.reader.scan(0.1)
    await found.reader.start(lambda state: found.told.append((state, threading.get_ident())))
    await found.until(DeviceState.ONLINE)


async def test_state_is_told_once_in_the_loop_and_health_counts(bench: Bench) -> None:
    assert bench.told == [(DeviceState.ONLINE, threading.get_ident())]
    health = bench.reader.health
    assert (health.state, health.heard_at, health.last_error) == (DeviceState.ONLINE, None, "")
    assert (health.counters["opened"], health.counters["lost"], health.counters["errors"]) == (1, 0, 0)


async def test_no_code_is_a_timeout_and_the_reader_goes_on(bench: Bench) -> None:
    for _ in range(2):
        start_s = time.monotonic()
        with pytest.raises(DeviceTimeout):
            await bench.reader.scan(0.05)
        assert time.monotonic() - start_s >= 0.04


async def test_second_scan_is_refused_and_the_first_goes_on(bench: Bench) -> None:
    first = await bench.scanning(0.1)
    with pytest.raises(DeviceError):
        await bench.reader.scan(0.1)
    with pytest.raises(DeviceTimeout):
        await first


async def test_close_ends_a_waiting_scan_and_may_be_repeated(bench: Bench) -> None:
    waiting = await bench.scanning()
    await bench.reader.close()
    await bench.reader.close()
    with pytest.raises(DeviceLost):
        await waiting
    with pytest.raises(DeviceLost):
        await bench.reader.scan(0.1)


@EVERY_SETUP
async def test_codes_come_back_as_they_are_one_after_the_other(bench: Bench) -> None:
    before = time.monotonic()
    one = await bench.scan(ONE, Symbology.AZTEC)
    assert before <= one.scanned_s <= time.monotonic()
    assert one.content == ONE
    assert one.symbology in (Symbology.AZTEC, Symbology.UNKNOWN)  # unknown where the reader sends no identifier
    assert (await bench.scan(TWO, Symbology.PDF417)).content == TWO
    assert bench.reader.health.heard_at is not None
    assert not any(secret.decode() in repr((one, bench.reader.health)) for secret in (ONE, TWO))


async def test_code_from_before_the_scan_is_discarded(bench: Bench) -> None:
    hand = bench.hand
    hand.send(hand.frame(ONE) + hand.frame(TWO)[:20])  # once the first is counted, the half behind it has arrived
    await until(lambda: hand.reader.discarded_count == 1, 5.0)
    waiting = await bench.scanning(0.15)
    hand.send(hand.frame(TWO)[20:])
    with pytest.raises(DeviceTimeout):
        await waiting
    assert hand.reader.discarded_count == 2
    assert (await bench.scan(TWO)).content == TWO


async def test_of_two_codes_the_first_counts_and_the_other_is_not_kept(bench: Bench) -> None:
    hand = bench.hand
    waiting = await bench.scanning()
    hand.send(hand.frame(ONE) + hand.frame(TWO))
    assert (await waiting).content == ONE
    await until(lambda: hand.reader.discarded_count == 1, 5.0)
    with pytest.raises(DeviceTimeout):
        await bench.reader.scan(0.05)


async def test_code_that_stays_is_reported_once(bench: Bench) -> None:
    hand = bench.hand
    assert (await bench.scan(ONE)).content == ONE
    waiting = await bench.scanning()
    for _ in range(3):
        hand.send(hand.frame(ONE))
    await until(lambda: hand.counted("repeats") >= 3, 5.0)
    assert not waiting.done()
    hand.send(hand.frame(TWO))
    assert (await waiting).content == TWO


async def test_cancelled_scan_leaves_nothing_to_the_next(bench: Bench) -> None:
    hand = bench.hand
    abandoned = await bench.scanning()
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    hand.send(hand.frame(ONE))
    await until(lambda: hand.reader.discarded_count == 1, 5.0)
    with pytest.raises(DeviceTimeout):
        await bench.reader.scan(0.05)
    assert (await bench.scan(ONE)).content == ONE  # it was never reported


async def test_unplugged_port_is_lost_in_time_and_comes_back(bench: Bench) -> None:
    hand = bench.hand
    waiting = await bench.scanning(10.0)
    start_s = time.monotonic()
    hand.port.unplug()
    with pytest.raises(DeviceLost):
        await waiting
    assert time.monotonic() - start_s < LOSS_S_MAX
    with pytest.raises(DeviceLost):
        await bench.reader.scan(0.1)
    hand.port.replug()
    await bench.until(DeviceState.ONLINE)
    assert (await bench.scan(TWO)).content == TWO
    assert bench.states == [DeviceState.ONLINE, DeviceState.LOST, DeviceState.ONLINE]
    assert bench.reader.health.counters["lost"] == 1


@EVERY_SETUP
async def test_noise_degrades_and_ends_with_the_next_code(bench: Bench) -> None:
    hand = bench.hand
    waiting = await bench.scanning()
    hand.send(b"\xff" * SIZE_MIN + hand.framing.terminator)
    await bench.until(DeviceState.DEGRADED)
    assert not waiting.done()
    hand.send(hand.framing.terminator + hand.frame(ONE))
    assert (await waiting).content == ONE
    await bench.until(DeviceState.ONLINE)
    assert bench.states == [DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.ONLINE]
    assert bench.reader.health.counters["skipped_bytes"] >= SIZE_MIN
