"""A two-wire bus as an adapter without echo suppression sees it: whatever the host writes it also reads."""

from __future__ import annotations

from hw.link.base import Link


class HostEcho:
    """Wraps the device's end of a port. active may be set from any thread."""

    def __init__(self, inner: Link) -> None:
        self._inner = inner
        self.active = False

    def read(self, size_max: int, timeout_s: float) -> bytes:
        data = self._inner.read(size_max, timeout_s)
        if self.active and data:
            self._inner.write(data)
        return data

    def write(self, data: bytes) -> None:
        self._inner.write(data)

    def close(self) -> None:
        self._inner.close()
