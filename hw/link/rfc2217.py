"""Serial ports at the far end of a network, by serial port servers that speak RFC 2217.

URL: PROTOCOL+rfc2217://HOST:PORT[?baud=][&parity=][&stop_bits=][&rts=0|1][&dtr=0|1][&turnaround_ms=]

The owner of the link reads, writes and waits itself; there is no thread behind. pyserial's own client has one, joins it for up to 7 s at
`close`, and renegotiates the port whenever a timeout changes.
"""

from __future__ import annotations

import contextlib
import socket
import time

from hw.link.base import Link, LinkLost, LinkType
from hw.link.comport import PURGE_TRANSMIT, ComPort, purge
from hw.link.descriptor import read_descriptor, write_descriptor
from hw.link.line import LINE_KEYS, LineSettings, line_settings
from hw.link.tcp import CONNECT_S_MAX, host_and_port, prepare
from hw.link.turnaround import in_turn
from hw.url import DeviceUrl

NEGOTIATION_S_MAX = 2.0  # chosen: two round trips; servers with a slow processor take tens of milliseconds
RECEIVE_BYTES = 4096
# Chosen: frames are shorter than any server's buffer; what is held back for longer is not worth sending, and may be due no more.
SUSPENDED_S_MAX = 0.25


class Rfc2217Link:
    """A negotiated connection. Bytes the server holds are purged at `close`: nobody stands behind them any more."""

    def __init__(self, connection: socket.socket, settings: LineSettings) -> None:
        """Raises LinkLost if the server does not agree within NEGOTIATION_S_MAX."""
        prepare(connection)
        self._connection = connection
        self._port = ComPort()
        self._held = b""  # arrived with an answer, or more than the last read took
        deadline = time.monotonic() + NEGOTIATION_S_MAX
        while not self._port.agreed:
            self._negotiate(deadline)
        self._port.configure(settings.baud, settings.parity, settings.stop_bits, settings.lines)
        while not self._port.configured:
            self._negotiate(deadline)
        if self._port.refused:
            raise LinkLost(self._port.refused)
        self._held = b""

    def read(self, size_max: int, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        while not self._held:
            rest = deadline - time.monotonic()
            self._receive(max(0.0, rest), size_max)
            if rest <= 0:
                break
        data, self._held = self._held[:size_max], self._held[size_max:]
        return data

    def write(self, data: bytes) -> None:
        """Waits up to SUSPENDED_S_MAX for a server that has suspended the flow."""
        deadline = time.monotonic() + SUSPENDED_S_MAX
        while self._port.suspended:
            if (rest := deadline - time.monotonic()) <= 0:
                raise LinkLost("write: the serial port server takes no data")
            self._receive(rest, RECEIVE_BYTES)
        self._port.send(data)
        self._send()

    def fileno(self) -> int:
        """Of the connection: an owner that waits for other things too reads whenever it is readable. -1 once closed."""
        return self._connection.fileno()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.send(purge(PURGE_TRANSMIT))  # closing does not wait
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _negotiate(self, deadline: float) -> None:
        self._send()
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise LinkLost("it does not answer as a serial port server (RFC 2217)")
        self._receive(rest, RECEIVE_BYTES)
        if self._port.refused:
            raise LinkLost(self._port.refused)

    def _receive(self, timeout_s: float, size_max: int) -> None:
        data = read_descriptor(self._connection.fileno(), size_max, timeout_s)
        self._held += self._port.receive(data)
        self._send()

    def _send(self) -> None:
        if out := self._port.data_to_send():
            write_descriptor(self._connection.fileno(), out)


def open_rfc2217(host: str, port: int, settings: LineSettings) -> Link:
    """Connects and sets the far port. Raises LinkLost."""
    try:
        connection = socket.create_connection((host, port), CONNECT_S_MAX)
    except OSError as error:
        raise LinkLost(f"{host}:{port} cannot be reached: {error}") from None
    try:
        return in_turn(Rfc2217Link(connection, settings), settings.turnaround_s)
    except LinkLost as lost:
        connection.close()
        raise LinkLost(f"{host}:{port}: {lost}") from None


def _open(url: DeviceUrl) -> Link:
    return open_rfc2217(*host_and_port(url), line_settings(url))


def _check(url: DeviceUrl) -> None:
    host_and_port(url)
    line_settings(url)


RFC2217 = LinkType(LINE_KEYS, _open, _check)
