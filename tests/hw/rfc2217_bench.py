"""pyserial's RFC 2217 server on a loopback socket: its port manager, its simulated port with modem lines, and a device behind it."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

import serial
import serial.rfc2217

from hw.link import memory
from hw.link.base import LinkLost
from hw.link.pump import Pump

LOOK_S = 0.005


class _Connection:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._connection.sendall(data)


class SerialServer:
    """Serves one client after the other. device: what is behind the serial port. port: pyserial's loop://, whose CTS follows RTS and
    DSR follows DTR. holding: what the client sends stays in the port's buffer."""

    def __init__(self) -> None:
        self.port: Any = serial.serial_for_url("loop://", 1200, timeout=0)
        self._line, self.device = memory.pair()
        self._sockets = socket.create_server(("127.0.0.1", 0))
        self._sockets.settimeout(LOOK_S)
        self._connection: socket.socket | None = None
        self._manager: Any = None
        self.holding = False
        self.accepted = 0
        self._pump = Pump("serial server", self._poll)

    @property
    def url_target(self) -> str:
        return f"127.0.0.1:{self._sockets.getsockname()[1]}"

    @property
    def connected(self) -> bool:
        return self._connection is not None

    @property
    def held(self) -> int:
        return int(self.port.in_waiting)

    def send_raw(self, data: bytes) -> None:
        """Bytes of the Telnet connection itself."""
        assert self._connection is not None
        self._connection.sendall(data)

    def close(self) -> None:
        self._pump.close()
        self._disconnect()
        self._sockets.close()
        self.port.close()

    def _poll(self) -> None:
        if self._connection is None:
            with contextlib.suppress(TimeoutError):
                self._connection, _ = self._sockets.accept()
                self._connection.settimeout(LOOK_S)
                connection: Any = _Connection(self._connection)
                self._manager = serial.rfc2217.PortManager(self.port, connection)
                self.accepted += 1
            return
        try:
            self._serve(self._connection)
        except (LinkLost, ConnectionError):
            self._disconnect()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(TimeoutError):
            data = connection.recv(4096)
            if not data:
                raise ConnectionResetError
            self.port.write(b"".join(self._manager.filter(data)))
        if not self.holding and (sent := self.port.read(4096)):
            self._line.write(sent)
        if heard := self._line.read(4096, 0):
            connection.sendall(b"".join(self._manager.escape(heard)))

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
