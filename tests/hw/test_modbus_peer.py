"""Peers nobody here wrote: pymodbus' server before our client, lock and sensors; libmodbus (by mbpoll) before our simulated controller."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from egate.domain.device import DeviceRole, DeviceState, LockState, ReleaseResult, SensorLevels
from hw.link.base import LinkLost
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.link.tcp import TcpLink
from hw.modbus.adapter import ModbusLock, ModbusSensors
from hw.modbus.adapter.line import Client, serial_timing
from hw.modbus.frame import COIL_ON, Refused, Table, read, values, write_coil, write_register
from hw.modbus.map_file import shipped
from hw.modbus.server import Line, Peripheral
from hw.registry import open_device
from tests.hw.lock_bench import until

pytestmark = pytest.mark.peer

UNIT = 7
RELAY = shipped("waveshare_relay")
TURNSTILE = shipped("lot_turnstile_sdk")
COIL_LOCK = """
[controller]
name = "coils of a foreign server"
[lock]
state = { table = "coil", address = 3 }
secure = { table = "coil", address = 3, value = 0 }
release = { table = "coil", address = 3, value = 0xFF00 }
"""


def foreign_device() -> SimDevice:
    """Coils all off; door closed, nobody present; nobody counted, 41 exits; holding registers 100, 101, ..."""
    return SimDevice(
        UNIT,
        (
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            [SimData(0, values=[True] + [False] * 15, datatype=DataType.BITS)],
            [SimData(0, values=list(range(100, 110)), datatype=DataType.REGISTERS)],
            [SimData(0, values=[0, 41], datatype=DataType.REGISTERS)],
        ),
    )


@asynccontextmanager
async def foreign_server() -> AsyncIterator[int]:
    """Its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    server = ModbusTcpServer(foreign_device(), address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield port
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


async def test_sensors_read_a_foreign_server(tmp_path: Path) -> None:
    async with foreign_server() as port:
        sensors = open_device(f"modbus+tcp://127.0.0.1:{port}?unit={UNIT}", tmp_path, DeviceRole.SENSORS)
        assert isinstance(sensors, ModbusSensors)
        await sensors.start(lambda state: None)
        await until(lambda: sensors.levels == SensorLevels(True, 0, 41), 5.0)
        await sensors.close()


async def test_lock_releases_and_secures_a_foreign_server(tmp_path: Path) -> None:
    (tmp_path / "coils.toml").write_text(COIL_LOCK)
    async with foreign_server() as port:
        url = f"modbus+tcp://127.0.0.1:{port}?unit={UNIT}&map=file:coils.toml&watchdog=none-here&watchdog_s=5"
        lock = open_device(url, tmp_path, DeviceRole.LOCK)
        assert isinstance(lock, ModbusLock)
        await lock.start(lambda state: None)
        await until(lambda: lock.state is DeviceState.ONLINE, 5.0)
        assert await lock.release(0.3, 2.0) is ReleaseResult.ACKNOWLEDGED
        assert lock.lock_state is LockState.RELEASED
        await until(lambda: lock.lock_state is LockState.SECURED, 2.0)
        await lock.close()


async def test_client_speaks_to_a_foreign_server_on_a_serial_line(tmp_path: Path) -> None:
    port = PtyMaster(tmp_path / "line")
    server = ModbusSerialServer(
        foreign_device(), framer=FramerType.RTU, port=str(tmp_path / "line"), baudrate=115_200, timeout=1
    )
    await server.serve_forever(background=True)
    client = Client(port, serial_timing(115_200))

    def talk() -> list[list[int]]:
        client.ask(write_coil(UNIT, 5, COIL_ON))
        client.ask(write_register(UNIT, 1, 7))
        client.ask(write_register(UNIT, 2, 8, multiple=True))
        with pytest.raises(Refused):
            client.ask(read(Table.HOLDING, UNIT, 60_000))
        asked = [(Table.COIL, 8), (Table.DISCRETE, 3), (Table.HOLDING, 4), (Table.INPUT, 2)]
        return [values(table, client.ask(read(table, UNIT, 0, count))[0], count) for table, count in asked]

    try:
        told = await asyncio.to_thread(talk)
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]
        port.close()
    assert told == [[0, 0, 0, 0, 0, 1, 0, 0], [1, 0, 0], [100, 7, 8, 103], [0, 41]]


