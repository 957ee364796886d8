"""Known defects of documents, keys and certificates, as issuers publish them. Values; lists are read in egate.document.pki.defect_list."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from egate.document.pki.certificate import Certificate
from egate.document.pki.equivalents import serial_numbers

CERTIFICATE_REVOKED = "certificate_revoked"
SOD, COM = 20, 21  # as data group numbers in deviation lists, Doc 9303-12, 10: Datagroup


@dataclass(frozen=True, slots=True, repr=False)
class DocumentTraits:
    """What narrows a published deviation to single documents. type: of the MRZ, e.g. "P". issued: None where unknown."""

    type: str
    number: str
    issued: date | None = None

    def __repr__(self) -> str:
        return "DocumentTraits(...)"


@dataclass(frozen=True, slots=True, repr=False)
class Defect:
    """One published defect and the documents it concerns: all criteria that are given must hold (Doc 9303-12, 10: logical AND).

    kind: snake case, or the object identifier where it is unknown. data_groups: numbers concerned, SOD and COM as 20 and 21.
    publisher: alpha-2 of the state whose list it is. issuer (normalised name) and serial, subject_key_id, certificate_hash (algorithm,
    digest; of a published encoding): the document signer. document_type, issued_from, issued_until (aware UTC), document_numbers:
    the documents.
    """

    kind: str
    publisher: str
    data_groups: frozenset[int] = frozenset()
    issuer: bytes | None = None
    serial: int | None = None
    subject_key_id: bytes | None = None
    certificate_hash: tuple[str, bytes] | None = None
    document_type: str | None = None
    issued_from: datetime | None = None
    issued_until: datetime | None = None
    document_numbers: frozenset[str] | None = None

    @property
    def revokes(self) -> bool:
        """The document signer is revoked, as by a revocation list (TR-03129-2, 7: id-CertRevoked, whatever its status code)."""
        return self.kind == CERTIFICATE_REVOKED

    @property
    def names_signer(self) -> bool:
        return self.serial is not None or self.subject_key_id is not None or self.certificate_hash is not None

    def names(self, signer: Certificate, encodings: Collection[bytes] = ()) -> bool:
        """Whether it concerns documents of this signer. One that names no signer concerns all of the publishing state.

        Serial number and key are signed by the signer's CSCA, so with them the hash is no criterion: whoever hands in a certificate can
        write it so that its hash is another. encodings: those under which this certificate may have been published, beside its own.
        """
        if not self.names_signer:
            return signer.issuer_country == self.publisher
        if self.serial is None and self.subject_key_id is None:
            return self._is_hash_of((signer.der, *encodings))
        if self.serial is not None and (
            signer.issuer != self.issuer or self.serial not in serial_numbers(signer.serial)
        ):
            return False
        return self.subject_key_id is None or signer.subject_key_id == self.subject_key_id

    def _is_hash_of(self, encodings: Iterable[bytes]) -> bool:
        algorithm, digest = self.certificate_hash or ("sha256", b"")
        return any(hashlib.new(algorithm, encoding).digest() == digest for encoding in encodings)

    def concerns(self, document: DocumentTraits | None) -> bool:
        """Whether it concerns a document of its signer; None: every document of it. An unknown date of issue rules nothing out."""
        narrow = self.document_type is not None or self.issued_from is not None or self.document_numbers is not None
        if document is None or not narrow:
            return not narrow
        if self.document_type is not None and not document.type.startswith(self.document_type.rstrip("<")):
            return False
        if self.document_numbers is not None and document.number not in self.document_numbers:
            return False
        if document.issued is None or self.issued_from is None or self.issued_until is None:
            return True
        return self.issued_from.date() <= document.issued <= self.issued_until.date()

    def __repr__(self) -> str:
        return f"Defect({self.kind}, {self.publisher})"
