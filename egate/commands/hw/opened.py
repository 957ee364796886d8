"""Devices that a command opens for a while, and what it says of them."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from egate.domain.device import DeviceHealth, DeviceRole, SensorLevels
from egate.errors import ConfigurationError
from egate.ports import Device, Lock, Sensors
from hw.registry import open_device, roles_of
from hw.url import parse


@dataclass(frozen=True, slots=True)
class Opened:
    """name: for people. device: not started."""

    name: str
    role: DeviceRole
    url: str
    device: Device

    @property
    def health(self) -> DeviceHealth:
        return self.device.health

    @property
    def reading(self) -> str:
        """What a lock or sensors say now; "" for devices that read travellers."""
        if self.role is DeviceRole.LOCK:
            return cast(Lock, self.device).lock_state.value
        if self.role is DeviceRole.SENSORS:
            return _levels(cast(Sensors, self.device).levels)
        return ""

    def heard_s(self, now: float) -> float | None:
        """Age of the heartbeat."""
        return None if self.health.heard_at is None else max(0.0, now - self.health.heard_at)

    def to_json(self, now: float) -> dict[str, Any]:
        health, age = self.health, self.heard_s(now)
        return {
            "device": self.name,
            "role": self.role.value,
            "state": health.state.value,
            "heard_s": None if age is None else round(age, 3),
            "reading": self.reading,
            "identity": health.identity,
            "counters": dict(health.counters),
            "last_error": health.last_error,
        }


def open_by_url(url: str, arguments: argparse.Namespace) -> Opened:
    """Raises ConfigurationError if the URL is wrong, or fits several roles and none was given."""
    role = the_role(url, arguments.role)
    return Opened(parse(url).target, role, url, open_device(url, Path(arguments.base), role))


def the_role(url: str, given: str | None) -> DeviceRole:
    """given, or the only one that devices of this protocol have."""
    if given:
        return DeviceRole(given)
    protocol = parse(url).protocol
    roles = roles_of(protocol)
    if not roles:
        raise ConfigurationError(f"device protocol {protocol} is not known")
    if len(roles) > 1:
        raise ConfigurationError(f"a device of protocol {protocol} can be a {', '.join(roles)}: say which by --role")
    return roles[0]


@contextlib.asynccontextmanager
async def running(devices: Sequence[Opened]) -> AsyncIterator[None]:
    """Starts all, closes all."""
    try:
        for opened in devices:
            await opened.device.start(lambda state: None)
        yield
    finally:
        for opened in devices:
            await opened.device.close()


def until(seconds: float | None) -> float:
    """CLOCK_MONOTONIC seconds when a command with --seconds ends; without, never."""
    return float("inf") if seconds is None else time.monotonic() + seconds


def _levels(levels: SensorLevels) -> str:
    door = {None: "door unknown", True: "door closed", False: "door open"}[levels.door_closed]
    people = "people unknown" if levels.person_count is None else f"{levels.person_count} in the zone"
    exits = "" if levels.exit_count is None else f"{levels.exit_count} out"
    return ", ".join(filter(None, (door, people, exits, *sorted(levels.alarms))))
