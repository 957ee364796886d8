"""Devices that share a port, or a peripheral: what happens to one does not happen to its neighbours."""

from __future__ import annotations

import asyncio
import errno
import itertools
import time
from dataclasses import replace
from pathlib import Path

import pytest

from egate.domain.device import DeviceRole, DeviceState, LockState, ReleaseResult
from egate.domain.signal import Light, TravellerSignal
from egate.errors import ConfigurationError
from hw.link.base import Link
from hw.link.serial import open_serial
from hw.osdp.adapter import OsdpLock
from hw.osdp.pd import ON_TIMED
from hw.osdp.pd_reader import Color
from hw.registry import open_device
from tests.hw.lock_bench import until, write_key
from tests.hw.osdp_bus_bench import bus_bench

UNACKNOWLEDGED = {ReleaseResult.UNKNOWN, ReleaseResult.NOT_SENT}


async def test_late_release_stays_in_while_a_neighbour_speaks(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 2) as bench:
        lock, neighbour = await bench.lock(1), await bench.lock(2)
        await bench.ready()
        bench.faults[1].silence(0.0, 1.2)
        called = time.monotonic()
        assert await lock.release(3.0, 0.4) in UNACKNOWLEDGED
        assert time.monotonic() - called < 0.8
        await bench.release(neighbour, 0.1)
        await until(lambda: not bench.faults[1].silent, 2.0)
        await bench.ready()
        assert bench.released_at(1) == []
        assert DeviceState.LOST not in bench.states[neighbour]


async def test_release_that_waits_for_its_dead_peripheral_leaves_with_nobody(tmp_path: Path) -> None:
    """The order comes while the peripheral is away but not yet missed; it returns after the deadline."""
    async with bus_bench(tmp_path, 2) as bench:
        lock, neighbour = await bench.lock(1), await bench.lock(2)
        await bench.ready()
        bench.faults[1].silence(0.0, 0.3)
        result = await lock.release(3.0, 0.2)
        assert result in UNACKNOWLEDGED
        await bench.ready()
        assert bench.released_at(1) == bench.released_at(2) == []
        assert DeviceState.LOST not in bench.states[neighbour]


async def test_replaced_peripheral_comes_back_beside_its_neighbour(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 2) as bench:
        lock, neighbour = await bench.lock(1), await bench.lock(2)
        await bench.ready()
        bench.peripherals[1].power_cycle()
        await until(lambda: bench.states[lock][-1] is not DeviceState.ONLINE, 5.0)
        await bench.ready()
        await bench.release(lock, 0.2)
        assert DeviceState.LOST not in bench.states[neighbour]


async def test_broken_timer_is_ended_and_held_against_that_lock_alone(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 2) as bench:
        lock, neighbour = await bench.lock(1), await bench.lock(2)
        await bench.ready()
        bench.peripherals[1].timer_fault = True
        await bench.release(lock, 0.2)
        await until(lambda: lock.state is DeviceState.LOST and not bench.peripherals[1].released, 6.0)
        assert "timer" in lock.diagnosis
        await bench.release(neighbour, 0.2)
        assert await lock.release(0.2, 0.5) is ReleaseResult.NOT_SENT


async def test_absent_neighbours_do_not_keep_a_lock_from_its_deadline(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 5) as bench:
        for address in range(2, 6):
            bench.faults[address].silence(0.0, 60.0)
            await bench.lock(address)
        lock = await bench.lock(1)
        await bench.ready(lock)
        for _ in range(5):
            await bench.release(lock, 0.1)
        assert {bench.devices[0].state, bench.devices[3].state} == {DeviceState.LOST}


async def test_acknowledged_release_outlives_a_new_connection(tmp_path: Path) -> None:
    """Somebody is on his way through: the door is not shut on him because one answer was spoilt."""
    async with bus_bench(tmp_path, 1) as bench:
        lock = await bench.lock(1)
        await bench.ready()
        told: list[LockState] = []
        lock.on_lock(told.append)
        await bench.release(lock, 1.8)
        await until(lambda: told[-1:] == [LockState.RELEASED], 2.0)
        told.clear()
        bench.faults[1].silence(0.0, 0.3)
        await until(lambda: told == [LockState.UNKNOWN, LockState.RELEASED], 2.0)
        await until(lambda: lock.lock_state is LockState.SECURED, 6.0)
        unlock = bench.peripherals[1].unlocks[-1]
        assert unlock.end is not None
        assert unlock.end - unlock.start > 1.7, "the new connection secured it early"


async def test_securing_in_vain_is_done_with_the_next_connection(tmp_path: Path) -> None:
    """Nobody is let through any more: then the acknowledged release does not outlive a new connection."""
    async with bus_bench(tmp_path, 1) as bench:
        lock = await bench.lock(1)
        await bench.ready()
        await bench.release(lock, 20.0)
        await until(lambda: lock.lock_state is LockState.RELEASED, 1.0)
        bench.faults[1].silence(0.0, 1.0)
        await until(lambda: lock.lock_state is LockState.UNKNOWN, 1.0)
        assert await lock.secure() is False
        await until(lambda: not bench.peripherals[1].released, 2.0)
        await bench.ready()


async def test_one_peripheral_is_lock_sensors_signal_and_card_reader(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 1) as bench:
        lock, other = await bench.lock(1), await bench.lock(1, "&output=1")
        sensors = await bench.sensors(1, "&door=0&tamper=n7")
        signal, reader = await bench.signal(1), await bench.card_reader(1)
        await bench.ready()
        await bench.release(lock, 0.2)
        await bench.release(other, 0.2)
        assert {one.output for one in bench.peripherals[1].actuations if one.control_code == ON_TIMED} == {0, 1}
        await signal.show(TravellerSignal(Light.RED))
        await until(lambda: bench.peripherals[1].leds[0].color(time.monotonic()) == Color.RED, 2.0)
        bench.peripherals[1].set_input(0, True)
        await until(lambda: sensors.levels.door_closed is True, 2.0)
        assert (await bench.read_card(reader, 1, b"\xab\xc0", 10)).bit_count == 10
        await signal.close()
        await sensors.close()
        await bench.ready(lock, other, reader)


