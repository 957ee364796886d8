"""A lane's sensors on a peripheral's inputs: fresh, by their wiring, unknown when they are not read."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from egate.domain.device import Alarm, DeviceRole, DeviceState, SensorLevels
from egate.errors import ConfigurationError
from hw.osdp.acu import Acu
from hw.osdp.channel import Channel
from hw.osdp.duty import IN_TURN, SOON
from hw.osdp.inputs import wiring
from hw.osdp.orders import Ask, Completed, Report, Status
from hw.osdp.peripheral import Peripheral
from hw.osdp.sensing import ASK_S, STALE_S, SensorsDuty
from hw.registry import open_device
from tests.hw.lock_bench import until, write_key
from tests.hw.osdp_bus_bench import bus_bench

GATE = "&door=0&present=n1&entry=2,3&exit=4,5&fire=n6&emergency=7"


async def test_levels_follow_the_inputs_and_are_none_when_the_device_is_lost(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 1) as bench:
        peripheral = bench.peripherals[1]
        for number in (0, 1, 6):
            peripheral.set_input(number, True)
        sensors = await bench.sensors(1, GATE)
        told: list[SensorLevels] = []
        sensors.on_levels(told.append)
        await bench.ready()
        await until(lambda: sensors.levels == SensorLevels(True, 0, 0), 5.0)
        peripheral.set_input(0, False)
        await until(lambda: sensors.levels.door_closed is False, 2.0)
        peripheral.set_input(6, False)
        peripheral.set_input(7, True)
        await until(lambda: sensors.levels.alarms == {Alarm.FIRE, Alarm.EMERGENCY}, 2.0)
        # The levels stand before the loop has told them.
        await until(lambda: told[-1] == sensors.levels, 2.0)
        bench.port.unplug()
        await until(lambda: sensors.levels.door_closed is None and sensors.levels.person_count is None, 5.0)
        assert sensors.read_at is None
        await until(lambda: sensors.state is DeviceState.LOST, 5.0)
        bench.port.replug()
        await bench.ready(sensors)
        await until(lambda: sensors.levels.door_closed is False, 5.0)


async def test_input_that_the_peripheral_does_not_have_is_a_fault_in_words(tmp_path: Path) -> None:
    async with bus_bench(tmp_path, 1) as bench:
        sensors = await bench.sensors(1, "&door=0&fire=40")
        await until(lambda: "no input 40" in sensors.diagnosis, 5.0)
        assert sensors.state is not DeviceState.ONLINE
        assert sensors.levels.door_closed is None
        await until(lambda: "no input 40" in sensors.health.last_error, 1.0)


def make() -> SensorsDuty:
    channel = Channel(time.monotonic)
    peripheral = Peripheral(channel, 1, lambda: Acu(channel, 1, bytes(16)))
    duty = SensorsDuty(peripheral, wiring({"door": "0"}))
    duty.connected(100.0)
    return duty


def read(duty: SensorsDuty, asked_at: float, entries: tuple[int, ...], *, asked: bool = True) -> None:
    duty._peripheral.told_at = asked_at
    duty.told(Ask(Status.INPUT), asked_at)
    duty.answered(Report(Status.INPUT, entries, asked), asked_at + 0.01)


def test_reading_is_as_old_as_its_question_and_stale_after_its_time() -> None:
    duty = make()
    for step in range(5):
        read(duty, 100.0 + step * ASK_S, (1,))
    asked_at = 100.0 + 4 * ASK_S
    assert duty.read_at == asked_at
    assert duty.levels.door_closed is True
    assert duty.next_timer() == asked_at + STALE_S
    duty.handle_timer(asked_at + STALE_S - 0.001)
    assert duty.levels.door_closed is True
    duty.handle_timer(asked_at + STALE_S)
    assert duty.levels == SensorLevels()
    assert not duty.read_at


def test_report_sent_by_itself_is_a_reason_to_ask_and_no_level() -> None:
    duty = make()
    for step in range(5):
        read(duty, 100.0 + step * ASK_S, (1,))
    duty.answered(Report(Status.INPUT, (0,), asked=False), 101.0)
    assert duty.levels.door_closed is True
    wish = duty.wish(101.0)
    assert wish is not None
    assert (wish.urgency, wish.at) == (SOON, 101.0)
    read(duty, 101.0, (1,))
    assert duty.wish(101.0).urgency == IN_TURN  # type: ignore[union-attr]


def test_broken_line_of_a_supervised_input_makes_the_levels_unknown() -> None:
    duty = make()
    for step in range(5):
        read(duty, 100.0 + step * ASK_S, (1,))
    read(duty, 100.5, (3,))
    assert duty.levels.door_closed is None
    assert duty.read_at is None
    assert "fault" in duty.fault


def test_refusal_is_told_in_words() -> None:
    duty = make()
    duty.answered(Completed(Ask(Status.INPUT), ok=False), 100.1)
    assert "refuses" in duty.fault


@pytest.mark.parametrize(
    ("role", "parameters"),
    [
        (DeviceRole.SENSORS, ""),
        (DeviceRole.SENSORS, "&door=64"),
        (DeviceRole.SENSORS, "&door=0&entry=1"),
        (DeviceRole.SENSORS, "&door=0&output=1"),
        (DeviceRole.SIGNAL, "&led=8"),
        (DeviceRole.SIGNAL, "&door=0"),
        (DeviceRole.CARD_READER, "&reader=x"),
        (DeviceRole.LOCK, "&reader=0"),
    ],
)
def test_url_of_each_role_is_checked_completely(tmp_path: Path, role: DeviceRole, parameters: str) -> None:
    write_key(tmp_path / "key.scbk", bytes(range(16)))
    with pytest.raises(ConfigurationError):
        open_device(f"osdp+pty:///tmp/bus?address=1&key=file:key.scbk{parameters}", tmp_path, role)
