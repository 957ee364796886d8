"""From a document signer to the CSCA that issued it (ICAO Doc 9303-12, 7.1; RFC 5280, 6, without intermediates)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from egate.document.pki.certificate import Certificate, is_signed_by
from egate.document.pki.trust import RevocationStatus, TrustStore
from egate.domain.evidence import CheckResult
from egate.domain.inspection import Finding, InspectionCheck
from egate.domain.reason import Reason
from egate.errors import DocumentError

_ANY_USAGE = "2.5.29.37.0"  # RFC 5280, 4.2.1.12
_CHAIN, _VALIDITY, _REVOCATION = InspectionCheck.CHAIN, InspectionCheck.VALIDITY, InspectionCheck.REVOCATION


@dataclass(frozen=True, slots=True)
class Chain:
    """csca: whose key signed the signer, None if no trusted one did. finding: CHAIN."""

    csca: Certificate | None
    finding: Finding


def verify_chain(
    signer: Certificate,
    store: TrustStore,
    at: datetime,
    document_code: str = "",
    *,
    usages: Collection[str] = (),
) -> Chain:
    """Whether a trusted CSCA issued the signer for signing documents. document_code: of the MRZ, "" where unknown.

    usages: extended key usages of which a signer of this kind must state one; () for document signers, which state none.
    Link certificates are anchors like any other: their keys were certified before. Of several with the issuing key one that is valid
    at `at` and may issue is taken.
    """
    if cause := _unfit(signer, store, document_code, usages):
        return Chain(None, Finding(_CHAIN, CheckResult.FAIL, (Reason.SIGNER_NOT_FOR_DOCUMENTS,), cause))
    if not store.anchors:
        return Chain(None, Finding(_CHAIN, CheckResult.UNDETERMINED, (Reason.TRUST_STORE_MISSING,)))
    candidates = store.issuers(signer)
    if not candidates:
        return Chain(None, Finding(_CHAIN, CheckResult.FAIL, (Reason.SIGNER_UNKNOWN,)))
    issuers, unsupported = _verifying(signer, candidates)
    if not issuers:
        return Chain(None, _broken(unsupported))
    csca = min(issuers, key=lambda issuer: (not may_issue(issuer), not issuer.not_before <= at <= issuer.not_after))
    if not may_issue(csca):
        return Chain(csca, Finding(_CHAIN, CheckResult.FAIL, (Reason.SIGNER_CHAIN_BROKEN,), "csca_usage"))
    return Chain(csca, Finding(_CHAIN, CheckResult.PASS))


def verify_validity(signer: Certificate, chain: Chain, at: datetime) -> Finding:
    """VALIDITY at the time of inspection. Without a CSCA: FAIL by the signer alone, else UNDETERMINED."""
    reasons = []
    if not at <= signer.not_after:
        reasons.append(Reason.SIGNER_EXPIRED)
    if not signer.not_before <= at:
        reasons.append(Reason.SIGNER_NOT_YET_VALID)
    csca = chain.csca
    if csca is not None and not at <= csca.not_after:
        reasons.append(Reason.CSCA_EXPIRED)
    if csca is not None and not csca.not_before <= at:
        reasons.append(Reason.CSCA_NOT_YET_VALID)
    if reasons:
        return Finding(_VALIDITY, CheckResult.FAIL, tuple(reasons))
    if csca is None:
        return Finding(_VALIDITY, CheckResult.UNDETERMINED, chain.finding.reasons, "csca")
    return Finding(_VALIDITY, CheckResult.PASS)


def verify_revocation(signer: Certificate, chain: Chain, store: TrustStore, at: datetime) -> Finding:
    """REVOCATION. No current list: UNDETERMINED. Without a CSCA no list speaks for the signer: NOT_PERFORMED."""
    csca = chain.csca
    if csca is None:
        return Finding(_REVOCATION, CheckResult.NOT_PERFORMED)
    status = store.revocation(signer, csca, at)
    if status is RevocationStatus.REVOKED:
        return Finding(_REVOCATION, CheckResult.FAIL, (Reason.SIGNER_REVOKED,))
    if store.is_csca_revoked(csca):
        return Finding(_REVOCATION, CheckResult.FAIL, (Reason.CSCA_REVOKED,))
    if status is RevocationStatus.GOOD:
        return Finding(_REVOCATION, CheckResult.PASS)
    reason = Reason.CRL_STALE if status is RevocationStatus.CRL_STALE else Reason.CRL_MISSING
    return Finding(_REVOCATION, CheckResult.UNDETERMINED, (reason,))


def may_issue(csca: Certificate) -> bool:
    """Doc 9303-12, 7.1.1: a CA with key usage keyCertSign. Of the two extensions published anchors may lack one, never contradict one."""
    extensions = csca.extensions
    if extensions.is_ca is False or (extensions.key_usage is not None and "key_cert_sign" not in extensions.key_usage):
        return False
    return (extensions.is_ca is True or extensions.key_usage is not None) and not extensions.unknown_critical


def _unfit(signer: Certificate, store: TrustStore, document_code: str, usages: Collection[str]) -> str:
    """Why it may not sign documents, "" if it may. Doc 9303-12, table 4: column of the document signer; table 8: seal signers."""
    extensions = signer.extensions
    if signer.is_ca or store.is_anchor(signer) or _self_signed(signer):
        return "ca"
    if extensions.key_usage is not None and "digital_signature" not in extensions.key_usage:
        return "key_usage"
    if not _usable_for(usages, extensions.extended_key_usage):
        return "extended_key_usage"
    if extensions.unknown_critical:
        return "critical_extension"
    if document_code and extensions.document_types and not _is_listed(document_code, extensions.document_types):
        return "document_type"
    return ""


def _usable_for(usages: Collection[str], stated: frozenset[str]) -> bool:
    """A document signer states none; list signers, seal signers and TLS certificates of the same CSCA do."""
    return not stated.isdisjoint(usages) if usages else not stated or _ANY_USAGE in stated


def _is_listed(document_code: str, types: tuple[str, ...]) -> bool:
    """ "P" in the list covers "PM"; "PM" does not cover "P"."""
    return any(each and document_code.startswith(each) for each in types)


def _self_signed(signer: Certificate) -> bool:
    try:
        return signer.self_issued and is_signed_by(signer, signer)
    except DocumentError:
        return False


def _verifying(signer: Certificate, candidates: tuple[Certificate, ...]) -> tuple[list[Certificate], bool]:
    """Those whose key signed it, and whether any could not be tried.

    Links repeat keys, so each is tried once; none but the key that verified can have signed it, so it is the last to be tried.
    """
    tried: set[bytes] = set()
    unsupported = False
    for candidate in candidates:
        if candidate.spki in tried:
            continue
        tried.add(candidate.spki)
        try:
            if is_signed_by(signer, candidate):
                return [other for other in candidates if other.spki == candidate.spki], unsupported
        except DocumentError:
            unsupported = True
    return [], unsupported


def _broken(unsupported: bool) -> Finding:
    if unsupported:
        return Finding(_CHAIN, CheckResult.UNDETERMINED, (Reason.ALGORITHM_UNSUPPORTED,), "csca")
    return Finding(_CHAIN, CheckResult.FAIL, (Reason.SIGNER_CHAIN_BROKEN,))
