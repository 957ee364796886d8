"""The questions that read all sensors of a unit, and what their answers say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hw.modbus.controller import Point, SensorMap
from hw.modbus.frame import BITS_PER_READ_MAX, Question, Table, read, values
from hw.sensing.zone import Inputs

SPAN_MAX = 64  # chosen: points of a table that lie nearer to each other are read by one question


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring points of one table."""

    table: Table
    first: int
    count: int

    def __contains__(self, point: Point) -> bool:
        return point.table is self.table and self.first <= point.address < self.first + self.count


class Reading:
    """questions: in this order. Counters come before contacts: an exit that is counted never stands beside a door level from before it."""

    def __init__(self, sensors: SensorMap, unit: int) -> None:
        self._sensors = sensors
        tables = (Table.INPUT, Table.HOLDING, Table.COIL, Table.DISCRETE)
        self._spans = [span for table in tables for span in _spans(sensors, table)]
        self.questions: tuple[Question, ...] = tuple(
            read(span.table, unit, span.first, span.count) for span in self._spans
        )
        self._answers: tuple[bytes, ...] = ()
        self._inputs = Inputs(door_closed=False)

    def inputs(self, answers: Sequence[bytes]) -> Inputs:
        """answers: one PDU per question, as `Question.answered_by` takes it."""
        if tuple(answers) != self._answers:  # most readings are the one before
            self._inputs = self._decode(answers)
            self._answers = tuple(answers)
        return self._inputs

    def _decode(self, answers: Sequence[bytes]) -> Inputs:
        read_values = [values(span.table, pdu, span.count) for span, pdu in zip(self._spans, answers, strict=True)]

        def value(point: Point) -> int:
            for span, found in zip(self._spans, read_values, strict=True):
                if point in span:
                    return found[point.address - span.first] ^ point.inverted
            raise KeyError(point)

        sensors = self._sensors
        return Inputs(
            door_closed=bool(value(sensors.door)),
            present=None if sensors.present is None else bool(value(sensors.present)),
            persons=None if sensors.persons is None else value(sensors.persons),
            exits=None if sensors.exits is None else value(sensors.exits),
            barriers=tuple(bool(value(point)) for point in sensors.barriers),
            alarms=frozenset(alarm for alarm, point in sensors.alarms.items() if value(point)),
        )


def _spans(sensors: SensorMap, table: Table) -> list[Span]:
    addresses = sorted({point.address for point in sensors.points if point.table is table})
    spans: list[Span] = []
    for address in addresses:
        if spans and address - spans[-1].first < min(SPAN_MAX, BITS_PER_READ_MAX):
            spans[-1] = Span(table, spans[-1].first, address - spans[-1].first + 1)
        else:
            spans.append(Span(table, address, 1))
    return spans
