"""What a trust store holds and who vouches for each part of it. Values; the import (egate.trust.imports) makes new ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from egate.document.pki.certificate import Certificate
from egate.document.pki.crl import Crl
from egate.document.pki.defect import Defect
from egate.document.pki.defect_list import DEFECT_LIST, DEVIATION_LIST, parse_defects, parse_deviations
from egate.document.pki.master_list import UnusableCertificate
from egate.document.pki.signed_list import MASTER_LIST, SignedList
from egate.document.pki.trust import TrustAnchor, TrustedCrl, TrustStore
from egate.errors import DocumentError


class SourceKind(StrEnum):
    """Members are index format: never rename one."""

    PIN = "pin"  # an operator's own decision, --csca
    CERTIFICATES = "certificates"  # single certificates that an anchor vouches for
    CRL = "crl"
    MASTER_LIST = "master_list"
    DEFECT_LIST = "defect_list"
    DEVIATION_LIST = "deviation_list"


LIST_KINDS = {
    MASTER_LIST: SourceKind.MASTER_LIST,
    DEFECT_LIST: SourceKind.DEFECT_LIST,
    DEVIATION_LIST: SourceKind.DEVIATION_LIST,
}


@dataclass(frozen=True, slots=True)
class Source:
    """Something that was imported. sha256: of the list or the file's item. publisher: alpha-2 of the state.

    signer: for people; "" for a pin. signed_at: of a list or a CRL. unusable: certificates of a master list that cannot be used.
    issuer_key: key_hash of the CSCA that issued a list's signer, "" for all else.
    """

    sha256: str
    kind: SourceKind
    file: str
    imported_at: datetime
    publisher: str = ""
    signer: str = ""
    signed_at: datetime | None = None
    unusable: tuple[UnusableCertificate, ...] = ()
    issuer_key: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate and the sources (hashes) that vouch for it."""

    certificate: Certificate
    sources: frozenset[str]


@dataclass(frozen=True, slots=True)
class HeldList:
    """A defect or deviation list: its encoding, and what it says."""

    encoding: bytes
    defects: tuple[Defect, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """All by sha256: anchors and signers of the certificate, crls of the CRL, lists of the list, sources of what was imported."""

    sources: Mapping[str, Source] = field(default_factory=dict)
    anchors: Mapping[str, Held] = field(default_factory=dict)
    signers: Mapping[str, Held] = field(default_factory=dict)
    crls: Mapping[str, TrustedCrl] = field(default_factory=dict)
    lists: Mapping[str, HeldList] = field(default_factory=dict)

    @property
    def updated_at(self) -> datetime | None:
        """When the newest list or revocation list was signed; None if there is none. The time of an import would prove nothing: anybody
        hands in what is known."""
        signed = (source.signed_at for source in self.sources.values())
        return max((moment for moment in signed if moment is not None), default=None)

    def is_pinned(self, sha256: str) -> bool:
        return any(self.sources[source].kind is SourceKind.PIN for source in self.anchors[sha256].sources)

    def pinned(self) -> tuple[Certificate, ...]:
        return tuple(held.certificate for sha256, held in self.anchors.items() if self.is_pinned(sha256))

    def trust_store(self) -> TrustStore:
        anchors = [
            TrustAnchor(
                held.certificate, self.is_pinned(sha256), tuple(sorted({self.sources[s].file for s in held.sources}))
            )
            for sha256, held in self.anchors.items()
        ]
        return TrustStore(
            anchors=tuple(anchors),
            document_signers=tuple(held.certificate for held in self.signers.values()),
            crls=tuple(self.crls.values()),
            defects=tuple(defect for held in self.lists.values() for defect in held.defects),
            updated_at=self.updated_at,
        )


def read_defects(signed: SignedList) -> tuple[Defect, ...]:
    """Of a defect or deviation list. Raises DocumentError."""
    publisher = signed.signer.issuer_country
    if signed.kind == DEFECT_LIST:
        return parse_defects(signed.content, publisher)
    if signed.kind == DEVIATION_LIST:
        return parse_deviations(signed.content, publisher)
    raise DocumentError("no defect list", code="DEFECT_LIST_MALFORMED")


def crl_source(crl: Crl, signer: Certificate, file: str, now: datetime) -> Source:
    return Source(crl.sha256, SourceKind.CRL, file, now, crl.country, signer.subject_text, crl.this_update)


def still_in_force(trusted: TrustedCrl, anchors: Sequence[Certificate]) -> TrustedCrl | None:
    """What is known to be revoked stays so while an anchor has the list's key, its name, or came from it.

    By an anchor of that key if there is one. None if the list speaks of nobody here any more.
    """
    of_state = [anchor for anchor in anchors if anchor.country == trusted.crl.country]
    holders = [anchor for anchor in of_state if anchor.spki == trusted.signer.spki]
    if holders:
        return trusted if trusted.signer in holders else replace(trusted, signer=holders[0])
    named = any(trusted.crl.issuer in (anchor.subject, anchor.issuer) for anchor in of_state)
    return trusted if named else None


def key_hash(certificate: Certificate) -> str:
    """Names a public key in the index."""
    return hashlib.sha256(certificate.spki).hexdigest()
