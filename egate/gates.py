"""From a lane's settings to its devices, not started; and what their URLs say about ports, simulators and keys."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from egate.domain.device import DeviceRole
from egate.errors import ConfigurationError
from egate.lane.gate import Gate
from egate.ports import Camera, Device, DocumentReader, FingerSensor, Lock, Sensors, Signal
from egate.settings import LaneSection, Settings
from hw.link import opener
from hw.registry import open_device
from hw.url import DeviceUrl, parse

# Several devices may share a line of these, each by its own address; their adapters refuse two that are one.
BUS_PROTOCOLS = frozenset({"osdp", "modbus"})
DEFAULT_KEYS = frozenset({"install_key", "default_password"})
LINE_KEYS = ("baud", "parity", "stop_bits")


def open_gate(section: LaneSection, base: Path) -> Gate:
    """The lane's devices, not started. Raises ConfigurationError naming the lane."""

    def device(role: DeviceRole) -> Device | None:
        url = section.devices().get(role)
        return None if url is None else open_device(url, base, role)

    try:
        return Gate(
            cast(Lock, device(DeviceRole.LOCK)),
            cast(Sensors, device(DeviceRole.SENSORS)),
            reader=cast("DocumentReader | None", device(DeviceRole.DOCUMENT_READER)),
            finger_dpi=section.finger_dpi,
            camera=cast("Camera | None", device(DeviceRole.CAMERA)),
            finger_sensor=cast("FingerSensor | None", device(DeviceRole.FINGER_SENSOR)),
            signal=cast("Signal | None", device(DeviceRole.SIGNAL)),
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"lane {section.id}: {error}", code=error.code) from None


def check_ports(settings: Settings) -> None:
    """Raises ConfigurationError SHARED_PORT if two devices are one port and no bus: each would take the other's answers for its own."""
    known: dict[str, list[tuple[str, str, DeviceUrl]]] = {}
    for lane in settings.lane:
        for role, text in lane.devices().items():
            here = f"lane {lane.id} {role}"
            url = _parsed(text, here)
            for port in url.ports:
                for there, role_there, other in known.setdefault(port, []):
                    if not _share(other, url) or (role == role_there and _are_one(other, url)):
                        raise ConfigurationError(f"{there} and {here} are on one port", code="SHARED_PORT")
                known[port].append((here, role, url))


def is_simulated(url: str) -> bool:
    return opener.is_simulated(parse(url))


def has_default_key(url: str) -> bool:
    """Whether the device is run with the key or password it was delivered with."""
    return not DEFAULT_KEYS.isdisjoint(parse(url).parameters)


def _share(one: DeviceUrl, other: DeviceUrl) -> bool:
    """Whether both may hang on one line: of one protocol, by one link, at one speed."""
    same_line = all(one.parameters.get(key) == other.parameters.get(key) for key in LINE_KEYS)
    return one.protocol == other.protocol and one.protocol in BUS_PROTOCOLS and one.link == other.link and same_line


def _are_one(one: DeviceUrl, other: DeviceUrl) -> bool:
    """Whether both are one device of a line, as far as addresses tell; what points of one unit overlap its factory knows."""
    if "address" not in one.parameters:
        return False
    return all(one.parameters.get(key, "0") == other.parameters.get(key, "0") for key in ("address", "output"))


def _parsed(url: str, device: str) -> DeviceUrl:
    try:
        return parse(url)
    except ConfigurationError as error:
        raise ConfigurationError(f"{device}: {error}", code=error.code) from None
