"""Locks, sensors and signals on lines: several units on one, dead ones among them, TCP connections that are given up."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from egate.domain.device import DeviceRole, DeviceState, LockState, ReleaseResult
from egate.domain.signal import Light, Sound, TravellerSignal
from egate.errors import ConfigurationError, DeviceTimeout
from egate.ports import Device
from hw.link import memory
from hw.link.base import Link, LinkLost
from hw.link.fault import FaultLink, FaultPlan
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.link.stream import forget_on_close
from hw.link.tcp import TcpLink
from hw.modbus.adapter import ModbusLock, ModbusSensors, ModbusSignal
from hw.modbus.adapter.bus import Bus
from hw.modbus.adapter.line import Client, NotSent, serial_timing
from hw.modbus.frame import COIL_ON, Framing, Refused, Table, crc, read, values, write_coil
from hw.modbus.map_file import shipped
from hw.modbus.request import RequestDecoder
from hw.modbus.server import Line, Peripheral
from hw.registry import open_device
from tests.hw.lock_bench import until
from tests.hw.modbus_bench import modbus_lock_bench

RELAY, BLOCK = shipped("waveshare_relay"), shipped("sensor_block")
RELEASE = b"release!"
RELAY_ENDS_IT = "watchdog=K3&watchdog_s=5"
GO = TravellerSignal(Light.GREEN, sound=Sound.GO)
STOP = TravellerSignal(Light.RED)


@dataclass
class Gate:
    """A relay board (unit 1: lock on output 0, red, green and buzzer on 1 to 3) and a sensor block (unit 2) on one line."""

    lock: ModbusLock
    sensors: ModbusSensors
    signal: ModbusSignal
    relay: Peripheral
    block: Peripheral
    port: PtyMaster

    @property
    def devices(self) -> tuple[Device, ...]:
        return (self.lock, self.sensors, self.signal)

    async def online(self, *devices: Device) -> None:
        await until(lambda: all(device.state is DeviceState.ONLINE for device in devices), 5.0)


@asynccontextmanager
async def gate(folder: Path) -> AsyncIterator[Gate]:
    port = PtyMaster(folder / "line")
    relay, block = Peripheral(RELAY, 1), Peripheral(BLOCK, 2)
    line = Line(port, time.monotonic, [relay, block])
    pump = Pump("line", lambda: line.poll(0.001))
    url = f"modbus+pty://{folder / 'line'}?baud=115200"
    lock = open_device(f"{url}&unit=1&map=waveshare_relay", folder, DeviceRole.LOCK)
    sensors = open_device(f"{url}&unit=2", folder, DeviceRole.SENSORS)
    signal = open_device(f"{url}&unit=1&map=waveshare_relay&red=1&green=2&buzzer=3", folder, DeviceRole.SIGNAL)
    assert isinstance(lock, ModbusLock) and isinstance(sensors, ModbusSensors) and isinstance(signal, ModbusSignal)
    made = Gate(lock, sensors, signal, relay, block, port)
    try:
        for device in made.devices:
            await device.start(lambda state: None)
        yield made
    finally:
        for device in made.devices:
            await device.close()
        pump.close()
        line.close()


async def test_three_devices_share_one_line_and_one_thread(tmp_path: Path) -> None:
    async with gate(tmp_path) as made:
        await made.online(*made.devices)
        assert [thread.name for thread in threading.enumerate()].count("modbus") == 1
        made.block.person_count = 1
        assert await made.lock.release(0.4, 1.5) is ReleaseResult.ACKNOWLEDGED
        assert made.relay.released
        await until(lambda: made.sensors.levels.person_count == 1, 1.0)
        await until(lambda: not made.relay.released and made.lock.lock_state is LockState.SECURED, 2.0)
        await made.lock.close()
        made.block.person_count = 2
        await until(lambda: made.sensors.levels.person_count == 2, 1.0)


async def test_dead_unit_does_not_starve_its_neighbours(tmp_path: Path) -> None:
    async with gate(tmp_path) as made:
        await made.online(*made.devices)
        made.block.silent = True
        await until(lambda: made.sensors.state is DeviceState.LOST, 5.0)
        asked, since = made.block.request_count, time.monotonic()
        assert await made.lock.release(0.1, 1.0) is ReleaseResult.ACKNOWLEDGED
        await until(lambda: made.lock.lock_state is LockState.SECURED, 2.0)
        assert made.lock.state is made.signal.state is DeviceState.ONLINE
        await until(lambda: made.block.request_count >= asked + 2, 10.0)
        assert time.monotonic() - since > 0.75, "asked too often: without back-off two time limits take 0.5 s"
        made.block.silent = False
        await made.online(*made.devices)


async def test_unplugged_line_loses_all_and_brings_all_back(tmp_path: Path) -> None:
    async with gate(tmp_path) as made:
        await made.online(*made.devices)
        made.port.unplug()
        await until(lambda: all(device.state is DeviceState.LOST for device in made.devices), 5.0)
        assert await made.lock.release(1.0, 0.5) is ReleaseResult.NOT_SENT
        made.port.replug()
        await made.online(*made.devices)


async def test_signal_shows_one_light_sounds_once_and_goes_dark(tmp_path: Path) -> None:
    async with gate(tmp_path) as made:
        outputs = made.relay.outputs
        await made.online(made.signal)
        await made.signal.show(GO)
        await until(lambda: outputs[1:4] == [0, 1, 1], 2.0)
        await made.signal.show(STOP)
        await until(lambda: outputs[1:4] == [1, 0, 0], 2.0)
        assert sum(write.address == 0x0203 for write in made.relay.writes) == 1, "the buzzer's pulse, once"
        made.relay.silent = True
        await until(lambda: made.signal.state is DeviceState.LOST, 5.0)
        await made.signal.show(GO)
        made.relay.silent = False
        await until(lambda: outputs[2] == 1, 5.0)
        assert sum(write.address == 0x0203 for write in made.relay.writes) == 1, "a prompt that is late is not played"
        await made.signal.close()
        assert outputs[1:4] == [0, 0, 0]


async def test_lights_never_move_the_lock(tmp_path: Path) -> None:
    async with gate(tmp_path) as made:
        await made.online(*made.devices)
        for signal in (GO, STOP, TravellerSignal(Light.AMBER, blinking=True), TravellerSignal()):
            await made.signal.show(signal)
            await asyncio.sleep(0)
        await until(lambda: made.relay.outputs[1:] == [0] * 7, 2.0)
        lock_writes = [write for write in made.relay.writes if write.address in (0x0000, 0x0200)]
        assert {write.value for write in lock_writes} == {0}


async def test_unanswered_release_is_unknown_once_and_the_port_is_opened_anew(tmp_path: Path) -> None:
    async with modbus_lock_bench(tmp_path) as bench:
        await bench.ready()
        assert len(bench.opened) == 1
        bench.peripheral.replies_lost = 1
        seen = len(bench.peripheral.writes)
        assert await bench.lock.release(5.0, 2.0) is ReleaseResult.UNKNOWN
        await bench.ready()
        values = [(write.address, write.value) for write in bench.peripheral.writes[seen:]]
        assert values[0] == (0x0200, 50)
        assert set(values[1:]) == {(0x0000, 0)}, "secured, and not released again"
        assert len(bench.opened) == 2, "the port was not thrown away with what it held"
        assert DeviceState.LOST not in bench.states


async def test_broken_timer_is_lost_for_good(tmp_path: Path) -> None:
    async with modbus_lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.timer_fault = True
        assert await bench.lock.release(0.1, 1.0) is ReleaseResult.ACKNOWLEDGED
        await until(lambda: bench.lock.state is DeviceState.LOST, 3.0)
        await until(lambda: not bench.peripheral.released, 1.0)
        assert "timer" in bench.lock.diagnosis
        assert await bench.lock.release(0.1, 1.0) is ReleaseResult.NOT_SENT


async def test_lock_that_is_closed_in_a_release_is_secured(tmp_path: Path) -> None:
    async with modbus_lock_bench(tmp_path) as bench:
        await bench.ready()
        assert await bench.lock.release(20.0, 1.0) is ReleaseResult.ACKNOWLEDGED
        bench.peripheral.replies_lost = 1
        await bench.lock.close()
        assert not bench.peripheral.released


async def test_cancelled_release_is_secured(tmp_path: Path) -> None:
    async with modbus_lock_bench(tmp_path) as bench:
        await bench.ready()
        bench.peripheral.stuck = True  # it answers and does not move: the release waits to be read back
        release = asyncio.ensure_future(bench.lock.release(20.0, 2.0))
        await until(lambda: bench.peripheral.writes[-1].address == 0x0200, 1.0)
        release.cancel()
        await until(lambda: bench.peripheral.writes[-1].address == 0x0000, 1.0)
        bench.peripheral.stuck = False
        await bench.ready()


class BareLink:
    """A connection as the system makes it: closing goes on delivering."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.fileno = connection.fileno
        self.write = connection.sendall
        self.close = connection.close

    def read(self, size_max: int, timeout_s: float) -> bytes:
        return self._connection.recv(size_max)


