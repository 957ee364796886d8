"""Repairs what an optical reader confuses, where the type of the field decides it, and says so.

A letter in a date or a check digit, or a digit in a name or a state, cannot be right: if exactly one character of the
field's type looks like it, that one was printed. A field that may hold both (document number, optional data) is never
changed. Where its check digit is wrong and exactly one confusion of one character makes it fit, that place is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egate.document.zone.check_digit import check_digit
from egate.document.zone.mrz import mrz_format_of
from egate.document.zone.mrz_format import LAYOUTS, FieldKind, Layout

# What OCR-B readers confuse, chosen from the shapes of ISO 1073-2. A letter has one digit it looks like; of the letters that
# look like a digit one is likeliest, and only that one is ever put into a field of letters.
_AS_DIGIT = {"O": "0", "Q": "0", "D": "0", "I": "1", "L": "1", "Z": "2", "S": "5", "G": "6", "T": "7", "B": "8"}
_AS_LETTER = {"0": "O", "1": "I", "2": "Z", "5": "S", "6": "G", "8": "B"}
_LOOK_ALIKES = {
    character: _AS_DIGIT.get(character, "")
    + "".join(letter for letter, digit in _AS_DIGIT.items() if digit == character)
    for character in {*_AS_DIGIT, *_AS_DIGIT.values()}
}
_DIGITS = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class Repair:
    """One character that was replaced. field: its name; line, column: from 0. Never what was read or what it became."""

    field: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, repr=False)
class RepairedMrz:
    """lines: as read, with the repairs. ambiguous: places where one other character would make a check digit fit: these
    were not changed, the zone stays as wrong as it is."""

    lines: tuple[str, ...]
    repairs: tuple[Repair, ...]
    ambiguous: tuple[Repair, ...]

    def __repr__(self) -> str:
        return f"RepairedMrz(repairs={len(self.repairs)}, ambiguous={len(self.ambiguous)}, redacted)"


def repair_mrz(lines: Sequence[str], *, visas: bool = True) -> RepairedMrz:
    """Raises DocumentError if number, length or characters of the lines are of no format."""
    layout = LAYOUTS[mrz_format_of(lines, visas=visas)]
    repaired = [list(line) for line in lines]
    repairs: list[Repair] = []
    for field, place in layout.places():
        for column in range(place.start, place.end):
            better = _SUBSTITUTES[place.kind_of(column)].get(repaired[place.line][column])
            if better is not None:
                repaired[place.line][column] = better
                repairs.append(Repair(field, place.line, column))
    result = tuple("".join(line) for line in repaired)
    return RepairedMrz(result, tuple(repairs), _ambiguous(result, layout))


_SUBSTITUTES: dict[FieldKind, dict[str, str]] = {
    FieldKind.DIGIT: _AS_DIGIT,
    FieldKind.DATE: _AS_DIGIT,
    FieldKind.LETTERS: _AS_LETTER,
    FieldKind.MIXED: {},
}


def _ambiguous(lines: Sequence[str], layout: Layout) -> tuple[Repair, ...]:
    found: list[Repair] = []
    checked = [("document_number", layout.document_number, layout.document_number_digit)]
    if layout.personal_number_digit is not None:
        checked.append(("optional_data", layout.optional_data, layout.personal_number_digit))
    for field, place, digit in checked:
        candidates = _fitting(place.of(lines), digit.of(lines))
        if len(candidates) == 1:
            found.append(Repair(field, place.line, place.start + candidates[0]))
    return tuple(found)


def _fitting(field: str, digit: str) -> list[int]:
    """The places where one confusion undone makes the check digit fit, if it does not fit as it is."""
    if digit not in _DIGITS or check_digit(field) == digit:
        return []
    return [
        index
        for index, character in enumerate(field)
        for other in _LOOK_ALIKES.get(character, "")
        if check_digit(field[:index] + other + field[index + 1 :]) == digit
    ]
