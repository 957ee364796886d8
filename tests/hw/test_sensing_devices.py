"""A reading whose sensors contradict each other is not fresh, and an alarm is told whatever else cannot be read."""

from __future__ import annotations

import time

from egate.domain.device import Alarm, SensorLevels
from hw.modbus.watch import Condition, Watch
from hw.osdp.acu import Acu
from hw.osdp.channel import Channel
from hw.osdp.inputs import wiring
from hw.osdp.orders import Report, Status
from hw.osdp.peripheral import Peripheral
from hw.osdp.sensing import ASK_S, SensorsDuty
from hw.sensing.layout import Layout
from hw.sensing.zone import Inputs, Zone

QUIET, SOMEBODY = (1, 0, 0, 0, 0, 0, 0), (1, 1, 0, 0, 0, 0, 0)
BROKEN = 2


class OsdpBench:
    """A peripheral whose inputs are read every ASK_S."""

    def __init__(self) -> None:
        channel = Channel(time.monotonic)
        self.peripheral = Peripheral(channel, 1, lambda: Acu(channel, 1, bytes(16)))
        wired = wiring({"door": "0", "present": "1", "entry": "2,3", "exit": "4,5", "fire": "6"})
        self.duty, self.now = SensorsDuty(self.peripheral, wired), 100.0

    def read(self, entries: tuple[int, ...], duration_s: float = ASK_S) -> SensorLevels:
        for _ in range(round(duration_s / ASK_S)):
            self.now += ASK_S
            self.peripheral.told_at = self.now
            self.duty.answered(Report(Status.INPUT, entries, asked=True), self.now + 0.01)
        return self.duty.levels

    def fresh(self) -> bool:
        return self.duty.read_at == self.now


def test_osdp_fire_contact_is_told_though_a_barrier_is_broken() -> None:
    bench = OsdpBench()
    bench.read(QUIET, 1.0)
    assert bench.read((1, 0, BROKEN, 0, 0, 0, 1)) == SensorLevels(alarms=frozenset({Alarm.FIRE}))
    assert not bench.fresh()
    assert "fault" in bench.duty.fault
    assert bench.read((BROKEN, 0, 0, 0, 0, 0, 0), 0.8).alarms == {Alarm.FIRE}
    assert bench.read((BROKEN, 0, 0, 0, 0, 0, 0), 0.8).alarms == frozenset()


def test_osdp_reading_that_contradicts_itself_is_not_fresh() -> None:
    bench = OsdpBench()
    assert bench.read(QUIET, 1.0) == SensorLevels(True, 0, 0)
    assert bench.fresh()
    bench.read(SOMEBODY, 3.0)  # whom no barrier let in
    assert not bench.fresh()
    assert "contradict" in bench.duty.fault
    bench.read(QUIET, 1.0)
    assert bench.fresh()


def test_modbus_reading_that_contradicts_itself_is_not_fresh() -> None:
    watch = Watch(Zone(Layout()))
    agreed, contradicted = Inputs(True, True, persons=1, exits=3), Inputs(True, False, persons=1, exits=3)
    for step in range(10):
        watch.on_reading(agreed, 100.0 + step / 40)
    fresh_at = watch.read_at
    assert fresh_at == 100.0 + 9 / 40
    for step in range(10, 12):  # the count stands for a moment, by what was read before
        watch.on_reading(contradicted, 100.0 + step / 40)
        assert (watch.levels.person_count, watch.read_at) == (1, fresh_at)
    watch.on_reading(contradicted, 100.0 + 12 / 40)
    assert (watch.levels.person_count, watch.read_at, watch.condition) == (None, None, Condition.DEGRADED)
    watch.on_reading(agreed, 100.0 + 13 / 40)
    assert (watch.read_at, watch.condition) == (100.0 + 13 / 40, Condition.ONLINE)


def test_modbus_reading_without_a_count_or_exits_is_not_fresh() -> None:
    watch = Watch(Zone(Layout()))
    for step in range(10):
        watch.on_reading(Inputs(True, True, persons=1, exits=30), 100.0 + step / 40)
    watch.on_reading(Inputs(True, True, persons=1, exits=0), 100.0 + 10 / 40)  # it restarted
    assert (watch.levels.exit_count, watch.read_at) == (None, None)
    watch.on_reading(Inputs(True, True, persons=1, exits=0), 100.0 + 11 / 40)
    assert (watch.levels.person_count, watch.levels.exit_count, watch.read_at) == (None, 30, None)
