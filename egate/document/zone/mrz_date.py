"""Dates of a zone: two digits of the year, and what is unknown left to fillers (ICAO Doc 9303-3, 3.8 and 4.7)."""

from __future__ import annotations

from datetime import date

from egate.document.data import PartialDate
from egate.document.zone.check_digit import FILLER

# Doc 9303 gives two digits of the year. Chosen: no document is issued for more than 30 years ahead.
EXPIRY_YEARS_AHEAD_MAX = 30


def birth_date(field: str, today: date) -> tuple[date | PartialDate | None, bool]:
    """The date or what is known of it, None where that is nothing, and whether the field is in order.

    Of the two centuries the later one that is not in the future.
    """
    if field == FILLER * 6:
        return None, True
    parts = _parts(field)
    if parts is None:
        return None, False
    year, month, day = parts
    century = today.year - today.year % 100
    for first_year in (century, century - 100):
        whole = None if year is None else first_year + year
        earliest = _earliest(whole, month, day)
        if earliest is not None and (whole is None or earliest <= today):
            return (PartialDate(whole, month, day) if None in (whole, month, day) else earliest), True
    return None, False


def expiry_date(field: str, today: date) -> date | None:
    """The latest date at most 30 years ahead; None if the field is no date."""
    century = today.year - today.year % 100
    year_max = today.year + EXPIRY_YEARS_AHEAD_MAX
    for first_year in (century + 100, century, century - 100):
        expires = _date(field, first_year)
        if expires is not None and expires.year <= year_max:
            return expires
    return None


def _parts(field: str) -> tuple[int | None, int | None, int | None] | None:
    """Year of its century, month and day, each None where unknown; None if a part is neither digits nor fillers."""
    texts = field[0:2], field[2:4], field[4:6]
    if not all(text == FILLER * 2 or _digits(text) for text in texts):
        return None
    year, month, day = (None if text == FILLER * 2 else int(text) for text in texts)
    return year, month, day


def _earliest(year: int | None, month: int | None, day: int | None) -> date | None:
    """The first date that it can be, in a leap year where the year is unknown; None if it can be none."""
    try:
        return date(2000 if year is None else year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        return None


def _date(field: str, first_year: int) -> date | None:
    if not _digits(field):
        return None
    try:
        return date(first_year + int(field[0:2]), int(field[2:4]), int(field[4:6]))
    except ValueError:
        return None


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