def test_question_whose_time_is_over_does_not_leave() -> None:
    near, far = memory.pair()
    client, question = Client(near, serial_timing(115_200)), read(Table.COIL, 1, 0)
    with pytest.raises(NotSent):
        client.ask(question, not_after=time.monotonic())
    assert far.read(100, 0) == b""
    with pytest.raises(DeviceTimeout):
        client.ask(question, not_after=time.monotonic() + 1.0)
    assert far.read(100, 0) == question.frame(Framing.RTU)


def test_two_wire_bus_that_echoes_is_understood() -> None:
    near, far = memory.pair()
    board = Peripheral(RELAY, 1)
    line = Line(far, time.monotonic, [board])
    pump = Pump("board", line.poll)
    client = Client(FaultLink(near, 1, FaultPlan(echo=True)), serial_timing(115_200))
    for on in (1, 0, 1):
        client.ask(write_coil(1, 0, COIL_ON * on))
        pdu, _ = client.ask(read(Table.COIL, 1, 0))
        assert values(Table.COIL, pdu, 1) == [on] == [board.outputs[0]]
    assert client.skipped > 0
    pump.close()
    line.close()


class LateOnce:
    """The link to a unit whose first answer comes only when the second question has left."""

    def __init__(self, unit: Peripheral) -> None:
        self._unit, self._coming, self._held, self.questions = unit, b"", b"", 0

    def write(self, data: bytes) -> None:
        self.questions += 1
        (request,) = RequestDecoder(Framing.RTU).feed(data)
        answer = self._unit.answer(request, Framing.RTU, 0.0) or b""
        if self.questions == 1:
            self._held = answer
        else:
            self._coming += self._held + answer
            self._held = b""

    def read(self, size_max: int, timeout_s: float) -> bytes:
        if not self._coming:
            time.sleep(min(timeout_s, 0.02))
        data, self._coming = self._coming[:size_max], self._coming[size_max:]
        return data

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("table", "now"), [(Table.INPUT, [1, 41]), (Table.DISCRETE, [0, 1])])
def test_answer_to_a_question_given_up_is_nobodys(table: Table, now: list[int]) -> None:
    block = Peripheral(BLOCK, 1)
    client, question = Client(LateOnce(block), serial_timing(115_200)), read(table, 1, 0, 2)
    with pytest.raises(DeviceTimeout):
        client.ask(question)
    block.door_closed, block.person_count, block.exit_count = False, 1, 41
    pdu, _ = client.ask(question)
    assert values(table, pdu, 2) == now, "what was before"


