"""States and readings of the gate's devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class DeviceState(StrEnum):
    ONLINE = "ONLINE"
    DEGRADED = "DEGRADED"  # answers, but with errors
    LOST = "LOST"  # does not answer


class DeviceRole(StrEnum):
    """What a device does for its lane; also the settings' keys. One physical device may have several."""

    LOCK = "lock"
    SENSORS = "sensors"
    DOCUMENT_READER = "document_reader"
    CAMERA = "camera"
    FINGER_SENSOR = "finger_sensor"
    BARCODE_READER = "barcode_reader"
    CARD_READER = "card_reader"
    SIGNAL = "signal"


class LockState(StrEnum):
    SECURED = "SECURED"
    RELEASED = "RELEASED"
    UNKNOWN = "UNKNOWN"


class ReleaseResult(StrEnum):
    """What is known of a release command when its deadline has passed or it was answered."""

    ACKNOWLEDGED = "ACKNOWLEDGED"  # the device confirmed a timed release
    NOT_SENT = "NOT_SENT"  # certainly never executed and never will be
    UNKNOWN = "UNKNOWN"  # may have been executed; will not start from now on


class Alarm(StrEnum):
    """What sensors report that forbids letting anybody through by software. Members are journal format: never rename one."""

    FIRE = "FIRE"  # the fire panel's contact. What it opens is wired, not programmed: it is observed here
    EMERGENCY = "EMERGENCY"  # the emergency button; likewise
    TAMPER = "TAMPER"  # a cabinet or device was opened
    TAILGATING = "TAILGATING"  # the barriers saw a second person go the same way
    OBJECT_LEFT = "OBJECT_LEFT"  # a barrier stays interrupted in a zone without people


# Somebody may be fleeing: software lets nobody else in, and locks nobody in by commanding the lock against him.
LIFE_SAFETY = frozenset({Alarm.FIRE, Alarm.EMERGENCY})


@dataclass(frozen=True, slots=True)
class SensorLevels:
    """Newest level of each sensor of a lane. None = unknown (not read yet, or the device is lost).

    door_closed: exit door position contact. person_count: people in the zone, from the presence sensor or the barriers.
    exit_count: people that have gone through the exit since the device started, modulo 65536.
    alarms: those that are on now. A site without a sensor for one never sees it; a lost device shows in the levels above.
    """

    door_closed: bool | None = None
    person_count: int | None = None
    exit_count: int | None = None
    alarms: frozenset[Alarm] = frozenset()


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """What supervision knows of a device. Never holds anything of a traveller, nor a key.

    heard_at: CLOCK_MONOTONIC seconds of the last valid answer or message, the heartbeat; None before the first.
    counters: since start, by name, never falling; all have "opened", "lost" and "errors". last_error: in words, "" if none yet; it stays
    after the device has recovered. identity: what the device says it is (maker, model, version), "" if it does not tell.
    """

    state: DeviceState = DeviceState.LOST
    heard_at: float | None = None
    counters: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    last_error: str = ""
    identity: str = ""
