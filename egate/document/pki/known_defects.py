"""Published defects of a signer's documents (BSI TR-03129-2, 7; Doc 9303-12, 10) and what they do to the trust in it."""

from __future__ import annotations

from dataclasses import replace

from egate.document.pki.certificate import Certificate
from egate.document.pki.defect import DocumentTraits
from egate.document.pki.signed_zone import SignedZone
from egate.document.pki.signer_chain import Chain
from egate.document.pki.trust import TrustStore
from egate.domain.evidence import CheckResult
from egate.domain.reason import Reason

# Deviations of form, printed data or other applications: what is signed is still what the state issued. Any other kind, and one that is
# not known, leaves open whether it is.
_HARMLESS = frozenset({
    "certificate_replaced", "signer_encoding", "csca_encoding", "dg_malformed", "com_inconsistent", "eid_dg_malformed", "eid_integrity",
    "card_security_malformed", "chip_security_malformed", "power_down_required", "mrz", "mrz_wrong_data", "mrz_wrong_check_digit",
})  # fmt: skip


def with_defects(chain: Chain, store: TrustStore, signer: Certificate, zone: SignedZone | None) -> Chain:
    """The chain; a PASS becomes UNDETERMINED if a defect that concerns this document is known.

    A signer revoked for all its documents is REVOCATION's; one revoked for some is counted here, as that check sees no document.
    """
    finding = chain.finding
    if finding.result is not CheckResult.PASS or not store.defects:
        return chain
    document = None if zone is None else DocumentTraits(zone.document_code, zone.document_number)
    found = store.defects_of(signer, document)
    kinds = {defect.kind for defect in found if not (defect.revokes and defect.concerns(None))} - _HARMLESS
    if not kinds:
        return chain
    doubtful = replace(
        finding, result=CheckResult.UNDETERMINED, reasons=(Reason.DEFECT_KNOWN,), detail=",".join(sorted(kinds))
    )
    return replace(chain, finding=doubtful)
