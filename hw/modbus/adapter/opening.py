"""Factories of the Modbus devices. They check a URL completely and open nothing.

    lock     modbus+LINK://TARGET?unit=1&map=NAME[&output=0][&watchdog=NAME&watchdog_s=5[&watchdog_kind=timer|communication]]
    sensors  modbus+LINK://TARGET?unit=1[&map=NAME]      without a map: [&door=0][&presence=1][&persons=0][&exits=1], see `points`
    signal   modbus+LINK://TARGET?unit=1&map=NAME[&red=1][&amber=2][&green=3][&buzzer=4]      numbers of the board's outputs

and the link's own parameters. map: the name of a shipped map (`maps/`), or file:PATH, relative to the settings' folder.
Over `tcp` frames are Modbus/TCP, otherwise RTU; framing=rtu|tcp says otherwise, for a serial server that passes bytes on.
watchdog: what secures a lock whose controller has no timer, in words of the site; watchdog_s: its time, at most 30 s.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hw.link.base import WRITE_STALL_S
from hw.link.opener import link_keys
from hw.link.stream import REPEATED_S_MAX
from hw.modbus.adapter.bus import Bus
from hw.modbus.adapter.lines import bus_of, claim
from hw.modbus.adapter.lock import ModbusLock
from hw.modbus.adapter.sensors import ModbusSensors
from hw.modbus.adapter.signal import ModbusSignal
from hw.modbus.controller import Controller, Point, SignalMap
from hw.modbus.frame import Table
from hw.modbus.map_file import from_file, shipped
from hw.modbus.points import Points
from hw.modbus.reading import SPAN_MAX
from hw.modbus.release_time import TIMER_S_MAX, Watchdog, WatchdogKind
from hw.url import DeviceUrl

UNIT_MAX = 247  # Modbus over Serial Line 1.02, 2.2
ADDRESS_MAX = 65535
PROCESSING_S = 0.02  # chosen: thread scheduling here, execution there
DELAY_S_MAX = {"tcp": REPEATED_S_MAX, "rfc2217": REPEATED_S_MAX + WRITE_STALL_S}  # of links that wait by themselves
RELEASE_BYTES = 30  # the longest release and its answer
POINTS = (("door", 0), ("presence", 1), ("persons", 0), ("exits", 1))
LIGHTS = ("red", "amber", "green", "buzzer")
LINE_KEYS = frozenset({"framing"})


def open_lock(url: DeviceUrl, base: Path) -> ModbusLock:
    """The lock of url, not started. Raises ConfigurationError."""
    optional = {"output", "watchdog", "watchdog_s", "watchdog_kind"}
    url.admit({"unit", "map"}, optional | link_keys(url) | LINE_KEYS)
    controller = _controller(url, base)
    if controller.lock is None:
        raise url.error(f"the map of {controller.name} has no lock")
    lock = controller.lock.at_output(url.integer("output", 0, 0, controller.outputs - 1))
    watchdog = _watchdog(url)
    if lock.timer is None and watchdog is None:
        raise url.error(
            f"{controller.name} has no timer of its own: name the watchdog that secures the lock, watchdog=NAME&watchdog_s=SECONDS"
        )
    if lock.timer is not None and watchdog is not None:
        raise url.error(f"{controller.name} times releases itself: a watchdog has no part in it")
    unit, bus = _unit(url), bus_of(url)
    device = ModbusLock(bus, lock, unit, transit_s=_transit_s(url, bus), watchdog=watchdog)
    alone = watchdog is not None and watchdog.kind is WatchdogKind.COMMUNICATION
    claim(url, bus, device, unit, {(write.table, write.address) for write in (lock.secure, lock.release)}, alone=alone)
    return device


def open_sensors(url: DeviceUrl, base: Path) -> ModbusSensors:
    """The sensors of url, not started. Raises ConfigurationError."""
    moved = set() if "map" in url.parameters else {key for key, _ in POINTS}
    url.admit({"unit"}, {"map"} | moved | link_keys(url) | LINE_KEYS)
    controller = _controller(url, base) if "map" in url.parameters else _points(url).controller
    if controller.sensors is None:
        raise url.error(f"the map of {controller.name} has no sensors")
    unit, bus = _unit(url), bus_of(url)
    device = ModbusSensors(bus, controller.sensors, unit)
    shared = frozenset(controller.sensors.alarms.values())  # one fire contact may speak for several lanes
    claim(url, bus, device, unit, {("read", point) for point in controller.sensors.points if point not in shared})
    return device


def open_signal(url: DeviceUrl, base: Path) -> ModbusSignal:
    """The signal of url, not started. Raises ConfigurationError."""
    url.admit({"unit", "map"}, {*LIGHTS} | link_keys(url) | LINE_KEYS)
    controller = _controller(url, base)
    if controller.signal is None:
        raise url.error(f"the map of {controller.name} has no outputs for a signal")
    signal = _wired(url, controller, controller.signal)
    unit, bus = _unit(url), bus_of(url)
    device = ModbusSignal(bus, signal, unit)
    claim(url, bus, device, unit, {(Table.COIL, address) for address in signal.coils})
    return device


def _transit_s(url: DeviceUrl, bus: Bus) -> float:
    """How long a release may be on its way: through our threads, the kernel, the line, and the device."""
    wire_s = bus.timing.character_s * RELEASE_BYTES + 2 * bus.timing.gap_s
    turnaround_s = url.integer("turnaround_ms", 0, 0, 1000) / 1000
    return PROCESSING_S + wire_s + turnaround_s + DELAY_S_MAX.get(url.link, 0.0)


def _wired(url: DeviceUrl, controller: Controller, signal: SignalMap) -> SignalMap:
    """The lights where the URL says they are."""
    if signal.base is None:
        if named := [key for key in LIGHTS if key in url.parameters]:
            raise url.error(f"the map of {controller.name} itself says where {', '.join(named)} is")
        return signal
    outputs = {
        key: replace(signal.base, address=signal.base.address + url.integer(key, None, 0, controller.outputs - 1))
        for key in LIGHTS
        if key in url.parameters
    }
    if not outputs or len(set(outputs.values())) != len(outputs):
        raise url.error("name at least one of red, amber, green, buzzer, each on an output of its own")
    buzzer: Point | None = outputs.pop("buzzer", None)
    return replace(signal, lights=outputs, buzzer=buzzer)


def _controller(url: DeviceUrl, base: Path) -> Controller:
    name = url.text("map", "")
    if name.startswith("file:"):
        return from_file(base / name.removeprefix("file:"))
    return shipped(name)


def _points(url: DeviceUrl) -> Points:
    points = Points(_unit(url), *(url.integer(key, at, 0, ADDRESS_MAX) for key, at in POINTS))
    for one, other in ((points.door, points.presence), (points.persons, points.exits)):
        if not 0 < abs(one - other) < SPAN_MAX:
            raise url.error(f"two sensors have one address, or lie further apart than {SPAN_MAX}")
    return points


def _watchdog(url: DeviceUrl) -> Watchdog | None:
    if "watchdog" not in url.parameters:
        if beside := [key for key in ("watchdog_s", "watchdog_kind") if key in url.parameters]:
            raise url.error(f"{beside[0]} without watchdog")
        return None
    kind = url.text("watchdog_kind", WatchdogKind.TIMER)
    if kind not in list(WatchdogKind):
        raise url.error(f"watchdog_kind is none of {', '.join(WatchdogKind)}")
    seconds = url.integer("watchdog_s", None, 1, int(TIMER_S_MAX))
    return Watchdog(url.text("watchdog", ""), float(seconds), WatchdogKind(kind))


def _unit(url: DeviceUrl) -> int:
    return url.integer("unit", None, 1, UNIT_MAX)
