"""Where a device is: port, address, key, as its URL says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from egate.errors import ConfigurationError
from hw.link.base import Link
from hw.link.opener import link_keys
from hw.link.stream import until_abandoned
from hw.osdp.keys import INSTALL_KEY, KEY_BYTES
from hw.target import port_name
from hw.url import DeviceUrl

ADDRESS_MAX = 126  # OSDP 2.2, 5.7: 127 is broadcast
BAUD_DEFAULT = 9600


@dataclass(frozen=True, slots=True)
class Place:
    """unit: what of the peripheral it is, e.g. "output 0"; one role has each unit once. settings: the link's own parameters."""

    link: str
    target: str
    settings: Mapping[str, str]
    baud: int
    address: int
    key: bytes = field(repr=False)
    role: str
    unit: str
    open_port: Callable[[], Link] = field(repr=False, compare=False)

    def same_port(self, other: Place) -> bool:
        """By their names, and by what is behind them now."""
        if (self.link, self.target) == (other.link, other.target):
            return True
        try:
            return port_name(self.link, self.target) == port_name(other.link, other.target)
        except OSError:
            return False

    def check_beside(self, other: Place) -> None:
        """Raises ConfigurationError if both cannot be devices of one port."""
        if self.settings != other.settings:
            raise ConfigurationError(f"{self}: the port is used with other parameters by {other.role}")
        if self.address != other.address:
            return
        if self.key != other.key:
            raise ConfigurationError(f"{self}: the peripheral is used with another key by {other.role}")
        if (self.role, self.unit) == (other.role, other.unit):
            raise ConfigurationError(f"{self}: two devices are this {self.role}, {self.unit}")

    def __str__(self) -> str:
        return f"device osdp+{self.link}://{self.target} address {self.address}"


def place(url: DeviceUrl, base: Path, role: str, unit: str, optional: Iterable[str]) -> Place:
    """The place of url; optional: the role's own parameters. Raises ConfigurationError."""
    keys = link_keys(url)
    url.admit({"address", "key"}, {"install_key", *optional} | keys)
    key = url.secret("key", base)
    if len(key) != KEY_BYTES:
        raise url.error(f"the key is not {KEY_BYTES} bytes long")
    if key == INSTALL_KEY and not url.flag("install_key"):
        raise url.error("the key is the public install key")
    url.flag("install_key")
    return Place(
        url.link,
        url.target,
        MappingProxyType({name: url.parameters[name] for name in sorted(keys & url.parameters.keys())}),
        url.integer("baud", BAUD_DEFAULT, 50, 4_000_000),
        url.integer("address", None, 0, ADDRESS_MAX),
        key,
        role,
        unit,
        lambda: until_abandoned(url),
    )