class Script:
    """A link on which the next question is answered by what is prepared for it, the last one again and again."""

    def __init__(self, *answers: bytes) -> None:
        self._answers, self._coming = list(answers), b""
        self.asked: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.asked.append(data)
        self._coming = self._answers.pop(0) if self._answers else b""

    def read(self, size_max: int, timeout_s: float) -> bytes:
        if not self._coming:
            time.sleep(min(timeout_s, 0.001))
        data, self._coming = self._coming[:size_max], self._coming[size_max:]
        return data

    def close(self) -> None:
        pass


def rtu(*body: int) -> bytes:
    return bytes(body) + crc(bytes(body)).to_bytes(2, "little")


def test_refusal_that_may_be_an_earlier_questions_is_no_answer() -> None:
    client = Client(Script(b"", rtu(1, 0x85, 6)), serial_timing(115_200), hurry=lambda: True)
    with pytest.raises(DeviceTimeout):
        client.ask(write_coil(1, 0x0202, 15), patient=False)
    with pytest.raises(DeviceTimeout, match="earlier"):
        client.ask(write_coil(1, 0x0200, 20))
    client = Client(Script(rtu(1, 0x85, 6)), serial_timing(115_200))
    with pytest.raises(Refused):
        client.ask(write_coil(1, 0x0200, 20))


