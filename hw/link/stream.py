"""Links over TCP: what is unsent or unacknowledged must not be delivered after we have given it up.

A connection is closed by a reset (SO_LINGER 0; hw.link.tcp does so, here it is made sure of): the kernel throws away what it still
holds, also when the process is killed. While the process is stopped, the kernel repeats what was not acknowledged for TCP_USER_TIMEOUT
at most, then ends the connection itself. What the
other end's kernel has acknowledged is out of reach: a serial server in between may hold a frame in its own buffer and put it on its
line later, and a device whose program stands still may read it later. Their buffers must be shorter than a release's deadline; a lock
that must not depend on this has its serial line in the cabinet.
"""

from __future__ import annotations

import os
import socket
import struct

from egate.errors import ConfigurationError
from hw.link.base import Link, LinkLost
from hw.link.opener import open_link
from hw.url import DeviceUrl

UNACKNOWLEDGED_MS_MAX = 250  # chosen: a device in the same cabinet answers in milliseconds
# How late a written frame may arrive: the first repetition comes 0.2 s after the segment (RFC 6298 with Linux' minimum), then the kernel
# gives up. A serial port server may have suspended the flow: then the link itself waits before it sends, which each family allows for.
REPEATED_S_MAX = 0.3
STREAM_LINKS = frozenset({"tcp", "rfc2217"})


def until_abandoned(url: DeviceUrl) -> Link:
    """Opens the link of url so that nothing of it outlives its closing. Raises LinkLost, ConfigurationError."""
    try:
        link = open_link(url)
        if url.link in STREAM_LINKS:
            forget_on_close(link)
    except OSError as error:  # no descriptor is free: one may be soon
        raise LinkLost(f"cannot be opened now: {error.strerror}") from None
    return link


def forget_on_close(link: Link) -> None:
    """link: over a TCP socket, with `fileno`. It is closed if that fails. Raises OSError, ConfigurationError."""
    fileno = getattr(link, "fileno", None)
    if fileno is None:
        link.close()
        raise ConfigurationError("a link over TCP that does not tell its socket cannot take back what it has not sent")
    try:
        with socket.socket(fileno=os.dup(fileno())) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS_MAX)
    except OSError:
        link.close()
        raise
