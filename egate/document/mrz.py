"""The machine readable zone: TD1 (3 x 30), TD2 (2 x 36) and TD3 (2 x 44), ICAO Doc 9303-3, -4, -5 and -6.

A zone whose structure is broken raises DocumentError, with the field's name and never its value. A zone that can be
read but does not hold together (check digits, dates) is a value that says which fields are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from egate.document.check_digit import ALPHABET, FILLER, check_digit
from egate.document.data import DocumentData
from egate.errors import DocumentError

LINE_COUNT_MAX = 3
LINE_SIZE_MAX = 44
# Doc 9303 gives two digits of the year. Chosen: no document is issued for more than 30 years ahead.
EXPIRY_YEARS_AHEAD_MAX = 30

_CHARACTERS = frozenset(ALPHABET + FILLER)
_LETTERS = frozenset(ALPHABET[10:])


class MrzFormat(StrEnum):
    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"


_FORMATS = {(3, 30): MrzFormat.TD1, (2, 36): MrzFormat.TD2, (2, 44): MrzFormat.TD3}
# Doc 9303-4 4.2.2 and -5, -6 4.2.2: P for passports; A, C or I for cards. V is a visa, not a travel document.
_FIRST_LETTERS = {MrzFormat.TD1: "ACI", MrzFormat.TD2: "ACI", MrzFormat.TD3: "P"}


@dataclass(frozen=True, slots=True, repr=False)
class Mrz:
    """One zone that could be read.

    wrong_check_digits: the fields whose check digit does not fit, "composite" last. invalid_dates: the date fields that
    are no dates; a birth date left unknown with fillers is not among them (Doc 9303-3, 3.8 allows it).
    """

    format: MrzFormat
    data: DocumentData
    wrong_check_digits: tuple[str, ...]
    invalid_dates: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Mrz(format={self.format}, redacted)"


@dataclass(frozen=True, slots=True)
class _Layout:
    """The raw fields of a zone, in the order in which their check digits are judged."""

    code: str
    issuing_state: str
    names: str
    number: str
    number_digit: str
    birth: str
    birth_digit: str
    sex: str
    expiry: str
    expiry_digit: str
    nationality: str
    optional: str
    optional_digit: str | None
    composite: str
    composite_digit: str


def parse_mrz(lines: Sequence[str], today: date) -> Mrz:
    """Reads one zone. lines: without line ends, exactly as long as the format demands.

    today decides the century: a birth is never in the future, an expiry never more than 30 years ahead.
    Raises DocumentError naming the field ("lines", "characters", "document_code", "issuing_state", "nationality", "names",
    "document_number", "sex").
    """
    mrz_format = _format_of(lines)
    layout = _LAYOUTS[mrz_format](*lines)
    invalid: list[str] = []
    birth = _birth_date(layout.birth, today, invalid)
    expiry = _expiry_date(layout.expiry, today, invalid)
    data = DocumentData(
        document_code=_document_code(layout.code, mrz_format),
        issuing_state=_state(layout.issuing_state, "issuing_state"),
        primary_identifier=_names(layout.names)[0],
        secondary_identifier=_names(layout.names)[1],
        document_number=_number(layout.number),
        nationality=_state(layout.nationality, "nationality"),
        date_of_birth=birth,
        sex=_sex(layout.sex),
        date_of_expiry=expiry,
        optional_data=layout.optional.rstrip(FILLER),
    )
    return Mrz(mrz_format, data, _wrong_check_digits(layout), tuple(invalid))


def split_mrz(text: str) -> tuple[str, ...]:
    """The lines of a zone stored without separators (DG1). Raises DocumentError unless it is 72, 88 or 90 characters."""
    for count, size in _FORMATS:
        if len(text) == count * size:
            return tuple(text[index : index + size] for index in range(0, len(text), size))
    raise _unreadable("lines")


def _format_of(lines: Sequence[str]) -> MrzFormat:
    if not 0 < len(lines) <= LINE_COUNT_MAX or any(len(line) > LINE_SIZE_MAX for line in lines):
        raise _unreadable("lines")
    sizes = {len(line) for line in lines}
    mrz_format = _FORMATS.get((len(lines), sizes.pop())) if len(sizes) == 1 else None
    if mrz_format is None:
        raise _unreadable("lines")
    if not all(_CHARACTERS.issuperset(line) for line in lines):
        raise _unreadable("characters")
    return mrz_format


def _td3(upper: str, lower: str) -> _Layout:
    return _Layout(
        code=upper[0:2],
        issuing_state=upper[2:5],
        names=upper[5:44],
        number=lower[0:9],
        number_digit=lower[9],
        nationality=lower[10:13],
        birth=lower[13:19],
        birth_digit=lower[19],
        sex=lower[20],
        expiry=lower[21:27],
        expiry_digit=lower[27],
        optional=lower[28:42],
        optional_digit=lower[42],
        composite=lower[0:10] + lower[13:20] + lower[21:43],  # Doc 9303-4, 4.2.2.2: positions 1-10, 14-20, 22-43
        composite_digit=lower[43],
    )


def _td2(upper: str, lower: str) -> _Layout:
    number, number_digit, optional = _long_number(lower[0:9], lower[9], lower[28:35])
    return _Layout(
        code=upper[0:2],
        issuing_state=upper[2:5],
        names=upper[5:36],
        number=number,
        number_digit=number_digit,
        nationality=lower[10:13],
        birth=lower[13:19],
        birth_digit=lower[19],
        sex=lower[20],
        expiry=lower[21:27],
        expiry_digit=lower[27],
        optional=optional,
        optional_digit=None,
        composite=lower[0:10] + lower[13:20] + lower[21:35],  # Doc 9303-6, 4.2.2.2: positions 1-10, 14-20, 22-35
        composite_digit=lower[35],
    )


def _td1(upper: str, middle: str, lower: str) -> _Layout:
    number, number_digit, optional = _long_number(upper[5:14], upper[14], upper[15:30])
    return _Layout(
        code=upper[0:2],
        issuing_state=upper[2:5],
        names=lower,
        number=number,
        number_digit=number_digit,
        nationality=middle[15:18],
        birth=middle[0:6],
        birth_digit=middle[6],
        sex=middle[7],
        expiry=middle[8:14],
        expiry_digit=middle[14],
        optional=optional,
        optional_digit=None,
        # Doc 9303-5, 4.2.2.2: upper line 6-30, middle line 1-7, 9-15, 19-29
        composite=upper[5:30] + middle[0:7] + middle[8:15] + middle[18:29],
        composite_digit=middle[29],
    )


_LAYOUTS: dict[MrzFormat, Callable[..., _Layout]] = {MrzFormat.TD1: _td1, MrzFormat.TD2: _td2, MrzFormat.TD3: _td3}


def _long_number(number: str, digit: str, optional: str) -> tuple[str, str, str]:
    """A number of more than nine characters continues in the optional data, its check digit last.

    Doc 9303-5 and -6, 4.2.2.2 note j: the check digit's own place then holds a filler.
    """
    if digit != FILLER:
        return number, digit, optional
    rest, _, others = optional.partition(FILLER)
    if len(rest) < 2:
        return number, digit, optional
    return number + rest[:-1], rest[-1], others


def _wrong_check_digits(layout: _Layout) -> tuple[str, ...]:
    wrong = []
    if check_digit(layout.number) != layout.number_digit:
        wrong.append("document_number")
    if check_digit(layout.birth) != layout.birth_digit:
        wrong.append("date_of_birth")
    if check_digit(layout.expiry) != layout.expiry_digit:
        wrong.append("date_of_expiry")
    if layout.optional_digit is not None and not _optional_fits(layout.optional, layout.optional_digit):
        wrong.append("personal_number")
    if check_digit(layout.composite) != layout.composite_digit:
        wrong.append("composite")
    return tuple(wrong)


def _optional_fits(optional: str, digit: str) -> bool:
    # Doc 9303-4, 4.2.2.2: when the personal number is not used, its check digit may be 0 or a filler.
    return digit == check_digit(optional) or (digit == FILLER and not optional.strip(FILLER))


def _birth_date(field: str, today: date, invalid: list[str]) -> date | None:
    if _partly_unknown(field):
        return None
    century = today.year - today.year % 100
    born = _date(field, century)
    if born is None or born > today:
        born = _date(field, century - 100)
    if born is None:
        invalid.append("date_of_birth")
    return born


def _expiry_date(field: str, today: date, invalid: list[str]) -> date | None:
    century = today.year - today.year % 100
    year_max = today.year + EXPIRY_YEARS_AHEAD_MAX
    for first_year in (century + 100, century, century - 100):
        expires = _date(field, first_year)
        if expires is not None and expires.year <= year_max:
            return expires
    invalid.append("date_of_expiry")
    return None


def _partly_unknown(field: str) -> bool:
    """Whether year, month or day is left unknown by two fillers and the rest are digits (Doc 9303-3, 3.8)."""
    parts = (field[0:2], field[2:4], field[4:6])
    return FILLER * 2 in parts and all(part == FILLER * 2 or _digits(part) for part in parts)


def _date(field: str, first_year: int) -> date | None:
    if not _digits(field):
        return None
    try:
        return date(first_year + int(field[0:2]), int(field[2:4]), int(field[4:6]))
    except ValueError:
        return None


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _document_code(field: str, mrz_format: MrzFormat) -> str:
    code = field.rstrip(FILLER)
    if not code or code[0] not in _FIRST_LETTERS[mrz_format] or FILLER in code:
        raise _unreadable("document_code")
    return code


def _state(field: str, name: str) -> str:
    # Doc 9303-3, section 5: up to three letters, left-justified ("D<<" is Germany).
    state = field.rstrip(FILLER)
    if not state or not _LETTERS.issuperset(state):
        raise _unreadable(name)
    return state


def _names(field: str) -> tuple[str, str]:
    # Doc 9303-3, 4.6: digits are not allowed; primary and secondary identifier are separated by two fillers.
    if not (_LETTERS | {FILLER}).issuperset(field):
        raise _unreadable("names")
    primary, _, secondary = field.rstrip(FILLER).partition(FILLER * 2)
    if not primary.strip(FILLER):
        raise _unreadable("names")
    return " ".join(primary.split(FILLER)), " ".join(part for part in secondary.split(FILLER) if part)


def _number(field: str) -> str:
    number = field.rstrip(FILLER)
    if not number:
        raise _unreadable("document_number")
    return number


def _sex(field: str) -> str:
    # Doc 9303-3, 4.8: F, M or a filler. Known deviation: some issuers print X.
    if field not in ("M", "F", "X", FILLER):
        raise _unreadable("sex")
    return field if field in ("M", "F") else ""


def _unreadable(field: str) -> DocumentError:
    return DocumentError(field, code="MRZ_UNREADABLE")
