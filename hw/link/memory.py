"""Two link ends joined in memory."""

from __future__ import annotations

import threading
from collections import deque

from hw.link.base import Link, LinkLost

BUFFER_BYTES_MAX = 65_536  # as a port's driver: what nobody reads is lost


class _Direction:
    def __init__(self) -> None:
        self.arrived = threading.Condition()
        self.buffer: deque[int] = deque(maxlen=BUFFER_BYTES_MAX)
        self.closed = False

    def close(self) -> None:
        with self.arrived:
            self.closed = True
            self.arrived.notify_all()


class MemoryLink:
    def __init__(self, incoming: _Direction, outgoing: _Direction) -> None:
        self._incoming, self._outgoing = incoming, outgoing

    def read(self, size_max: int, timeout_s: float) -> bytes:
        way = self._incoming
        with way.arrived:
            if timeout_s > 0:
                way.arrived.wait_for(lambda: way.buffer or way.closed, timeout_s)
            if not way.buffer and way.closed:
                raise LinkLost("the other end is closed")
            return bytes(way.buffer.popleft() for _ in range(min(size_max, len(way.buffer))))

    def write(self, data: bytes) -> None:
        way = self._outgoing
        with way.arrived:
            if way.closed:
                raise LinkLost("the other end is closed")
            way.buffer.extend(data)
            way.arrived.notify_all()

    def close(self) -> None:
        self._incoming.close()
        self._outgoing.close()


def pair() -> tuple[Link, Link]:
    """Both ends of a pipe. Closing one end lets the other read what is left and then raises LinkLost there."""
    one, other = _Direction(), _Direction()
    return MemoryLink(one, other), MemoryLink(other, one)
