"""One document session -> the evidence of its checks. Decides nothing about the traveller."""

from __future__ import annotations

from datetime import date

from egate.document.data import DocumentData
from egate.document.mrz import Mrz, parse_mrz
from egate.domain.document import DocumentRead
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.reason import Reason
from egate.errors import DocumentError


def verify_document(read: DocumentRead, today: date) -> tuple[CheckEvidence, ...]:
    """The evidence of all six document checks, in the order of DOCUMENT_CHECKS.

    today: the date at the place of inspection. detail names a field in snake case or the failure's code, never a value.
    Never raises, whatever the session holds.
    """
    mrz, unreadable = _parsed(read, today)
    return (
        _verify_mrz(mrz, unreadable),
        _verify_validity(mrz, today),
        _verify_session(read),
        CheckEvidence(Check.PASSIVE_AUTHENTICATION, CheckResult.NOT_PERFORMED),
        CheckEvidence(Check.CHIP_AUTHENTICATION, CheckResult.NOT_PERFORMED),
        CheckEvidence(Check.LISTS, CheckResult.NOT_PERFORMED),
    )


def document_data(read: DocumentRead, today: date) -> DocumentData | None:
    """The holder's data from the printed zone for the dossier, also when its check digits are wrong; None if unreadable."""
    mrz, _ = _parsed(read, today)
    return None if mrz is None else mrz.data


def _parsed(read: DocumentRead, today: date) -> tuple[Mrz | None, str]:
    try:
        return parse_mrz(read.mrz_lines, today), ""
    except DocumentError as error:
        return None, str(error)


def _verify_mrz(mrz: Mrz | None, unreadable: str) -> CheckEvidence:
    if mrz is None:
        return CheckEvidence(Check.MRZ, CheckResult.FAIL, (Reason.MRZ_UNREADABLE,), detail=unreadable)
    if mrz.wrong_check_digits:
        return CheckEvidence(
            Check.MRZ, CheckResult.FAIL, (Reason.MRZ_CHECK_DIGIT,), detail=_wrong_fields(mrz.wrong_check_digits)
        )
    if mrz.invalid_dates:
        return CheckEvidence(
            Check.MRZ, CheckResult.FAIL, (Reason.DOCUMENT_DATE_INVALID,), detail=",".join(mrz.invalid_dates)
        )
    return CheckEvidence(Check.MRZ, CheckResult.PASS)


def _wrong_fields(wrong: tuple[str, ...]) -> str:
    # The composite digit covers the others: it adds nothing where one of them is wrong already.
    fields = [field for field in wrong if field != "composite"]
    return ",".join(fields) or "composite"


def _verify_validity(mrz: Mrz | None, today: date) -> CheckEvidence:
    if mrz is None:
        return CheckEvidence(Check.DOCUMENT_VALIDITY, CheckResult.UNDETERMINED, (Reason.MRZ_UNREADABLE,))
    expiry = mrz.data.date_of_expiry
    # A date whose own check digit is wrong proves neither validity nor expiry.
    if expiry is None or "date_of_expiry" in mrz.wrong_check_digits:
        return CheckEvidence(
            Check.DOCUMENT_VALIDITY,
            CheckResult.UNDETERMINED,
            (Reason.DOCUMENT_DATE_INVALID,),
            detail="date_of_expiry",
        )
    if not today <= expiry:  # valid through the day it names
        return CheckEvidence(
            Check.DOCUMENT_VALIDITY, CheckResult.FAIL, (Reason.DOCUMENT_EXPIRED,), detail="date_of_expiry"
        )
    return CheckEvidence(Check.DOCUMENT_VALIDITY, CheckResult.PASS)


def _verify_session(read: DocumentRead) -> CheckEvidence:
    """Whether all parts are of one presentation.

    With a chip: its zone must be the printed one. Without: a portrait can only have come in the same request as the
    zone, under its session id. Nothing to hold the zone against: UNDETERMINED.
    """
    if read.chip_mrz is not None and read.chip_mrz != "".join(read.mrz_lines):
        return CheckEvidence(Check.DOCUMENT_SESSION, CheckResult.FAIL, (Reason.DOCUMENT_MIXED,), detail="chip_mrz")
    if read.session and read.mrz_lines and read.portrait:
        return CheckEvidence(Check.DOCUMENT_SESSION, CheckResult.PASS)
    reason = Reason.DOCUMENT_READ_FAILED if read.failure else Reason.PORTRAIT_MISSING
    return CheckEvidence(Check.DOCUMENT_SESSION, CheckResult.UNDETERMINED, (reason,), detail=read.failure)