def test_what_a_unit_owes_of_one_kind_is_not_forgotten_for_another() -> None:
    state, block = read(Table.COIL, 1, 0), read(Table.DISCRETE, 1, 0, 2)
    link = Script(b"", b"", rtu(1, 1, 1, 0))  # at last the first answer
    client = Client(link, serial_timing(115_200), hurry=lambda: True)
    for question in (state, block, state):
        with pytest.raises(DeviceTimeout):
            client.ask(question, patient=False)
    assert link.asked[2] == state.longer().frame(Framing.RTU)


def test_unit_that_missed_an_answer_gives_way_to_an_order() -> None:
    hurried: list[int] = []

    def hurry() -> bool:
        hurried.append(1)
        return True

    state, release = read(Table.COIL, 1, 0), write_coil(1, 0x0200, 20)
    client = Client(Script(b"", rtu(1, 1, 1, 0), b""), serial_timing(115_200), hurry)
    with pytest.raises(DeviceTimeout):
        client.ask(read(Table.COIL, 1, 0, 9))
    assert not hurried, "the first one is waited for"
    client.ask(state)
    with pytest.raises(DeviceTimeout):
        client.ask(state)
    assert hurried
    hurried.clear()
    with pytest.raises(DeviceTimeout):
        client.ask(release, answer_by=time.monotonic() + 0.1)
    assert not hurried, "a release is never given up"


async def test_port_for_which_no_descriptor_is_left_is_opened_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server, Peripheral(RELAY, 1)), daemon=True).start()
        url = f"modbus+tcp://127.0.0.1:{server.getsockname()[1]}?unit=1&map=waveshare_relay"
        lock = open_device(url, tmp_path, DeviceRole.LOCK)
        assert isinstance(lock, ModbusLock)
        real, refused = os.dup, 0

        def dup(descriptor: int) -> int:
            nonlocal refused
            refused += 1
            if refused == 1:
                raise OSError(errno.EMFILE, "Too many open files")
            return real(descriptor)

        monkeypatch.setattr(os, "dup", dup)
        await lock.start(lambda state: None)
        await until(lambda: lock.state is DeviceState.ONLINE, 5.0)
        assert refused > 1
        await lock.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_whoever_waits_for_a_line_that_broke_is_answered() -> None:
    opening, broken = threading.Event(), threading.Event()

    def open_port() -> Link:
        opening.set()
        broken.wait(5.0)
        raise RuntimeError("a bug")

    assert RELAY.lock is not None
    bus = Bus(open_port, serial_timing(115_200))
    locks = [ModbusLock(bus, RELAY.lock, unit, transit_s=0.02) for unit in (1, 2)]
    await locks[0].start(lambda state: None)
    await until(opening.is_set, 5.0)
    await locks[1].start(lambda state: None)  # not let in yet
    broken.set()
    for lock in locks:
        assert await asyncio.wait_for(lock.secure(), 5.0) is False
        await asyncio.wait_for(lock.close(), 5.0)
    opening.clear()
    later = ModbusLock(bus, RELAY.lock, 3, transit_s=0.02)
    await later.start(lambda state: None)
    await until(opening.is_set, 5.0)
    await asyncio.wait_for(later.close(), 5.0)


