"""Whether a camera works: a value that is told what came, and says ONLINE, DEGRADED with words, or LOST.

    LOST      not open, no picture for LOSS_S, or none yet that could be looked at
    DEGRADED  too dark or too bright for EXPOSURE_S; too few pictures in RATE_WINDOW_S; the same picture for `frozen_s`;
              none that can be decoded for UNUSABLE_S
    ONLINE    otherwise

`now` is in seconds, monotonic. Pictures are looked at now and then only: decoding all of them for nobody would cost most of a core.
"""

from __future__ import annotations

from collections import deque
from itertools import cycle

from egate.domain.device import DeviceState
from hw.camera.look import Look
from hw.camera.source import FPS_MAX

LOSS_S = 3.0  # chosen: with the watch's own period well within the 5 s in which a loss must be told
EXPOSURE_S = 2.0  # chosen: automatic exposure settles within a second or two
RATE_WINDOW_S = 4.0  # chosen: four pictures of the slowest camera
RATE_SHARE_MIN = 0.4  # chosen: automatic exposure in dim light halves the rate of many cameras, which is no fault
RATE_SHARE_BACK = 0.6  # chosen: apart from the former, so that the state does not flicker
UNUSABLE_S = 4.0  # chosen: longer than a stream takes to its next whole picture
FROZEN_S_DEFAULT = 5  # chosen: a sensor's noise alone makes any two pictures differ
# Between looks; chosen: about one a second, and uneven, lest a short recording that is looped looks frozen.
LOOK_S = (0.7, 1.1, 0.9, 1.3)

TOO_FEW, FROZEN, UNUSABLE = "too few pictures", "always the same picture", "pictures cannot be decoded"


class Supervision:
    """fps: pictures per second that are expected, None: what the source says. frozen_s: None for sources that stand still by nature."""

    def __init__(self, fps: float | None, frozen_s: float | None) -> None:
        self._asked_fps, self._frozen_s = fps, frozen_s
        self._open = False
        self._reset(0.0, None)

    def _reset(self, now: float, fps: float | None) -> None:
        self._fps = self._asked_fps or fps
        self._times: deque[float] = deque(maxlen=int(FPS_MAX * RATE_WINDOW_S))
        self._first_at: float | None = None
        self._too_few = False
        self._steps = cycle(LOOK_S)
        self._look_at = now
        self._looked_at: float | None = None
        self._exposure = self._exposure_seen = ""
        self._exposure_since = now
        self._digest: int | None = None
        self._digest_since = now

    def opened(self, now: float, fps: float | None) -> None:
        """fps: as the source says, None if it does not."""
        self._open = True
        self._reset(now, fps)

    def lost(self) -> None:
        self._open = False

    def grabbed(self, now: float) -> None:
        """A picture came."""
        if self._first_at is None:
            self._first_at = now
        self._times.append(now)

    def look_due(self, now: float) -> bool:
        """Whether the picture that came now shall be looked at."""
        return now >= self._look_at

    def looked(self, look: Look, now: float) -> None:
        self._looked_at, self._look_at = now, now + next(self._steps)
        if look.exposure != self._exposure_seen:
            self._exposure_seen, self._exposure_since = look.exposure, now
        if now - self._exposure_since >= EXPOSURE_S or not look.exposure:
            self._exposure = self._exposure_seen
        if look.digest != self._digest:
            self._digest, self._digest_since = look.digest, now

    def state(self, now: float) -> DeviceState:
        if not self._open or self._looked_at is None or now - self._times[-1] >= LOSS_S:
            return DeviceState.LOST
        return DeviceState.DEGRADED if self.faults(now) else DeviceState.ONLINE

    @property
    def frozen(self) -> bool:
        """The same picture for too long, as of the last look: what it shows may be over."""
        if self._frozen_s is None or self._looked_at is None:
            return False
        return self._looked_at - self._digest_since >= self._frozen_s

    def faults(self, now: float) -> tuple[str, ...]:
        """In words; () unless open."""
        if not self._open or self._looked_at is None:
            return ()
        found = (
            UNUSABLE if now - self._looked_at >= UNUSABLE_S else "",
            FROZEN if self.frozen else "",
            TOO_FEW if self._rate_too_low(now) else "",
            self._exposure,
        )
        return tuple(words for words in found if words)

    def _rate_too_low(self, now: float) -> bool:
        if self._fps is None or self._first_at is None or now - self._first_at < RATE_WINDOW_S:
            return False
        while self._times and self._times[0] <= now - RATE_WINDOW_S and len(self._times) > 1:
            self._times.popleft()
        share = len(self._times) / (RATE_WINDOW_S * self._fps)
        self._too_few = share < (RATE_SHARE_BACK if self._too_few else RATE_SHARE_MIN)
        return self._too_few
