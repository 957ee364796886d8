"""Every link carries bytes, notices that the other end went away, and can be closed twice."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from egate.errors import ConfigurationError
from hw.link import memory
from hw.link.base import Link, LinkLost
from hw.link.fault import FaultLink, FaultPlan
from hw.link.opener import link_keys, open_link
from hw.link.pty import PtyMaster, open_pty_master
from hw.link.pump import Pump
from hw.link.serial import open_serial
from hw.link.tcp import TcpLink, open_tcp
from hw.link.trace.tap import TraceLink
from hw.link.turnaround import in_turn
from hw.url import parse
from tests.hw.rfc2217_bench import SerialServer

Ends = tuple[Link, Link]


@pytest.fixture(params=["memory", "pty", "tcp", "rfc2217"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ends]:
    """(client's end, device's end)"""
    if request.param == "memory":
        client, device = memory.pair()
    elif request.param == "pty":
        device = open_pty_master(tmp_path / "port")
        client = open_serial(str(tmp_path / "port"), 9600)
    elif request.param == "tcp":
        client, device = _tcp_ends()
    else:
        server = SerialServer()
        request.addfinalizer(server.close)
        client, device = open_link(parse(f"osdp+rfc2217://{server.url_target}")), server.device
    yield client, device
    client.close()
    device.close()


def _tcp_ends() -> Ends:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = open_tcp("127.0.0.1", server.getsockname()[1])
        connection, _ = server.accept()
    return client, TcpLink(connection)


def read_all(link: Link, size: int, within_s: float = 2.0) -> bytes:
    data, deadline = b"", time.monotonic() + within_s
    while len(data) < size and time.monotonic() < deadline:
        data += link.read(size - len(data), 0.05)
    return data


def until(condition: Callable[[], bool], within_s: float = 2.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        threading.Event().wait(0.005)


def test_all_bytes_pass_both_ways(ends: Ends) -> None:
    client, device = ends
    everything = bytes(range(256))  # control characters too: a cooked terminal would eat or echo them
    client.write(everything)
    assert read_all(device, 256) == everything
    device.write(everything)
    assert read_all(client, 256) == everything
    assert client.read(16, 0) == b""


def test_read_returns_empty_after_its_timeout(ends: Ends) -> None:
    start = time.monotonic()
    assert ends[0].read(16, 0.05) == b""
    assert 0.04 <= time.monotonic() - start < 1.0


def test_client_notices_that_the_device_went_away(ends: Ends) -> None:
    client, device = ends
    device.close()
    with pytest.raises(LinkLost):
        read_all(client, 1)
    device.close()


def test_closed_link_raises_link_lost_and_close_is_idempotent(ends: Ends) -> None:
    client, _ = ends
    client.close()
    client.close()
    with pytest.raises(LinkLost):
        client.write(b"x" * 10)
    with pytest.raises(LinkLost):
        client.read(1, 0)


def test_pty_master_is_silent_while_nobody_has_the_slave_open(tmp_path: Path) -> None:
    device = open_pty_master(tmp_path / "port")
    for _ in range(3):
        assert device.read(10, 0.01) == b""
        client = open_serial(str(tmp_path / "port"), 9600)
        client.write(b"x")
        assert read_all(device, 1) == b"x"
        client.close()
        assert device.read(10, 0.01) == b""
    device.write(b"y" * 20_000)  # nobody reads: lost, not blocking
    device.close()


def test_unplugged_pty_is_lost_and_comes_back_under_the_same_path(tmp_path: Path) -> None:
    port = tmp_path / "port"
    device = open_pty_master(port)
    client = open_serial(str(port), 9600)
    device.unplug()
    with pytest.raises(LinkLost):
        client.read(1, 1.0)
    client.close()
    with pytest.raises(LinkLost):
        open_serial(str(port), 9600)
    assert device.read(1, 0.01) == b""
    device.write(b"lost")
    device.replug()
    client = open_serial(str(port), 9600)
    client.write(b"back")
    assert read_all(device, 4) == b"back"
    client.close()
    device.close()


def test_unplug_does_not_wait_for_a_reading_thread(tmp_path: Path) -> None:
    device = open_pty_master(tmp_path / "port")

    def poll() -> None:
        device.read(1, 5.0)

    pump = Pump("reader", poll)
    start = time.monotonic()
    device.unplug()
    assert time.monotonic() - start < 1.0
    device.close()
    with pytest.raises(LinkLost):
        pump.close()


def test_port_is_opened_exclusively(tmp_path: Path) -> None:
    device = open_pty_master(tmp_path / "port")
    client = open_serial(str(tmp_path / "port"), 9600)
    with pytest.raises(LinkLost):
        open_serial(str(tmp_path / "port"), 9600)
    client.close()
    device.close()


def test_paced_pty_takes_the_time_of_its_baud_rate(tmp_path: Path) -> None:
    device = PtyMaster(tmp_path / "port", baud=9600)
    client = open_serial(str(tmp_path / "port"), 9600)
    start = time.monotonic()
    device.write(b"z" * 48)
    assert read_all(client, 48) == b"z" * 48
    assert time.monotonic() - start >= 0.05  # 48 bytes of 10 bits at 9600 bit/s
    client.close()
    device.close()


def test_serial_link_refuses_a_pty_at_every_opening(tmp_path: Path) -> None:
    device = open_pty_master(tmp_path / "port")
    with pytest.raises(ConfigurationError, match="pseudo terminal"):
        open_link(parse(f"osdp+serial://{tmp_path}/port"))
    open_link(parse(f"osdp+pty://{tmp_path}/port?baud=9600")).close()
    device.close()
    with pytest.raises(LinkLost):
        open_link(parse(f"osdp+pty://{tmp_path}/port"))


def test_pty_link_refuses_what_is_no_pty() -> None:
    with pytest.raises(ConfigurationError):
        open_link(parse(f"osdp+pty://{os.devnull}"))


@pytest.mark.parametrize("query", ["baud=1", "parity=X", "stop_bits=3", "baud=fast", "rs485=1&rts=0", "dtr=2"])
def test_wrong_port_settings_are_configuration_errors_before_anything_is_opened(query: str) -> None:
    url = parse(f"osdp+serial:///dev/ttyNone?{query}")
    for use in (open_link, link_keys):
        with pytest.raises(ConfigurationError):
            use(url)


def test_unknown_link_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError):
        link_keys(parse("osdp+sim://nothing"))


@pytest.mark.parametrize("target", ["host", "host:0", "host:70000", ":1", "host:x"])
def test_wrong_tcp_address_is_a_configuration_error(target: str) -> None:
    for link, use in (("tcp", open_link), ("tcp", link_keys), ("rfc2217", link_keys)):
        with pytest.raises(ConfigurationError):
            use(parse(f"modbus+{link}://{target}"))


def test_refused_tcp_connection_is_link_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LinkLost):
        open_tcp("127.0.0.1", port)


def test_what_a_closed_connection_has_not_delivered_never_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hw.link.descriptor.WRITE_STALL_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = open_tcp("127.0.0.1", server.getsockname()[1])
        connection, _ = server.accept()
    assert isinstance(client, TcpLink)
    with connection:
        # Without a network that loses packets this can only be read back.
        with socket.socket(fileno=os.dup(client.fileno())) as twin:
            assert twin.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1000
        with pytest.raises(LinkLost):
            client.write(bytes(16_000_000))  # more than both ends hold: nobody reads
        client.close()
        connection.settimeout(5.0)
        with pytest.raises(ConnectionResetError):
            while connection.recv(1_000_000):
                pass


def test_wrapped_links_tell_the_descriptor_of_what_they_wrap() -> None:
    near, _ = memory.pair()
    client, device = _tcp_ends()
    assert isinstance(client, TcpLink)
    for link in (in_turn(client, 0.01), TraceLink(parse("mrz+tcp://host:1"), client, print)):
        assert getattr(link, "fileno")() == client.fileno() > 0  # noqa: B009
    for link in (in_turn(near, 0.01), TraceLink(parse("mrz+tcp://host:1"), near, print)):
        assert not hasattr(link, "fileno")
    client.close()
    device.close()


def _faulty(plan: FaultPlan, seed: int) -> tuple[FaultLink, Link]:
    near, far = memory.pair()
    return FaultLink(near, seed, plan), far


def test_same_seed_gives_the_same_faults() -> None:
    received = []
    for seed in (1, 1, 2):
        near, far = _faulty(FaultPlan(drop=0.1, duplicate=0.1, flip=0.1, split_bytes_max=5), seed)
        near.write(bytes(200))
        received.append(far.read(1000, 0.1))
    assert received[0] == received[1] != received[2]
    assert any(received[0]), "no byte was flipped"
    assert len(received[0]) != 200


def test_faults_act_on_reading_too() -> None:
    near, far = _faulty(FaultPlan(drop=1.0), 1)
    far.write(b"abc")
    assert near.read(10, 0.1) == b""
    assert near.bytes_lost == 3


def test_split_keeps_order() -> None:
    near, far = _faulty(FaultPlan(split_bytes_max=3), 1)
    far.write(bytes(range(50)))
    assert read_all(near, 50) == bytes(range(50))


def test_echo_returns_what_was_written() -> None:
    near, far = _faulty(FaultPlan(echo=True), 1)
    near.write(b"ask")
    assert near.read(10, 0.1) == b"ask"
    assert far.read(10, 0.1) == b"ask"


def test_silence_loses_bytes_in_both_directions_and_ends() -> None:
    near, far = _faulty(FaultPlan(), 1)
    near.silence(0.0, 0.1)
    near.write(b"lost")
    far.write(b"lost")
    assert near.read(10, 0.05) == b""
    until(lambda: not near.silent)
    near.write(b"ok")
    far.write(b"ok")
    assert (far.read(10, 0.1), near.read(10, 0.1)) == (b"ok", b"ok")


def test_injected_garbage_comes_before_data_and_unplug_raises() -> None:
    near, far = _faulty(FaultPlan(), 1)
    far.write(b"data")
    near.inject(b"noise")
    assert read_all(near, 9) == b"noisedata"
    near.unplug()
    with pytest.raises(LinkLost):
        near.read(1, 0)
    with pytest.raises(LinkLost):
        near.write(b"x")
    near.replug()
    near.write(b"x")
    assert far.read(1, 0.1) == b"x"


def test_pump_raises_the_failure_of_its_peer_when_closed() -> None:
    def fail() -> None:
        raise ValueError("a bug of the simulator")

    pump = Pump("failing", fail)
    with pytest.raises(ValueError, match="bug"):
        pump.close()
    pump.close()


def test_port_that_is_unplugged_a_hundred_times_comes_back_and_leaks_nothing(tmp_path: Path) -> None:
    device = open_pty_master(tmp_path / "port")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(100):
        client = open_serial(str(tmp_path / "port"), 115_200)
        client.write(b"x")
        assert read_all(device, 1) == b"x"
        device.unplug()
        with pytest.raises(LinkLost):
            client.read(1, 1.0)
        client.close()
        device.replug()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    device.close()


def test_serial_server_that_is_left_thirty_times_leaks_nothing() -> None:
    server = SerialServer()
    url = parse(f"osdp+rfc2217://{server.url_target}")
    open_link(url).close()
    until(lambda: not server.connected)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(30):
        link = open_link(url)
        link.write(b"x")
        assert read_all(server.device, 1) == b"x"
        link.close()
        until(lambda: not server.connected)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    server.close()
