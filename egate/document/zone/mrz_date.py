"""Dates of a zone: two digits of the year, and what is unknown left to fillers (ICAO Doc 9303-3, 3.8 and 4.7)."""

from __future__ import annotations

from datetime import date

from egate.document.zone.check_digit import FILLER

# Doc 9303 gives two digits of the year. Chosen: no document is issued for more than 30 years ahead.
EXPIRY_YEARS_AHEAD_MAX = 30


def birth_date(field: str, today: date) -> tuple[date | None, bool]:
    """The date, None where it is not known to the day, and whether the field is in order.

    Of the two centuries the later one that is not in the future.
    """
    if partly_unknown(field):
        return None, True
    century = today.year - today.year % 100
    born = _date(field, century)
    if born is None or born > today:
        born = _date(field, century - 100)
    return born, born is not None


def expiry_date(field: str, today: date) -> date | None:
    """The latest date at most 30 years ahead; None if the field is no date."""
    century = today.year - today.year % 100
    year_max = today.year + EXPIRY_YEARS_AHEAD_MAX
    for first_year in (century + 100, century, century - 100):
        expires = _date(field, first_year)
        if expires is not None and expires.year <= year_max:
            return expires
    return None


def partly_unknown(field: str) -> bool:
    """Whether year, month or day is left unknown by two fillers and the rest are possible digits (Doc 9303-3, 3.8)."""
    year, month, day = field[0:2], field[2:4], field[4:6]
    unknown = FILLER * 2
    return (
        unknown in (year, month, day)
        and (year == unknown or _digits(year))
        and (month == unknown or (_digits(month) and 1 <= int(month) <= 12))
        and (day == unknown or (_digits(day) and 1 <= int(day) <= 31))
    )


def _date(field: str, first_year: int) -> date | None:
    if not _digits(field):
        return None
    try:
        return date(first_year + int(field[0:2]), int(field[2:4]), int(field[4:6]))
    except ValueError:
        return None


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