def test_connection_that_is_given_up_delivers_nothing_more() -> None:
    """What the other end's kernel has not taken yet is thrown away: it reads a reset instead."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # full soon
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        connection = socket.create_connection(server.getsockname())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        link = BareLink(connection)
        forget_on_close(link)
        peer, _ = server.accept()
        with peer:
            link.write(b"." * (1 << 16))
            link.write(RELEASE)
            link.close()
            received = bytearray()
            with pytest.raises(ConnectionResetError):
                while data := peer.recv(1 << 17):
                    received += data
        assert RELEASE not in received


async def test_lock_over_tcp(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        relay = Peripheral(RELAY, 1)
        serving = threading.Thread(target=serve, args=(server, relay), daemon=True)
        serving.start()
        lock = open_device(f"modbus+tcp://127.0.0.1:{port}?unit=1&map=waveshare_relay", tmp_path, DeviceRole.LOCK)
        assert isinstance(lock, ModbusLock)
        await lock.start(lambda state: None)
        await until(lambda: lock.state is DeviceState.ONLINE, 5.0)
        assert await lock.release(0.2, 1.5) is ReleaseResult.ACKNOWLEDGED
        await until(lambda: lock.lock_state is LockState.SECURED, 2.0)
        relay.replies_lost = 1
        assert await lock.release(5.0, 1.0) is ReleaseResult.UNKNOWN
        await until(lambda: lock.state is DeviceState.ONLINE and not relay.released, 5.0)
        await lock.close()


def serve(server: socket.socket, relay: Peripheral) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        line = Line(TcpLink(connection), time.monotonic, [relay], "tcp")
        try:
            while True:
                line.poll(0.005)
        except LinkLost:
            line.close()


def test_line_settings_and_outputs_are_not_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "line"
    url = f"modbus+pty://{path}?unit=1&map=waveshare_relay"
    lock = open_device(url, tmp_path, DeviceRole.LOCK)
    (tmp_path / "alias").symlink_to(path)
    with pytest.raises(ConfigurationError, match="settings"):
        open_device(f"{url}&red=1&baud=19200", tmp_path, DeviceRole.SIGNAL)
    with pytest.raises(ConfigurationError, match="outputs"):
        open_device(f"{url}&red=0", tmp_path, DeviceRole.SIGNAL)
    with pytest.raises(ConfigurationError, match="outputs"):
        open_device(f"modbus+pty://{tmp_path / 'alias'}?unit=1&map=waveshare_relay&red=0", tmp_path, DeviceRole.SIGNAL)
    with pytest.raises(ConfigurationError, match="outputs"):
        open_device(url, tmp_path, DeviceRole.LOCK)
    block = open_device(f"modbus+pty://{path}?unit=1", tmp_path, DeviceRole.SENSORS)
    with pytest.raises(ConfigurationError, match="sensors"):
        open_device(f"modbus+pty://{path}?unit=1&door=7", tmp_path, DeviceRole.SENSORS)
    open_device(f"modbus+pty://{path}?unit=1&door=8&presence=9&persons=8&exits=9", tmp_path, DeviceRole.SENSORS)
    del block
    other = open_device(f"{url}&output=1", tmp_path, DeviceRole.LOCK)
    del lock
    open_device(f"{url}&red=0", tmp_path, DeviceRole.SIGNAL)
    del other
    open_device(f"{url}&red=0&baud=19200", tmp_path, DeviceRole.SIGNAL)


FLASHED = """
[controller]
name = "outputs by flash"
outputs = 4
[lock]
state = { table = "coil", address = 0x10 }
secure = { table = "coil", address = 0x10, value = 0 }
release = { table = "coil", address = 0x203 }
timer = { kind = "pulse", step_s = 0.1, value_max = 0x7FFF }
"""
SET_AND_RESET = """
[controller]
name = "board with separate coils"
outputs = 16
[lock]
state = { table = "coil", address = 0, inverted = true }
secure = { table = "coil", address = 0, value = 0xFF00 }
release = { table = "coil", address = 8, value = 0xFF00 }
[signal]
base = { table = "coil", address = 0 }
"""


def test_unit_with_a_communication_watchdog_is_not_shared(tmp_path: Path) -> None:
    url = f"modbus+pty://{tmp_path / 'line'}?map="
    lock = open_device(
        f"{url}lot_turnstile&unit=1&{RELAY_ENDS_IT}&watchdog_kind=communication", tmp_path, DeviceRole.LOCK
    )
    with pytest.raises(ConfigurationError, match="watchdog"):
        open_device(f"{url}sensor_block&unit=1", tmp_path, DeviceRole.SENSORS)
    block = open_device(f"{url}sensor_block&unit=2", tmp_path, DeviceRole.SENSORS)
    with pytest.raises(ConfigurationError, match="watchdog"):
        open_device(f"{url}lot_turnstile&unit=2&{RELAY_ENDS_IT}&watchdog_kind=communication", tmp_path, DeviceRole.LOCK)
    del lock, block


def test_nobody_else_writes_what_releases_a_lock(tmp_path: Path) -> None:
    (tmp_path / "flash.toml").write_text(FLASHED)
    (tmp_path / "coils.toml").write_text(SET_AND_RESET)

    def opened(line: str, role: DeviceRole, board: str) -> Device:
        url = f"modbus+pty://{tmp_path / line}?unit=1&map={board}"
        return open_device(
            url if "flash" in board or role is DeviceRole.SIGNAL else f"{url}&{RELAY_ENDS_IT}", tmp_path, role
        )

    lock = opened("one", DeviceRole.LOCK, "file:flash.toml")
    with pytest.raises(ConfigurationError, match="outputs"):
        opened("one", DeviceRole.SIGNAL, "waveshare_relay&green=3")  # its timed coil is the release
    first = opened("two", DeviceRole.LOCK, "file:coils.toml")
    with pytest.raises(ConfigurationError, match="outputs"):
        opened("two", DeviceRole.SIGNAL, "file:coils.toml&red=8")
    with pytest.raises(ConfigurationError, match="outputs"):
        opened("two", DeviceRole.LOCK, "file:coils.toml&output=8")  # what secures it releases the first
    lights = opened("three", DeviceRole.SIGNAL, "file:coils.toml&red=8")
    with pytest.raises(ConfigurationError, match="outputs"):
        opened("three", DeviceRole.LOCK, "file:coils.toml")
    del lock, first, lights


async def test_port_that_was_absent_under_two_names_is_one_line(tmp_path: Path) -> None:
    url = f"modbus+pty://{tmp_path}/{{}}?baud=115200&map=waveshare_relay"
    locks = [
        open_device(url.format(name) + f"&unit={unit}", tmp_path, DeviceRole.LOCK)
        for name, unit in (("tty", 1), ("alias", 2), ("alias", 1))
    ]
    one, other, same = locks
    for lock in locks:
        await lock.start(lambda state: None)
    port, boards = PtyMaster(tmp_path / "tty"), [Peripheral(RELAY, unit) for unit in (1, 2)]
    line = Line(port, time.monotonic, boards)
    pump = Pump("line", lambda: line.poll(0.001))
    try:
        await until(lambda: one.state is DeviceState.ONLINE, 5.0)
        (tmp_path / "alias").symlink_to(tmp_path / "tty")  # only now: whoever opens the port first is certain
        await until(lambda: "outputs" in same.health.last_error, 5.0)
        assert other.state is same.state is DeviceState.LOST, "one output under two names"
        await same.close()
        await until(lambda: other.state is DeviceState.ONLINE, 5.0)
        assert isinstance(other, ModbusLock)
        assert await other.release(0.2, 1.0) is ReleaseResult.ACKNOWLEDGED
        with pytest.raises(ConfigurationError, match="outputs"):
            open_device(url.format("alias") + "&unit=1&red=0", tmp_path, DeviceRole.SIGNAL)
    finally:
        for lock in locks:
            await asyncio.wait_for(lock.close(), 5.0)
        pump.close()
        line.close()


def test_port_number_that_is_used_again_is_another_line(tmp_path: Path) -> None:
    """Ports get the number of one that went; whoever still holds a device by the old path does not share the new port."""
    one, other = tmp_path / "one", tmp_path / "other"
    port = PtyMaster(one)
    old = open_device(f"modbus+pty://{one}?unit=1&baud=9600", tmp_path, DeviceRole.SENSORS)
    one.rename(other)
    open_device(f"modbus+pty://{other}?unit=1&baud=19200", tmp_path, DeviceRole.SENSORS)
    port.close()
    assert old.state is DeviceState.LOST


def test_urls_of_locks_and_signals_are_checked_completely(tmp_path: Path) -> None:
    good = "modbus+pty:///tmp/board?unit=1&map="
    for lock in ("waveshare_relay&output=7", "lot_turnstile&watchdog=K3&watchdog_s=5", "lot_turnstile_sdk"):
        open_device(good + lock, tmp_path, DeviceRole.LOCK)
    for bad in (
        "waveshare_relay&output=8",
        "waveshare_relay&watchdog=K3&watchdog_s=5",
        "lot_turnstile",
        "lot_turnstile&watchdog=K3",
        "lot_turnstile&watchdog=K3&watchdog_s=31",
        "lot_turnstile&watchdog_s=5",
        "lot_turnstile&watchdog=K3&watchdog_s=5&watchdog_kind=dog",
        "lot_turnstile&output=1&watchdog=K3&watchdog_s=5",
        "sensor_block",
        "unheard_of",
    ):
        with pytest.raises(ConfigurationError):
            open_device(good + bad, tmp_path, DeviceRole.LOCK)
    for bad in ("waveshare_relay", "waveshare_relay&red=1&green=1", "waveshare_relay&red=8", "lot_turnstile&red=1"):
        with pytest.raises(ConfigurationError):
            open_device(good + bad, tmp_path, DeviceRole.SIGNAL)
