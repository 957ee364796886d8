"""Chains of card verifiable certificates: CVCA -> document verifier -> terminal (BSI TR-03110-1, 2.3; TR-03110-3, A.6).

An authority vouches for what is right below it: a CVCA for document verifiers and, by a link certificate, for its own next key; a
verifier for terminals; a terminal for nobody. Rights only shrink on the way down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from egate.document.chip.cvc import AUTHORITY_TAG, CvCertificate, Role, reference
from egate.document.crypto.public_key import PublicKey
from egate.document.crypto.signature import SignatureAlgorithm, verify_signature
from egate.document.encoding.tlv import element, elements
from egate.errors import DocumentError

EF_CVCA_SIZE = 36  # TR-03110-3, A.6.2.3
REFERENCE_COUNT_MAX = 2

_MAY_ISSUE = {
    Role.CVCA: {Role.CVCA, Role.DV_DOMESTIC, Role.DV_FOREIGN},
    Role.DV_DOMESTIC: {Role.TERMINAL},
    Role.DV_FOREIGN: {Role.TERMINAL},
    Role.TERMINAL: set[Role](),
}


@dataclass(frozen=True, slots=True)
class CvHolder:
    """Whom a verified certificate speaks of. rights: data groups, of it and everyone above it. expires: last day."""

    name: str
    role: Role
    rights: frozenset[int]
    expires: date
    key: PublicKey
    scheme: SignatureAlgorithm


def trust_point(certificate: CvCertificate) -> CvHolder:
    """A CVCA that the caller trusts: one that signed itself, or the last of a row of links.

    Raises DocumentError: CVC_ROLE, CVC_DOMAIN_PARAMETERS, CVC_SIGNATURE (of itself), PUBLIC_KEY_….
    """
    if certificate.role is not Role.CVCA:
        raise DocumentError("no CVCA certificate", code="CVC_ROLE")
    key = certificate.key.resolve(None)
    if certificate.self_signed and not _signed(certificate, key, certificate.key.scheme):
        raise DocumentError("signature of a CV certificate", code="CVC_SIGNATURE")
    return _holder(certificate, key, certificate.rights)


def verify_certificate(certificate: CvCertificate, issuer: CvHolder, today: date) -> CvHolder:
    """Raises DocumentError: CVC_ISSUER, CVC_ROLE, CVC_EXPIRED, CVC_SIGNATURE, CVC_DOMAIN_PARAMETERS, PUBLIC_KEY_….

    Neither issuer nor certificate may be past their last day, but for link certificates: those must reach documents that have not seen
    a reader for years (TR-03110-1, 2.3.3).
    """
    if certificate.authority != issuer.name:
        raise DocumentError("issued by another authority", code="CVC_ISSUER")
    if certificate.role not in _MAY_ISSUE[issuer.role]:
        raise DocumentError("issued by a holder that may not", code="CVC_ROLE")
    if not _signed(certificate, issuer.key, issuer.scheme):
        raise DocumentError("signature of a CV certificate", code="CVC_SIGNATURE")
    if certificate.role is not Role.CVCA and not min(certificate.expires, issuer.expires) >= today:
        raise DocumentError("CV certificate expired", code="CVC_EXPIRED")
    if certificate.role is Role.CVCA:  # the next key states its own domain parameters, and its own rights
        return _holder(certificate, certificate.key.resolve(None), certificate.rights)
    return _holder(certificate, certificate.key.resolve(issuer.key), certificate.rights & issuer.rights)


def parse_ef_cvca(data: bytes) -> tuple[str, ...]:
    """The authorities that a chip trusts, the current one first. Raises DocumentError (CVC_…)."""
    try:
        parts = list(elements(data[:EF_CVCA_SIZE].rstrip(b"\x00")))
    except DocumentError:
        raise DocumentError("EF.CVCA malformed", code="CVC_MALFORMED") from None
    if not 1 <= len(parts) <= REFERENCE_COUNT_MAX or any(tag != AUTHORITY_TAG for tag, _ in parts):
        raise DocumentError("EF.CVCA malformed", code="CVC_MALFORMED")
    return tuple(reference(value) for _, value in parts)


def write_ef_cvca(references: Sequence[str]) -> bytes:
    encoded = b"".join(element(AUTHORITY_TAG, name.encode("latin-1")) for name in references[:REFERENCE_COUNT_MAX])
    return encoded.ljust(EF_CVCA_SIZE, b"\x00")


def _signed(certificate: CvCertificate, key: PublicKey, scheme: SignatureAlgorithm) -> bool:
    return verify_signature(key, scheme, certificate.body, certificate.signature)


def _holder(certificate: CvCertificate, key: PublicKey, rights: frozenset[int]) -> CvHolder:
    return CvHolder(certificate.holder, certificate.role, rights, certificate.expires, key, certificate.key.scheme)
