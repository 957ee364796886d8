"""Confusions of a reader: repaired only where the field's type decides, always said, never guessed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.zone.check_digit import check_digit
from egate.document.zone.mrz import parse_mrz
from egate.document.zone.mrz_format import LAYOUTS, FieldKind, MrzFormat
from egate.document.zone.mrz_repair import Repair, repair_mrz
from egate.errors import DocumentError

UPPER = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
LOWER = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"


def test_zone_in_order_is_left_alone() -> None:
    repaired = repair_mrz((UPPER, LOWER))
    assert repaired.lines == (UPPER, LOWER)
    assert repaired.repairs == repaired.ambiguous == ()


@pytest.mark.parametrize(
    ("upper", "lower", "repair"),
    [
        (UPPER, LOWER.replace("7408122F", "74O8122F"), Repair("date_of_birth", 1, 15)),
        (UPPER, LOWER.replace("7408122F", "740B122F"), Repair("date_of_birth", 1, 16)),
        (UPPER, LOWER.replace("7408122F", "740812ZF"), Repair("date_of_birth_digit", 1, 19)),
        (UPPER, LOWER.replace("F1204159", "FI204159"), Repair("date_of_expiry", 1, 21)),
        (UPPER, LOWER.replace("C36", "C3G"), Repair("document_number_digit", 1, 9)),
        (UPPER, LOWER.replace("UTO", "UT0"), Repair("nationality", 1, 12)),
        (UPPER.replace("ERIKSSON", "ERIK5SON"), LOWER, Repair("names", 0, 9)),
        (UPPER.replace("UTO", "UT0"), LOWER, Repair("issuing_state", 0, 4)),
    ],
)
def test_type_of_the_field_decides(upper: str, lower: str, repair: Repair) -> None:
    repaired = repair_mrz((upper, lower))
    assert repaired.lines == (UPPER, LOWER)
    assert repaired.repairs == (repair,)


def test_mixed_field_is_reported_and_never_changed() -> None:
    # AB2134<<< has check digit 5 (Doc 9303-3, appendix A); the 2 was read as Z
    read = (UPPER, "ABZ134<<<5" + LOWER[10:])
    repaired = repair_mrz(read)
    assert repaired.lines == read
    assert repaired.repairs == ()
    assert repaired.ambiguous == (Repair("document_number", 1, 2),)
    assert parse_mrz(repaired.lines, date(2010, 1, 1)).wrong_check_digits == ("document_number", "composite")


def test_second_place_of_the_document_code_is_the_issuers() -> None:
    # a resident card of the United States starts with C1, which is no misread CI
    lines = ("C1USA" + "<" * 25, "<" * 30, "A" + "<" * 29)
    assert repair_mrz(lines).repairs == ()
    assert repair_mrz(("1D" + lines[0][2:], *lines[1:])).lines[0].startswith("ID")


def test_two_possible_places_are_no_place() -> None:
    # printed I<<1 or 1<<I: both places weigh 7
    digit = check_digit("I<<1<<<<<")
    assert repair_mrz((UPPER, "1<<1<<<<<" + digit + LOWER[10:])).ambiguous == ()


def test_personal_number_is_reported_and_never_changed() -> None:
    digit = check_digit("X2X<<<<<<<<<<<")
    read = (UPPER, LOWER[:28] + "XZX<<<<<<<<<<<" + digit + LOWER[43])
    repaired = repair_mrz(read)
    assert repaired.lines == read
    assert repaired.ambiguous == (Repair("optional_data", 1, 29),)


@given(st.sampled_from(list(MrzFormat)), st.data())
def test_only_confusions_in_typed_fields_change_and_each_is_said(mrz_format: MrzFormat, choice: st.DataObject) -> None:
    layout = LAYOUTS[mrz_format]
    line = st.text("0123456789ABDGILOQSTZ<", min_size=layout.size, max_size=layout.size)
    lines = [choice.draw(line) for _ in range(layout.lines)]
    if mrz_format in (MrzFormat.MRV_A, MrzFormat.MRV_B):
        lines[0] = "V" + lines[0][1:]
    repaired = repair_mrz(lines)
    changed = {
        (row, column)
        for row, (before, after) in enumerate(zip(lines, repaired.lines, strict=True))
        for column, (one, other) in enumerate(zip(before, after, strict=True))
        if one != other
    }
    assert changed == {(repair.line, repair.column) for repair in repaired.repairs}
    for name, place in layout.places():
        if place.kind is FieldKind.MIXED:
            assert place.of(repaired.lines) == place.of(lines), name
    assert repair_mrz(repaired.lines).repairs == ()


def test_no_format_is_refused_and_the_repr_says_nothing() -> None:
    with pytest.raises(DocumentError, match="lines"):
        repair_mrz(("A", "B"))
    repaired = repair_mrz((UPPER, LOWER.replace("UTO", "UT0")))
    assert "ERIKSSON" not in repr(repaired)
    assert "L898902C3" not in repr(repaired)
