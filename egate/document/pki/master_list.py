"""CSCA master lists (ICAO Doc 9303-12, 8): the certificates in a list's signed content, each judged by itself.

CscaMasterList ::= SEQUENCE { version INTEGER (0), certList SET OF Certificate }
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from egate.document.encoding import der
from egate.document.pki.certificate import Certificate, is_signed_by, parse_certificate
from egate.errors import DocumentError


@dataclass(frozen=True, slots=True)
class UnusableCertificate:
    """sha256: hex of the encoding as published. subject: for people, "" if not even that can be read. reason: a DocumentError's code."""

    sha256: str
    subject: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MasterList:
    """usable: can anchor a chain. unusable: cannot, with its reason.

    doubtful: self-signed ones among the usable whose own signature does not verify, with its reason. They stay usable: the list's signature
    vouches for them, and their own signature vouches for nothing.
    """

    usable: tuple[Certificate, ...]
    unusable: tuple[UnusableCertificate, ...]
    doubtful: tuple[UnusableCertificate, ...]


def parse_master_list(content: bytes) -> MasterList:
    """content: as SignedList.content. Raises DocumentError (MASTER_LIST_MALFORMED) if the list itself cannot be read."""
    try:
        fields = der.Fields(der.read(content, der.SEQUENCE))
        version, members = der.integer(fields.take(der.INTEGER)), fields.take(der.SET).children()
        fields.end()
    except DocumentError as error:
        raise DocumentError(f"master list: {error}", code="MASTER_LIST_MALFORMED") from None
    if version != 0 or not members:
        raise DocumentError("master list: version or content", code="MASTER_LIST_MALFORMED")
    return judge(member.raw for member in members)


def judge(encodings: Iterable[bytes]) -> MasterList:
    """Which of these certificates can be anchors. Duplicates count once."""
    usable: list[Certificate] = []
    unusable: list[UnusableCertificate] = []
    doubtful: list[UnusableCertificate] = []
    for encoding in dict.fromkeys(encodings):
        subject = ""
        try:
            certificate = parse_certificate(encoding)
            subject = certificate.subject_text
            require_anchor(certificate)
        except DocumentError as error:
            unusable.append(_unusable(encoding, subject, error))
            continue
        usable.append(certificate)
        if certificate.self_issued and (doubt := _doubt(certificate)) is not None:
            doubtful.append(_unusable(encoding, subject, doubt))
    return MasterList(tuple(usable), tuple(unusable), tuple(doubtful))


def require_anchor(certificate: Certificate) -> None:
    """Raises DocumentError: PUBLIC_KEY_… if its key cannot be used, ANCHOR_… if it says itself that it signs no certificates.

    Some published link certificates deny in basicConstraints to be a CA and claim keyCertSign: either is taken (Doc 9303-12, 7.1.1).
    """
    _ = certificate.public_key
    usage = certificate.extensions.key_usage
    if not certificate.is_ca and (usage is None or "key_cert_sign" not in usage):
        raise DocumentError("certificate of no CA", code="ANCHOR_NO_CA")
    if certificate.country == "":
        raise DocumentError("subject names no state", code="ANCHOR_NO_STATE")
    if certificate.extensions.unknown_critical:
        names = ", ".join(certificate.extensions.unknown_critical)
        raise DocumentError(f"critical extension {names}", code="ANCHOR_EXTENSION")


def _doubt(certificate: Certificate) -> DocumentError | None:
    """Why a self-issued certificate's signature is not by its own key; None if it is, or if another key may have signed it (link)."""
    other = certificate.authority_key_id
    if other is not None and certificate.subject_key_id is not None and other != certificate.subject_key_id:
        return None
    try:
        if is_signed_by(certificate, certificate):
            return None
    except DocumentError as error:
        return error
    return DocumentError("self-signature does not verify", code="SIGNATURE_INVALID")


def _unusable(encoding: bytes, subject: str, error: DocumentError) -> UnusableCertificate:
    return UnusableCertificate(hashlib.sha256(encoding).hexdigest(), subject, error.code, str(error))
