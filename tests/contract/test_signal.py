"""What every egate.ports.Signal must do."""

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

from egate.domain.biometric import Guidance
from egate.domain.device import DeviceRole, DeviceState
from egate.domain.signal import DARK, Light, Sound, TravellerSignal
from egate.ports import Signal
from hw.modbus.lights import HOLD_S
from hw.osdp.pd_reader import Color
from tests.contract.conftest import SIMULATOR, open_hardware
from tests.hw.lock_bench import until
from tests.hw.modbus_bench import modbus_signal_bench
from tests.hw.osdp_bus_bench import bus_bench

GO = TravellerSignal(Light.GREEN, guidance=Guidance.GO_AHEAD, text="Please go ahead", sound=Sound.GO)
WAIT = TravellerSignal(Light.RED, guidance=Guidance.HOLD_STILL, text="Hold still")


@dataclass
class Bench:
    """signal not started. What the simulator shows; None where nobody can see it. shows_text, plays: whether the device has these.
    outlives_us_s: how long it may still shine after the port was pulled; None if it can't time it."""

    signal: Signal
    light: Callable[[], Light] | None = None
    text: Callable[[], str] | None = None
    sound_count: Callable[[], int] | None = None
    unplug: Callable[[], None] | None = None
    replug: Callable[[], None] | None = None
    outlives_us_s: float | None = None
    states: list[tuple[DeviceState, int]] = field(default_factory=list)

    async def start(self) -> None:
        await self.signal.start(lambda state: self.states.append((state, threading.get_ident())))

    async def ready(self, within_s: float = 10.0) -> None:
        await until(lambda: self.signal.state is DeviceState.ONLINE, within_s)

    async def shines(self, light: Light, within_s: float = 5.0) -> None:
        if self.light is None:
            pytest.skip("nobody looks at real hardware")
        await until(lambda: self.light is not None and self.light() is light, within_s)


@asynccontextmanager
async def osdp(folder: Path) -> AsyncIterator[Bench]:
    async with bus_bench(folder, 1) as inner:
        peripheral = inner.peripherals[1]
        sounds: list[bool] = []
        peripheral.on_buzzer = lambda sounding, now: sounds.append(sounding)
        lights = {Color.NONE: Light.OFF, Color.RED: Light.RED, Color.AMBER: Light.AMBER, Color.GREEN: Light.GREEN}
        yield Bench(
            cast(Signal, inner.open(DeviceRole.SIGNAL, 1)),
            lambda: lights[Color(peripheral.leds[0].color(time.monotonic()))],
            lambda: peripheral.display.text(time.monotonic()).strip(),
            lambda: sounds.count(True),
            inner.port.unplug,
            inner.port.replug,
            outlives_us_s=2.0,
        )


@asynccontextmanager
async def modbus(folder: Path) -> AsyncIterator[Bench]:
    async with modbus_signal_bench(folder) as inner:
        yield Bench(
            inner.signal,
            lambda: inner.light,
            None,
            lambda: inner.sound_count,
            inner.port.unplug,
            inner.port.replug,
            outlives_us_s=HOLD_S,
        )


# A family adds its simulator here: a context manager of a Bench whose signal is not started.
SIMULATORS: dict[str, Callable[[Path], AbstractAsyncContextManager[Bench]]] = {"osdp": osdp, "modbus": modbus}