async def test_last_device_that_closes_gives_the_port_back(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 2) as bench:
        one, other = await bench.lock(1), await bench.lock(2)
        await bench.ready()
        await one.close()
        assert one.state is DeviceState.LOST
        await bench.release(other, 0.1)
        await other.close()
        open_serial(str(tmp_path / "bus")).close()  # raises if somebody holds it
        again = await bench.lock(1)
        await bench.ready(again)


@pytest.mark.parametrize(
    ("role", "address", "parameters", "why"),
    [
        (DeviceRole.LOCK, 1, "", "two devices are this lock"),
        (DeviceRole.LOCK, 2, "&parity=E", "other parameters"),
        (DeviceRole.CARD_READER, 1, "&key2", "another key"),
    ],
)
async def test_devices_that_contradict_each_other_are_refused(
    tmp_path: Path, role: DeviceRole, address: int, parameters: str, why: str
) -> None:
    async with bus_bench(tmp_path, 1) as bench:
        lock = await bench.lock(1)
        if parameters == "&key2":
            write_key(tmp_path / "other.scbk", bytes(range(16)))
            parameters = ""
            bench.url = lambda address, parameters="", key="": (  # type: ignore[method-assign]
                f"osdp+pty://{tmp_path}/bus?address={address}&key=file:other.scbk&baud=115200"
            )
        second = bench.open(role, address, parameters)
        with pytest.raises(ConfigurationError, match=why):
            await second.start(lambda state: None)
        await bench.ready(lock)


async def test_unplugged_port_is_told_to_all_and_comes_back_to_all(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 2) as bench:
        one, other = await bench.lock(1), await bench.lock(2)
        await bench.ready()
        bench.port.unplug()
        await until(lambda: {one.state, other.state} == {DeviceState.LOST}, 5.0)
        bench.port.replug()
        await bench.ready()
        for told in (bench.states[one], bench.states[other]):
            assert DeviceState.LOST in told
            assert all(state is not after for state, after in itertools.pairwise(told)), "told twice"


async def test_opened_case_makes_a_lock_lost_until_it_is_closed(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 1) as bench:
        lock = await bench.lock(1)
        await bench.ready()
        bench.peripherals[1].set_local(tampered=True, power_failed=False)
        await until(lambda: lock.state is DeviceState.LOST, 3.0)
        assert "tamper" in lock.diagnosis
        assert await lock.release(1.0, 0.3) is ReleaseResult.NOT_SENT
        assert await lock.secure() is True
        bench.peripherals[1].set_local(tampered=False, power_failed=True)
        await until(lambda: lock.state is DeviceState.DEGRADED, 3.0)
        assert "power" in lock.diagnosis
        bench.peripherals[1].set_local(tampered=False, power_failed=False)
        await bench.ready()
        assert lock.diagnosis == ""


async def test_health_names_the_peripheral_and_counts_its_losses(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 1) as bench:
        lock = await bench.lock(1)
        await bench.ready()
        health = lock.health
        assert "vendor 000000 model 1" in health.identity
        assert "outputs 2" in health.identity
        assert health.heard_at is not None
        assert health.counters["opened"] == 1
        lost = health.counters["lost"]
        bench.faults[1].silence(0.0, 1.0)
        await until(lambda: lock.health.counters["lost"] > lost, 3.0)
        assert lock.health.last_error
        await bench.ready()
        assert (lock.health.heard_at or 0.0) > health.heard_at


@pytest.mark.parametrize("failure", [OSError(errno.EMFILE, "too many"), RuntimeError("symlink loop")])
async def test_port_that_cannot_be_opened_for_any_reason_is_tried_again(tmp_path: Path, failure: Exception) -> None:
    async with bus_bench(tmp_path, 1) as bench:
        lock = bench.open(DeviceRole.LOCK, 1)
        assert isinstance(lock, OsdpLock)
        openings = iter([failure, failure])
        open_port = lock.place.open_port

        def failing() -> Link:
            for one in openings:
                raise one
            return open_port()

        lock._place = replace(lock.place, open_port=failing)
        await bench.start(lock)
        assert await lock.secure() is False
        await bench.ready()


async def test_two_paths_that_go_in_circles_are_two_ports_and_close(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 1) as bench:
        for name in ("one", "other"):
            path = tmp_path / name
            path.symlink_to(path)
            device = open_device(f"osdp+pty://{path}?address=1&key=file:key.scbk", tmp_path, DeviceRole.LOCK)
            bench.devices.append(device)
            await bench.start(device)
        for device in bench.devices:
            await until(lambda one=device: one.health.counters["lost"] > 1, 2.0)  # type: ignore[misc]
            await asyncio.wait_for(device.close(), 1.0)


async def test_port_under_two_names_that_was_absent_at_start_is_told_apart_from_a_foreign_owner(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 2) as bench:
        for address, name in ((1, "bus"), (2, "alias")):
            url = f"osdp+pty://{tmp_path}/{name}?address={address}&key=file:key.scbk&baud=115200"
            device = open_device(url, tmp_path, DeviceRole.LOCK)
            bench.devices.append(device)
            await bench.start(device)
        owner, other = bench.devices
        await bench.ready(owner)
        (tmp_path / "alias").symlink_to(tmp_path / "bus")
        await until(lambda: "under another name" in other.health.last_error, 3.0)
        assert owner.state is DeviceState.ONLINE
