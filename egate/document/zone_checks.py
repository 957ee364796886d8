"""The checks that the printed zone alone decides: MRZ and DOCUMENT_VALIDITY."""

from __future__ import annotations

from datetime import datetime

from egate.document.zone.mrz import Mrz, parse_mrz
from egate.document.zone.mrz_defect import MrzDefect
from egate.domain.document import DocumentRead
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.reason import Reason
from egate.errors import DocumentError

# Known deviation: some issuers print X for the sex in the zone, too. It changes nothing that a gate relies on.
_REASONS = {
    MrzDefect.CHECK_DIGIT_WRONG: Reason.MRZ_CHECK_DIGIT,
    MrzDefect.DATE_INVALID: Reason.DOCUMENT_DATE_INVALID,
    MrzDefect.DATES_CONTRADICT: Reason.DOCUMENT_DATE_INVALID,
    MrzDefect.STATE_UNKNOWN: Reason.MRZ_FIELD_INVALID,
    MrzDefect.DOCUMENT_CODE_RESERVED: Reason.MRZ_FIELD_INVALID,
    MrzDefect.NAMES_MALFORMED: Reason.MRZ_FIELD_INVALID,
}


def parsed(read: DocumentRead, at: datetime) -> tuple[Mrz | None, str]:
    try:
        return parse_mrz(read.mrz_lines, at.date()), ""
    except DocumentError as error:
        return None, str(error)


def verify_mrz(mrz: Mrz | None, unreadable: str) -> CheckEvidence:
    if mrz is None:
        return CheckEvidence(Check.MRZ, CheckResult.FAIL, (Reason.MRZ_UNREADABLE,), detail=unreadable)
    if mrz.wrong_check_digits:
        return CheckEvidence(
            Check.MRZ, CheckResult.FAIL, (Reason.MRZ_CHECK_DIGIT,), detail=_wrong_fields(mrz.wrong_check_digits)
        )
    reasons = dict.fromkeys(_REASONS[item.defect] for item in mrz.defects if item.defect in _REASONS)
    if reasons:
        fields = dict.fromkeys(item.field for item in mrz.defects if item.defect in _REASONS)
        return CheckEvidence(Check.MRZ, CheckResult.FAIL, tuple(reasons), detail=",".join(fields))
    return CheckEvidence(Check.MRZ, CheckResult.PASS)


def _wrong_fields(wrong: tuple[str, ...]) -> str:
    # The composite digit covers the others: it adds nothing where one of them is wrong already.
    fields = [field for field in wrong if field != "composite"]
    return ",".join(fields) or "composite"


def verify_validity(mrz: Mrz | None, at: datetime) -> CheckEvidence:
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
    if not at.date() <= expiry:  # valid through the day it names
        return CheckEvidence(
            Check.DOCUMENT_VALIDITY, CheckResult.FAIL, (Reason.DOCUMENT_EXPIRED,), detail="date_of_expiry"
        )
    return CheckEvidence(Check.DOCUMENT_VALIDITY, CheckResult.PASS)
