"""The single checks of a document's inspection and their findings, after BSI TR-03135-1.

A crossing's document checks (egate.domain.evidence) are summaries of these: PASSIVE_AUTHENTICATION of those from SOD_SIGNATURE to
EF_COM, CHIP_AUTHENTICATION of the two of the chip's key, DOCUMENT_SESSION of those that tie print and chip together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from egate.domain.check_result import CheckResult
from egate.domain.reason import Reason


class InspectionCheck(StrEnum):
    """Members are journal format and keys of `egate document verify --json`: never rename one."""

    CHIP_PRESENCE = "chip_presence"  # a chip is expected and answered
    CHIP_ACCESS = "chip_access"  # opened by the strongest protocol the document announces
    SOD_SIGNATURE = "sod_signature"  # EF.SOD is signed by the document signer it names
    CHAIN = "chain"  # a trusted CSCA issued the document signer
    VALIDITY = "validity"  # signer and CSCA are valid at the time of inspection
    REVOCATION = "revocation"  # the signer is on no list of its CSCA
    DG_HASHES = "dg_hashes"  # every data group read has the hash that was signed
    ISSUER_STATE = "issuer_state"  # DG1, signer and CSCA name one state
    EF_COM = "ef_com"  # EF.COM lists what EF.SOD signs
    CHIP_AUTHENTICATION = "chip_authentication"
    ACTIVE_AUTHENTICATION = "active_authentication"
    TERMINAL_AUTHENTICATION = "terminal_authentication"  # access to DG3
    MRZ_DG1 = "mrz_dg1"  # printed zone and DG1 are equal
    OPTICAL_VIS = "optical_vis"  # page images, visible light
    OPTICAL_IR = "optical_ir"
    OPTICAL_UV = "optical_uv"


PASSIVE_CHECKS = (
    InspectionCheck.SOD_SIGNATURE,
    InspectionCheck.CHAIN,
    InspectionCheck.VALIDITY,
    InspectionCheck.REVOCATION,
    InspectionCheck.DG_HASHES,
    InspectionCheck.ISSUER_STATE,
    InspectionCheck.EF_COM,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result. detail: a data group, field or cause, e.g. "dg2"; never a value from the document."""

    check: InspectionCheck
    result: CheckResult
    reasons: tuple[Reason, ...] = ()
    detail: str = ""


def finding_body(finding: Finding) -> list[object]:
    """As journal, cases and stored answers hold it."""
    reasons = [reason.value for reason in finding.reasons]
    return [finding.check.value, finding.result.value, reasons, finding.detail]


def finding_from(body: Sequence[Any]) -> Finding:
    """The inverse of finding_body. Raises ValueError or TypeError on anything else."""
    check, result, reasons, detail = body
    return Finding(InspectionCheck(check), CheckResult(result), tuple(Reason(code) for code in reasons), detail)
