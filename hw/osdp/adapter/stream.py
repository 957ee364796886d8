"""Links over TCP: how late they may deliver what was written.

The kernel repeats what the other end's kernel does not acknowledge, and a serial port server may suspend the flow while the link waits.
Both are bounded here, and a release allows for them. What a server has acknowledged is out of reach: its buffer must be short.
"""

from __future__ import annotations

import os
import socket

from hw.link.base import Link
from hw.link.opener import open_link
from hw.link.rfc2217 import SUSPENDED_S_MAX
from hw.url import DeviceUrl

UNACKNOWLEDGED_MS_MAX = 250  # chosen: a server in the same cabinet answers in milliseconds
REPEATED_S_MAX = 0.3  # the first repetition comes after 0.2 s (RFC 6298 with Linux' minimum); then the kernel gives up
DELAY_S_MAX = {"tcp": REPEATED_S_MAX, "rfc2217": REPEATED_S_MAX + SUSPENDED_S_MAX}


def open_abandoning(url: DeviceUrl) -> Link:
    """Opens the link of url; over TCP nothing is repeated for longer than DELAY_S_MAX. Raises LinkLost, ConfigurationError."""
    link = open_link(url)
    fileno = getattr(link, "fileno", None)
    if url.link in DELAY_S_MAX and fileno is not None:
        with socket.socket(fileno=os.dup(fileno())) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS_MAX)
    return link
