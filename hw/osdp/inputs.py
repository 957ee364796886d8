"""Which input of a peripheral is what: its input status as the readings of a zone. Pure.

    door=0&present=1&entry=2,3&inside=4&exit=5,6&fire=n7&emergency=n8&tamper=9

Numbers count from 0 as in osdp_ISTATR. An active input means: door closed, somebody present, barrier interrupted, alarm. n before the
number turns it round (a contact that opens on fire reads inactive then: n7).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from egate.domain.device import Alarm
from hw.sensing.layout import Layout
from hw.sensing.zone import Inputs

INPUT_MAX = 63  # the native module's reports hold 64
_INPUT = re.compile(r"(n?)([0-9]{1,2})")
ALARMS = {"fire": Alarm.FIRE, "emergency": Alarm.EMERGENCY, "tamper": Alarm.TAMPER}
GROUPS = ("entry", "inside", "exit")
KEYS = frozenset({"door", "present", *GROUPS, *ALARMS})


@dataclass(frozen=True, slots=True)
class Input:
    number: int
    turned: bool = False

    def active(self, entries: tuple[int, ...]) -> bool:
        """Raises InputFault if there is no such input, or its line is short or broken (any other value than 0 and 1)."""
        if self.number >= len(entries):
            raise InputFault(f"there is no input {self.number}")
        if entries[self.number] not in (0, 1):
            raise InputFault(f"input {self.number} reports a fault of its line")
        return bool(entries[self.number]) is not self.turned


class InputFault(Exception):
    """The reading cannot be used."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """barriers: entry, inside and exit groups in order."""

    door: Input
    present: Input | None
    barriers: tuple[Input, ...]
    alarms: Mapping[Alarm, Input]
    layout: Layout

    def read(self, entries: tuple[int, ...]) -> Inputs:
        """Raises InputFault."""
        return Inputs(
            self.door.active(entries),
            None if self.present is None else self.present.active(entries),
            barriers=tuple(barrier.active(entries) for barrier in self.barriers),
            alarms=frozenset(alarm for alarm, contact in self.alarms.items() if contact.active(entries)),
        )

    def contacts(self, entries: tuple[int, ...]) -> dict[Alarm, bool]:
        """Those alarm contacts that can be read, whatever else cannot."""
        readable: dict[Alarm, bool] = {}
        for alarm, contact in self.alarms.items():
            with suppress(InputFault):
                readable[alarm] = contact.active(entries)
        return readable


def wiring(parameters: Mapping[str, str]) -> Wiring:
    """Raises ValueError with words for the operator."""
    groups = {name: _inputs(name, parameters[name]) for name in GROUPS if name in parameters}
    single = {name: _one(name, parameters[name]) for name in ("door", "present", *ALARMS) if name in parameters}
    used = [*single.values(), *(one for group in groups.values() for one in group)]
    if len({one.number for one in used}) < len(used):
        raise ValueError("one input is used twice")
    if "door" not in single:
        raise ValueError("missing parameter door")
    return Wiring(
        single["door"],
        single.get("present"),
        tuple(one for name in GROUPS for one in groups.get(name, ())),
        {alarm: single[name] for name, alarm in ALARMS.items() if name in single},
        Layout(*(len(groups.get(name, ())) for name in GROUPS)),
    )


def _one(name: str, text: str) -> Input:
    match = _INPUT.fullmatch(text)
    if match is None or int(match[2]) > INPUT_MAX:
        raise ValueError(f"{name} is not an input from 0 to {INPUT_MAX}, with n before it if it is turned round")
    return Input(int(match[2]), bool(match[1]))


def _inputs(name: str, text: str) -> tuple[Input, ...]:
    return tuple(_one(name, part) for part in text.split(","))
