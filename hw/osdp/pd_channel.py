"""libosdp's channel at the peripheral's end of a link, and the plant of lost replies."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from hw.link.base import Link
from hw.osdp.frame import Assembler, frames_in, is_sound, sequence_of

RECEIVE_BYTES = 1024

# libosdp 3.2.9 refuses a text that is no UTF-8, and leaves Python's exception of it standing: the next call of anything would raise it.
_forget_exception = ctypes.pythonapi.PyErr_Clear
_forget_exception.argtypes, _forget_exception.restype = [], None


class PeripheralChannel:
    """libosdp calls read, write and flush; they never raise. replies_lost: so many replies that `swallow_reply` marks are not sent, nor
    repeated.

    conforming: a spoilt command is ignored, and one that comes once more with its sequence number is answered as before and not carried
    out (OSDP 2.2, 5.9). False: as libosdp's own peripheral (3.2.9), which ends the secure channel over either.
    """

    id = 1

    def __init__(self, link: Link, clock: Callable[[], float]) -> None:
        self._link = link
        self._clock = clock
        self._failure: Exception | None = None
        self._swallow = False
        self._assembler = Assembler()
        self._received = bytearray()
        self.replies_lost = 0
        self.conforming = True
        self._command = self._reply = b""

    def receive(self, timeout_s: float) -> None:
        """Waits up to timeout_s for bytes. Raises LinkLost, also for a write that failed since."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        data = self._assembler.feed(self._link.read(RECEIVE_BYTES, timeout_s), self._clock())
        if not self.conforming:
            self._received += data
            return
        for frame in frames_in(data):
            if is_sound(frame):
                self._take(frame)

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
        if not swallow:
            self._reply = bytes(data)
            self._send(data)
        return len(data)

    def flush(self) -> None:
        self._received.clear()

    def _take(self, frame: bytes) -> None:
        if frame == self._command and sequence_of(frame) != 0:
            self._send(self._reply)
        else:
            self._command, self._reply = frame, b""
            self._received += frame

    def _send(self, data: bytes) -> None:
        if not data or self._failure is not None:
            return
        try:
            self._link.write(data)
        except Exception as failure:
            self._failure = failure
