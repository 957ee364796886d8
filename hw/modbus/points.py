"""Where a lane's sensors lie in a Modbus device, and what a reading means.

    discrete input  door      0   door position contact, 1 = closed
                    presence  1   zone in front of the exit, 1 = occupied
    input register  persons   0   people in the zone, from the presence sensor
                    exits     1   people gone through the exit since the device started, modulo 65536

Addresses count from 0, as on the wire. They are ours: no standard says where sensors lie.
"""

from __future__ import annotations

from dataclasses import dataclass

from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadInputRegistersRequest

from hw.modbus.exchange import Garbled

SPAN_MAX = 64  # chosen: both points of a kind are read by one request, so they must lie near each other


@dataclass(frozen=True, slots=True)
class Reading:
    door_closed: bool
    present: bool
    persons: int
    exits: int

    @property
    def consistent(self) -> bool:
        """False if the count sees people in a zone that the presence input reports empty."""
        return self.present or self.persons == 0


@dataclass(frozen=True, slots=True)
class Points:
    """Addresses of a lane's sensors in the unit."""

    unit: int
    door: int = 0
    presence: int = 1
    persons: int = 0
    exits: int = 1

    def inputs(self) -> ModbusPDU:
        first, count = _span(self.door, self.presence)
        return ReadDiscreteInputsRequest(dev_id=self.unit, address=first, count=count)

    def registers(self) -> ModbusPDU:
        first, count = _span(self.persons, self.exits)
        return ReadInputRegistersRequest(dev_id=self.unit, address=first, count=count)

    def reading(self, inputs: ModbusPDU, registers: ModbusPDU) -> Reading:
        """The reading that two answers make. Raises Garbled if one has another size than was asked for."""
        input_first, input_count = _span(self.door, self.presence)
        register_first, register_count = _span(self.persons, self.exits)
        if len(inputs.bits) != -(-input_count // 8) * 8 or len(registers.registers) != register_count:
            raise Garbled("an answer of another size than asked for")
        return Reading(
            bool(inputs.bits[self.door - input_first]),
            bool(inputs.bits[self.presence - input_first]),
            registers.registers[self.persons - register_first],
            registers.registers[self.exits - register_first],
        )


def _span(one: int, other: int) -> tuple[int, int]:
    return min(one, other), abs(one - other) + 1