@contextmanager
def tcp_controller(peripheral: Peripheral) -> Iterator[list[str]]:
    """mbpoll's arguments for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server, peripheral), daemon=True).start()
        yield ["-m", "tcp", "-p", str(server.getsockname()[1]), "127.0.0.1"]


def accept(server: socket.socket, peripheral: Peripheral) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        line = Line(TcpLink(connection), time.monotonic, [peripheral], "tcp")
        try:
            while True:
                line.poll(0.05)
        except LinkLost:
            line.close()


@contextmanager
def rtu_controller(peripheral: Peripheral, folder: Path) -> Iterator[list[str]]:
    port = PtyMaster(folder / "line")
    line = Line(port, time.monotonic, [peripheral])
    pump = Pump("controller", line.poll)
    try:
        yield ["-m", "rtu", "-b", "115200", "-P", "none", str(folder / "line")]
    finally:
        pump.close()
        port.close()


def mbpoll(where: list[str], *arguments: str, written: tuple[int, ...] = ()) -> list[int]:
    """The values it read."""
    done = subprocess.run(
        ["mbpoll", "-0", "-1", "-o", "2", "-a", str(UNIT), *arguments, *where, *map(str, written)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [int(value) for value in re.findall(r"^\[\d+\]:\s+(-?\d+)", done.stdout, re.MULTILINE)]


@pytest.fixture(params=["tcp", "rtu"])
def framing(request: pytest.FixtureRequest) -> str:
    if shutil.which("mbpoll") is None:
        pytest.skip("mbpoll is not installed")
    return str(request.param)


def test_libmodbus_moves_the_simulated_relay_board(framing: str, tmp_path: Path) -> None:
    board = Peripheral(RELAY, UNIT)
    with tcp_controller(board) if framing == "tcp" else rtu_controller(board, tmp_path) as where:
        assert mbpoll(where, "-t", "0", "-r", "0", "-c", "8") == [0] * 8
        mbpoll(where, "-t", "0", "-r", "2", written=(1,))
        assert board.outputs == [0, 0, 1, 0, 0, 0, 0, 0]
        assert mbpoll(where, "-t", "0", "-r", "0", "-c", "8") == board.outputs


def test_libmodbus_grants_a_passage_through_the_simulated_turnstile(framing: str, tmp_path: Path) -> None:
    turnstile = Peripheral(TURNSTILE, UNIT)
    turnstile.timer_s = 30.0
    with tcp_controller(turnstile) if framing == "tcp" else rtu_controller(turnstile, tmp_path) as where:
        mbpoll(where, "-t", "4", "-r", str(0x41), written=(1,))
        assert turnstile.released
        assert mbpoll(where, "-t", "4", "-r", str(0x41)) == [1]
        turnstile.pass_person(time.monotonic())
        assert mbpoll(where, "-t", "4", "-r", str(0x41)) == [0]


def test_libmodbus_reads_the_simulated_sensor_block(framing: str, tmp_path: Path) -> None:
    block = Peripheral(shipped("sensor_block"), UNIT)
    block.person_count, block.exit_count = 2, 65_535
    with tcp_controller(block) if framing == "tcp" else rtu_controller(block, tmp_path) as where:
        assert mbpoll(where, "-t", "1", "-r", "0", "-c", "2") == [1, 1]
        assert [value & 0xFFFF for value in mbpoll(where, "-t", "3", "-r", "0", "-c", "2")] == [2, 65_535]
