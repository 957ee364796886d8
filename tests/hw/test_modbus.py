"""The sensors adapter against a simulated block: readings, loss, contradiction; and writes that happen once."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.bit_message import ReadDiscreteInputsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersResponse

from egate.domain.device import DeviceRole, DeviceState, SensorLevels
from egate.errors import ConfigurationError, DeviceTimeout, ProtocolViolation
from hw.link import memory
from hw.link.base import Link
from hw.link.fault import FaultPlan
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.modbus.adapter import Client, ModbusSensors
from hw.modbus.exchange import ANSWER_BYTES_MAX, Exchange, Garbled
from hw.modbus.points import Points, Reading
from hw.modbus.server import SensorPeripheral
from hw.modbus.watch import CONTRADICTIONS_MAX, FAILURES_MAX, LOST_S, Condition, Levels, Watch
from hw.registry import open_device
from tests.hw.lock_bench import until
from tests.hw.sensor_bench import UNIT, sensor_bench


@pytest.fixture(params=["rtu", "tcp"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Client, SensorPeripheral, Link]]:
    near, far = memory.pair()
    peripheral = SensorPeripheral(far, time.monotonic, Points(UNIT), request.param)
    pump = Pump("sensor-peripheral", peripheral.poll)
    yield Client(near, request.param), peripheral, far
    pump.close()
    peripheral.close()


async def test_other_addresses_are_read_where_they_are(tmp_path: Path) -> None:
    points = Points(UNIT, door=9, presence=2, persons=12, exits=3)
    async with sensor_bench(tmp_path, points=points) as bench:
        bench.peripheral.door_closed, bench.peripheral.person_count, bench.peripheral.exit_count = False, 2, 65535
        await until(lambda: bench.sensors.levels == SensorLevels(False, 2, 65535), 3.0)


async def test_works_at_9600_baud(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path, baud=9600) as bench:
        await until(lambda: bench.online, 3.0)
        bench.peripheral.person_count = 1
        await until(lambda: bench.sensors.levels.person_count == 1, 1.0)


async def test_exit_count_wraps(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        bench.peripheral.exit_count = 65536 + 7
        await until(lambda: bench.sensors.levels.exit_count == 7, 3.0)


class DoorBetweenAnswers:
    """The block's end of a link; at every third answer that has left the door opens and somebody is out, or it closes."""

    def __init__(self, inner: Link) -> None:
        self._inner = inner
        self.answers = 0
        self.peripheral: SensorPeripheral | None = None

    def read(self, size_max: int, timeout_s: float) -> bytes:
        return self._inner.read(size_max, timeout_s)

    def write(self, data: bytes) -> None:
        self._inner.write(data)
        self.answers += 1
        if self.peripheral is not None and self.answers % 3 == 0:
            self.peripheral.exit_count += self.peripheral.door_closed
            self.peripheral.door_closed = not self.peripheral.door_closed

    def close(self) -> None:
        self._inner.close()


async def test_door_level_is_never_older_than_the_exit_count() -> None:
    """Somebody goes through between the two questions of one poll: not seen as an exit with the door closed."""
    near, far = memory.pair()
    wire = DoorBetweenAnswers(far)
    wire.peripheral = SensorPeripheral(wire, time.monotonic, Points(UNIT))
    pump = Pump("sensor-peripheral", wire.peripheral.poll)
    sensors = ModbusSensors(lambda: near, Points(UNIT))
    told: list[SensorLevels] = []
    sensors.on_levels(told.append)
    await sensors.start(lambda state: None)
    await until(lambda: len(told) > 12, 5.0)
    pump.close()
    await sensors.close()
    exits = [later for one, later in itertools.pairwise(told) if (later.exit_count or 0) > (one.exit_count or 0)]
    assert len(exits) > 3
    assert all(levels.door_closed is False for levels in exits), exits


