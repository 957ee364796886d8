"""Writes a machine readable zone of any format, for the simulated issuer and for tests (ICAO Doc 9303-4 to -7, 4.2.2)."""

from __future__ import annotations

from datetime import date

from egate.document.data import DocumentData, PartialDate
from egate.document.zone.check_digit import ALPHABET, FILLER, check_digit
from egate.document.zone.document_number import NUMBER_SIZE
from egate.document.zone.mrz_format import LAYOUTS, Layout, MrzFormat, Place
from egate.document.zone.mrz_names import write_names
from egate.document.zone.transliteration import transliterate


def write_mrz(mrz_format: MrzFormat, data: DocumentData, *, wrong: str = "") -> tuple[str, ...]:
    """The lines of one zone. wrong: the one field that gets a wrong check digit, "" for none.

    Names may be written as the printed page has them: they are transliterated as the issuing state does, and truncated where they
    are too long. A TD1's or TD2's document number of more than nine characters continues in the optional data. The composite
    digit fits whatever the other digits are, so that exactly the named field is wrong.
    Raises ValueError, with the field's name and never its value, if a field does not fit its place, there is no primary identifier,
    or wrong is not a checked field of the format.
    """
    layout = LAYOUTS[mrz_format]
    if wrong and wrong not in _checked(layout):
        raise ValueError(f"{wrong} has no check digit")
    lines = [[FILLER] * layout.size for _ in range(layout.lines)]
    _write_number(lines, layout, mrz_format, data, wrong == "document_number")
    _write(lines, layout, "document_code", data.document_code)
    _write(lines, layout, "issuing_state", data.issuing_state)
    _write(lines, layout, "names", _names(data, layout.names.size))
    _write(lines, layout, "nationality", data.nationality)
    _write(lines, layout, "sex", data.sex)
    birth, expiry = _date(data.date_of_birth), _date(data.date_of_expiry)
    _write(lines, layout, "date_of_birth", birth)
    _write(lines, layout, "date_of_birth_digit", _digit(birth, wrong == "date_of_birth"))
    _write(lines, layout, "date_of_expiry", expiry)
    _write(lines, layout, "date_of_expiry_digit", _digit(expiry, wrong == "date_of_expiry"))
    if layout.personal_number_digit is not None:
        personal = _read(lines, layout.optional_data)
        _write(lines, layout, "personal_number_digit", _digit(personal, wrong == "personal_number"))
    if layout.optional_data_2 is not None:
        _write(lines, layout, "optional_data_2", data.optional_data_2)
    elif data.optional_data_2:
        raise ValueError("optional_data_2: only a TD1 has a second field of optional data")
    if layout.composite_digit is not None:
        covered = "".join(_read(lines, place) for place in layout.composite)
        _write(lines, layout, "composite_digit", _digit(covered, wrong == "composite"))
    return tuple("".join(line) for line in lines)


def write_td3(data: DocumentData, *, wrong: str = "") -> tuple[str, str]:
    """Both lines of 44 characters, as write_mrz."""
    upper, lower = write_mrz(MrzFormat.TD3, data, wrong=wrong)
    return upper, lower


def _checked(layout: Layout) -> frozenset[str]:
    return frozenset(name.removesuffix("_digit") for name, _ in layout.places() if name.endswith("_digit"))


def _write_number(
    lines: list[list[str]], layout: Layout, mrz_format: MrzFormat, data: DocumentData, wrong: bool
) -> None:
    number = data.document_number
    _check("document_number", number)
    digit = _digit(number.ljust(NUMBER_SIZE, FILLER), wrong)
    if len(number) <= NUMBER_SIZE or mrz_format not in (MrzFormat.TD1, MrzFormat.TD2):
        _write(lines, layout, "document_number", number)
        _write(lines, layout, "document_number_digit", digit)
        _write(lines, layout, "optional_data", data.optional_data)
        return
    # Doc 9303-5 and -6, 4.2.2.2 note j: the digit's place holds a filler, the rest follows with its digit and a filler.
    if FILLER in number[NUMBER_SIZE:]:
        raise ValueError("document_number: a long one cannot hold a filler after its ninth character")
    rest = number[NUMBER_SIZE:] + digit
    _write(lines, layout, "document_number", number[:NUMBER_SIZE])
    _write(lines, layout, "optional_data", rest + FILLER + data.optional_data if data.optional_data else rest)


def _names(data: DocumentData, size: int) -> str:
    primary = _name("primary_identifier", data.primary_identifier, data.issuing_state)
    if not data.secondary_identifier:
        return write_names(primary, "", size)
    return write_names(primary, _name("secondary_identifier", data.secondary_identifier, data.issuing_state), size)


def _name(field: str, name: str, state: str) -> str:
    try:
        return transliterate(name, state)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


def _write(lines: list[list[str]], layout: Layout, field: str, text: str) -> None:
    place: Place = getattr(layout, field)
    _check(field, text)
    if len(text) > place.size:
        raise ValueError(f"{field}: does not fit its place in the zone")
    lines[place.line][place.start : place.end] = text.ljust(place.size, FILLER)


def _check(field: str, text: str) -> None:
    if not set(text) <= set(ALPHABET + FILLER):
        raise ValueError(f"{field}: holds a character that the zone does not have")


def _read(lines: list[list[str]], place: Place) -> str:
    return "".join(lines[place.line][place.start : place.end])


def _digit(field: str, wrong: bool) -> str:
    digit = int(check_digit(field))
    return str((digit + 1) % 10 if wrong else digit)


def _date(value: date | PartialDate | None) -> str:
    """Two digits or fillers each for year, month and day (Doc 9303-3, 3.8)."""
    if value is None:
        return FILLER * 6
    parts = (None if value.year is None else value.year % 100, value.month, value.day)
    return "".join(FILLER * 2 if part is None else f"{part:02}" for part in parts)
