"""A scenario: what a hall is equipped with, who comes when with what, and what goes wrong. Read from TOML, strictly.

[hall]      lanes?, seed?, scale?, devices?, lock?, sensing?, entry_door?, chip_protocol?, zone_setup?, paced?, end_s?
[[arrival]] at_s, lane?, count?, kind?, behaviour?, document?, number?, portrait?, lays_after_s?, repeat_s?, takes_after_s?, boarding_pass?,
            finger?
[[event]]   at_s, lane?, do: leave, clear_away, open_door, close_door, remove_document, fire_on, fire_off, emergency_on, ...
[[fault]]   at_s, lane?, device, kind, parameters?, clear_after_s?

Each of the three may have every_s and times: so often it happens again. Times in seconds from the start. lane: "lane-1" unless given.
document: passport, card (both with a chip), zone_only, expired; number: whose. portrait: a JPEG, finger: a grey picture; files beside the
scenario. Raises ConfigurationError, which names the entry.
"""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from egate.domain.captured import Symbology
from egate.domain.device import DeviceRole
from egate.errors import ConfigurationError
from hw.mrz.pd import READER_SETUPS
from hw.sim.field import PROTOCOLS
from hw.sim.outfit import BAUDS, DEFAULT_ROLES, PORTS, LockKind, Outfit, Sensing
from hw.sim.people import Kind
from hw.sim.scenario_entry import Entry
from hw.sim.world import PERSON_COUNT_MAX, Behaviour

SCENARIO_BYTES_MAX = 1_000_000  # chosen: some ten thousand entries
STEP_COUNT_MAX = 100_000
LANE_COUNT_MAX = 64
SEED_MAX = 2**31
TIME_S_MAX = 7 * 24 * 3600.0
HALL_KEYS = {
    "lanes", "seed", "scale", "devices", "lock", "sensing", "entry_door", "chip_protocol", "zone_setup", "paced", "end_s",
}  # fmt: skip
AGAIN_KEYS = {"lane", "every_s", "times"}
CARRIED = ("document", "boarding_pass", "finger")
SHOWN_KEYS = ("number", "portrait", "lays_after_s", "repeat_s", "takes_after_s")
ARRIVAL_KEYS = {"count", "kind", "behaviour", *CARRIED, *SHOWN_KEYS}
LAYS_S = 2.0  # chosen: from the entry to the reader
LINK_FAULTS = frozenset({"silence", "unplug", "replug", "garbage", "bytes", "baud_mismatch", "host_echo", "clear"})
DEVICE_FAULTS: Mapping[str, frozenset[str]] = {
    "lock": frozenset({"timer_fault", "stuck", "replies_lost", "power_cycle", "silent"}),
    "sensors": frozenset({"silent", "replies_lost", "bounce"}),
    "finger": frozenset({"silent", "power_cycle"}),
}
EVENTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "leave": ("leave", {}),
    "clear_away": ("clear_away", {}),
    "open_door": ("move_door", {"closed": False}),
    "close_door": ("move_door", {"closed": True}),
    "remove_document": ("remove_document", {}),
    **{
        f"{alarm}_{state}": ("set_alarm", {"alarm": alarm.upper(), "active": state == "on"})
        for alarm in ("fire", "emergency", "tamper")
        for state in ("on", "off")
    },
}


