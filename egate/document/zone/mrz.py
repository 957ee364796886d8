"""The machine readable zone: TD1 (3 x 30), TD2 (2 x 36), TD3 (2 x 44) and the visas MRV-A (2 x 44) and MRV-B (2 x 36).

ICAO Doc 9303-3 to -7. A zone whose structure is broken raises DocumentError, with the field's name and never its value.
A zone that can be read but does not hold together (check digits, dates, states) is a value that says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from egate.document.data import DocumentData, PartialDate
from egate.document.zone.check_digit import ALPHABET, FILLER, check_digit
from egate.document.zone.document_number import whole_number
from egate.document.zone.mrz_date import birth_date, expiry_date
from egate.document.zone.mrz_defect import FieldDefect, MrzDefect
from egate.document.zone.mrz_format import LAYOUTS, TRAVEL_DOCUMENTS, VISAS, Layout, MrzFormat
from egate.document.zone.mrz_names import Names, parse_names
from egate.document.zone.states import is_issuer_code, is_state_code
from egate.errors import DocumentError

LINE_COUNT_MAX = 3
LINE_SIZE_MAX = 44

_CHARACTERS = frozenset(ALPHABET + FILLER)
_LETTERS = frozenset(ALPHABET[10:])
_SHAPES = {(LAYOUTS[mrz_format].lines, LAYOUTS[mrz_format].size) for mrz_format in TRAVEL_DOCUMENTS}


@dataclass(frozen=True, slots=True, repr=False)
class Mrz:
    """One zone that could be read.

    wrong_check_digits: the fields whose check digit does not fit, "composite" last. invalid_dates: the date fields that
    are no dates; a birth date left unknown with fillers is not among them (Doc 9303-3, 3.8 allows it). defects: these and
    all others, with the field each concerns. names_truncated: the name field is full, something may be missing.
    """

    format: MrzFormat
    data: DocumentData
    wrong_check_digits: tuple[str, ...]
    invalid_dates: tuple[str, ...]
    defects: tuple[FieldDefect, ...] = ()
    names_truncated: bool = False

    def __repr__(self) -> str:
        return f"Mrz(format={self.format}, redacted)"


@dataclass(frozen=True, slots=True)
class _Number:
    """The document number with its check digit, and what is left of the optional data."""

    number: str
    digit: str
    optional: str


def parse_mrz(lines: Sequence[str], today: date, *, visas: bool = False) -> Mrz:
    """Reads one zone. lines: without line ends, exactly as long as the format demands.

    today decides the century: a birth is never in the future, an expiry never more than 30 years ahead.
    A visa is no travel document: its zone is refused, "document_code", unless visas is set.
    Raises DocumentError naming the field ("lines", "characters", "document_code", "issuing_state", "nationality", "names",
    "document_number", "sex"), with code MRZ_UNREADABLE.
    """
    mrz_format = mrz_format_of(lines, visas=visas)
    layout = LAYOUTS[mrz_format]
    number = _number(layout, lines)
    birth, birth_fits = birth_date(layout.date_of_birth.of(lines), today)
    expiry = expiry_date(layout.date_of_expiry.of(lines), today)
    names = _names(layout.names.of(lines))
    sex = _sex(layout.sex.of(lines))
    data = DocumentData(
        document_code=_document_code(layout.document_code.of(lines), layout),
        issuing_state=_state(layout.issuing_state.of(lines), "issuing_state"),
        primary_identifier=names.primary,
        secondary_identifier=names.secondary,
        document_number=_document_number(number.number),
        nationality=_state(layout.nationality.of(lines), "nationality"),
        date_of_birth=birth,
        sex=sex if sex in ("M", "F") else "",
        date_of_expiry=expiry,
        optional_data=number.optional.rstrip(FILLER),
        optional_data_2="" if layout.optional_data_2 is None else layout.optional_data_2.of(lines).rstrip(FILLER),
    )
    wrong = _wrong_check_digits(layout, lines, number)
    invalid = (() if birth_fits else ("date_of_birth",)) + (("date_of_expiry",) if expiry is None else ())
    defects = (
        *(FieldDefect(MrzDefect.CHECK_DIGIT_WRONG, field) for field in wrong),
        *(FieldDefect(MrzDefect.DATE_INVALID, field) for field in invalid),
        *_other_defects(data, names, sex, mrz_format),
    )
    return Mrz(mrz_format, data, wrong, invalid, defects, names.truncated)


def split_mrz(text: str) -> tuple[str, ...]:
    """The lines of a zone stored without separators (DG1). Raises DocumentError unless it is 72, 88 or 90 characters."""
    for count, size in _SHAPES:
        if len(text) == count * size:
            return tuple(text[index : index + size] for index in range(0, len(text), size))
    raise _unreadable("lines")


def mrz_format_of(lines: Sequence[str], *, visas: bool = False) -> MrzFormat:
    """The format by number and length of the lines; a visa's by its first letter, if asked. Raises DocumentError."""
    if not 0 < len(lines) <= LINE_COUNT_MAX or any(len(line) > LINE_SIZE_MAX for line in lines):
        raise _unreadable("lines")
    sizes = {len(line) for line in lines}
    shape = (len(lines), sizes.pop()) if len(sizes) == 1 else (0, 0)
    if shape not in _SHAPES:
        raise _unreadable("lines")
    if not all(_CHARACTERS.issuperset(line) for line in lines):
        raise _unreadable("characters")
    formats = VISAS if visas and lines[0].startswith("V") else TRAVEL_DOCUMENTS
    for mrz_format in formats:
        if (LAYOUTS[mrz_format].lines, LAYOUTS[mrz_format].size) == shape:
            return mrz_format
    raise _unreadable("document_code")