@pytest.fixture(params=SIMULATORS)
async def bench(where: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if where == SIMULATOR:
        async with SIMULATORS[request.param](tmp_path) as inner:
            yield inner
    elif request.param != next(iter(SIMULATORS)):
        pytest.skip("real hardware runs once")
    else:
        signal = cast(Signal, open_hardware(where, DeviceRole.SIGNAL))
        yield Bench(signal)
        await signal.close()


def faults(bench: Bench) -> tuple[Callable[[], None], Callable[[], None]]:
    if bench.unplug is None or bench.replug is None:
        pytest.skip("nobody unplugs real hardware")
    return bench.unplug, bench.replug


async def test_before_start_it_is_lost_and_showing_raises_nothing(bench: Bench) -> None:
    assert bench.signal.state is DeviceState.LOST
    await bench.signal.show(GO)


async def test_newest_signal_is_shown(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    called = time.monotonic()
    for signal in (GO, WAIT, GO, WAIT):
        await bench.signal.show(signal)
    assert time.monotonic() - called < 0.5, "show waits for the device"
    await bench.shines(Light.RED)
    if bench.text is not None:
        await until(lambda: bench.text is not None and bench.text() == "Hold still", 5.0)
    await bench.signal.show(DARK)
    await bench.shines(Light.OFF)
    if bench.text is not None:
        await until(lambda: bench.text is not None and bench.text() == "", 5.0)


async def test_shown_signal_stays_until_another_one(bench: Bench) -> None:
    if bench.outlives_us_s is None or bench.light is None:
        pytest.skip("the device does not time its light")
    await bench.start()
    await bench.ready()
    await bench.signal.show(WAIT)
    await bench.shines(Light.RED)
    seen = {Light.RED}
    end = time.monotonic() + 1.1 * bench.outlives_us_s

    def over() -> bool:
        assert bench.light is not None
        seen.add(bench.light())
        return time.monotonic() > end

    await until(over, 60.0)
    assert seen == {Light.RED}


async def test_sound_is_played_once_with_its_signal(bench: Bench) -> None:
    if bench.sound_count is None:
        pytest.skip("the device plays nothing, or nobody listens")
    await bench.start()
    await bench.ready()
    await bench.signal.show(TravellerSignal(Light.AMBER, sound=Sound.ATTENTION))
    await until(lambda: bench.sound_count is not None and bench.sound_count() > 0, 5.0)
    await bench.signal.show(TravellerSignal(Light.RED))
    await bench.shines(Light.RED)
    assert bench.sound_count() == 1


async def test_lost_device_shows_the_newest_when_it_is_back_without_sound(bench: Bench) -> None:
    unplug, replug = faults(bench)
    await bench.start()
    await bench.ready()
    unplug()
    await until(lambda: bench.signal.state is DeviceState.LOST, 5.0)
    await bench.signal.show(WAIT)
    await bench.signal.show(TravellerSignal(Light.AMBER, sound=Sound.REFUSED))
    replug()
    await bench.ready()
    await bench.shines(Light.AMBER)
    if bench.sound_count is not None:
        assert bench.sound_count() == 0


async def test_light_ends_by_itself_if_we_are_gone(bench: Bench) -> None:
    unplug, _ = faults(bench)
    if bench.outlives_us_s is None:
        pytest.skip("the device cannot time its light")
    await bench.start()
    await bench.ready()
    await bench.signal.show(GO)
    await bench.shines(Light.GREEN)
    unplug()
    await bench.shines(Light.OFF, bench.outlives_us_s + 1.0)


async def test_loss_is_noticed_within_five_seconds_told_once_and_ends_by_itself(bench: Bench) -> None:
    unplug, replug = faults(bench)
    await bench.start()
    await bench.ready()
    bench.states.clear()
    unplug()
    await until(lambda: bench.signal.state is DeviceState.LOST, 5.0)
    replug()
    await bench.ready()
    told = [state for state, _ in bench.states]
    assert told.count(DeviceState.LOST) == 1
    assert all(one is not other for one, other in itertools.pairwise(told)), "told twice"
    assert {thread for _, thread in bench.states} == {threading.get_ident()}


async def test_it_is_dark_after_close_and_close_is_idempotent(bench: Bench) -> None:
    await bench.start()
    await bench.ready()
    await bench.signal.show(GO)
    if bench.light is not None:
        await bench.shines(Light.GREEN)
    await asyncio.wait_for(bench.signal.close(), 3.0)
    await asyncio.wait_for(bench.signal.close(), 3.0)
    await bench.signal.show(GO)
    if bench.light is not None:
        await bench.shines(Light.OFF, 3.0)


async def test_close_without_start(bench: Bench) -> None:
    await asyncio.wait_for(bench.signal.close(), 1.0)
