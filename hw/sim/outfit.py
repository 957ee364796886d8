"""What a simulated lane is equipped with, and the speeds of its ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from egate.domain.device import DeviceRole

# Chosen: usual speeds of such devices; the lock's is the fastest that OSDP 2.2, 5.2 names for all.
BAUDS = {"lock": 115_200, "sensors": 115_200, "mrz": 9_600, "chip": 921_600, "finger": 57_600, "barcode": 9_600}
PORTS: Mapping[DeviceRole, tuple[str, ...]] = {
    DeviceRole.LOCK: ("lock",),
    DeviceRole.SIGNAL: ("lock",),  # on the lock's board
    DeviceRole.CARD_READER: ("lock",),
    DeviceRole.SENSORS: ("sensors",),
    DeviceRole.DOCUMENT_READER: ("mrz", "chip"),
    DeviceRole.FINGER_SENSOR: ("finger",),
    DeviceRole.BARCODE_READER: ("barcode",),
    DeviceRole.CAMERA: (),  # a made picture: its URL is all there is
}
DEFAULT_ROLES = frozenset({DeviceRole.LOCK, DeviceRole.SENSORS, DeviceRole.DOCUMENT_READER})


class LockKind(StrEnum):
    OSDP = "osdp"
    MODBUS = "modbus"  # a relay board with its own timer


class Sensing(StrEnum):
    """What the sensor block has besides door and presence contact."""

    COUNTERS = "counters"  # it counts people and exits by itself
    BARRIERS = "barriers"  # light barriers and alarm contacts
    FULL = "full"  # all of them


@dataclass(frozen=True, slots=True)
class Outfit:
    """chip_protocol: of hw.sim.field.PROTOCOLS. zone_setup: of hw.mrz.pd.READER_SETUPS. paced: bytes take their time. Raises ValueError."""

    roles: frozenset[DeviceRole] = DEFAULT_ROLES
    lock: LockKind = LockKind.OSDP
    sensing: Sensing = Sensing.COUNTERS
    chip_protocol: str = "pn532"
    zone_setup: str = "native"
    paced: bool = True
    entry_door: bool = False

    def __post_init__(self) -> None:
        if DeviceRole.CARD_READER in self.roles and self.lock is not LockKind.OSDP:
            raise ValueError("a card reader hangs on an OSDP lock only")

    @property
    def ports(self) -> tuple[str, ...]:
        """Names of the ports it takes, in the order of BAUDS."""
        needed = {port for role in self.roles for port in PORTS[role]}
        return tuple(port for port in BAUDS if port in needed)


class SimulatedDevice(Protocol):
    """One or more roles of a lane. polls: what the owner thread of each port runs again and again. commands: what can be done with it, by
    their names on the control socket."""

    polls: Mapping[str, Callable[[], None]]
    commands: Mapping[str, Callable[..., Any]]

    def urls(self) -> Mapping[DeviceRole, str]: ...

    def faults(self, port: str) -> Mapping[str, Callable[..., Any]]:
        """What can go wrong besides the link, by name; arguments are the fault's parameters."""

    def reset(self) -> None:
        """As it should be; whatever lay in it or on it is gone."""

    def close(self) -> None:
        """After the threads have ended."""
