"""The five formats of the machine readable zone as tables: which field lies where, and what may stand in it.

ICAO Doc 9303-4 (TD3), -5 (TD1), -6 (TD2) and -7 (visas MRV-A, MRV-B), each 4.2.2: positions there count from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class MrzFormat(StrEnum):
    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"
    MRV_A = "MRV-A"
    MRV_B = "MRV-B"


class FieldKind(StrEnum):
    """What a field's type allows; it decides which confusions of a reader can be repaired."""

    DIGIT = "digit"  # a check digit
    DATE = "date"  # digits, or fillers where it is unknown
    LETTERS = "letters"  # A-Z and fillers
    MIXED = "mixed"  # A-Z, 0-9 and fillers
    CODE = "code"  # a letter, then what the issuer chooses: the United States prints C1


@dataclass(frozen=True, slots=True)
class Place:
    """line: index from 0. start, end: slice of that line."""

    line: int
    start: int
    end: int
    kind: FieldKind = FieldKind.MIXED

    def of(self, lines: Sequence[str]) -> str:
        return lines[self.line][self.start : self.end]

    @property
    def size(self) -> int:
        return self.end - self.start

    def kind_of(self, column: int) -> FieldKind:
        """The kind of one place of the line: never CODE."""
        if self.kind is not FieldKind.CODE:
            return self.kind
        return FieldKind.LETTERS if column == self.start else FieldKind.MIXED


@dataclass(frozen=True, slots=True)
class Layout:
    """lines, size: how many and how long. first_letters: of the document code. composite: what its check digit covers;
    empty where the format has none. Of the check digits, optional and composite may be missing."""

    lines: int
    size: int
    first_letters: str
    document_code: Place
    issuing_state: Place
    names: Place
    document_number: Place
    document_number_digit: Place
    nationality: Place
    date_of_birth: Place
    date_of_birth_digit: Place
    sex: Place
    date_of_expiry: Place
    date_of_expiry_digit: Place
    optional_data: Place
    optional_data_2: Place | None = None
    personal_number_digit: Place | None = None
    composite: tuple[Place, ...] = ()
    composite_digit: Place | None = None

    def places(self) -> tuple[tuple[str, Place], ...]:
        """Every field of the zone with its name, in reading order; together they cover each character once."""
        found = [(name, getattr(self, name)) for name in self.__slots__ if name not in _NO_FIELDS]
        return tuple(
            sorted((pair for pair in found if pair[1] is not None), key=lambda pair: (pair[1].line, pair[1].start))
        )


_NO_FIELDS = frozenset({"lines", "size", "first_letters", "composite"})
_DIGIT, _DATE, _LETTERS = FieldKind.DIGIT, FieldKind.DATE, FieldKind.LETTERS


def _two_lines(size: int, first_letters: str, optional: Place, **more: Place | tuple[Place, ...]) -> Layout:
    """TD2, TD3 and both visas differ in their line's length and in what follows the date of expiry."""
    return Layout(
        lines=2,
        size=size,
        first_letters=first_letters,
        document_code=Place(0, 0, 2, FieldKind.CODE),
        issuing_state=Place(0, 2, 5, _LETTERS),
        names=Place(0, 5, size, _LETTERS),
        document_number=Place(1, 0, 9),
        document_number_digit=Place(1, 9, 10, _DIGIT),
        nationality=Place(1, 10, 13, _LETTERS),
        date_of_birth=Place(1, 13, 19, _DATE),
        date_of_birth_digit=Place(1, 19, 20, _DIGIT),
        sex=Place(1, 20, 21, _LETTERS),
        date_of_expiry=Place(1, 21, 27, _DATE),
        date_of_expiry_digit=Place(1, 27, 28, _DIGIT),
        optional_data=optional,
        **more,  # type: ignore[arg-type]
    )


LAYOUTS: dict[MrzFormat, Layout] = {
    MrzFormat.TD1: Layout(
        lines=3,
        size=30,
        first_letters="ACI",  # Doc 9303-5 and -6, 4.2.2
        document_code=Place(0, 0, 2, FieldKind.CODE),
        issuing_state=Place(0, 2, 5, _LETTERS),
        document_number=Place(0, 5, 14),
        document_number_digit=Place(0, 14, 15, _DIGIT),
        optional_data=Place(0, 15, 30),
        date_of_birth=Place(1, 0, 6, _DATE),
        date_of_birth_digit=Place(1, 6, 7, _DIGIT),
        sex=Place(1, 7, 8, _LETTERS),
        date_of_expiry=Place(1, 8, 14, _DATE),
        date_of_expiry_digit=Place(1, 14, 15, _DIGIT),
        nationality=Place(1, 15, 18, _LETTERS),
        optional_data_2=Place(1, 18, 29),
        # Doc 9303-5, 4.2.2.2: upper line 6-30, middle line 1-7, 9-15, 19-29
        composite=(Place(0, 5, 30), Place(1, 0, 7), Place(1, 8, 15), Place(1, 18, 29)),
        composite_digit=Place(1, 29, 30, _DIGIT),
        names=Place(2, 0, 30, _LETTERS),
    ),
    MrzFormat.TD2: _two_lines(
        36,
        "ACI",
        Place(1, 28, 35),
        composite=(Place(1, 0, 10), Place(1, 13, 20), Place(1, 21, 35)),  # Doc 9303-6, 4.2.2.2: 1-10, 14-20, 22-35
        composite_digit=Place(1, 35, 36, _DIGIT),
    ),
    MrzFormat.TD3: _two_lines(
        44,
        "P",  # Doc 9303-4, 4.2.2
        Place(1, 28, 42),
        personal_number_digit=Place(1, 42, 43, _DIGIT),
        composite=(Place(1, 0, 10), Place(1, 13, 20), Place(1, 21, 43)),  # Doc 9303-4, 4.2.2.2: 1-10, 14-20, 22-43
        composite_digit=Place(1, 43, 44, _DIGIT),
    ),
    # Doc 9303-7, 4.2.2.2 and 5.2.2.2: a visa's zone has no composite check digit.
    MrzFormat.MRV_A: _two_lines(44, "V", Place(1, 28, 44)),
    MrzFormat.MRV_B: _two_lines(36, "V", Place(1, 28, 36)),
}

TRAVEL_DOCUMENTS = (MrzFormat.TD1, MrzFormat.TD2, MrzFormat.TD3)
VISAS = (MrzFormat.MRV_A, MrzFormat.MRV_B)
