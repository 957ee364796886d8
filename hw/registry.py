"""Opens devices by URL. Adapters are entry points in the group `egate.devices`, imported on first use.

An entry point's name is "protocol.role" (egate.domain.device.DeviceRole), its value a factory `(url: DeviceUrl, base: Path) -> device`
whose device implements the role's port; base is the folder that relative references in the URL start from. The factory checks the URL
completely and opens nothing.

Bare readers of chips, which are no device of a lane, are entry points in the group `egate.chips`: factories
`(url: DeviceUrl) -> hw.emrtd.transport.CardTransport` that open the reader now.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, cast

from egate.domain.device import DeviceRole
from egate.errors import ConfigurationError
from egate.ports import Device
from hw.url import parse

GROUP = "egate.devices"
CHIP_GROUP = "egate.chips"


def open_device(url: str, base: Path, role: DeviceRole) -> Device:
    """The adapter for url, not started. Raises ConfigurationError if the URL is not understood, or its protocol has no such role."""
    parsed = parse(url)
    for point in entry_points(group=GROUP, name=f"{parsed.protocol}.{role}"):
        return cast(Device, _loaded(point)(parsed, base))
    roles = roles_of(parsed.protocol)
    if roles:
        names = ", ".join(roles)
        raise ConfigurationError(f"a device of protocol {parsed.protocol} is no {role}; it can be a {names}")
    raise ConfigurationError(f"device protocol {parsed.protocol} is not known")


def _loaded(point: EntryPoint) -> Any:
    """A vendor's package may be half removed, or made for another release of ours."""
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"the adapter {point.value} of {point.name} cannot be loaded: {error}") from error


def roles_of(protocol: str) -> tuple[DeviceRole, ...]:
    """What devices of this protocol can be, by the installed packages; () if the protocol is not known."""
    names = {point.name for point in entry_points(group=GROUP)}
    return tuple(role for role in DeviceRole if f"{protocol}.{role}" in names)


@dataclass(frozen=True, slots=True)
class Installed:
    """A protocol, what its devices can be, and the package it comes with."""

    protocol: str
    roles: tuple[DeviceRole, ...]
    package: str


def installed() -> tuple[Installed, ...]:
    """All protocols of devices, by name. Imports none of them."""
    packages = {
        point.name.partition(".")[0]: point.dist.name if point.dist else "" for point in entry_points(group=GROUP)
    }
    found = (Installed(protocol, roles_of(protocol), package) for protocol, package in sorted(packages.items()))
    return tuple(item for item in found if item.roles)


def is_chip_reader(url: str) -> bool:
    """Whether url names a bare reader of chips. Raises ConfigurationError if it is no device URL."""
    return bool(entry_points(group=CHIP_GROUP, name=parse(url).protocol))


def open_chip_reader(url: str) -> Any:
    """The CardTransport for url, opened. Raises ConfigurationError, LinkLost."""
    parsed = parse(url)
    for point in entry_points(group=CHIP_GROUP, name=parsed.protocol):
        return point.load()(parsed)
    raise ConfigurationError(f"chip reader {parsed.protocol} is not known")
