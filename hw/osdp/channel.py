"""What stands between libosdp and the line: the last place where a late release can be stopped.

libosdp repeats an unanswered command for 8 s and keeps queued ones; neither can be taken back (measured, 3.2.9). So each frame
is looked at when it is about to leave. Where several peripherals share a line each has a channel of its own; what arrives is
delivered by address.
"""

from __future__ import annotations

from collections.abc import Callable

from hw.link.base import Link, LinkLost
from hw.osdp.frame import COMMAND_OUT, FRAME_BYTES_MAX, command_of


class Channel:
    """libosdp's channel over a link that may be exchanged. Its methods read, write, flush are called by libosdp and never raise.

    out_until: no osdp_OUT frame leaves at or after this time; None: no limit. out_count: osdp_OUT frames that left; sent_count:
    frames. failure: what a write failed with since the link was attached.
    """

    id = 1  # libosdp's name of the wire

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._link: Link | None = None
        self._received = bytearray()
        self.failure: LinkLost | None = None
        self.out_until: float | None = None
        self.out_count = 0
        self.sent_count = 0
        self.received_count = 0
        self.repeat_count = 0
        self.last_frame = b""

    def attach(self, link: Link | None) -> None:
        self._link = link
        self.last_frame = b""
        self._received.clear()
        self.failure = None
        self.out_until = None

    def exchange(self, link: Link) -> None:
        """The same port, opened again: nothing else changes."""
        self._link = link
        self.failure = None

    def deliver(self, frame: bytes) -> None:
        """A whole frame for libosdp to read."""
        self.received_count += 1
        self._received += frame
        del self._received[:-FRAME_BYTES_MAX]

    def read(self, size_max: int) -> bytes:
        data = bytes(self._received[:size_max])
        del self._received[:size_max]
        return data

    def write(self, frame: bytes) -> int:
        if self._link is None or self.failure is not None or not self._may_leave(frame):
            return len(frame)
        self.last_frame = frame
        self.sent_count += self._send(frame)
        return len(frame)

    def repeat(self) -> None:
        """The newest frame once more, as it was: its sequence number tells the peripheral that it is no new command."""
        if self._link is not None and self.failure is None and self.last_frame and self._may_leave(self.last_frame):
            self.repeat_count += self._send(self.last_frame)

    def flush(self) -> None:
        self._received.clear()

    def _send(self, frame: bytes) -> bool:
        try:
            if self._link is not None:
                self._link.write(frame)
            return True
        except LinkLost as failure:
            self.failure = failure
            return False

    def _may_leave(self, frame: bytes) -> bool:
        command = command_of(frame)
        if command is None or command[0] != COMMAND_OUT:
            return True
        if not command[1] or (self.out_until is not None and self._clock() >= self.out_until):
            return False
        self.out_count += 1
        return True
