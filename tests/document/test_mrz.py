"""The zone: published specimens first, then properties of writer and parser, then any text at all."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.check_digit import check_digit
from egate.document.data import DocumentData
from egate.document.mrz import parse_mrz, split_mrz
from egate.document.mrz_writer import write_td3
from egate.errors import DocumentError

VECTORS = json.loads((Path(__file__).parent / "vectors" / "mrz.json").read_text())
TODAY = date(2026, 6, 1)
TD3 = tuple(VECTORS["specimens"][0]["lines"])
LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=12)
DATES = st.dates(date(1950, 1, 1), date(2025, 12, 31))


@st.composite
def documents(draw: st.DrawFn) -> DocumentData:
    return DocumentData(
        document_code="P",
        issuing_state="UTO",
        primary_identifier=draw(LETTERS),
        secondary_identifier=" ".join(draw(st.lists(LETTERS, max_size=2))),
        document_number=draw(st.text("ABCXYZ0123456789", min_size=1, max_size=9)),
        nationality="UTO",
        date_of_birth=draw(DATES),
        sex=draw(st.sampled_from(("M", "F", ""))),
        date_of_expiry=TODAY + timedelta(days=draw(st.integers(0, 3650))),
        optional_data=draw(st.text("ABC0123456789", max_size=14)),
    )


@pytest.mark.parametrize(("field", "digit"), VECTORS["check_digits"])
def test_published_check_digits(field: str, digit: str) -> None:
    assert check_digit(field) == digit


@pytest.mark.parametrize("specimen", VECTORS["specimens"], ids=lambda s: f"{s['format']}-{s['primary']}")
def test_published_specimens(specimen: dict[str, str]) -> None:
    # the inspection's date lies in the specimens' time: it decides their century
    mrz = parse_mrz(specimen["lines"], date(2010, 1, 1))
    data = mrz.data
    assert mrz.format == specimen["format"]
    assert mrz.wrong_check_digits == ()
    assert mrz.invalid_dates == ()
    assert (data.document_code, data.issuing_state, data.nationality) == (specimen["document_code"], "UTO", "UTO")
    assert (data.primary_identifier, data.secondary_identifier) == (specimen["primary"], specimen["secondary"])
    assert (data.document_number, data.sex) == (specimen["number"], specimen["sex"])
    assert data.date_of_birth == date.fromisoformat(specimen["birth"])
    assert data.date_of_expiry == date.fromisoformat(specimen["expiry"])
    assert data.optional_data == specimen["optional"]


def test_century_of_a_birth_is_never_in_the_future() -> None:
    assert _birth("260601") == TODAY
    assert _birth("260602") == date(1926, 6, 2)
    assert _birth("000229") == date(2000, 2, 29)


def test_century_of_an_expiry_is_at_most_thirty_years_ahead() -> None:
    assert _expiry("561231") == date(2056, 12, 31)
    assert _expiry("570101") == date(1957, 1, 1)
    assert parse_mrz(_with(expiry="991231"), date(1998, 1, 1)).data.date_of_expiry == date(1999, 12, 31)
    assert parse_mrz(_with(expiry="031231"), date(1998, 1, 1)).data.date_of_expiry == date(2003, 12, 31)


@pytest.mark.parametrize("field", ["<<<<<<", "74<<<<", "7408<<"])
def test_unknown_birth_is_no_defect(field: str) -> None:
    mrz = parse_mrz(_with(birth=field), TODAY)
    assert mrz.data.date_of_birth is None
    assert mrz.invalid_dates == ()
    assert mrz.wrong_check_digits == ()


@pytest.mark.parametrize("field", ["740231", "741301", "74O812", "7<0812", "740000"])
def test_impossible_birth_is_named(field: str) -> None:
    assert parse_mrz(_with(birth=field), TODAY).invalid_dates == ("date_of_birth",)


@pytest.mark.parametrize("field", ["260231", "<<<<<<", "26<<<<"])
def test_impossible_expiry_is_named(field: str) -> None:
    assert parse_mrz(_with(expiry=field), TODAY).invalid_dates == ("date_of_expiry",)


def test_personal_number_unused_may_have_a_filler_as_check_digit() -> None:
    lower = "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<<"
    composite = check_digit(lower[0:10] + lower[13:20] + lower[21:43])
    assert parse_mrz((TD3[0], lower + composite), TODAY).wrong_check_digits == ()


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ((), "lines"),
        ((TD3[0],), "lines"),
        ((TD3[0], TD3[1] + "<"), "lines"),
        ((TD3[0], TD3[1][:43]), "lines"),
        ((TD3[0], TD3[1], TD3[1]), "lines"),
        (("P" * 10**6, "P" * 10**6), "lines"),
        (tuple("P" * 44 for _ in range(10_000)), "lines"),
        ((TD3[0].lower(), TD3[1]), "characters"),
        ((TD3[0].replace("ANNA", "AÑNA"), TD3[1]), "characters"),
        (("V" + TD3[0][1:], TD3[1]), "document_code"),
        (("<" + TD3[0][1:], TD3[1]), "document_code"),
        (("P<<<<" + TD3[0][5:], TD3[1]), "issuing_state"),
        (("P<U1O" + TD3[0][5:], TD3[1]), "issuing_state"),
        ((TD3[0], TD3[1].replace("UTO", "U<O")), "nationality"),
        ((TD3[0].replace("ANNA", "4NNA"), TD3[1]), "names"),
        ((TD3[0][:5] + "<" * 39, TD3[1]), "names"),
        ((TD3[0], "<" * 9 + TD3[1][9:]), "document_number"),
        ((TD3[0], TD3[1][:20] + "Q" + TD3[1][21:]), "sex"),
    ],
)
def test_broken_structure_names_the_field_and_no_value(lines: tuple[str, ...], field: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_mrz(lines, TODAY)
    assert str(caught.value) == field
    assert caught.value.code == "MRZ_UNREADABLE"


@given(documents())
def test_parse_inverts_write(data: DocumentData) -> None:
    mrz = parse_mrz(write_td3(data), TODAY)
    assert mrz.data == data
    assert mrz.wrong_check_digits == ()


@given(
    documents(),
    st.sampled_from(("document_number", "date_of_birth", "date_of_expiry", "personal_number", "composite")),
)
def test_exactly_the_wrong_field_is_found(data: DocumentData, wrong: str) -> None:
    assert parse_mrz(write_td3(data, wrong=wrong), TODAY).wrong_check_digits == (wrong,)


@given(documents(), st.integers(0, 43), st.sampled_from("0123456789"))
def test_one_misread_digit_never_passes(data: DocumentData, index: int, digit: str) -> None:
    """Weights 7, 3 and 1 are coprime to 10: each change of one digit in a covered place shows."""
    upper, lower = write_td3(data)
    covered = not (10 <= index <= 12 or index == 20)
    if not covered or not lower[index].isdigit() or lower[index] == digit:
        return
    mrz = parse_mrz((upper, lower[:index] + digit + lower[index + 1 :]), TODAY)
    assert mrz.wrong_check_digits


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_parses_or_is_refused(lines: list[str]) -> None:
    try:
        parse_mrz(lines, TODAY)
    except DocumentError:
        pass


@given(
    st.sampled_from([(3, 30), (2, 36), (2, 44)]).flatmap(
        lambda shape: st.lists(
            st.text("ACIPUTO0123456789<", min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
        )
    ),
    st.dates(),
)
def test_any_zone_on_any_day_parses_or_is_refused(lines: list[str], today: date) -> None:
    try:
        mrz = parse_mrz(["P" + lines[0][1:], *lines[1:]] if len(lines[0]) == 44 else lines, today)
    except DocumentError:
        return
    born = mrz.data.date_of_birth
    assert born is None or born <= today


def test_split_joins_back() -> None:
    for specimen in VECTORS["specimens"]:
        assert list(split_mrz("".join(specimen["lines"]))) == specimen["lines"]
    with pytest.raises(DocumentError):
        split_mrz("P" * 89)


def test_repr_shows_no_data() -> None:
    mrz = parse_mrz(TD3, TODAY)
    assert "ERIKSSON" not in repr(mrz) + repr(mrz.data) + str(mrz.data)
    assert "L898902C3" not in repr(mrz) + repr(mrz.data)


def _with(birth: str = "740812", expiry: str = "301231") -> tuple[str, str]:
    """The TD3 specimen with other dates and fitting check digits."""
    lower = TD3[1][:13] + birth + check_digit(birth) + "F" + expiry + check_digit(expiry) + TD3[1][28:43]
    return TD3[0], lower + check_digit(lower[0:10] + lower[13:20] + lower[21:43])


def _birth(field: str) -> date | None:
    return parse_mrz(_with(birth=field), TODAY).data.date_of_birth


def _expiry(field: str) -> date | None:
    return parse_mrz(_with(expiry=field), TODAY).data.date_of_expiry
