"""What a link is: a byte pipe to one device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hw.url import DeviceUrl


class LinkLost(Exception):
    """The other end went away, or the port cannot be opened. Open the link again to go on."""


class Link(Protocol):
    """Owned by one thread; only close may come from another one. Bytes may be lost or mangled, order is kept."""

    def read(self, size_max: int, timeout_s: float) -> bytes:
        """What has arrived, at most size_max bytes; waits up to timeout_s (0: not at all) for the first. b"" on timeout.

        Raises LinkLost.
        """

    def write(self, data: bytes) -> None:
        """Hands all of data to the port. Raises LinkLost, also if the port takes nothing for WRITE_STALL_S."""

    def close(self) -> None:
        """Idempotent."""


WRITE_STALL_S = 1.0  # chosen: far longer than any frame, shorter than every watchdog


def _nothing_to_check(url: DeviceUrl) -> None: ...


@dataclass(frozen=True, slots=True)
class LinkType:
    """One entry point in `egate.links`. keys: URL parameters the link itself understands, all optional.

    open raises LinkLost if the port is not there now, ConfigurationError if it can never be opened like this. check raises the latter for
    what can be told from the URL alone; it touches nothing. simulated: authors of links set it; True or None (not told) is refused outside
    the demo environment, False says that there are only devices behind it. For links of ours `DeviceUrl.simulated` knows more.
    """

    keys: frozenset[str]
    open: Callable[[DeviceUrl], Link]
    check: Callable[[DeviceUrl], object] = _nothing_to_check
    simulated: bool | None = None
