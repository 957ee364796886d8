"""The simulated sensor block of a lane: contacts, counters, light barriers as the world has them, on Modbus.

With barriers its register map is a file beside the port, as a site writes one for its wiring. Barriers follow the world's people at the
moment they are asked for, and bounce.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from egate.domain.device import DeviceRole
from hw.link.base import Link
from hw.modbus.map_file import parse
from hw.modbus.points import Points
from hw.modbus.server import Line, Peripheral
from hw.sim.outfit import BAUDS, Sensing
from hw.sim.people import LAYOUT
from hw.sim.senses import Senses
from hw.sim.world import LaneWorld

MODBUS_UNIT = 1
FIRST_ALARM, FIRST_BARRIER = 2, 8  # discrete inputs; chosen

_COUNTERS = """persons = { table = "input", address = 0 }
exits = { table = "input", address = 1 }
"""


class SensorBlock:
    """guard: of the world; whoever calls its methods holds it, this block does by itself."""

    def __init__(self, link: Link, path: Path, sensing: Sensing, world: LaneWorld, guard: Lock, seed: int) -> None:
        self._path, self._sensing, self._world, self._guard = path, sensing, world, guard
        self._map_path = path.with_suffix(".map.toml")
        plain = sensing is Sensing.COUNTERS
        self._follows = not plain  # barriers change while people walk, contacts while they bounce
        controller = Points(MODBUS_UNIT).controller if plain else parse(register_map(sensing), "simulated")
        self._block = Peripheral(controller, MODBUS_UNIT)
        self._line = Line(link, time.monotonic, [self._block])
        self._senses = Senses(world, seed, counters=sensing is not Sensing.BARRIERS)
        if not plain:
            self._map_path.write_text(register_map(sensing), encoding="utf-8")
        self.polls: Mapping[str, Callable[[], None]] = {"sensors": self._poll}
        self.commands: Mapping[str, Callable[..., Any]] = {}
        world.on_change = self._sense
        self._sense()

    def urls(self) -> dict[DeviceRole, str]:
        chosen = "" if self._sensing is Sensing.COUNTERS else f"&map=file:{self._map_path}"
        url = f"modbus+pty://{self._path}?unit={MODBUS_UNIT}&baud={BAUDS['sensors']}{chosen}"
        return {DeviceRole.SENSORS: url}

    def faults(self, port: str) -> dict[str, Callable[..., Any]]:
        return {
            "silent": lambda active: setattr(self._block, "silent", bool(active)),
            "replies_lost": lambda count: setattr(self._block, "replies_lost", int(count)),
            "bounce": self._bounce,
        }

    def reset(self) -> None:
        self._block.silent, self._block.replies_lost = False, 0
        self._bounce()

    def close(self) -> None:
        self._map_path.unlink(missing_ok=True)

    def _bounce(self, bounce_s: float = 0.0, noise: float = 0.0) -> None:
        if not (0.0 <= bounce_s <= 1.0 and 0.0 <= noise <= 1.0):
            raise ValueError("out of range")
        with self._guard:
            self._senses.set_bounce(bounce_s, noise)
            self._follows = bounce_s > 0 or self._sensing is not Sensing.COUNTERS

    def _poll(self) -> None:
        if self._follows:
            with self._guard:
                self._sense()
        self._line.poll()

    def _sense(self) -> None:
        """Whoever changed the world calls it, and holds the guard."""
        inputs, block = self._senses.read(time.monotonic()), self._block
        block.door_closed, block.present = inputs.door_closed, inputs.present
        block.person_count, block.exit_count = self._world.person_count, self._world.exit_count
        block.alarms = inputs.alarms
        if block.barriers:
            block.barriers = list(inputs.barriers)


def register_map(sensing: Sensing) -> str:
    """TOML of hw.modbus.map_file."""
    sizes = {"entry": LAYOUT.entry_barriers, "inside": LAYOUT.inside_barriers, "exit": LAYOUT.exit_barriers}
    lines = ['[controller]\nname = "simulated sensor block"\n', "[sensors]"]
    lines += ['door = { table = "discrete", address = 0 }', 'present = { table = "discrete", address = 1 }']
    for address, alarm in enumerate(("fire", "emergency", "tamper"), FIRST_ALARM):
        lines.append(f'{alarm} = {{ table = "discrete", address = {address} }}')
    text = "\n".join(lines) + "\n" + (_COUNTERS if sensing is Sensing.FULL else "") + "\n[sensors.barriers]\n"
    address = FIRST_BARRIER
    for name, size in sizes.items():
        points = ", ".join(f'{{ table = "discrete", address = {address + index} }}' for index in range(size))
        text += f"{name} = [{points}]\n"
        address += size
    return text
