"""How long bytes are on the wire: ptys have no baud rate."""

from __future__ import annotations

import time

BITS_PER_BYTE = 10  # start, 8 data, stop
PORTION_S = 0.004  # bytes travel in portions this long: fine enough for frame timing, coarse enough for sleep()


class Pace:
    """baud None: as fast as it goes."""

    def __init__(self, baud: int | None) -> None:
        self._byte_s = 0.0 if baud is None else BITS_PER_BYTE / baud

    def portion(self, size: int) -> int:
        """How many of size bytes travel together, at least 1."""
        return size if not self._byte_s else max(1, min(size, int(PORTION_S / self._byte_s)))

    def travel(self, size: int) -> None:
        """Waits until size bytes have passed."""
        if self._byte_s and size:
            time.sleep(size * self._byte_s)
