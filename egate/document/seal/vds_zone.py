"""The machine readable zone in a seal, of a visa without the end of its second line, and a visa's duration of stay.

ICAO Doc 9303-6, -7 and -4: in all three formats of two lines code, state, number, birth and expiry stand in the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egate.document.zone.check_digit import FILLER, check_digit
from egate.errors import DocumentError

# In the second line, each followed by its check digit.
_CHECKED = {"document_number": slice(0, 9), "date_of_birth": slice(13, 19), "date_of_expiry": slice(21, 27)}
_OPTIONAL = slice(28, 42)  # TD3 only; its check digit may be a filler (Doc 9303-4, 4.2.2.2)
_TD3_SIZE = 44
_COMPOSITE = (slice(0, 10), slice(13, 20))  # and from the expiry to the last place but one


@dataclass(frozen=True, slots=True, repr=False)
class SealedZone:
    """lines: as sealed, fillers restored."""

    lines: tuple[str, ...]

    @property
    def document_code(self) -> str:
        return self.lines[0][:2].rstrip(FILLER)

    @property
    def issuing_state(self) -> str:
        return self.lines[0][2:5].rstrip(FILLER)

    @property
    def document_number(self) -> str:
        return self.lines[1][:9].replace(FILLER, "")

    def wrong_check_digits(self) -> tuple[str, ...]:
        """The fields of the second line whose check digit does not fit; "composite" last, where it was sealed."""
        line = self.lines[1]
        wrong = [name for name, place in _CHECKED.items() if line[place.stop] != check_digit(line[place])]
        if len(line) != len(self.lines[0]):
            return tuple(wrong)
        if len(line) == _TD3_SIZE and line[_OPTIONAL.stop] not in _optional_digits(line[_OPTIONAL]):
            wrong.append("optional_data")
        composed = "".join(line[place] for place in (*_COMPOSITE, slice(21, len(line) - 1)))
        return tuple(wrong) if line[-1] == check_digit(composed) else (*wrong, "composite")

    def matches(self, printed: Sequence[str]) -> bool:
        """Whether these lines, as printed, say what was sealed (Doc 9303-8, appendix A; of a visa's second line 28 places)."""
        return len(printed) == len(self.lines) and all(
            len(read) == len(self.lines[0]) and read.startswith(sealed)
            for read, sealed in zip(printed, self.lines, strict=True)
        )

    def __repr__(self) -> str:
        return "SealedZone(redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class Stay:
    """A visa's duration of stay (Doc 9303-7, table 1): the sum of the three, unless it is one of the reserved triples."""

    days: int
    months: int
    years: int

    @property
    def meaning(self) -> str:
        """ "until_expiry": of the zone; "set_at_border"; "transit": without entry; else "span"."""
        reserved = {(0, 0, 0): "until_expiry", (255, 255, 255): "set_at_border", (254, 254, 254): "transit"}
        return reserved.get((self.days, self.months, self.years), "span")

    def __repr__(self) -> str:
        return "Stay(redacted)"


def read_zone(text: str, sizes: Sequence[int]) -> SealedZone:
    """text: decoded. sizes: of the lines. Raises DocumentError(VDS_FEATURE)."""
    if len(text) != sum(sizes) or len(sizes) != 2:
        raise DocumentError("document feature mrz", code="VDS_FEATURE")
    filled = text.replace(" ", FILLER)
    return SealedZone((filled[: sizes[0]], filled[sizes[0] :]))


def read_stay(data: bytes) -> Stay:
    """data: three bytes."""
    days, months, years = data
    return Stay(days, months, years)


def _optional_digits(field: str) -> tuple[str, ...]:
    digit = check_digit(field)
    return (digit, FILLER) if not field.strip(FILLER) else (digit,)
