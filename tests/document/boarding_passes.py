"""Boarding passes of any content that has a bar code, for properties and as input of the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from egate.document.boarding_pass.items import (
    ISSUE_ITEMS,
    SECTION_SIZE_MAX,
    TICKET_ITEMS,
    BoardingPass,
    Issue,
    Items,
    Leg,
    Security,
    Ticket,
)

_Section = TypeVar("_Section", Issue, Ticket)
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALNUM = UPPER + "0123456789"
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


def text(size: int, alphabet: str = PRINTABLE, size_min: int = 0) -> st.SearchStrategy[str]:
    """Without blanks at its end: padding is none of an item's."""
    return st.text(alphabet, min_size=size_min, max_size=size).filter(lambda value: value == value.rstrip(" "))


def day() -> st.SearchStrategy[str]:
    return st.integers(1, 366).map(lambda day: f"{day:03}")


SPECIAL: dict[str, st.SearchStrategy[str]] = {
    "day_of_issue": st.just("") | st.tuples(st.integers(0, 9), day()).map(lambda parts: f"{parts[0]}{parts[1]}"),
    "airline_number": text(3, ALNUM),
}


@st.composite
def section(draw: st.DrawFn, kind: type[_Section], items: Items) -> _Section:
    values: dict[str, str] = {}
    for name, size in items[: draw(st.integers(0, len(items)))]:
        values[name] = draw(SPECIAL[name] if name in SPECIAL else text(size))
    return kind(**values)


@st.composite
def legs(draw: st.DrawFn, with_sections: bool) -> Leg:
    use_size_max = SECTION_SIZE_MAX - 4 - 50 - 2 - 42
    ticket = draw(st.none() | section(Ticket, TICKET_ITEMS)) if with_sections else None
    return Leg(
        from_airport=draw(text(3, UPPER, 3)),
        to_airport=draw(text(3, UPPER, 3)),
        operating_carrier=draw(text(3, ALNUM, 2)),
        flight_number=draw(st.sampled_from(["", "1", "0834", "0834A", "12 X"])),
        day_of_flight=draw(st.just("") | day()),
        pnr=draw(text(7)),
        compartment=draw(text(1)),
        seat=draw(text(4)),
        check_in_sequence=draw(text(5)),
        passenger_status=draw(text(1)),
        ticket=ticket,
        airline_use="" if ticket is None else draw(st.text(PRINTABLE, max_size=use_size_max)),
    )


@st.composite
def passes(draw: st.DrawFn) -> BoardingPass:
    version = draw(st.none() | st.sampled_from("12345678"))
    count = draw(st.integers(1, 4))
    all_legs: Sequence[Any] = [draw(legs(index > 0 or version is not None)) for index in range(count)]
    return BoardingPass(
        passenger_name=draw(text(20, UPPER + "/ '-", 1).filter(lambda name: name[0] not in " /")),
        legs=tuple(all_legs),
        electronic_ticket=draw(st.sampled_from(["E", "", "L"])),
        version=version,
        issue=None if version is None else draw(section(Issue, ISSUE_ITEMS)),
        security=draw(st.none() | st.builds(Security, st.sampled_from("1 9"), st.text(PRINTABLE, max_size=255))),
    )
