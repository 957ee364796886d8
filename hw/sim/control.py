"""The simulator's control socket: one JSON object per line in, one per line out.

    {"command": "enter", "lane": "lane-1", "count": 1}    ->    {"ok": true, "result": null}
                                                                {"ok": false, "error": "unknown lane"}

A Unix socket in the simulator's own folder: who may use it is decided by the folder's permissions.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SOCKET_NAME = "control.sock"
LINE_SIZE_MAX = 4 * 1024 * 1024  # a document with a portrait and an uncompressed finger, base64
RECEIVE_SIZE = 65_536
SEND_S_MAX = 5.0

Request = dict[str, Any]


class CommandRefused(Exception):
    """The command cannot be executed; the text is the answer."""


@contextlib.contextmanager
def socket_address(directory: Path) -> Iterator[str]:
    """An address of the socket that fits into sun_path (108 bytes) however deep the folder lies."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET_NAME}"
    finally:
        os.close(descriptor)


class ControlServer:
    """serve is called again and again by one thread; execute runs in it."""

    def __init__(self, directory: Path, execute: Callable[[Request], object], until_closed: int | None = None) -> None:
        """until_closed: a descriptor whose end of file ends the simulator (its parent's pipe)."""
        self._path = directory / SOCKET_NAME
        self._execute = execute
        self._selector = selectors.DefaultSelector()
        self._buffers: dict[socket.socket, bytearray] = {}
        self._until_closed = until_closed
        self._path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with socket_address(directory) as address:
            self._listener.bind(address)
        self._listener.listen()
        self._selector.register(self._listener, selectors.EVENT_READ)
        if until_closed is not None:
            self._selector.register(until_closed, selectors.EVENT_READ)

    def serve(self, timeout_s: float) -> bool:
        """Waits for requests and answers them; False once the parent is gone."""
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj == self._until_closed:
                if not os.read(self._until_closed, RECEIVE_SIZE):
                    return False
            elif isinstance(key.fileobj, socket.socket):
                self._receive(key.fileobj)
        return True

    def close(self) -> None:
        for connection in list(self._buffers):
            self._drop(connection)
        self._listener.close()
        self._selector.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(SEND_S_MAX)
        self._buffers[connection] = bytearray()
        self._selector.register(connection, selectors.EVENT_READ)

    def _receive(self, connection: socket.socket) -> None:
        buffer = self._buffers[connection]
        try:
            data = connection.recv(RECEIVE_SIZE)
            buffer += data
            if not data or len(buffer) > LINE_SIZE_MAX:
                self._drop(connection)
                return
            while b"\n" in data and b"\n" in buffer:
                line, _, rest = bytes(buffer).partition(b"\n")
                buffer[:] = rest
                connection.sendall(json.dumps(self._answer(line)).encode() + b"\n")
        except OSError:
            self._drop(connection)

    def _answer(self, line: bytes) -> Request:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise CommandRefused("not a JSON object")
            return {"ok": True, "result": self._execute(request)}
        except CommandRefused as refused:
            return {"ok": False, "error": str(refused)}
        except (KeyError, TypeError, ValueError) as error:
            return {"ok": False, "error": f"malformed request: {type(error).__name__}"}

    def _drop(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._buffers[connection]
        connection.close()
