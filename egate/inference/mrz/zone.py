"""Readings of single lines to one zone: which of the lines belong to it, of what format, and how well it holds together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from egate.document.zone.mrz import Mrz, parse_mrz
from egate.document.zone.mrz_format import LAYOUTS, TRAVEL_DOCUMENTS, VISAS, FieldKind, Layout, MrzFormat
from egate.errors import DocumentError
from egate.inference.mrz.text import LineReading

_UNREADABLE = 100  # worse than any number of defects


@dataclass(frozen=True, slots=True, repr=False)
class Zone:
    """lines: the text, each place of its field's kind. raw: as the reader has it. first: index of the first of them among the
    readings given. repaired: the fields in which a place's kind overruled the reader. foreign: a line holds a character outside of the
    alphabet. mrz: None if the text cannot be parsed; unreadable is then the field."""

    lines: tuple[str, ...]
    raw: tuple[str, ...]
    first: int
    repaired: tuple[str, ...]
    foreign: bool
    mrz: Mrz | None
    unreadable: str = ""

    @property
    def defects(self) -> int:
        return _UNREADABLE if self.mrz is None else len(self.mrz.defects)

    def __repr__(self) -> str:
        return f"Zone({len(self.lines)} lines, redacted)"


def zone_of(readings: Sequence[LineReading], today: date) -> Zone | None:
    """None if no two or three neighbours among the lines are as long as a format demands."""
    sizes = [len(reading.scores) for reading in readings]
    for count, size in ((3, 30), (2, 44), (2, 36)):
        for first in range(len(readings) - count, -1, -1):  # the zone is the lowest text of a document
            if sizes[first : first + count] == [size] * count:
                return _zone(readings[first : first + count], first, today)
    return None


def merged(one: Sequence[LineReading], other: Sequence[LineReading]) -> list[LineReading] | None:
    """The mean of two readings of the same lines; None if they do not find the same number of characters."""
    if not one or [len(reading.scores) for reading in one] != [len(reading.scores) for reading in other]:
        return None
    return [
        LineReading((a.scores + b.scores) / np.float32(2), a.foreign + b.foreign)
        for a, b in zip(one, other, strict=True)
    ]


def parsed(lines: Sequence[str], today: date) -> tuple[Mrz | None, str]:
    """The zone and "", or None and the field that cannot be read. Visas are read: an image may show one."""
    try:
        return parse_mrz(lines, today, visas=True), ""
    except DocumentError as error:
        return None, str(error)


def _zone(readings: Sequence[LineReading], first: int, today: date) -> Zone:
    layout = _layout(readings)
    kinds = _kinds(layout)
    lines = tuple(reading.typed(row) for reading, row in zip(readings, kinds, strict=True))
    raw = tuple(reading.text for reading in readings)
    repaired = tuple(name for name, place in layout.places() if place.of(lines) != place.of(raw))
    mrz, unreadable = parsed(lines, today)
    return Zone(lines, raw, first, repaired, any(reading.foreign for reading in readings), mrz, unreadable)


def _layout(readings: Sequence[LineReading]) -> Layout:
    letter = readings[0].typed([FieldKind.LETTERS] * len(readings[0].scores))[0]
    formats: Sequence[MrzFormat] = VISAS if letter == "V" and len(readings) == 2 else TRAVEL_DOCUMENTS
    shape = (len(readings), len(readings[0].scores))
    return next(LAYOUTS[each] for each in formats if (LAYOUTS[each].lines, LAYOUTS[each].size) == shape)


def _kinds(layout: Layout) -> list[list[FieldKind]]:
    kinds = [[FieldKind.MIXED] * layout.size for _ in range(layout.lines)]
    for _, place in layout.places():
        for column in range(place.start, place.end):
            kinds[place.line][column] = place.kind_of(column)
    return kinds
