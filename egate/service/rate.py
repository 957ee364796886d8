"""Token buckets: so many at once, so many a second, counted for each key apart."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from egate.ports import Clock

KEYS_MAX = 4096  # buckets kept; full ones are dropped first


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class RateLimit:
    """burst tokens each, refilled at rate_per_s. Not thread-safe."""

    def __init__(self, clock: Clock, rate_per_s: float, burst: int) -> None:
        self._clock = clock
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._buckets: dict[Hashable, _Bucket] = {}

    def take(self, key: Hashable) -> bool:
        """One token of this key; False if there is none, or if too many keys are being limited."""
        now = self._clock.monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            if not self._make_room(now):
                return False
            bucket = self._buckets[key] = _Bucket(self._burst, now)
        bucket.level = self._level(bucket, now)
        bucket.at = now
        if bucket.level < 1:
            return False
        bucket.level -= 1
        return True

    def give_back(self, key: Hashable) -> None:
        """Undoes one take: what was counted in advance did not count in the end."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            bucket.level = min(self._burst, bucket.level + 1)

    def _level(self, bucket: _Bucket, now: float) -> float:
        return min(self._burst, bucket.level + (now - bucket.at) * self._rate_per_s)

    def _make_room(self, now: float) -> bool:
        if len(self._buckets) >= KEYS_MAX:
            full = [key for key, bucket in self._buckets.items() if self._level(bucket, now) >= self._burst]
            for key in full:
                del self._buckets[key]
        return len(self._buckets) < KEYS_MAX
