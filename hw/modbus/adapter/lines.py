"""The lines of this process: devices on one port share one, by whatever name they call it; what they say of it must be the same."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary, WeakValueDictionary

from hw.link.opener import link_keys
from hw.link.stream import STREAM_LINKS, until_abandoned
from hw.modbus.adapter.bus import Bus
from hw.modbus.adapter.line import Timing, serial_timing
from hw.modbus.frame import Framing
from hw.target import port_name
from hw.url import DeviceUrl

BAUD_DEFAULT = 9600  # hw.link.serial


@dataclass(frozen=True, slots=True)
class Claim:
    """points: outputs or sensors of unit. alone: nobody else may talk to the unit."""

    unit: int
    points: frozenset[Hashable]
    alone: bool = False


_guard = threading.Lock()
_lines: WeakValueDictionary[str, Bus] = WeakValueDictionary()
_urls: WeakKeyDictionary[Bus, DeviceUrl] = WeakKeyDictionary()
_claims: WeakKeyDictionary[Bus, WeakKeyDictionary[object, Claim]] = WeakKeyDictionary()


def bus_of(url: DeviceUrl) -> Bus:
    """The line of url's port, new or shared. Raises ConfigurationError if its settings differ from those it is shared with."""
    timing = _timing(url)
    name = port_name(url.link, url.target)
    with _guard:
        bus = _lines.get(name) or _by_target(url)
        # Numbers of ports are used again: the line opens its own path, and that may lead elsewhere by now.
        if bus is None or port_name(url.link, _urls[bus].target) != name:
            bus = Bus(lambda: until_abandoned(url), timing, _owner_of)
            _lines[name], _urls[bus], _claims[bus] = bus, url, WeakKeyDictionary()
        elif _settings(_urls[bus]) != _settings(url):
            raise url.error("another device on this port has other line settings")
    return bus


def _by_target(url: DeviceUrl) -> Bus | None:
    """A line of the same words: its port may have been absent when it was named."""
    return next((bus for bus, other in _urls.items() if (other.link, other.target) == (url.link, url.target)), None)


def _settings(url: DeviceUrl) -> Mapping[str, str]:
    keys = (link_keys(url) | {"framing"}) & url.parameters.keys()
    return {key: url.parameters[key] for key in keys} | {"link": url.link}


def claim(
    url: DeviceUrl, bus: Bus, device: object, unit: int, points: Iterable[Hashable], *, alone: bool = False
) -> None:
    """Outputs and sensors belong to one device each: a light on a lock's output would open it. Raises ConfigurationError.

    alone: a watchdog of the unit ends a release when nothing is said; whoever else talks to the unit would keep it from that.
    """
    wanted = Claim(unit, frozenset(points), alone)
    with _guard:
        _admit(url, wanted, _claims[bus.owner].values())
        _claims[bus.owner][device] = wanted


def _admit(url: DeviceUrl, wanted: Claim, taken: Iterable[Claim]) -> None:
    others = [other for other in taken if other.unit == wanted.unit]
    if any(wanted.points & other.points for other in others):
        raise url.error("another device on this port has one of its outputs or sensors")
    if any(wanted.alone or other.alone for other in others):
        raise url.error(
            f"a communication watchdog counts on unit {wanted.unit} hearing of one lock only; another device has it"
        )


def _owner_of(bus: Bus) -> Bus | None:
    """The line that has the port of bus: they were named while it was absent, and only now it shows that it is one.

    None if there is none. Raises ConfigurationError if their devices cannot share it.
    """
    with _guard:
        url = _urls[bus]
        if not url.target.startswith("/"):  # hosts serve several connections
            return None
        name = port_name(url.link, url.target)
        for other, told in list(_urls.items()):
            if other is bus or not other.connected or port_name(told.link, told.target) != name:
                continue
            if _settings(told) != _settings(url):
                raise url.error("another device on this port has other line settings")
            for wanted in _claims[bus].values():
                _admit(url, wanted, _claims[other].values())
            _claims[other].update(_claims[bus])
            return other
    return None


def unclaim(bus: Bus, device: object) -> None:
    with _guard:
        for claims in (_claims.get(bus), _claims.get(bus.owner)):
            if claims is not None:
                claims.pop(device, None)


def _timing(url: DeviceUrl) -> Timing:
    framing = url.text("framing", Framing.TCP if url.link == "tcp" else Framing.RTU)
    if framing not in list(Framing):
        raise url.error(f"framing is none of {', '.join(Framing)}")
    if framing == Framing.TCP:
        return Timing(Framing.TCP)
    if url.link in STREAM_LINKS and "baud" not in url.parameters:
        return Timing(Framing.RTU)
    return serial_timing(url.integer("baud", BAUD_DEFAULT, 50, 4_000_000))
