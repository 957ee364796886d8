"""Whether a visible digital seal is what a state signed, from the bytes of its bar code (ICAO Doc 9303-13, appendix D; TR VDS-NC).

The seal speaks for itself alone: that it belongs to the document it is printed on shows only a comparison (SealResult.zone.matches).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from egate.document.crypto.public_key import PublicKey
from egate.document.pki.certificate import Certificate
from egate.document.pki.known_defects import with_defects
from egate.document.pki.signed_zone import SignedZone
from egate.document.pki.signer_chain import Chain, verify_chain, verify_revocation, verify_validity
from egate.document.pki.trust import TrustStore
from egate.document.seal.vds import Vds, parse_vds
from egate.document.seal.vds_features import ARRIVAL_ATTESTATION
from egate.document.seal.vds_header import MAGIC
from egate.document.seal.vds_nc import DOCUMENT_TYPES, VdsNc, parse_vds_nc
from egate.document.seal.vds_zone import SealedZone
from egate.document.zone.states import certificate_countries
from egate.domain.evidence import CheckResult
from egate.domain.inspection import Finding
from egate.domain.reason import Reason
from egate.errors import DocumentError

# Extended key usages of those who sign seals: Doc 9303-12, 7.1.3; TR VDS-NC; BSI TR-03137-1, table 3 (arrival attestations only).
VDS_SIGNING, VDS_NC_SIGNING, ARRIVAL_SIGNING = "2.23.136.1.1.11.1", "2.23.136.1.1.14.2", "0.4.0.127.0.7.3.5.1.1"
UNKNOWN = "unknown"
_FAIL, _PASS = CheckResult.FAIL, CheckResult.PASS
_UNDETERMINED, _NOT_PERFORMED = CheckResult.UNDETERMINED, CheckResult.NOT_PERFORMED


class SealCheck(StrEnum):
    """Keys of `egate document seal --json`: never rename one. Those of a document's inspection have the same names."""

    STRUCTURE = "structure"  # the form, what must be there, and the check digits of the zone
    SIGNATURE = "signature"  # by the signer the seal names or carries
    CHAIN = "chain"  # a trusted CSCA issued that signer, for seals of this kind
    VALIDITY = "validity"  # signer and CSCA are valid at the time of inspection
    REVOCATION = "revocation"
    ISSUER_STATE = "issuer_state"  # seal, its zone, signer and CSCA name one state


