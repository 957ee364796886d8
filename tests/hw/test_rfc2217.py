"""Serial ports behind a network: against pyserial's own RFC 2217 server, and against servers that are none."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.domain.device import DeviceRole, LockState, ReleaseResult
from egate.errors import ConfigurationError
from egate.ports import Lock
from hw.link.base import Link, LinkLost
from hw.link.comport import COM_PORT, DO, DONT, IAC, SB, SE, SERVER, WILL, WONT, ComPort
from hw.link.fault import FaultLink
from hw.link.opener import open_link
from hw.link.pump import Pump
from hw.osdp.keys import write_new_key
from hw.osdp.pd import LockPeripheral
from hw.registry import open_device
from hw.url import parse
from tests.hw.lock_bench import until as reached
from tests.hw.rfc2217_bench import SerialServer
from tests.hw.test_link import read_all, until


@pytest.fixture
def server() -> Iterator[SerialServer]:
    server = SerialServer()
    yield server
    server.close()


def _open(server: SerialServer, query: str = "") -> Link:
    return open_link(parse(f"osdp+rfc2217://{server.url_target}{query}"))


def test_far_port_gets_the_settings_of_the_url(server: SerialServer) -> None:
    link = _open(server, "?baud=115200&parity=E&stop_bits=2")
    port = server.port
    assert (port.baudrate, port.bytesize, port.parity, port.stopbits) == (115_200, 8, "E", 2)
    assert not port.rtscts and not port.xonxoff
    link.close()


@pytest.mark.parametrize("level", [0, 1])
def test_modem_lines_are_set_as_told(server: SerialServer, level: int) -> None:
    server.port.rts = server.port.dtr = not level
    link = _open(server, f"?rts={level}&dtr={level}")
    until(lambda: bool(server.port.rts) is bool(level) and bool(server.port.dtr) is bool(level))
    assert (server.port.cts, server.port.dsr) == (bool(level), bool(level))  # the bench's port has them wired together
    link.close()


def test_modem_lines_nobody_asked_for_stay(server: SerialServer) -> None:
    server.port.rts, server.port.dtr = False, True
    link = _open(server)
    link.write(b"x")
    assert read_all(server.device, 1) == b"x"  # whatever was sent before has been obeyed
    assert (server.port.rts, server.port.dtr) == (False, True)
    link.close()


def test_what_was_not_sent_yet_is_purged_at_close(server: SerialServer) -> None:
    link = _open(server)
    server.holding = True
    link.write(b"open the gate")
    until(lambda: server.held == 13)
    link.close()
    until(lambda: not server.connected)
    assert server.held == 0


def test_what_the_far_port_holds_from_before_is_purged_at_opening(server: SerialServer) -> None:
    server.holding = True
    server.port.write(b"half an old answer")
    link = _open(server)
    link.write(b"x")
    until(lambda: server.held == 1)
    link.close()


def test_server_that_suspends_and_never_resumes_is_lost_after_the_stall(
    server: SerialServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hw.link.rfc2217.SUSPENDED_S_MAX", 10.0)
    link = _open(server)
    server.send_raw(bytes((IAC, SB, COM_PORT, SERVER + 8, IAC, SE)))
    assert link.read(1, 0.1) == b""
    threading.Timer(0.05, server.send_raw, [bytes((IAC, SB, COM_PORT, SERVER + 9, IAC, SE))]).start()
    link.write(b"late")  # waits for the resumption
    assert read_all(server.device, 4) == b"late"
    server.send_raw(bytes((IAC, SB, COM_PORT, SERVER + 8, IAC, SE)))
    assert link.read(1, 0.1) == b""
    monkeypatch.setattr("hw.link.rfc2217.SUSPENDED_S_MAX", 0.1)
    with pytest.raises(LinkLost, match="takes no data"):
        link.write(b"never")
    link.close()


def test_owner_that_waits_for_the_descriptor_misses_nothing(server: SerialServer) -> None:
    link = _open(server, "?turnaround_ms=1")
    server.device.write(bytes([IAC]) * 30 + b"end")
    heard = b""
    while not heard.endswith(b"end"):
        ready, _, _ = select.select([getattr(link, "fileno")()], [], [], 5.0)  # noqa: B009
        assert ready, "bytes were held back"
        heard += link.read(4, 0)
    assert heard == bytes([IAC]) * 30 + b"end"
    link.close()


async def test_lock_behind_a_serial_server_is_released(server: SerialServer, tmp_path: Path) -> None:
    write_new_key(tmp_path / "scbk")
    peripheral = LockPeripheral(
        FaultLink(server.device, 1), bytes.fromhex((tmp_path / "scbk").read_text()), time.monotonic
    )
    pump = Pump("lock", peripheral.poll)
    url = f"osdp+rfc2217://{server.url_target}?address=1&baud=115200&key=file:scbk"
    lock = cast(Lock, open_device(url, tmp_path, DeviceRole.LOCK))
    await lock.start(lambda state: None)
    try:
        await reached(lambda: lock.lock_state is LockState.SECURED, 10.0)
        assert await lock.release(0.5, 1.5) is ReleaseResult.ACKNOWLEDGED
        assert len(peripheral.unlocks) == 1
        assert await lock.secure()
    finally:
        await lock.close()
        pump.close()
        peripheral.close()


@pytest.mark.parametrize("speech", [b"", b"220 mail ready\r\n", bytes((IAC, DONT, COM_PORT)), b"\x00" * 1000])
def test_server_that_is_none_is_lost_by_name(speech: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hw.link.rfc2217.NEGOTIATION_S_MAX", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as sockets:

        def answer() -> None:
            connection, _ = sockets.accept()
            with connection, contextlib.suppress(ConnectionError):
                connection.sendall(speech)
                while connection.recv(1000):
                    pass

        thread = threading.Thread(target=answer)
        thread.start()
        started = time.monotonic()
        with pytest.raises(LinkLost, match="serial port server"):
            open_link(parse(f"osdp+rfc2217://127.0.0.1:{sockets.getsockname()[1]}"))
        assert time.monotonic() - started < 2.0
        thread.join()


@pytest.mark.parametrize("query", ["?baud=1", "?parity=M", "?stop_bits=0", "?rts=2", "?turnaround_ms=101"])
def test_wrong_settings_are_configuration_errors(query: str) -> None:
    with pytest.raises(ConfigurationError):
        open_link(parse(f"osdp+rfc2217://127.0.0.1:1{query}"))
    with pytest.raises(ConfigurationError):
        open_link(parse("osdp+rfc2217://127.0.0.1"))


# The codec alone.


def _agreed() -> ComPort:
    port = ComPort()
    port.receive(bytes((IAC, DO, 0, IAC, DO, COM_PORT)))
    assert port.agreed
    port.data_to_send()
    return port


@given(st.binary(max_size=60), st.integers(1, 7))
def test_data_passes_whatever_its_bytes_and_pieces(data: bytes, size: int) -> None:
    port = _agreed()
    port.send(data)
    escaped = port.data_to_send()
    assert b"".join(port.receive(escaped[at : at + size]) for at in range(0, len(escaped), size)) == data
    assert not port.refused


@given(st.binary(max_size=300), st.integers(1, 9))
def test_any_bytes_are_data_or_counted_and_pieces_do_not_matter(noise: bytes, size: int) -> None:
    whole, pieces = ComPort(), ComPort()
    own = whole.receive(noise)
    assert own == b"".join(pieces.receive(noise[at : at + size]) for at in range(0, len(noise), size))
    assert len(own) <= len(noise)
    assert (whole.skipped_count, whole.refused, whole.data_to_send()) == (
        pieces.skipped_count,
        pieces.refused,
        pieces.data_to_send(),
    )


def test_server_that_sets_another_value_is_refused_by_name() -> None:
    port = _agreed()
    port.configure(115_200, "N", 1, {})
    port.receive(bytes((IAC, SB, COM_PORT, SERVER + 1, 0, 0, 0x25, 0x80, IAC, SE)))
    assert "baud rate" in port.refused


def test_options_are_answered_once_and_foreign_ones_refused() -> None:
    port = ComPort()
    assert port.data_to_send() == bytes((IAC, WILL, 0, IAC, WILL, COM_PORT, IAC, DO, 0)), "our offers"
    foreign = bytes((IAC, DO, 3, IAC, WILL, 1))
    port.receive(foreign)
    assert port.data_to_send() == bytes((IAC, WONT, 3, IAC, DONT, 1))
    port.receive(foreign * 10)
    assert port.data_to_send() == b"", "an answer to an answer goes on for ever"


def test_endless_subnegotiation_takes_no_memory() -> None:
    port = _agreed()
    port.receive(bytes((IAC, SB)) + bytes(100_000))
    assert port.skipped_count > 99_000
    port.receive(bytes((IAC, SE)))
    assert port.receive(b"data") == b"data"
