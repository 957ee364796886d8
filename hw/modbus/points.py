"""The addresses of the plain sensor block (`maps/sensor_block.toml`), any of which a URL may move.

    discrete input  door      0   door position contact, 1 = closed
                    presence  1   zone in front of the exit, 1 = occupied
    input register  persons   0   people in the zone, from the presence sensor
                    exits     1   people gone through the exit since the device started, modulo 65536

Addresses count from 0, as on the wire. They are ours: no standard says where sensors lie.
"""

from __future__ import annotations

from dataclasses import dataclass

from hw.modbus.controller import Controller, Point, SensorMap
from hw.modbus.frame import Table


@dataclass(frozen=True, slots=True)
class Points:
    """Addresses of a lane's sensors in the unit."""

    unit: int
    door: int = 0
    presence: int = 1
    persons: int = 0
    exits: int = 1

    @property
    def controller(self) -> Controller:
        sensors = SensorMap(
            Point(Table.DISCRETE, self.door),
            Point(Table.DISCRETE, self.presence),
            Point(Table.INPUT, self.persons),
            Point(Table.INPUT, self.exits),
        )
        return Controller("sensor block", sensors=sensors)
