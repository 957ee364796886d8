"""Writes a TD3 machine readable zone, for the simulated issuer and for tests (ICAO Doc 9303-4, 4.2.2)."""

from __future__ import annotations

from datetime import date

from egate.document.check_digit import ALPHABET, FILLER, check_digit
from egate.document.data import DocumentData

_CHECKED_FIELDS = ("document_number", "date_of_birth", "date_of_expiry", "personal_number", "composite")


def write_td3(data: DocumentData, *, wrong: str = "") -> tuple[str, str]:
    """Both lines of 44 characters. wrong: the one field that gets a wrong check digit, "" for none.

    The composite digit fits whatever the other digits are, so that exactly the named field is wrong.
    Raises ValueError if a field does not fit its place or wrong is not a checked field of TD3.
    """
    if wrong and wrong not in _CHECKED_FIELDS:
        raise ValueError(f"{wrong} has no check digit")
    upper = _padded(data.document_code, 2) + _padded(data.issuing_state, 3) + _padded(_names(data), 39)
    number = _padded(data.document_number, 9)
    birth, expiry = _date(data.date_of_birth), _date(data.date_of_expiry)
    personal = _padded(data.optional_data, 14)
    number += _digit(number, wrong == "document_number")
    birth += _digit(birth, wrong == "date_of_birth")
    expiry += _digit(expiry, wrong == "date_of_expiry")
    personal += _digit(personal, wrong == "personal_number")
    composite = _digit(number + birth + expiry + personal, wrong == "composite")
    sex = data.sex or FILLER
    return upper, number + _padded(data.nationality, 3) + birth + sex + expiry + personal + composite


def _digit(field: str, wrong: bool) -> str:
    digit = int(check_digit(field))
    return str((digit + 1) % 10 if wrong else digit)


def _date(value: date | None) -> str:
    return FILLER * 6 if value is None else value.strftime("%y%m%d")


def _names(data: DocumentData) -> str:
    primary = data.primary_identifier.replace(" ", FILLER)
    secondary = data.secondary_identifier.replace(" ", FILLER)
    # Doc 9303-4, 4.2.3: names that are too long are truncated.
    return (primary + FILLER * 2 + secondary if secondary else primary)[:39]


def _padded(text: str, size: int) -> str:
    if len(text) > size or not set(text) <= set(ALPHABET + FILLER):
        raise ValueError("a field does not fit its place in the zone")
    return text.ljust(size, FILLER)
