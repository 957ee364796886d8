"""What stands between libosdp and the link: the last place where a late release can be stopped.

libosdp repeats an unanswered command for 8 s and keeps queued ones; neither can be taken back (measured, 3.2.9). So each frame
is looked at when it is about to leave.
"""

from __future__ import annotations

from collections.abc import Callable

from hw.link.base import Link, LinkLost
from hw.osdp.frame import COMMAND_OUT, Assembler, command_of

RECEIVED_BYTES_MAX = 4096  # far more than one frame; noise beyond it is dropped


class Channel:
    """libosdp's channel over a link that may be exchanged. Its methods read, write, flush are called by libosdp and never raise.

    out_until: no osdp_OUT frame leaves at or after this time; None: no limit. out_count: osdp_OUT frames that left.
    """

    id = 1  # libosdp's name of the wire

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._link: Link | None = None
        self._assembler = Assembler()
        self._received = bytearray()
        self._failure: LinkLost | None = None
        self.out_until: float | None = None
        self.out_count = 0
        self.received_count = 0

    def attach(self, link: Link | None) -> None:
        self._link = link
        self._assembler.clear()
        self._received.clear()
        self._failure = None
        self.out_until = None
        self.received_count = 0

    def receive(self, size_max: int, timeout_s: float) -> None:
        """Waits for bytes of the link. Raises LinkLost, also for a write that failed since."""
        if self._failure is not None:
            raise self._failure
        if self._link is None:
            raise LinkLost("no link")
        data = self._link.read(size_max, timeout_s)
        self.received_count += len(data)
        self._received += self._assembler.feed(data, self._clock())
        del self._received[:-RECEIVED_BYTES_MAX]

    def read(self, size_max: int) -> bytes:
        data = bytes(self._received[:size_max])
        del self._received[:size_max]
        return data

    def write(self, frame: bytes) -> int:
        if self._link is None or self._failure is not None or not self._may_leave(frame):
            return len(frame)
        try:
            self._link.write(frame)
        except LinkLost as failure:
            self._failure = failure
        return len(frame)

    def flush(self) -> None:
        self._received.clear()

    def _may_leave(self, frame: bytes) -> bool:
        command = command_of(frame)
        if command is None or command[0] != COMMAND_OUT:
            return True
        if not command[1] or (self.out_until is not None and self._clock() >= self.out_until):
            return False
        self.out_count += 1
        return True