def _number(layout: Layout, lines: Sequence[str]) -> _Number:
    number, digit = layout.document_number.of(lines), layout.document_number_digit.of(lines)
    optional = layout.optional_data.of(lines)
    if "I" not in layout.first_letters:
        return _Number(number, digit, optional)
    return _Number(*whole_number(number, digit, optional))


def _wrong_check_digits(layout: Layout, lines: Sequence[str], number: _Number) -> tuple[str, ...]:
    wrong = []
    if check_digit(number.number) != number.digit:
        wrong.append("document_number")
    if check_digit(layout.date_of_birth.of(lines)) != layout.date_of_birth_digit.of(lines):
        wrong.append("date_of_birth")
    if check_digit(layout.date_of_expiry.of(lines)) != layout.date_of_expiry_digit.of(lines):
        wrong.append("date_of_expiry")
    if layout.personal_number_digit is not None:
        personal, digit = layout.optional_data.of(lines), layout.personal_number_digit.of(lines)
        # Doc 9303-4, 4.2.2.2: when the personal number is not used, its check digit may be 0 or a filler.
        if digit != check_digit(personal) and not (digit == FILLER and not personal.strip(FILLER)):
            wrong.append("personal_number")
    if layout.composite_digit is not None:
        covered = "".join(place.of(lines) for place in layout.composite)
        if check_digit(covered) != layout.composite_digit.of(lines):
            wrong.append("composite")
    return tuple(wrong)


def _other_defects(data: DocumentData, names: Names, sex: str, mrz_format: MrzFormat) -> list[FieldDefect]:
    defects = []
    if mrz_format in (MrzFormat.TD1, MrzFormat.TD2) and data.document_code[1:] == "V":
        # Doc 9303-5 and -6, 4.2.2.2: the second letter is the issuer's choice, except V.
        defects.append(FieldDefect(MrzDefect.DOCUMENT_CODE_RESERVED, "document_code"))
    if not is_issuer_code(data.issuing_state):
        defects.append(FieldDefect(MrzDefect.STATE_UNKNOWN, "issuing_state"))
    if not is_state_code(data.nationality):
        defects.append(FieldDefect(MrzDefect.STATE_UNKNOWN, "nationality"))
    if names.malformed:
        defects.append(FieldDefect(MrzDefect.NAMES_MALFORMED, "names"))
    if sex == "X":
        defects.append(FieldDefect(MrzDefect.SEX_DEVIATES, "sex"))
    if _expires_before_birth(data):
        defects.append(FieldDefect(MrzDefect.DATES_CONTRADICT, "date_of_expiry"))
    return defects


def _expires_before_birth(data: DocumentData) -> bool:
    born, expires = data.date_of_birth, data.date_of_expiry
    if born is None or expires is None or born.year is None:
        return False
    return expires.year < born.year if isinstance(born, PartialDate) else expires < born


def _document_code(field: str, layout: Layout) -> str:
    code = field.rstrip(FILLER)
    if not code or code[0] not in layout.first_letters or FILLER in code:
        raise _unreadable("document_code")
    return code


def _state(field: str, name: str) -> str:
    # Doc 9303-3, section 5: up to three letters, left-justified ("D<<" is Germany).
    state = field.rstrip(FILLER)
    if not state or not _LETTERS.issuperset(state):
        raise _unreadable(name)
    return state


def _names(field: str) -> Names:
    names = parse_names(field)
    if names is None:
        raise _unreadable("names")
    return names


def _document_number(field: str) -> str:
    number = field.rstrip(FILLER)
    if not number:
        raise _unreadable("document_number")
    return number


def _sex(field: str) -> str:
    # Doc 9303-3, 4.8: F, M or a filler. Known deviation: some issuers print X.
    if field not in ("M", "F", "X", FILLER):
        raise _unreadable("sex")
    return field


def _unreadable(field: str) -> DocumentError:
    return DocumentError(field, code="MRZ_UNREADABLE")
