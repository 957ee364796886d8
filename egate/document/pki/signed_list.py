"""Signed lists of certificate authorities: master, defect and deviation lists, all CMS SignedData (RFC 5652; Doc 9303-12, 8 and 10).

Nothing in a list can be changed unnoticed: egate.document.pki.cms is asked to be strict, and a certificate that comes along must verify.
Two questions, two functions: is the list what its signer signed (open_signed_list), and is
that signer one we trust for this kind of list (require_signer)?
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from egate.document.encoding import der
from egate.document.pki.certificate import Certificate, is_signed_by, parse_certificate
from egate.document.pki.cms import parse_signed_data, verify_signed_data
from egate.document.pki.defect_list import DEFECT_LIST, DEVIATION_LIST
from egate.errors import DocumentError

MASTER_LIST = "2.23.136.1.1.2"  # Doc 9303-12, 8: id-icao-cscaMasterList
LIST_SIZE_MAX = der.SIZE_MAX
CERTIFICATES_MAX = 16  # embedded beside the list; chosen, Doc 9303-12 asks for two
# Extended key usages that let a certificate sign each kind (Doc 9303-12, 7.1). A document signer has none of them.
_MASTER_LIST_SIGNING, _DEVIATION_LIST_SIGNING = "2.23.136.1.1.3", "2.23.136.1.1.8"
_BSI_MRTD = (
    "0.4.0.127.0.7.3.1."  # arc of id-electronicDefectListSigningKey (TR-03129-2, 7), whose last number is not public
)


@dataclass(frozen=True, slots=True, repr=False)
class SignedList:
    """A list whose signature is its signer's. Whether the signer may is not decided here.

    kind: content type. content: the octets that are signed. companions: the other certificates that came along, not verified yet.
    """

    kind: str
    content: bytes
    signer: Certificate
    companions: tuple[Certificate, ...]
    signed_at: datetime
    sha256: str

    def __repr__(self) -> str:
        return f"SignedList({self.kind}, {self.signer.issuer_country}, {self.signed_at:%Y-%m-%d})"


def open_signed_list(data: bytes) -> SignedList:
    """data: DER or BER.

    Raises DocumentError: LIST_MALFORMED, LIST_SIGNATURE_INVALID, LIST_SIGNER_MISSING, ALGORITHM_UNSUPPORTED, PUBLIC_KEY_…
    """
    try:
        return _open(data)
    except DocumentError as error:
        if not error.code.startswith(("DER_", "CMS_", "CERTIFICATE_")):
            raise
        raise DocumentError(f"signed list: {error}", code="LIST_MALFORMED") from None


def require_signer(signed: SignedList, pinned: Sequence[Certificate], at: datetime) -> Certificate:
    """The pinned CSCA that issued the list's signer, or that is the signer itself. pinned: or linked to a pinned one, none revoked.

    Certificates that come along must be signed by one another or by a pinned CSCA, though nothing is concluded from them.
    Raises DocumentError: LIST_SIGNER_NOT_PINNED; LIST_COMPANION_UNKNOWN; LIST_SIGNER_EXPIRED if signer or CSCA are not valid at a time;
    LIST_SIGNER_NOT_FOR_LISTS if the certificate is for something else, e.g. for signing documents.
    """
    issuers = [anchor for anchor in pinned if _issued(anchor, signed.signer)]
    if not issuers:
        raise DocumentError(
            f"no pinned CSCA issued the list's signer {signed.signer.in_words}", code="LIST_SIGNER_NOT_PINNED"
        )
    if not _may_sign(signed, itself=signed.signer in issuers):
        raise DocumentError("the list's signer is not for lists of this kind", code="LIST_SIGNER_NOT_FOR_LISTS")
    known = (*signed.companions, *pinned)
    if not all(any(_verifies(one, other) for other in known) for one in signed.companions):
        raise DocumentError("a certificate in the list is signed by nobody known", code="LIST_COMPANION_UNKNOWN")
    # One key may have several certificates, of which a link certificate ends first.
    issuer = next((one for one in issuers if one.not_before <= at <= one.not_after), None)
    if issuer is None or not signed.signer.not_before <= at <= signed.signer.not_after:
        raise DocumentError(f"not valid now: {signed.signer.in_words}, or its CSCA", code="LIST_SIGNER_EXPIRED")
    return issuer


def _issued(anchor: Certificate, signer: Certificate) -> bool:
    if anchor == signer:
        return True  # lists before 2020 were signed by the CSCA itself, and some still are
    return anchor.subject == signer.issuer and anchor.country == signer.country and _verifies(signer, anchor)


def _may_sign(signed: SignedList, *, itself: bool) -> bool:
    """itself: the signer is a pinned CSCA; one that states no purpose may sign its lists."""
    usages = signed.signer.extensions.extended_key_usage
    if itself and not usages:
        return True
    if signed.kind == MASTER_LIST:
        return _MASTER_LIST_SIGNING in usages
    if signed.kind == DEVIATION_LIST:
        return _DEVIATION_LIST_SIGNING in usages
    return _DEVIATION_LIST_SIGNING in usages or any(usage.startswith(_BSI_MRTD) for usage in usages)


def _open(data: bytes) -> SignedList:
    signed = parse_signed_data(data, MASTER_LIST, DEFECT_LIST, DEVIATION_LIST, strict=True)
    if not 1 <= len(signed.certificates) <= CERTIFICATES_MAX:
        raise _malformed("certificates")
    if signed.signing_time is None:
        raise _malformed("no signing time")
    certificates = [parse_certificate(each) for each in signed.certificates]
    signers = [one for one in certificates if signed.signer_id.names(one)]
    if len(signers) != 1:
        raise DocumentError("signed list: its signer's certificate is not in it", code="LIST_SIGNER_MISSING")
    if wrong := verify_signed_data(signed, signers[0]):
        raise DocumentError(f"signed list: {wrong}", code="LIST_SIGNATURE_INVALID")
    companions = tuple(one for one in certificates if one != signers[0])
    digest = hashlib.sha256(data).hexdigest()
    return SignedList(signed.content_type, signed.content, signers[0], companions, signed.signing_time, digest)


def _verifies(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        return is_signed_by(certificate, issuer)
    except DocumentError:
        return False


def _malformed(what: str) -> DocumentError:
    return DocumentError(f"signed list: {what}", code="LIST_MALFORMED")