@dataclass(frozen=True, slots=True)
class SealFinding:
    """detail: a field or cause; never a value from the seal."""

    check: SealCheck
    result: CheckResult
    reasons: tuple[Reason, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class SealResult:
    """findings: one per SealCheck, in that order. verdict: FAIL if one fails; PASS if all pass, where the absence of a revocation
    list does not hinder unless one is required; else UNDETERMINED.

    kind: a profile's name ("visa" …), a VDS-NC type ("icao.vacc" …) or "unknown". seal: as parsed, trusted or not, None if it
    could not be. signer: as found, trusted or not.
    """

    findings: tuple[SealFinding, ...]
    verdict: CheckResult
    kind: str = UNKNOWN
    seal: Vds | VdsNc | None = None
    signer: Certificate | None = None

    @property
    def zone(self) -> SealedZone | None:
        return self.seal.zone if isinstance(self.seal, Vds) else None

    def finding(self, check: SealCheck) -> SealFinding:
        return next(finding for finding in self.findings if finding.check is check)

    def __repr__(self) -> str:
        results = ", ".join(f"{finding.check}={finding.result}" for finding in self.findings)
        return f"SealResult({self.kind}, {self.verdict}, {results})"


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a parsed seal says that there is to verify. document_code: that the signer must be allowed, "" if none is stated."""

    kind: str
    state: str
    document_code: str
    usages: Collection[str]
    signers: tuple[Certificate, ...]
    is_signed_by: Callable[[PublicKey], bool]
    structure: SealFinding
    zone: SealedZone | None = None


def verify_seal(data: bytes, store: TrustStore, at: datetime, *, crl_required: bool = False) -> SealResult:
    """data: what the bar code holds. at: aware. Never raises, whatever the bytes.

    The signer of a VDS must be in the store (document_signers); a VDS-NC carries it. Either must chain to a CSCA of the store.
    """
    try:
        seal = parse_vds(data) if data[:1] == bytes([MAGIC]) else parse_vds_nc(data)
    except DocumentError as error:
        return _result([_structure(_FAIL, Reason.SEAL_MALFORMED, error.code.lower())], crl_required)
    claim = _vds_claim(seal, store) if isinstance(seal, Vds) else _vds_nc_claim(seal)
    signature, signer = _verify_signature(claim)
    findings = [claim.structure, signature]
    if signer is None:
        findings.append(_verify_state(claim, None, None))
        return _result(findings, crl_required, claim.kind, seal)
    chain = verify_chain(signer, store, at, claim.document_code, usages=claim.usages)
    chain = with_defects(chain, store, signer, _signed_zone(claim.zone))
    judged = (chain.finding, verify_validity(signer, chain, at), verify_revocation(signer, chain, store, at))
    findings += [_own(finding) for finding in judged]
    findings.append(_verify_state(claim, signer, chain))
    return _result(findings, crl_required, claim.kind, seal, signer)


def _vds_claim(seal: Vds, store: TrustStore) -> _Claim:
    header, zone, profile = seal.header, seal.zone, seal.profile
    structure = SealFinding(SealCheck.STRUCTURE, _PASS)
    if profile is None:
        structure = _UNKNOWN_KIND
    elif zone is not None and (wrong := zone.wrong_check_digits()):
        structure = SealFinding(SealCheck.STRUCTURE, _FAIL, (Reason.MRZ_CHECK_DIGIT,), ",".join(wrong))
    return _Claim(
        kind=UNKNOWN if profile is None else profile.name,
        state=header.issuing_state,
        document_code=zone.document_code if zone is not None else "" if profile is None else profile.document_type,
        usages=(VDS_SIGNING, ARRIVAL_SIGNING) if seal.kind == ARRIVAL_ATTESTATION else (VDS_SIGNING,),
        signers=store.signers_by_subject(header.signer[:2], header.signer[2:], header.serial),
        is_signed_by=seal.is_signed_by,
        structure=structure,
        zone=zone,
    )


def _vds_nc_claim(seal: VdsNc) -> _Claim:
    return _Claim(
        kind=seal.type if seal.known else UNKNOWN,
        state=seal.issuing_state,
        document_code=DOCUMENT_TYPES.get(seal.type, ""),
        usages=(VDS_NC_SIGNING,),
        signers=(seal.certificate,),
        is_signed_by=seal.is_signed_by,
        structure=SealFinding(SealCheck.STRUCTURE, _PASS) if seal.known else _UNKNOWN_KIND,
    )


def _verify_signature(claim: _Claim) -> tuple[SealFinding, Certificate | None]:
    """By whichever of the candidates signed it, else the last one's finding."""
    finding, signer = SealFinding(SealCheck.SIGNATURE, _UNDETERMINED, (Reason.SIGNER_MISSING,)), None
    for signer in claim.signers:
        try:
            signed = claim.is_signed_by(signer.public_key)
        except DocumentError as error:
            reasons = (Reason.ALGORITHM_UNSUPPORTED,)
            finding = SealFinding(SealCheck.SIGNATURE, _UNDETERMINED, reasons, error.code.lower())
            continue
        if signed:
            return SealFinding(SealCheck.SIGNATURE, _PASS), signer
        finding = SealFinding(SealCheck.SIGNATURE, _FAIL, (Reason.SEAL_SIGNATURE_INVALID,))
    return finding, signer


def _verify_state(claim: _Claim, signer: Certificate | None, chain: Chain | None) -> SealFinding:
    """One state's signer must not vouch for another state's document, neither by the seal's header nor by its zone."""
    expected = certificate_countries(claim.state)
    if claim.zone is not None and not _same_state(claim.zone.issuing_state, claim.state):
        return _differs(_FAIL, "zone")
    if not expected:
        return _differs(_UNDETERMINED, "header")
    if signer is None or chain is None:
        return SealFinding(SealCheck.ISSUER_STATE, _NOT_PERFORMED)
    named = {"signer": signer.country} | ({} if chain.csca is None else {"csca": chain.csca.country})
    if differing := [who for who, country in named.items() if country and country not in expected]:
        return _differs(_FAIL, ",".join(differing))
    if chain.csca is None:
        return SealFinding(SealCheck.ISSUER_STATE, _UNDETERMINED, chain.finding.reasons, "csca")
    if silent := [who for who, country in named.items() if not country]:
        return _differs(_UNDETERMINED, ",".join(silent))
    return SealFinding(SealCheck.ISSUER_STATE, _PASS)


def _same_state(one: str, other: str) -> bool:
    """Some states have several codes, e.g. kinds of British nationality; all of them issue under one."""
    return one == other or bool(certificate_countries(one) & certificate_countries(other))


def _result(
    findings: list[SealFinding],
    crl_required: bool,
    kind: str = UNKNOWN,
    seal: Vds | VdsNc | None = None,
    signer: Certificate | None = None,
) -> SealResult:
    """Findings that are missing were not performed."""
    found = {finding.check: finding for finding in findings}
    ordered = tuple(found.get(check) or SealFinding(check, _NOT_PERFORMED) for check in SealCheck)
    return SealResult(ordered, _verdict(ordered, crl_required), kind, seal, signer)


def _verdict(findings: tuple[SealFinding, ...], crl_required: bool) -> CheckResult:
    if any(finding.result is _FAIL for finding in findings):
        return _FAIL
    for finding in findings:
        excused = finding.check is SealCheck.REVOCATION and finding.result is _UNDETERMINED and not crl_required
        if finding.result is not _PASS and not excused:
            return _UNDETERMINED
    return _PASS


def _signed_zone(zone: SealedZone | None) -> SignedZone | None:
    return None if zone is None else SignedZone(zone.document_code, zone.issuing_state, zone.document_number)


def _own(finding: Finding) -> SealFinding:
    return SealFinding(SealCheck(finding.check.value), finding.result, finding.reasons, finding.detail)


def _structure(result: CheckResult, reason: Reason, detail: str) -> SealFinding:
    return SealFinding(SealCheck.STRUCTURE, result, (reason,), detail)


def _differs(result: CheckResult, detail: str) -> SealFinding:
    return SealFinding(SealCheck.ISSUER_STATE, result, (Reason.ISSUER_STATE_DIFFERS,), detail)


_UNKNOWN_KIND = _structure(_UNDETERMINED, Reason.SEAL_KIND_UNKNOWN, "document_type")
