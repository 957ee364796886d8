"""A register map read from TOML (`maps/`, or a file of the site). Strict: nothing unknown, nothing odd.

[controller] name, outputs?
[lock]       state, secure, release, mode?, timer?      timer: where the time of a release lies in the device; none: by a watchdog
[sensors]    door, present?, persons?, exits?, barriers?, fire?, emergency?, tamper?, layout?
[signal]     red?, amber?, green?, buzzer? or base, pulse?
             base: output 0 of a board whose wiring the URL tells; pulse: { offset, step_s, value_max }, an output's timed coil

a point      { table = "coil" | "discrete" | "holding" | "input", address, inverted? }     addresses count from 0, as on the wire
a write      { table = "coil" | "holding", address, value?, multiple? }     value: raw, 0xFF00 switches an ordinary coil on
barriers     { entry?, inside?, exit? }: lists of points, in order from the entry to the exit
a layout     times and lengths of hw.sensing.layout.Layout, debouncing among them
a mode       a point with the values normal, blocked, open: lists; any other value is unfit, too
a timer      { kind = "pulse", step_s, value_max }: the value of the release is the time
             { kind = "register", table, address, step_s }: the device's own setting, read from there
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterable
from dataclasses import fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from egate.domain.device import Alarm
from egate.errors import ConfigurationError
from hw.modbus.controller import (
    Controller,
    LockMap,
    Mode,
    Point,
    Pulse,
    SensorMap,
    SignalMap,
    TimeRegister,
    Write,
)
from hw.modbus.entry import Entry
from hw.modbus.frame import COIL_ON, Table
from hw.sensing.layout import BARRIER_COUNT_MAX, Layout

MAP_BYTES_MAX = 65_536  # chosen; shipped maps have some 1,000
DURATION_S_MAX = 30.0  # egate.ports.Lock
ALARMS = {"fire": Alarm.FIRE, "emergency": Alarm.EMERGENCY, "tamper": Alarm.TAMPER}
LIGHTS = ("red", "amber", "green")
SENSORS = ("present", "persons", "exits", "barriers", "layout", *ALARMS)
GROUPS = ("entry", "inside", "exit")
LAYOUT_KEYS = frozenset(one.name for one in fields(Layout) if not one.name.endswith("_barriers"))
BITS, WORDS = (Table.COIL, Table.DISCRETE), (Table.HOLDING, Table.INPUT)


def shipped(name: str) -> Controller:
    """A map that comes with the package. Raises ConfigurationError."""
    resource = files("hw.modbus") / "maps" / f"{name}.toml"
    if not name.replace("_", "").isalnum() or not resource.is_file():
        raise ConfigurationError(f"Modbus map {name} is not shipped; a file of yours is given as map=file:PATH")
    return parse(resource.read_text(encoding="utf-8"), name)


def from_file(path: Path) -> Controller:
    """A map of the site. Raises ConfigurationError."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigurationError(f"Modbus map {path}: not a regular file")
            data = file.read(MAP_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # the latter: a path with a zero byte
        raise ConfigurationError(f"Modbus map {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAP_BYTES_MAX:
        raise ConfigurationError(f"Modbus map {path}: larger than {MAP_BYTES_MAX} bytes")
    try:
        return parse(data.decode("utf-8"), str(path))
    except UnicodeDecodeError:
        raise ConfigurationError(f"Modbus map {path}: not UTF-8") from None


def _without_waiting(path: str, flags: int) -> int:
    """Opening a pipe to which nobody writes would wait for ever."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse(text: str, where: str) -> Controller:
    """Raises ConfigurationError, which names where and the entry."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise ConfigurationError(f"Modbus map {where}: not TOML") from None
    top = Entry(document, f"Modbus map {where}", {"controller"}, {"lock", "sensors", "signal"})
    about = top.table("controller", {"name"}, {"outputs"})
    outputs = about.integer("outputs", 1, 64, 1)
    lock = (
        _lock(top.table("lock", {"state", "secure", "release"}, {"mode", "timer"}), outputs) if "lock" in top else None
    )
    sensors = _sensors(top.table("sensors", {"door"}, SENSORS)) if "sensors" in top else None
    signal = _signal(top.table("signal", set(), {*LIGHTS, "buzzer", "base", "pulse"})) if "signal" in top else None
    if lock is not None and signal is not None and signal.base is None and _opens(lock, outputs, signal):
        raise top.error("an output of signal is the lock's: a light would open it")
    return Controller(about.text("name"), outputs, lock, sensors, signal)


def _opens(lock: LockMap, outputs: int, signal: SignalMap) -> bool:
    starts = [write.address for write in (lock.secure, lock.release) if write.table is Table.COIL]
    return bool(signal.coils & {start + index for start in starts for index in range(outputs)})


def _lock(entry: Entry, outputs: int) -> LockMap:
    timer = _timer(entry) if "timer" in entry else None
    secure = _write(entry.table("secure", {"table", "address", "value"}, {"multiple"}))
    needed = {"table", "address"} if isinstance(timer, Pulse) else {"table", "address", "value"}
    release = _write(entry.table("release", needed, {"multiple"}))
    state = _point(entry, "state", Table)
    if wrong := _opens_wrongly(state, secure, release, isinstance(timer, Pulse)):
        raise entry.error(wrong)
    if max(state.address, secure.address, release.address) + outputs - 1 > 0xFFFF:
        raise entry.error("the last output lies beyond address 65535")
    return LockMap(state, secure, release, _mode(entry) if "mode" in entry else None, timer)


def _opens_wrongly(state: Point, secure: Write, release: Write, pulse: bool) -> str:
    """What would open the lock without a release, or for more than one; "" if nothing would."""
    places = {
        name: (one.table, one.address) for name, one in (("state", state), ("secure", secure), ("release", release))
    }
    if places["secure"] == places["release"] and (pulse or secure.value == release.value):
        return "release and secure write the same"
    if release.table is Table.HOLDING and pulse:
        return "a pulse in a holding register cannot be told from so many grants"
    if release.table is Table.HOLDING and release.value != 1:
        return "release grants free passage" if release.value == 0xFFFF else "release does not grant one passage (1)"
    if release.table is Table.COIL and not pulse and release.value != COIL_ON:
        return "release does not switch its coil on (0xFF00)"
    if secure.table is Table.HOLDING and secure.value != 0:
        return "secure grants passages"
    if places["secure"] not in (places["state"], places["release"]):
        return "secure lies neither at the address of release nor at that of state: it would end nothing"
    if places["state"] == places["secure"] and bool(secure.value) is not state.inverted:
        return "state reads released when secure was written"
    if places["state"] == places["release"] and state.inverted:
        return "state reads secured when release was written"
    return ""


def _mode(entry: Entry) -> Mode:
    mode = entry.table("mode", {"table", "address", "normal"}, {"blocked", "open"})
    normal, blocked, opened = (mode.integers(key, 0xFFFF) for key in ("normal", "blocked", "open"))
    if len({*normal, *blocked, *opened}) != len(normal) + len(blocked) + len(opened) or not normal:
        raise mode.error("a value is given twice, or none is normal")
    return Mode(Point(mode.choice("table", Table), mode.integer("address", 0, 0xFFFF)), normal, blocked, opened)


def _timer(entry: Entry) -> Pulse | TimeRegister:
    kind = entry.table("timer", {"kind"}, {"step_s", "value_max", "table", "address"}).text("kind")
    if kind == "pulse":
        timer = entry.table("timer", {"kind", "step_s", "value_max"})
        return _pulse(timer)
    if kind == "register":
        timer = entry.table("timer", {"kind", "step_s", "table", "address"})
        table = timer.choice("table", Table)
        if table.of_bits:
            raise timer.error("a time does not fit into a bit")
        return TimeRegister(Point(table, timer.integer("address", 0, 0xFFFF)), timer.seconds("step_s", 0.001, 60.0))
    raise entry.error("timer is neither pulse nor register")


def _pulse(entry: Entry) -> Pulse:
    pulse = Pulse(entry.seconds("step_s", 0.001, 1.0), entry.integer("value_max", 1, 0xFFFF))
    if pulse.step_s * pulse.value_max < DURATION_S_MAX:
        raise entry.error(f"its longest time is below {DURATION_S_MAX:g} s")
    return pulse


def _write(entry: Entry) -> Write:
    table = entry.choice("table", Table)
    if table not in (Table.COIL, Table.HOLDING):
        raise entry.error("the table cannot be written")
    value = entry.integer("value", 0, 0xFFFF, 0)
    if table is Table.COIL and (entry.flag("multiple") or value not in (0, COIL_ON)):
        raise entry.error("a coil is written by 0 or 0xFF00, alone")
    return Write(table, entry.integer("address", 0, 0xFFFF), value, entry.flag("multiple"))


def _sensors(entry: Entry) -> SensorMap:
    groups = entry.table("barriers", set(), GROUPS) if "barriers" in entry else None
    rows = [
        groups.tables(key, BARRIER_COUNT_MAX, {"table", "address"}, {"inverted"}) if groups else [] for key in GROUPS
    ]
    found = SensorMap(
        _point(entry, "door", BITS),
        _point(entry, "present", BITS) if "present" in entry else None,
        _point(entry, "persons", WORDS) if "persons" in entry else None,
        _point(entry, "exits", WORDS) if "exits" in entry else None,
        tuple(_checked(one, BITS) for row in rows for one in row),
        {alarm: _point(entry, key, BITS) for key, alarm in ALARMS.items() if key in entry},
        _layout(entry, [len(row) for row in rows]),
    )
    if len({(point.table, point.address) for point in found.points}) != len(found.points):
        raise entry.error("two sensors have one address")
    if found.persons is None and not (found.layout.counts_persons and found.present):
        raise entry.error("nothing counts people: persons, or barriers at entry and exit with present")
    if found.exits is None and not found.layout.exit_barriers:
        raise entry.error("nothing counts exits: exits, or barriers at the exit")
    return found


def _layout(entry: Entry, sizes: list[int]) -> Layout:
    times = entry.table("layout", set(), LAYOUT_KEYS) if "layout" in entry else None
    given: dict[str, Any] = {key: times.seconds(key, 0.0, 60.0) for key in LAYOUT_KEYS if times and key in times}
    try:
        return replace(Layout(*sizes), **given)
    except ValueError as error:
        raise entry.error(str(error)) from None


def _signal(entry: Entry) -> SignalMap:
    lights = {key: _point(entry, key, (Table.COIL,)) for key in LIGHTS if key in entry}
    buzzer = _point(entry, "buzzer", (Table.COIL,)) if "buzzer" in entry else None
    base = _point(entry, "base", (Table.COIL,)) if "base" in entry else None
    outputs = [point for point in (*lights.values(), buzzer) if point is not None]
    if (base is None) is not bool(outputs) or len({point.address for point in outputs}) != len(outputs):
        raise entry.error("it has outputs of its own, each at an address of its own, or a base for those in the URL")
    if any(point.inverted for point in outputs) or (base is not None and base.inverted):
        raise entry.error("an output cannot be inverted: it is to be dark without power")
    if "pulse" not in entry:
        return SignalMap(lights, buzzer, base)
    pulse = entry.table("pulse", {"offset", "step_s", "value_max"})
    return SignalMap(lights, buzzer, base, pulse.integer("offset", 1, 0xFFFF), _pulse(pulse))


def _point(entry: Entry, key: str, tables: Iterable[Table]) -> Point:
    return _checked(entry.table(key, {"table", "address"}, {"inverted"}), tables)


def _checked(entry: Entry, tables: Iterable[Table]) -> Point:
    point = Point(entry.choice("table", Table), entry.integer("address", 0, 0xFFFF), entry.flag("inverted"))
    if point.table not in tables:
        raise entry.error(f"it cannot lie in table {point.table}")
    if point.inverted and not point.table.of_bits:
        raise entry.error("it is no bit that could be inverted")
    return point
