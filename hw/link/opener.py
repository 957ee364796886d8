"""Opens the link a device URL names. Links are entry points in the group `egate.links`, imported on first use."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from egate.errors import ConfigurationError
from hw.link.base import Link, LinkType
from hw.link.trace.tap import tapped
from hw.url import KNOWN_LINKS, DeviceUrl

GROUP = "egate.links"


@cache
def link_type(name: str) -> LinkType:
    """Raises ConfigurationError if no installed package provides the link."""
    for point in entry_points(group=GROUP, name=name):
        loaded = point.load()
        if not isinstance(loaded, LinkType):
            raise ConfigurationError(f"link {name}: the entry point {point.value} is not a LinkType")
        return loaded
    raise ConfigurationError(f"link {name} is not known")


def is_simulated(url: DeviceUrl) -> bool:
    """Whether production refuses the device: it is simulated, or a link that is not ours does not say that it is none."""
    if url.simulated or url.link in KNOWN_LINKS:
        return url.simulated
    try:
        return link_type(url.link).simulated is not False
    except ConfigurationError:
        return True


def links() -> tuple[str, ...]:
    """Names of all installed links. Imports none of them."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def link_keys(url: DeviceUrl) -> frozenset[str]:
    """URL parameters that the URL's link understands. Raises ConfigurationError if the target or one of them is wrong."""
    kind = link_type(url.link)
    kind.check(url)
    return kind.keys


def open_link(url: DeviceUrl) -> Link:
    """Opens it now. Raises LinkLost if the port is not there, ConfigurationError if the URL can never work."""
    return tapped(url, link_type(url.link).open(url))
