"""From the findings of an inspection to the evidence of one of a crossing's checks."""

from __future__ import annotations

from collections.abc import Collection

from egate.domain.evidence import Check, CheckEvidence, CheckResult
from egate.domain.inspection import Finding, InspectionCheck


def summarise(
    check: Check, findings: tuple[Finding, ...], needed: Collection[InspectionCheck] = frozenset(InspectionCheck)
) -> CheckEvidence:
    """FAIL or ABORTED if any finding is; else UNDETERMINED if one that is needed did not pass; else PASS.

    NOT_PERFORMED if none was performed. Reasons and detail are those of the findings that decided.
    """
    if all(finding.result is CheckResult.NOT_PERFORMED for finding in findings):
        return CheckEvidence(check, CheckResult.NOT_PERFORMED, findings=findings)
    for result in (CheckResult.FAIL, CheckResult.ABORTED):
        if against := [finding for finding in findings if finding.result is result]:
            return _evidence(check, result, against, findings)
    if open_ := [item for item in findings if item.check in needed and item.result is not CheckResult.PASS]:
        return _evidence(check, CheckResult.UNDETERMINED, open_, findings)
    return CheckEvidence(check, CheckResult.PASS, findings=findings)


def _evidence(
    check: Check, result: CheckResult, deciding: list[Finding], findings: tuple[Finding, ...]
) -> CheckEvidence:
    reasons = tuple(dict.fromkeys(reason for finding in deciding for reason in finding.reasons))
    detail = ",".join(f"{item.check}:{item.detail}" if item.detail else item.check.value for item in deciding)
    return CheckEvidence(check, result, reasons, detail=detail, findings=findings)