async def test_count_in_an_empty_zone_is_unknown_and_degraded(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        bench.peripheral.person_count = 1
        await until(lambda: bench.sensors.levels.person_count == 1, 3.0)
        bench.peripheral.present = False
        await until(lambda: bench.sensors.levels == SensorLevels(True, None, 0), 1.0)
        await until(lambda: bench.sensors.state is DeviceState.DEGRADED, 1.0)
        assert "contradict" in bench.sensors.diagnosis
        bench.peripheral.present = None
        await until(lambda: bench.online and bench.sensors.levels.person_count == 1, 1.0)


async def test_silent_block_is_lost_soon_and_reported_once(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        await until(lambda: bench.online, 3.0)
        bench.peripheral.silent = True
        silent_at = time.monotonic()
        await until(lambda: bench.sensors.state is DeviceState.LOST, 5.0)
        assert time.monotonic() - silent_at < 2.0
        assert bench.sensors.levels == bench.levels[-1] == SensorLevels()
        requests = bench.peripheral.request_count
        await until(lambda: bench.peripheral.request_count > requests + 2, 5.0)
        assert bench.states.count(DeviceState.LOST) == 1
        bench.peripheral.silent = False
        await until(lambda: bench.online, 5.0)


async def test_garbage_never_becomes_a_level(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        await until(lambda: bench.online, 3.0)
        bench.fault.set_plan(FaultPlan(flip=0.03, drop=0.02, duplicate=0.02))
        requests = bench.peripheral.request_count
        await until(lambda: bench.peripheral.request_count > requests + 15, 20.0)
        bench.fault.set_plan(FaultPlan())
        await until(lambda: bench.online, 5.0)
        assert set(bench.levels) <= {SensorLevels(True, 0, 0), SensorLevels()}


async def test_byte_by_byte_delivery_is_understood(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        bench.fault.set_plan(FaultPlan(split_bytes_max=1))
        await until(lambda: bench.online, 5.0)


async def test_close_ends_the_thread(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        await until(lambda: bench.online, 3.0)
        await bench.sensors.close()
        await until(lambda: all(thread.name != "modbus-sensors" for thread in threading.enumerate()), 1.0)
        assert bench.sensors.levels == SensorLevels()


def test_unanswered_write_is_sent_once(pair: tuple[Client, SensorPeripheral, Link]) -> None:
    client, peripheral, _ = pair
    peripheral.silent = True
    with pytest.raises(DeviceTimeout):
        client.ask(WriteSingleCoilRequest(dev_id=UNIT, address=0, bits=[True]), 0.5)
    assert peripheral.request_count == 1


def test_pymodbus_client_would_send_it_again(tmp_path: Path) -> None:
    """The trap itself: the library's own client with its default retries, only its 3 s time-out shortened."""
    port = PtyMaster(tmp_path / "port")
    peripheral = SensorPeripheral(port, time.monotonic, Points(UNIT))
    peripheral.silent = True
    pump = Pump("sensor-peripheral", peripheral.poll)
    client = ModbusSerialClient(str(tmp_path / "port"), timeout=0.1)
    with pytest.raises(ModbusException):
        client.write_coil(0, True, device_id=UNIT)
    client.close()  # type: ignore[no-untyped-call]
    pump.close()
    peripheral.close()
    assert peripheral.request_count > 1


def test_write_is_read_back(pair: tuple[Client, SensorPeripheral, Link]) -> None:
    client, peripheral, _ = pair
    assert client.write_coil(UNIT, 3, True)
    assert peripheral.coils[3]
    peripheral.replies_lost = 1
    assert client.write_coil(UNIT, 3, False), "executed with its answer lost: the coil tells"
    assert [write.value for write in peripheral.coil_writes] == [True, False]


def test_refused_request_is_a_protocol_violation(pair: tuple[Client, SensorPeripheral, Link]) -> None:
    client, _, _ = pair
    with pytest.raises(ProtocolViolation, match="exception 1"):
        client.ask(ReadHoldingRegistersRequest(dev_id=UNIT, address=0, count=1))
    with pytest.raises(ProtocolViolation, match="exception 2"):
        client.ask(ReadDiscreteInputsRequest(dev_id=UNIT, address=0, count=99))


def test_another_unit_is_not_heard(pair: tuple[Client, SensorPeripheral, Link]) -> None:
    client, peripheral, _ = pair
    with pytest.raises(DeviceTimeout):
        client.ask(ReadDiscreteInputsRequest(dev_id=UNIT + 1, address=0, count=2))
    assert peripheral.request_count == 0


def test_late_answer_to_an_earlier_question_is_dropped(pair: tuple[Client, SensorPeripheral, Link]) -> None:
    client, peripheral, far = pair
    stale = FramerRTU(DecodePDU(True)).buildFrame(ReadInputRegistersResponse(dev_id=UNIT, registers=[9, 9]))
    far.write(stale)
    peripheral.person_count = 1
    answer = client.ask(Points(UNIT).registers())
    assert list(answer.registers) == [1, 0]


def test_exchange_ignores_answers_to_other_functions_and_bounds_noise() -> None:
    exchange = Exchange("rtu", Points(UNIT).inputs())
    stale = FramerRTU(DecodePDU(True)).buildFrame(ReadInputRegistersResponse(dev_id=UNIT, registers=[9, 9]))
    assert exchange.receive(stale) is None
    with pytest.raises(Garbled):
        for _ in range(ANSWER_BYTES_MAX):
            exchange.receive(b"\x00\x00")


def test_answer_of_another_size_is_garbled() -> None:
    points = Points(UNIT)
    registers = ReadInputRegistersResponse(dev_id=UNIT, registers=[1, 2, 3])
    inputs = ReadInputRegistersResponse(dev_id=UNIT)
    with pytest.raises(Garbled):
        points.reading(inputs, registers)


EMPTY = Reading(door_closed=True, present=False, persons=0, exits=4)
ONE = Reading(door_closed=True, present=True, persons=1, exits=4)
GHOST = Reading(door_closed=False, present=False, persons=2, exits=5)


def test_contradiction_between_two_questions_is_forgiven_but_not_for_long() -> None:
    watch = Watch()
    watch.on_reading(ONE, 0.0)
    for count in range(CONTRADICTIONS_MAX):
        watch.on_reading(GHOST, 0.1 * count)
        assert (watch.condition, watch.levels) == (Condition.ONLINE, Levels(False, 1, 5))
    watch.on_reading(GHOST, 1.0)
    assert (watch.condition, watch.levels) == (Condition.DEGRADED, Levels(False, None, 5))
    watch.on_reading(EMPTY, 1.1)
    assert (watch.condition, watch.levels) == (Condition.ONLINE, Levels(True, 0, 4))


def test_first_reading_that_contradicts_itself_is_not_believed() -> None:
    watch = Watch()
    watch.on_reading(GHOST, 0.0)
    assert watch.condition is Condition.DEGRADED
    assert watch.levels.persons is None
    assert watch.read_at is None


def test_age_counts_from_the_last_reading_without_contradiction() -> None:
    watch = Watch()
    watch.on_reading(ONE, 1.0)
    watch.on_reading(GHOST, 1.1)
    watch.on_failure(1.2)
    assert watch.read_at == pytest.approx(1.0)
    watch.on_failure(1.3)
    assert watch.read_at is None, "blind"
    watch.on_reading(ONE, 1.4)
    for _ in range(CONTRADICTIONS_MAX + 1):
        watch.on_reading(GHOST, 1.5)
    assert watch.read_at is None, "the count is not known"


async def test_answer_that_lay_in_a_buffer_is_as_old_as_its_question(tmp_path: Path) -> None:
    async with sensor_bench(tmp_path) as bench:
        await until(lambda: bench.online, 3.0)
        bench.fault.set_plan(FaultPlan(delay_s=0.05))
        requests = bench.peripheral.request_count
        await until(lambda: bench.peripheral.request_count > requests + 4, 5.0)
        seen = bench.sensors.read_at
        await until(lambda: bench.sensors.read_at != seen, 5.0)
        assert bench.sensors.read_at is not None
        # two questions, each delayed on its way there and back
        assert time.monotonic() - bench.sensors.read_at > 4 * 0.05


def test_failures_degrade_then_lose() -> None:
    watch = Watch()
    watch.on_reading(ONE, 0.0)
    for _ in range(FAILURES_MAX):
        watch.on_failure(0.1)
    assert watch.condition is Condition.ONLINE
    watch.on_failure(0.2)
    assert (watch.condition, watch.levels) == (Condition.DEGRADED, Levels())  # blind: nothing is known
    watch.on_failure(LOST_S + 0.1)
    assert (watch.condition, watch.levels) == (Condition.LOST, Levels())
    watch.on_reading(EMPTY, 3.0)
    assert watch.condition is Condition.ONLINE


def test_url_is_checked_completely(tmp_path: Path) -> None:
    good = "modbus+pty:///tmp/sensors?unit=1"
    open_device(good, tmp_path, DeviceRole.SENSORS)
    open_device(good + "&door=3&presence=4&persons=9&exits=10&baud=19200&parity=E", tmp_path, DeviceRole.SENSORS)
    open_device("modbus+tcp://127.0.0.1:502?unit=1", tmp_path, DeviceRole.SENSORS)
    for bad in (
        "modbus+pty:///tmp/sensors",
        good.replace("unit=1", "unit=0"),
        good.replace("unit=1", "unit=248"),
        good + "&door=1",
        good + "&persons=100",
        good + "&baud=fast",
        good + "&unknown=1",
        "modbus+tcp://127.0.0.1:502?unit=1&baud=9600",
    ):
        with pytest.raises(ConfigurationError):
            open_device(bad, tmp_path, DeviceRole.SENSORS)
