"""The dates a boarding pass means: it holds days of the year, and of the year at most the last digit.

Issue:   the newest year with that digit in which the day is not after the reference date.
Flights: the first such day from the issue on; without an issue date, the one nearest to the reference date. A later leg is
         never before the leg ahead of it.

Each limit is a day wider, for time zones: who flies east over the date line lands before departure.
"""

from __future__ import annotations

from datetime import date, timedelta

from egate.document.boarding_pass.items import BoardingPass, BoardingPassError

ZONES = timedelta(days=1)  # dates are local: no two places differ by more
DECADE = 10


def date_of_issue(boarding_pass: BoardingPass, reference: date) -> date | None:
    """None if the pass does not tell. Raises BoardingPassError(BOARDING_PASS_DATE) if there was no such day."""
    text = boarding_pass.issue.day_of_issue if boarding_pass.issue is not None else None
    if not text:
        return None
    digit, day, latest = int(text[0]), int(text[1:]), reference + ZONES
    year = latest.year - (latest.year - digit) % DECADE
    if year == latest.year and day > latest.timetuple().tm_yday:
        year -= DECADE
    found = day_of_year(year, day)
    if found is None:
        raise _no_such_day()
    return found


def dates_of_flight(boarding_pass: BoardingPass, reference: date) -> tuple[date | None, ...]:
    """One for each leg, None where the pass does not tell. Raises BoardingPassError(BOARDING_PASS_DATE) if there is no such day."""
    dates: list[date | None] = []
    earliest = date_of_issue(boarding_pass, reference)
    for leg in boarding_pass.legs:
        if not leg.day_of_flight:
            dates.append(None)
            continue
        day = int(leg.day_of_flight)
        found = _nearest(day, reference) if earliest is None else _first(day, earliest - ZONES)
        dates.append(found)
        earliest = found
    return tuple(dates)


def day_of_year(year: int, day: int) -> date | None:
    """None if the year has no such day, or the calendar no such year."""
    if not date.min.year <= year <= date.max.year:
        return None
    found = date(year, 1, 1) + timedelta(days=day - 1) if year < date.max.year or day <= 365 else None
    return found if found is not None and day > 0 and found.year == year else None


def _first(day: int, earliest: date) -> date:
    """Within a year: nobody gets a pass earlier, and a day 366 of another year would be a guess."""
    for year in (earliest.year, earliest.year + 1):
        found = day_of_year(year, day)
        if found is not None and found >= earliest:
            return found
    raise _no_such_day()


def _nearest(day: int, reference: date) -> date:
    """Of two equally near ones the later."""
    found = [day_of_year(reference.year + offset, day) for offset in (1, 0, -1)]
    days = [each for each in found if each is not None]
    if not days:
        raise _no_such_day()
    return min(days, key=lambda each: abs(each - reference))


def _no_such_day() -> BoardingPassError:
    return BoardingPassError("no such day in the years it can mean", code="BOARDING_PASS_DATE")
