"""Bytes of a bar code -> boarding pass. Strict: each byte belongs to an item, and `write_boarding_pass` gives the same bytes back.

Coded items with a value that is not in the standard's table are values, not errors: airlines use more than the tables hold.

Format S (one leg) is read as M with one leg; no sample of another layout is public.
"""

from __future__ import annotations

import re

from egate.document.boarding_pass.items import (
    ISSUE_ITEMS,
    LEG_COUNT_MAX,
    LEG_ITEMS,
    NAME_SIZE,
    SECURITY_MARK,
    SIZE_MAX,
    TICKET_ITEMS,
    VERSION_MARK,
    BoardingPass,
    BoardingPassError,
    Issue,
    Items,
    Leg,
    Security,
    Ticket,
)

_PRINTABLE = re.compile(rb"[\x20-\x7e]*")
_HEX = re.compile(r"[0-9A-F]{2}")
_DAY = r"00[1-9]|0[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-6]"
# What an item must be to mean anything; items that are not here may hold any characters.
_RULES = {
    name: re.compile(rule)
    for name, rule in {
        "from_airport": r"[A-Z]{3}",
        "to_airport": r"[A-Z]{3}",
        "operating_carrier": r"[A-Z0-9]{2,3}",
        "flight_number": r"([0-9]{1,4} *[A-Z]?)?",
        "day_of_flight": rf"({_DAY})?",
        "day_of_issue": rf"([0-9]({_DAY}))?",
        "airline_number": r"[0-9A-Z]*",
    }.items()
}


def parse_boarding_pass(data: bytes) -> BoardingPass:
    """data: what the bar code holds, nothing before or behind it.

    Raises BoardingPassError, code BOARDING_PASS_…: SIZE (more than any pass has), ALPHABET (other than printable ASCII), FORMAT (neither
    M nor S), LEGS (their number), TRUNCATED, ITEM (an item is not what its place asks for), SECTION (a size is no size, or ends inside
    an item), VERSION, SECURITY, TRAILING (more behind the last item).
    """
    if len(data) > SIZE_MAX:
        raise BoardingPassError("longer than any boarding pass", code="BOARDING_PASS_SIZE")
    if not _PRINTABLE.fullmatch(data):
        raise BoardingPassError("other than printable characters", code="BOARDING_PASS_ALPHABET")
    reader = _Reader(data.decode("ascii"))
    format_code = reader.take(1)
    if format_code not in ("M", "S"):
        raise BoardingPassError("format is neither M nor S", code="BOARDING_PASS_FORMAT")
    count = reader.take(1)
    allowed = ("1",) if format_code == "S" else tuple(map(str, range(1, LEG_COUNT_MAX + 1)))
    if count not in allowed:
        raise BoardingPassError("number of legs", code="BOARDING_PASS_LEGS")
    name = reader.take(NAME_SIZE).rstrip(" ")
    if not name or name[0] in " /":
        raise BoardingPassError("passenger_name", code="BOARDING_PASS_ITEM")
    electronic_ticket = reader.take(1).rstrip(" ")
    legs: list[Leg] = []
    version: str | None = None
    issue: Issue | None = None
    for index in range(int(count)):
        values = _items(reader, LEG_ITEMS)
        section = _Reader(reader.take(reader.size()))
        if index == 0 and section.rest:
            version, issue = _unique(section)
        ticket = Ticket(**_items(_Reader(section.take(section.size())), TICKET_ITEMS)) if section.rest else None
        legs.append(Leg(**values, ticket=ticket, airline_use=section.take(section.rest)))
    return BoardingPass(name, tuple(legs), electronic_ticket, version, issue, _security(reader), format_code)


class _Reader:
    """Takes items off the front of a text."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    @property
    def rest(self) -> int:
        return len(self._text) - self._at

    def take(self, size: int) -> str:
        if size > self.rest:
            raise BoardingPassError("ends too soon", code="BOARDING_PASS_TRUNCATED")
        self._at += size
        return self._text[self._at - size : self._at]

    def size(self) -> int:
        """The size of what follows."""
        digits = self.take(2)
        if not _HEX.fullmatch(digits):
            raise BoardingPassError("size is not hexadecimal", code="BOARDING_PASS_SECTION")
        return int(digits, 16)


def _items(reader: _Reader, items: Items) -> dict[str, str]:
    """Values by name, padding removed. A section may end behind any item; the mandatory ones never end: their reader would raise."""
    values: dict[str, str] = {}
    mandatory = items is LEG_ITEMS
    for name, size in items:
        if not mandatory and not reader.rest:
            break
        if not mandatory and reader.rest < size:
            raise BoardingPassError(f"section ends inside {name}", code="BOARDING_PASS_SECTION")
        value = reader.take(size).rstrip(" ")
        if name in _RULES and not _RULES[name].fullmatch(value):
            raise BoardingPassError(name, code="BOARDING_PASS_ITEM")
        values[name] = value
    if not mandatory and reader.rest:
        raise BoardingPassError("section is longer than its items", code="BOARDING_PASS_SECTION")
    return values


def _unique(section: _Reader) -> tuple[str, Issue]:
    if section.take(1) != VERSION_MARK:
        raise BoardingPassError("no version", code="BOARDING_PASS_VERSION")
    version = section.take(1)
    if not re.fullmatch("[1-9]", version):
        raise BoardingPassError("version", code="BOARDING_PASS_VERSION")
    return version, Issue(**_items(_Reader(section.take(section.size())), ISSUE_ITEMS))


def _security(reader: _Reader) -> Security | None:
    if not reader.rest:
        return None
    if reader.take(1) != SECURITY_MARK:
        raise BoardingPassError("more behind the last leg", code="BOARDING_PASS_TRAILING")
    kind, size = reader.take(1), reader.size()
    if size != reader.rest:
        raise BoardingPassError("security data has another size", code="BOARDING_PASS_SECURITY")
    return Security(kind, reader.take(size))
