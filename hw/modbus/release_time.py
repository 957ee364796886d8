"""How long a release lasts, and who ends it: the pulse that carries its time, the device's own timer, or a watchdog beside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hw.modbus.controller import LockMap, Pulse

TIMER_S_MAX = 30.0  # egate.ports.Lock: no release lasts longer, whatever becomes of us


class WatchdogKind(StrEnum):
    TIMER = "timer"  # a time relay, or a setting of the device: ends every release, however much is said meanwhile
    COMMUNICATION = "communication"  # of the device: ends a release when nothing was said for so long


@dataclass(frozen=True, slots=True)
class Watchdog:
    """What secures a lock whose controller cannot time a release. name: as the site calls it. seconds: 0.1 to TIMER_S_MAX."""

    name: str
    seconds: float
    kind: WatchdogKind = WatchdogKind.TIMER


@dataclass(frozen=True, slots=True)
class ReleaseTime:
    """value: what is written. own_end_s: when we end it, None if the device does. device_end_s: when it has ended if its timer is sound."""

    value: int
    own_end_s: float | None
    device_end_s: float


def release_time(lock: LockMap, register_s: float | None, watchdog: Watchdog | None, duration_s: float) -> ReleaseTime:
    """register_s: the setting of the device's own timer, if lock has one. Raises ValueError if nothing times the release."""
    if isinstance(lock.timer, Pulse):
        value = lock.timer.value(duration_s)
        return ReleaseTime(value, None, value * lock.timer.step_s)
    if lock.timer is None and watchdog is not None and watchdog.kind is WatchdogKind.COMMUNICATION:
        return ReleaseTime(lock.release.value, duration_s, duration_s + watchdog.seconds)
    device_s = register_s if lock.timer is not None else watchdog.seconds if watchdog is not None else None
    if device_s is None:
        raise ValueError("nothing times a release")
    return ReleaseTime(lock.release.value, duration_s if duration_s < device_s else None, device_s)
