"""libosdp's channel at the peripheral's end of a link, and the plant of lost replies."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from hw.link.base import Link
from hw.osdp.frame import Assembler

RECEIVE_BYTES = 1024

# libosdp 3.2.9 refuses a text that is no UTF-8, and leaves Python's exception of it standing: the next call of anything would raise it.
_forget_exception = ctypes.pythonapi.PyErr_Clear
_forget_exception.argtypes, _forget_exception.restype = [], None


class PeripheralChannel:
    """libosdp calls read, write and flush; they never raise. replies_lost: so many replies that `swallow_reply` marks are not sent."""

    id = 1

    def __init__(self, link: Link, clock: Callable[[], float]) -> None:
        self._link = link
        self._clock = clock
        self._failure: Exception | None = None
        self._swallow = False
        self._assembler = Assembler()
        self._received = bytearray()
        self.replies_lost = 0

    def receive(self, timeout_s: float) -> None:
        """Waits up to timeout_s for bytes. Raises LinkLost, also for a write that failed since."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        self._received += self._assembler.feed(self._link.read(RECEIVE_BYTES, timeout_s), self._clock())

    def clear(self) -> None:
        self._assembler.clear()
        self._received.clear()

    def swallow_reply(self) -> None:
        if self.replies_lost > 0:
            self.replies_lost -= 1
            self._swallow = True

    def read(self, size_max: int) -> bytes:
        data = bytes(self._received[:size_max])
        del self._received[:size_max]
        return data

    def write(self, data: bytes) -> int:
        _forget_exception()
        swallow, self._swallow = self._swallow, False
        if not swallow and self._failure is None:
            try:
                self._link.write(data)
            except Exception as failure:
                self._failure = failure
        return len(data)

    def flush(self) -> None:
        self._received.clear()
