"""Reading and writing a non-blocking file descriptor with a time limit; serial ports, ptys and sockets share it."""

from __future__ import annotations

import contextlib
import os
import select

from hw.link.base import WRITE_STALL_S, LinkLost


def read_descriptor(descriptor: int, size_max: int, timeout_s: float) -> bytes:
    """At most size_max bytes, b"" after timeout_s without any. Raises LinkLost at end of file or error."""
    try:
        if not _wait(descriptor, select.POLLIN, timeout_s):
            return b""
        data = os.read(descriptor, size_max)
    except BlockingIOError:
        return b""
    except (OSError, ValueError) as error:  # ValueError: closed meanwhile, descriptor -1
        raise LinkLost(f"read: {error}") from None
    if not data:
        raise LinkLost("read: end of file")
    return data


def write_descriptor(descriptor: int, data: bytes) -> None:
    """All of data. Raises LinkLost on error, or if nothing is taken for WRITE_STALL_S."""
    rest = memoryview(data)
    try:
        while rest:
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(descriptor, rest) :]
            if rest and not _wait(descriptor, select.POLLOUT, WRITE_STALL_S):
                raise LinkLost("write: the port takes no data")
    except (OSError, ValueError) as error:
        raise LinkLost(f"write: {error}") from None


def _wait(descriptor: int, event: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, event)
    # poll counts whole milliseconds; below one it would spin or oversleep, select takes microseconds
    if 0 < timeout_s < 0.01 and descriptor < 1024:
        ready = select.select([descriptor], [], [], timeout_s) if event == select.POLLIN else None
        if ready is not None:
            return bool(ready[0])
    return bool(poll.poll(timeout_s * 1000))
