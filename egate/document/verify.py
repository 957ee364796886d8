"""One document session -> the evidence of its checks. Decides nothing about the traveller."""

from __future__ import annotations

from datetime import datetime

from egate.document.chip_checks import NO_TRUST, Trust, verify_chip
from egate.document.data import DocumentData
from egate.document.lds.face_record import parse_dg2
from egate.document.summary import summarise
from egate.document.zone_checks import parsed, verify_mrz, verify_validity
from egate.domain.chip import ChipRead
from egate.domain.document import DocumentRead
from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.inspection import Finding, InspectionCheck
from egate.domain.reason import Reason
from egate.errors import DocumentError

_OPTICAL = (InspectionCheck.OPTICAL_VIS, InspectionCheck.OPTICAL_IR, InspectionCheck.OPTICAL_UV)


def verify_document(
    read: DocumentRead, at: datetime, trust: Trust = NO_TRUST, optical: tuple[Finding, ...] = ()
) -> tuple[CheckEvidence, ...]:
    """The evidence of all document checks, in the order of DOCUMENT_CHECKS.

    at: the time of inspection, aware, in the time zone of its place: its date decides about expiry. optical: findings of the page
    reader's routines. detail names a field in snake case or the failure's code, never a value. Never raises, whatever the session holds.
    """
    mrz, unreadable = parsed(read, at)
    return (
        verify_mrz(mrz, unreadable),
        verify_validity(mrz, at),
        _verify_session(read),
        *verify_chip(read.chip, at, trust),
        summarise(Check.OPTICAL, _optical(optical)),
        CheckEvidence(Check.LISTS, CheckResult.NOT_PERFORMED),
    )


def document_data(read: DocumentRead, at: datetime) -> DocumentData | None:
    """The holder's data from the printed zone for the dossier, also when its check digits are wrong; None if unreadable."""
    mrz, _ = parsed(read, at)
    return None if mrz is None else mrz.data


def _optical(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    by_check = {finding.check: finding for finding in found}
    return tuple(by_check.get(check) or Finding(check, CheckResult.NOT_PERFORMED) for check in _OPTICAL)


def _verify_session(read: DocumentRead) -> CheckEvidence:
    """Whether all parts are of one presentation.

    With a chip: its zone must be the printed one, and the portrait that of its DG2. Without: a portrait can only have come in the same
    request as the zone, under its session id. Nothing to hold the zone against: UNDETERMINED.
    """
    check, finding = Check.DOCUMENT_SESSION, InspectionCheck.MRZ_DG1
    if read.chip_mrz is not None and read.chip_mrz != "".join(read.mrz_lines):
        differs = Finding(finding, CheckResult.FAIL, (Reason.DOCUMENT_MIXED,))
        return CheckEvidence(check, CheckResult.FAIL, differs.reasons, detail="chip_mrz", findings=(differs,))
    if read.chip is not None and read.portrait is not None and read.portrait != _portrait(read.chip):
        return CheckEvidence(check, CheckResult.FAIL, (Reason.DOCUMENT_MIXED,), detail="portrait")
    if read.session and read.mrz_lines and read.portrait:
        equal = CheckResult.NOT_PERFORMED if read.chip_mrz is None else CheckResult.PASS
        return CheckEvidence(check, CheckResult.PASS, findings=(Finding(finding, equal),))
    reason = Reason.DOCUMENT_READ_FAILED if read.failure else Reason.PORTRAIT_MISSING
    return CheckEvidence(check, CheckResult.UNDETERMINED, (reason,), detail=read.failure)


def _portrait(chip: ChipRead) -> bytes | None:
    try:
        return parse_dg2(chip.files["dg2"]).image
    except (KeyError, DocumentError):
        return None
