"""Makes what has no rate of its own come at one."""

from __future__ import annotations

from hw.camera.source import Time

LATE_S_MAX = 0.5  # chosen: who was stopped longer does not hurry after what is past


class Pace:
    def __init__(self, fps: float, time: Time) -> None:
        self._interval_s = 1 / fps
        self._time = time
        self._due = time.now()

    def wait(self) -> None:
        """Returns when the next picture is due: at once for the first."""
        now = self._time.now()
        if self._due > now:
            self._time.sleep(self._due - now)
        elif now - self._due > LATE_S_MAX:
            self._due = now
        self._due += self._interval_s
