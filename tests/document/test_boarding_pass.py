"""Boarding passes: the published examples item by item, both ways; every byte belongs to an item; what is spoilt has a name."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.document.boarding_pass.dates import date_of_issue, dates_of_flight, day_of_year
from egate.document.boarding_pass.items import SIZE_MAX, BoardingPass, BoardingPassError, Issue, Leg, Ticket
from egate.document.boarding_pass.parser import parse_boarding_pass
from egate.document.boarding_pass.writer import write_boarding_pass
from egate.errors import DocumentError

from .boarding_passes import passes

VECTORS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("vectors").joinpath("boarding_passes.json").read_text("ascii")
)
MANDATORY = "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100"
FULL: str = VECTORS[1]["text"]
TODAY = date(2026, 6, 1)


def parse(text: str) -> BoardingPass:
    return parse_boarding_pass(text.encode("latin-1"))


def given_items(value: object) -> object:
    """As dictionaries, without what the section ended before."""
    if isinstance(value, dict):
        optional = {"version", "issue", "security", "ticket"}
        return {key: given_items(each) for key, each in value.items() if each is not None or key in optional}
    return [given_items(each) for each in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_published_example(vector: dict[str, Any]) -> None:
    found = parse(vector["text"])
    assert given_items(asdict(found)) == {"format_code": "M", **vector["items"]}
    assert write_boarding_pass(found) == vector["text"].encode("ascii")
    if "reference" in vector:
        reference = date.fromisoformat(vector["reference"])
        assert date_of_issue(found, reference) == date.fromisoformat(vector["date_of_issue"])
        assert dates_of_flight(found, reference) == tuple(map(date.fromisoformat, vector["dates_of_flight"]))


def test_names_and_ticket() -> None:
    found = parse(FULL)
    assert (found.surname, found.given_name, found.has_electronic_ticket) == ("DESMARAIS", "LUC", True)
    assert found.legs[1].ticket is not None
    assert found.legs[1].ticket.number == "0140987654321"
    assert Ticket(airline_number="014").number == ""
    assert replace(found, passenger_name="MONONYM").given_name == ""


def test_repr_shows_nothing_of_the_traveller() -> None:
    found = parse(FULL)
    shown = repr((found, found.legs, found.issue, found.legs[0].ticket, found.security)) + str(found)
    assert not any(secret in shown for secret in ("DESMARAIS", "ABC123", "1234567890", "GIWV", "YUL", "0834"))


@settings(max_examples=40)
@given(passes())
def test_parsing_inverts_writing(boarding_pass: BoardingPass) -> None:
    written = write_boarding_pass(boarding_pass)
    assert len(written) <= SIZE_MAX
    assert parse_boarding_pass(written) == boarding_pass


@settings(max_examples=200)
@given(st.sampled_from(VECTORS), st.data())
def test_changed_bytes_are_another_pass_or_an_error(vector: dict[str, Any], data: st.DataObject) -> None:
    content = bytearray(vector["text"].encode("ascii"))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = parse_boarding_pass(bytes(content))
    except BoardingPassError as error:
        assert error.code.startswith("BOARDING_PASS_")
        return
    assert write_boarding_pass(found) == content  # nothing was skipped, nothing added


@given(st.sampled_from(VECTORS), st.data())
def test_cut_short_is_an_error(vector: dict[str, Any], data: st.DataObject) -> None:
    text = vector["text"]
    whole_without_security = text.find("^")
    size = data.draw(st.integers(0, len(text) - 1).filter(lambda size: size != whole_without_security))
    with pytest.raises(BoardingPassError):
        parse(text[:size])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "TRUNCATED"),
        ("A" + MANDATORY[1:], "FORMAT"),
        ("m" + MANDATORY[1:], "FORMAT"),
        ("M0" + MANDATORY[2:], "LEGS"),
        ("M5" + MANDATORY[2:], "LEGS"),
        ("S2" + MANDATORY[2:], "LEGS"),
        ("M2" + MANDATORY[2:], "TRUNCATED"),
        (MANDATORY.replace("DESMARAIS/LUC", " " * 13), "ITEM"),
        (MANDATORY.replace("DESMARAIS/LUC", "/LUCDESMARAIS"), "ITEM"),
        (MANDATORY.replace("YUL", "Y1L"), "ITEM"),
        (MANDATORY.replace("FRA", "   "), "ITEM"),
        (MANDATORY.replace("AC ", "A  "), "ITEM"),
        (MANDATORY.replace("0834 ", "08X4 "), "ITEM"),
        (MANDATORY.replace("326J", "000J"), "ITEM"),
        (MANDATORY.replace("326J", "367J"), "ITEM"),
        (MANDATORY[:-2] + "0G", "SECTION"),
        (MANDATORY[:-2] + "0a", "SECTION"),
        (MANDATORY[:-2] + "01", "TRUNCATED"),
        (MANDATORY[:-2] + "06<60000", "VERSION"),
        (MANDATORY[:-2] + "06>00000", "VERSION"),
        (MANDATORY[:-2] + "05>6050", "TRUNCATED"),
        (MANDATORY[:-2] + "08>604123400", "SECTION"),  # ends inside the day of issue
        (MANDATORY[:-2] + "39>633" + "1" * 51 + "00", "SECTION"),  # longer than its items
        (MANDATORY[:-2] + "0B>607123400000", "ITEM"),  # day of issue 4000
        (MANDATORY + "+", "TRAILING"),
        (MANDATORY + " ", "TRAILING"),
        (MANDATORY + "^100+", "SECURITY"),
        (MANDATORY + "^105ABCD", "SECURITY"),
        (MANDATORY + "^1", "TRUNCATED"),
        (MANDATORY.replace("DES", "D\xc9S"), "ALPHABET"),
        (MANDATORY.replace("DES", "D\nS"), "ALPHABET"),
        ("M" * (SIZE_MAX + 1), "SIZE"),
    ],
)
def test_what_is_wrong_has_a_name_and_no_value(text: str, code: str) -> None:
    with pytest.raises(DocumentError) as raised:
        parse(text)
    assert raised.value.code == f"BOARDING_PASS_{code}"
    assert not any(secret in str(raised.value) for secret in ("DESMARAIS", "ABC123", "YUL"))


@pytest.mark.parametrize(
    "text",
    [
        MANDATORY,
        "S" + MANDATORY[1:],
        MANDATORY + "^100",
        MANDATORY[:-2] + "06>60000",
        MANDATORY[:-2] + "04>600",  # ends behind the unique items
        MANDATORY[:-2] + "08>902XY00",  # a version to come
        MANDATORY.replace("326J001A0025 1", "   " + " " * 11),  # open date, no seat
        MANDATORY.replace("0834 ", "0834A"),
    ],
)
def test_unusual_passes_are_read_and_kept(text: str) -> None:
    assert write_boarding_pass(parse(text)) == text.encode("ascii")


def test_writer_refuses_what_does_not_fit() -> None:
    leg = Leg("YUL", "FRA", "AC")
    for wrong, code in [
        (BoardingPass("X" * 21, (leg,)), "ITEM"),
        (BoardingPass("X", (replace(leg, seat="001AB"),)), "ITEM"),
        (BoardingPass("X", (leg,), issue=Issue("1")), "VERSION"),
        (BoardingPass("X", (replace(leg, airline_use="Y" * 250),), version="6"), "SECTION"),
        (BoardingPass("É", (leg,)), "ALPHABET"),
    ]:
        with pytest.raises(BoardingPassError) as raised:
            write_boarding_pass(wrong)
        assert raised.value.code == f"BOARDING_PASS_{code}"


def pass_of(day_of_issue: str | None, *days: str) -> BoardingPass:
    issue = None if day_of_issue is None else Issue("0", "W", "W", day_of_issue)
    return BoardingPass(
        "X", tuple(Leg("YUL", "FRA", "AC", day_of_flight=day) for day in days), version="6", issue=issue
    )


@pytest.mark.parametrize(
    ("issued", "days", "reference", "expected_issue", "expected"),
    [
        # the digit: this year, years ago, never the future, a day of grace for time zones
        ("6150", ["152"], "2026-06-01", "2026-05-30", ["2026-06-01"]),
        ("5360", ["002"], "2026-06-01", "2025-12-26", ["2026-01-02"]),
        ("7150", ["152"], "2026-06-01", "2017-05-30", ["2017-06-01"]),
        ("6153", ["153"], "2026-06-01", "2026-06-02", ["2026-06-02"]),
        ("6154", ["154"], "2026-06-01", "2016-06-02", ["2016-06-02"]),
        ("0001", ["001"], "2029-12-31", "2030-01-01", ["2030-01-01"]),
        ("0365", ["001"], "2031-01-01", "2030-12-31", ["2031-01-01"]),
        # leap years
        ("4366", ["366", "001"], "2024-12-31", "2024-12-31", ["2024-12-31", "2025-01-01"]),
        ("4060", ["060"], "2024-03-01", "2024-02-29", ["2024-02-29"]),
        ("5060", ["060"], "2025-03-01", "2025-03-01", ["2025-03-01"]),
        ("3365", ["366"], "2024-01-02", "2023-12-31", ["2024-12-31"]),
        # the turn of the year, between legs and before the issue's own day
        ("5364", ["365", "001"], "2026-01-01", "2025-12-30", ["2025-12-31", "2026-01-01"]),
        ("6001", ["365"], "2026-01-01", "2026-01-01", ["2025-12-31"]),
        # east over the date line
        ("6150", ["152", "151"], "2026-06-01", "2026-05-30", ["2026-06-01", "2026-05-31"]),
        # no issue: the nearest
        (None, ["152"], "2026-06-01", None, ["2026-06-01"]),
        (None, ["001"], "2026-12-30", None, ["2027-01-01"]),
        (None, ["365", "001"], "2026-01-02", None, ["2025-12-31", "2026-01-01"]),
        (None, ["300", "090"], "2026-06-01", None, ["2026-10-27", "2027-03-31"]),  # the second leg follows the first
        (None, ["366"], "2026-06-01", None, BoardingPassError),
        (None, ["366"], "2025-02-01", None, ["2024-12-31"]),
        # no such days
        ("6366", ["001"], "2027-01-01", BoardingPassError, BoardingPassError),
        ("6150", ["366"], "2026-06-01", "2026-05-30", BoardingPassError),
        # open dates
        ("", [""], "2026-06-01", None, [None]),
        (None, ["", "152"], "2026-06-01", None, [None, "2026-06-01"]),
    ],
)
def test_days_become_dates(issued: str, days: list[str], reference: str, expected_issue: Any, expected: Any) -> None:
    boarding_pass, at = pass_of(issued, *days), date.fromisoformat(reference)
    if expected_issue is BoardingPassError:
        with pytest.raises(BoardingPassError, match="no such day"):
            date_of_issue(boarding_pass, at)
    else:
        assert date_of_issue(boarding_pass, at) == (expected_issue and date.fromisoformat(expected_issue))
    if expected is BoardingPassError:
        with pytest.raises(BoardingPassError) as raised:
            dates_of_flight(boarding_pass, at)
        assert raised.value.code == "BOARDING_PASS_DATE"
    else:
        assert dates_of_flight(boarding_pass, at) == tuple(day and date.fromisoformat(day) for day in expected)


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(0, 3000), st.integers(0, 300))
def test_dates_that_were_meant_are_found(reference: date, issued_days_ago: int, flies_in_days: int) -> None:
    issued = reference - timedelta(days=issued_days_ago)
    flies = issued + timedelta(days=flies_in_days)
    written = pass_of(f"{issued.year % 10}{issued:%j}", f"{flies:%j}")
    assert date_of_issue(written, reference) == issued
    assert dates_of_flight(written, reference) == (flies,)
    if flies_in_days < 150:
        assert dates_of_flight(pass_of(None, f"{flies:%j}"), issued) == (flies,)


def test_days_that_years_do_not_have() -> None:
    assert day_of_year(2024, 366) == date(2024, 12, 31)
    assert [day_of_year(year, day) for year, day in [(2025, 366), (2025, 0), (9999, 366), (10000, 1), (0, 1)]] == [
        None
    ] * 5
    assert day_of_year(9999, 365) == date.max
