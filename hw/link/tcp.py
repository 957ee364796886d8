"""A TCP connection as byte pipe, for serial servers and Modbus/TCP devices."""

from __future__ import annotations

import contextlib
import socket
import struct

from egate.errors import ConfigurationError
from hw.link.base import WRITE_STALL_S, Link, LinkLost, LinkType
from hw.link.descriptor import read_descriptor, write_descriptor
from hw.url import DeviceUrl

CONNECT_S_MAX = 2.0  # chosen: a device in the same cabinet answers in milliseconds


class TcpLink:
    def __init__(self, connection: socket.socket) -> None:
        prepare(connection)
        self._connection = connection

    def read(self, size_max: int, timeout_s: float) -> bytes:
        return read_descriptor(self._connection.fileno(), size_max, timeout_s)

    def write(self, data: bytes) -> None:
        write_descriptor(self._connection.fileno(), data)

    def fileno(self) -> int:
        """For an owner that waits for other things, too; -1 once closed."""
        return self._connection.fileno()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def prepare(connection: socket.socket) -> None:
    """A connection as link: what was written leaves at once, or never after `close`."""
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # frames are small and answered one by one
    # Closing resets it: otherwise the kernel goes on delivering for minutes what nobody stands behind any more.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # The same while it is open: what the other end's kernel does not acknowledge so long ends the connection (tcp(7)).
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(WRITE_STALL_S * 1000))


def open_tcp(host: str, port: int) -> Link:
    """Connects within CONNECT_S_MAX. Raises LinkLost."""
    try:
        return TcpLink(socket.create_connection((host, port), CONNECT_S_MAX))
    except OSError as error:
        raise LinkLost(f"{host}:{port} cannot be reached: {error}") from None


def host_and_port(url: DeviceUrl) -> tuple[str, int]:
    """Of a target host:port. Raises ConfigurationError."""
    host, colon, port = url.target.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise ConfigurationError(f"device URL: {url.target} is not host:port")
    return host.strip("[]"), int(port)


def _open(url: DeviceUrl) -> Link:
    return open_tcp(*host_and_port(url))


TCP = LinkType(frozenset(), _open, host_and_port)
