"""Evidence of one document session: every defect its own result, reason and field, and never a value."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.data import DocumentData, PartialDate
from egate.document.verify import document_data, verify_document
from egate.document.zone.mrz_writer import write_td3
from egate.domain.biometric import EncodedFinger
from egate.domain.document import DocumentRead
from egate.domain.evidence import DOCUMENT_CHECKS, Check, CheckEvidence, CheckResult
from egate.domain.ids import DocumentSessionId
from egate.domain.reason import Reason

TODAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOLDER = DocumentData("P", "UTO", "ERIKSSON", "ANNA", "L898902C3", "UTO", date(1974, 8, 12), "F", date(2030, 1, 1))
LINES = write_td3(HOLDER)
READ = DocumentRead(DocumentSessionId("5e55"), LINES, "".join(LINES), b"portrait", (EncodedFinger(b"finger", 2),))


def evidence(read: DocumentRead, check: Check, today: datetime = TODAY) -> CheckEvidence:
    return next(item for item in verify_document(read, today) if item.check is check)


def test_sound_document_passes_and_says_what_nobody_checked() -> None:
    found = {item.check: item.result for item in verify_document(READ, TODAY)}
    assert tuple(found) == DOCUMENT_CHECKS
    assert [check for check, result in found.items() if result is CheckResult.PASS] == [
        Check.MRZ,
        Check.DOCUMENT_VALIDITY,
        Check.DOCUMENT_SESSION,
    ]
    assert {result for check, result in found.items() if check not in list(found)[:3]} == {CheckResult.NOT_PERFORMED}


@pytest.mark.parametrize(
    "field", ["document_number", "date_of_birth", "date_of_expiry", "personal_number", "composite"]
)
def test_wrong_check_digit_names_the_field(field: str) -> None:
    lines = write_td3(HOLDER, wrong=field)
    found = evidence(replace(READ, mrz_lines=lines, chip_mrz="".join(lines)), Check.MRZ)
    assert (found.result, found.reasons, found.detail) == (CheckResult.FAIL, (Reason.MRZ_CHECK_DIGIT,), field)


def test_misread_character_names_its_field_not_the_composite() -> None:
    lines = (LINES[0], "M" + LINES[1][1:])
    assert evidence(replace(READ, mrz_lines=lines), Check.MRZ).detail == "document_number"


@pytest.mark.parametrize(
    ("holder", "reason", "field"),
    [
        (replace(HOLDER, issuing_state="QQQ"), Reason.MRZ_FIELD_INVALID, "issuing_state"),
        (replace(HOLDER, nationality="QQQ"), Reason.MRZ_FIELD_INVALID, "nationality"),
        (replace(HOLDER, date_of_expiry=date(1970, 1, 1)), Reason.DOCUMENT_DATE_INVALID, "date_of_expiry"),
    ],
)
def test_defect_of_a_field_names_it(holder: DocumentData, reason: Reason, field: str) -> None:
    found = evidence(replace(READ, mrz_lines=write_td3(holder)), Check.MRZ)
    assert (found.result, found.reasons, found.detail) == (CheckResult.FAIL, (reason,), field)


@pytest.mark.parametrize(
    ("today", "result"),
    [
        (datetime(2029, 12, 31, 23, 59, tzinfo=UTC), CheckResult.PASS),
        (datetime(2030, 1, 1, 23, 59, tzinfo=UTC), CheckResult.PASS),
        (datetime(2030, 1, 2, tzinfo=UTC), CheckResult.FAIL),
    ],
)
def test_document_is_valid_through_its_date_of_expiry(today: datetime, result: CheckResult) -> None:
    found = evidence(READ, Check.DOCUMENT_VALIDITY, today)
    assert found.result is result
    if result is CheckResult.FAIL:
        assert (found.reasons, found.detail) == ((Reason.DOCUMENT_EXPIRED,), "date_of_expiry")


def test_expiry_with_a_wrong_check_digit_proves_nothing() -> None:
    read = replace(READ, mrz_lines=write_td3(HOLDER, wrong="date_of_expiry"))
    found = evidence(read, Check.DOCUMENT_VALIDITY)
    assert (found.result, found.reasons) == (CheckResult.UNDETERMINED, (Reason.DOCUMENT_DATE_INVALID,))


def test_another_chip_in_the_booklet_is_mixed() -> None:
    other = "".join(write_td3(replace(HOLDER, document_number="X1")))
    found = evidence(replace(READ, chip_mrz=other), Check.DOCUMENT_SESSION)
    assert (found.result, found.reasons) == (CheckResult.FAIL, (Reason.DOCUMENT_MIXED,))


def test_chip_zone_without_printed_zone_is_mixed() -> None:
    assert evidence(replace(READ, mrz_lines=()), Check.DOCUMENT_SESSION).result is CheckResult.FAIL


def test_request_that_brings_zone_and_portrait_together_passes() -> None:
    assert evidence(replace(READ, chip_mrz=None), Check.DOCUMENT_SESSION).result is CheckResult.PASS


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (replace(READ, chip_mrz=None, portrait=None, failure="chip_absent"), Reason.DOCUMENT_READ_FAILED),
        (replace(READ, chip_mrz=None, portrait=None), Reason.PORTRAIT_MISSING),
        (replace(READ, portrait=b""), Reason.PORTRAIT_MISSING),
        (replace(READ, session=DocumentSessionId("")), Reason.PORTRAIT_MISSING),
    ],
)
def test_session_with_nothing_to_hold_together_is_undetermined(read: DocumentRead, reason: Reason) -> None:
    found = evidence(read, Check.DOCUMENT_SESSION)
    assert (found.result, found.reasons) == (CheckResult.UNDETERMINED, (reason,))


def test_date_of_expiry_is_judged_at_the_place_of_inspection() -> None:
    """Shortly after midnight in Auckland it is still yesterday in UTC."""
    at = datetime(2030, 1, 2, 0, 30, tzinfo=timezone(timedelta(hours=13)))
    assert at.astimezone(UTC).date() == date(2030, 1, 1)
    assert evidence(READ, Check.DOCUMENT_VALIDITY, at).result is CheckResult.FAIL


def test_unreadable_zone_fails_and_leaves_validity_open() -> None:
    read = replace(READ, mrz_lines=("<" * 44, "<" * 44), chip_mrz=None)
    assert evidence(read, Check.MRZ).reasons == (Reason.MRZ_UNREADABLE,)
    assert evidence(read, Check.DOCUMENT_VALIDITY).result is CheckResult.UNDETERMINED
    assert document_data(read, TODAY) is None


def test_dossier_has_the_data_of_a_zone_with_wrong_check_digits() -> None:
    data = document_data(replace(READ, mrz_lines=write_td3(HOLDER, wrong="composite")), TODAY)
    assert data is not None
    assert data.document_number == "L898902C3"


def test_holder_whose_birth_is_partly_unknown_is_inspected_as_any_other() -> None:
    lines = write_td3(replace(HOLDER, date_of_birth=PartialDate(1964)))
    read = replace(READ, mrz_lines=lines, chip_mrz="".join(lines))
    for check in (Check.MRZ, Check.DOCUMENT_VALIDITY, Check.DOCUMENT_SESSION):
        assert evidence(read, check).result is CheckResult.PASS
    data = document_data(read, TODAY)
    assert data is not None and data.date_of_birth == PartialDate(1964)


@given(
    st.builds(
        DocumentRead,
        session=st.text(max_size=4).map(DocumentSessionId),
        mrz_lines=st.lists(st.text(max_size=50), max_size=4).map(tuple),
        chip_mrz=st.none() | st.text(max_size=100),
        portrait=st.none() | st.binary(max_size=4),
        failure=st.sampled_from(("", "chip_absent")),
    )
)
def test_garbage_never_passes(read: DocumentRead) -> None:
    found = {item.check: item for item in verify_document(read, TODAY)}
    assert tuple(found) == DOCUMENT_CHECKS
    assert found[Check.MRZ].result is CheckResult.FAIL
    assert found[Check.DOCUMENT_VALIDITY].result is CheckResult.UNDETERMINED


def test_evidence_shows_no_value_of_the_document() -> None:
    reads = [READ, replace(READ, chip_mrz="X"), replace(READ, mrz_lines=write_td3(HOLDER, wrong="document_number"))]
    text = "".join(
        repr(verify_document(read, day)) for read in reads for day in (TODAY, datetime(2040, 1, 1, tzinfo=UTC))
    )
    assert not any(value in text for value in ("ERIKSSON", "ANNA", "L898902C3", "1974", "740812", "2030"))
