"""Since when one person has stood before a closed door with nothing to warn of: what a capture that took its time belongs to.

The machine judges a capture when it arrives. One of the lane's own devices may have been taken seconds before, of somebody who has left
meanwhile and made room for another.
"""

from __future__ import annotations

from egate.domain.device import SensorLevels


class Presence:
    """since: CLOCK_MONOTONIC seconds, None while it is not so."""

    def __init__(self) -> None:
        self.since: float | None = None
        self._exits: int | None = None

    def seen(self, levels: SensorLevels, now: float) -> None:
        alone = levels.door_closed is True and levels.person_count == 1 and not levels.alarms
        if not alone:
            self.since = None
        elif self.since is None or levels.exit_count != self._exits:
            self.since = now
        self._exits = levels.exit_count

    def covers(self, taken_s: float) -> bool:
        """Whether whoever stands there now stood there when this was taken. True while nobody does: that is the machine's to judge."""
        return self.since is None or taken_s >= self.since
