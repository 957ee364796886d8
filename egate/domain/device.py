"""States and readings of the gate's devices."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DeviceState(StrEnum):
    ONLINE = "ONLINE"
    DEGRADED = "DEGRADED"  # answers, but with errors
    LOST = "LOST"  # does not answer


class LockState(StrEnum):
    SECURED = "SECURED"
    RELEASED = "RELEASED"
    UNKNOWN = "UNKNOWN"


class ReleaseResult(StrEnum):
    """What is known of a release command when its deadline has passed or it was answered."""

    ACKNOWLEDGED = "ACKNOWLEDGED"  # the device confirmed a timed release
    NOT_SENT = "NOT_SENT"  # certainly never executed and never will be
    UNKNOWN = "UNKNOWN"  # may have been executed; will not start from now on


@dataclass(frozen=True, slots=True)
class SensorLevels:
    """Newest level of each sensor of a lane. None = unknown (not read yet, or the device is lost).

    door_closed: exit door position contact. person_count: people in the zone, from the presence sensor.
    exit_count: people that have gone through the exit since the device started, modulo 65536.
    """

    door_closed: bool | None = None
    person_count: int | None = None
    exit_count: int | None = None