class DocumentKind(StrEnum):
    PASSPORT = "passport"
    CARD = "card"
    EXPIRED = "expired"  # a passport whose last day was yesterday
    ZONE_ONLY = "zone_only"  # a passport whose chip is dead


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the control socket."""

    at_s: float
    lane: str
    command: str
    arguments: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)


@dataclass(frozen=True, slots=True)
class Scenario:
    """steps: by time. end_s: when the hall closes; None: not by itself."""

    outfit: Outfit = field(default_factory=Outfit)
    lanes: int = 1
    seed: int = 0
    scale: float = 1.0
    steps: tuple[Step, ...] = ()
    end_s: float | None = None


def load(path: Path) -> Scenario:
    """The scenario in the file, or the shipped one of that name. Raises ConfigurationError."""
    shipped = files("hw.sim") / "scenarios" / f"{path.name}.toml"
    if str(path) == path.name and not path.exists() and shipped.is_file():
        return parse(shipped.read_text(encoding="utf-8"), path.name, Path.cwd())
    try:
        with path.open("rb") as file:
            data = file.read(SCENARIO_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"scenario {path}: {error.strerror}") from None
    if len(data) > SCENARIO_BYTES_MAX:
        raise ConfigurationError(f"scenario {path}: larger than {SCENARIO_BYTES_MAX} bytes")
    try:
        return parse(data.decode("utf-8"), str(path), path.parent)
    except UnicodeDecodeError:
        raise ConfigurationError(f"scenario {path}: not UTF-8") from None


def parse(text: str, where: str, base: Path) -> Scenario:
    """base: where the files it names lie."""
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise ConfigurationError(f"scenario {where}: not TOML") from None
    top = Entry(content, f"scenario {where}", set(), {"hall", "arrival", "event", "fault"})
    hall = top.table("hall", HALL_KEYS)
    outfit = _outfit(hall)
    lanes = hall.integer("lanes", 1, LANE_COUNT_MAX, 1)
    seed = hall.integer("seed", 0, SEED_MAX, 0)
    reader = _Reader(outfit, lanes, base)
    return Scenario(
        outfit,
        lanes,
        seed,
        hall.number("scale", 0.01, 100.0, 1.0),
        reader.steps(top),
        hall.number("end_s", 0.0, TIME_S_MAX) if "end_s" in hall else None,
    )


def _outfit(hall: Entry) -> Outfit:
    roles = hall.texts("devices", DEFAULT_ROLES)
    if unknown := set(roles) - set(DeviceRole):
        raise hall.error(f"devices: {', '.join(sorted(unknown))} unknown")
    try:
        return Outfit(
            frozenset(DeviceRole(role) for role in roles),
            hall.choice("lock", LockKind, LockKind.OSDP),
            hall.choice("sensing", Sensing, Sensing.COUNTERS),
            hall.one_of("chip_protocol", PROTOCOLS, "pn532"),
            hall.one_of("zone_setup", READER_SETUPS, "native"),
            hall.flag("paced", True),
            hall.flag("entry_door", False),
        )
    except ValueError as error:
        raise hall.error(str(error)) from None


class _Reader:
    """Entries become steps, in the order of their times."""

    def __init__(self, outfit: Outfit, lanes: int, base: Path) -> None:
        self._outfit, self._base = outfit, base
        self._lanes = [f"lane-{number}" for number in range(1, lanes + 1)]

    def steps(self, top: Entry) -> tuple[Step, ...]:
        steps: list[Step] = []
        for entry in top.tables("arrival", STEP_COUNT_MAX, {"at_s"}, AGAIN_KEYS | ARRIVAL_KEYS):
            steps += self._again(entry, list(self._arrival(entry)), top)
        for entry in top.tables("event", STEP_COUNT_MAX, {"at_s", "do"}, AGAIN_KEYS):
            command, arguments = EVENTS[entry.one_of("do", EVENTS)]
            steps += self._again(entry, [Step(0.0, "", command, arguments)], top)
        for entry in top.tables(
            "fault", STEP_COUNT_MAX, {"at_s", "device", "kind"}, AGAIN_KEYS | {"parameters", "clear_after_s"}
        ):
            steps += self._again(entry, list(self._fault(entry)), top)
        return tuple(sorted(steps, key=lambda step: step.at_s))

    def _again(self, entry: Entry, once: list[Step], top: Entry) -> Iterator[Step]:
        """The entry's steps, whose times count from its own, as often as it says."""
        at_s = entry.number("at_s", 0.0, TIME_S_MAX)
        times = entry.integer("times", 1, STEP_COUNT_MAX, 1)
        if ("times" in entry) is not ("every_s" in entry):
            raise entry.error("times and every_s go together")
        every_s = entry.number("every_s", 0.1, TIME_S_MAX, 0.1)
        if times * len(once) > STEP_COUNT_MAX:
            raise top.error(f"more than {STEP_COUNT_MAX} steps")
        lane = entry.one_of("lane", self._lanes, self._lanes[0])
        for number in range(times):
            for step in once:
                yield Step(at_s + number * every_s + step.at_s, lane, step.command, step.arguments)

    def _arrival(self, entry: Entry) -> Iterator[Step]:
        behaviour = entry.choice("behaviour", Behaviour, Behaviour.PASS)
        kind = entry.choice("kind", Kind, Kind.ADULT)
        yield Step(0.0, "", "plan", {"behaviour": behaviour.value})
        yield Step(0.0, "", "enter", {"count": entry.integer("count", 1, PERSON_COUNT_MAX, 1), "kind": kind.value})
        lays_s = entry.number("lays_after_s", 0.0, TIME_S_MAX, LAYS_S)
        carried = [key for key in CARRIED if key in entry]
        if not carried and any(key in entry for key in SHOWN_KEYS):
            raise entry.error("says how something is shown, but brings nothing")
        takes_s = entry.number("takes_after_s", 0.0, TIME_S_MAX) if "takes_after_s" in entry else None
        for key in carried:
            lay, take = getattr(self, f"_{key}")(entry)
            yield Step(lays_s, "", *lay)
            if takes_s is not None:
                yield Step(lays_s + takes_s, "", take)

    def _document(self, entry: Entry) -> tuple[tuple[str, Mapping[str, Any]], str]:
        self._needs(entry, DeviceRole.DOCUMENT_READER)
        repeat_s = entry.number("repeat_s", 0.0, 60.0, 0.0)
        portrait = self._base / entry.text("portrait") if "portrait" in entry else None
        document = entry.choice("document", DocumentKind)
        number = entry.integer("number", 0, SEED_MAX, 0)
        from hw.sim.scenario_papers import presentation  # most halls need no issuer

        arguments = presentation(document, number, portrait)
        return ("present_document", {**arguments, "repeat_s": repeat_s}), "remove_document"

    def _boarding_pass(self, entry: Entry) -> tuple[tuple[str, Mapping[str, Any]], str]:
        self._needs(entry, DeviceRole.BARCODE_READER)
        content = base64.b64encode(entry.text("boarding_pass").encode()).decode("ascii")
        return ("show_barcode", {"content": content, "symbology": Symbology.PDF417.value}), "remove_barcode"

    def _finger(self, entry: Entry) -> tuple[tuple[str, Mapping[str, Any]], str]:
        self._needs(entry, DeviceRole.FINGER_SENSOR)
        from hw.sim.scenario_papers import read_finger

        return ("lay_finger", read_finger(self._base / entry.text("finger"))), "lift_finger"

    def _needs(self, entry: Entry, role: DeviceRole) -> None:
        if role not in self._outfit.roles:
            raise entry.error(f"the hall has no {role}")

    def _fault(self, entry: Entry) -> Iterator[Step]:
        device = entry.one_of("device", BAUDS)
        kind = entry.one_of("kind", LINK_FAULTS | DEVICE_FAULTS.get(device, frozenset()))
        if device not in self._outfit.ports:
            roles = ", ".join(role for role in PORTS if device in PORTS[role])
            raise entry.error(f"the hall has no {device}; it comes with {roles}")
        parameters = entry.numbers("parameters")
        yield Step(0.0, "", "fault", {"device": device, "kind": kind, "parameters": parameters})
        if "clear_after_s" in entry:
            clear = {"device": device, "kind": "clear", "parameters": {}}
            yield Step(entry.number("clear_after_s", 0.0, TIME_S_MAX), "", "fault", clear)
