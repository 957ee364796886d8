"""CMS signed data (RFC 5652) in the profile of EF.SOD, EF.CardSecurity and signed lists (Doc 9303-10, 4.7.13.1; 9303-12, 8.1 and 10).

    ContentInfo ::= SEQUENCE { id-signedData, [0] SignedData }
    SignedData  ::= SEQUENCE { version (3), digestAlgorithms SET, SEQUENCE { contentType, [0] OCTET STRING },
                               [0] certificates OPTIONAL, signerInfos SET (1) }
    SignerInfo  ::= SEQUENCE { version, sid, digestAlgorithm, [0] signedAttrs, signatureAlgorithm, signature, [1] unsignedAttrs OPTIONAL }

What the signature does not cover can be changed by anybody, so it is held to the profile exactly. DER, or the BER that issuers write:
lengths may be indefinite, the content in parts.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from egate.document.crypto.signature import digest, hash_algorithm, signature_algorithm, verify_signature
from egate.document.encoding import der
from egate.document.encoding.der import Element, Fields
from egate.document.pki.certificate import Certificate, parse_certificate, parse_time
from egate.document.pki.name import Name, parse_name
from egate.errors import DocumentError

SIGNED_DATA = "1.2.840.113549.1.7.2"
_CONTENT_TYPE, _MESSAGE_DIGEST, _SIGNING_TIME = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.5"
_ATTRIBUTES_MAX, _CERTIFICATES_MAX = 32, 64  # chosen: real ones have 2-4 and 1-3


@dataclass(frozen=True, slots=True)
class SignerId:
    """Issuer and serial number, or subject key identifier."""

    issuer: Name | None = None
    serial: int = 0
    subject_key_id: bytes | None = None

    def names(self, certificate: Certificate) -> bool:
        """Issuers are compared exactly but for string types and spaces: a signer's software copies the name from the certificate."""
        if self.issuer is not None:
            return (self.issuer.exact, self.serial) == (certificate.issuer_name.exact, certificate.serial)
        return self.subject_key_id == certificate.subject_key_id  # one of the two is not None


@dataclass(frozen=True, slots=True, repr=False)
class SignedData:
    """content: what is signed. certificates: those sent along, DER. signed_attributes: the content octets of their set.

    digest_algorithm: "sha1" to "sha512". signature_identifier: AlgorithmIdentifier. signing_time: as stated, None where absent.
    strict: as parse_signed_data was asked.
    """

    content_type: str
    content: bytes
    certificates: tuple[bytes, ...]
    signer_id: SignerId
    digest_algorithm: str
    signed_attributes: bytes
    message_digest: bytes
    signing_time: datetime | None
    signature_identifier: bytes
    signature: bytes
    strict: bool = False

    def embedded(self) -> tuple[Certificate, ...]:
        """The certificates sent along that the signer's identifier names. Raises DocumentError (CERTIFICATE_…) if one is malformed."""
        return tuple(found for each in self.certificates if self.signer_id.names(found := parse_certificate(each)))


def parse_signed_data(data: bytes, *content_types: str, strict: bool = False) -> SignedData:
    """data: ContentInfo with content of one of these types.

    strict: for lists, in which nothing may be changed unnoticed. The digest algorithm is announced alone, each attribute has one value,
    attributes are signed as they were sent, and there are no unsigned ones. Chips' issuers are less exact.
    Raises DocumentError: CMS_MALFORMED, ALGORITHM_UNSUPPORTED (of the digest).
    """
    try:
        outer = Fields(der.read(data, der.SEQUENCE))
        if der.oid(outer.take(der.OID)) != SIGNED_DATA:
            raise der.malformed("no signed data")
        content = outer.take(der.context(0))
        outer.end()
        return _signed_data(Fields(der.inner(content, der.SEQUENCE)), content_types, strict)
    except DocumentError as error:
        if error.code != "DER_MALFORMED":
            raise
        raise DocumentError(f"signed data: {error}", code="CMS_MALFORMED") from None


def verify_signed_data(signed: SignedData, signer: Certificate) -> str:
    """What is wrong: "" if the content is signed by this certificate's key, else "message_digest" or "signature".

    Raises DocumentError: ALGORITHM_UNSUPPORTED, PUBLIC_KEY_…, DER_MALFORMED (of the algorithm's identifier).
    """
    if not hmac.compare_digest(digest(signed.digest_algorithm, signed.content), signed.message_digest):
        return "message_digest"
    algorithm = signature_algorithm(signed.signature_identifier, signed.digest_algorithm)
    for encoding in _signed_encodings(signed):
        if verify_signature(signer.public_key, algorithm, encoding, signed.signature):
            return ""
    return "signature"


def _signed_encodings(signed: SignedData) -> Sequence[bytes]:
    """RFC 5652, 5.4: the DER of a SET OF is signed, whatever was sent. Signers that sent it unsorted signed the one or the other."""
    attributes = signed.signed_attributes
    as_sent = der.encode(der.SET, attributes)
    ordered = der.encode(der.SET, b"".join(sorted(child.raw for child in der.read_all(attributes))))
    return (as_sent,) if signed.strict or as_sent == ordered else (as_sent, ordered)


def _signed_data(fields: Fields, content_types: Sequence[str], strict: bool) -> SignedData:
    if der.integer(fields.take(der.INTEGER)) != 3:  # RFC 5652, 5.1: content of another type than data
        raise der.malformed("version is not 3")
    digests = [hash_algorithm(child) for child in fields.take(der.SET).children()]
    content_type, content = _content(fields.take(der.SEQUENCE), content_types)
    certificates = _certificates(fields.optional(der.context(0)))
    signer = fields.take(der.SET).children()
    fields.end()
    if len(signer) != 1:
        raise der.malformed("not exactly one signer")
    return _signer_info(Fields(signer[0]), digests, content_type, content, certificates, strict)


def _content(element: Element, content_types: Sequence[str]) -> tuple[str, bytes]:
    fields = Fields(element)
    content_type = der.oid(fields.take(der.OID))
    if content_type not in content_types:
        raise der.malformed("another type of content")
    wrapped = fields.take(der.context(0)).children()
    fields.end()
    if len(wrapped) != 1:
        raise der.malformed("content")
    return content_type, der.octets(wrapped[0])


def _certificates(element: Element | None) -> tuple[bytes, ...]:
    children = [] if element is None else element.children()
    if len(children) > _CERTIFICATES_MAX or any(child.tag != der.SEQUENCE for child in children):
        raise der.malformed("certificates")
    return tuple(child.raw for child in children)


def _signer_info(
    fields: Fields,
    digests: list[str],
    content_type: str,
    content: bytes,
    certificates: tuple[bytes, ...],
    strict: bool,
) -> SignedData:
    version, signer_id = der.integer(fields.take(der.INTEGER)), _signer_id(fields.take_any())
    if version != (1 if signer_id.issuer is not None else 3):  # RFC 5652, 5.3
        raise der.malformed("version of the signer")
    digest_algorithm = hash_algorithm(fields.take(der.SEQUENCE))
    announced = digests == [digest_algorithm] if strict else not digests or digest_algorithm in digests
    if not announced:
        raise der.malformed("digest algorithm not announced")
    attributes = fields.take(der.context(0))
    stated_type, message_digest, signing_time = _attributes(attributes, strict)
    if stated_type != content_type:
        raise der.malformed("signed type of content differs")
    identifier, signature = fields.take(der.SEQUENCE).raw, fields.take(der.OCTET_STRING).value
    if not strict:
        fields.optional(der.context(1))
    fields.end()
    return SignedData(
        content_type, content, certificates, signer_id, digest_algorithm, attributes.value, message_digest, signing_time,
        identifier, signature, strict,
    )  # fmt: skip


def _signer_id(element: Element) -> SignerId:
    if element.tag == der.context(0, constructed=False):
        return SignerId(subject_key_id=element.value)
    fields = Fields(element)
    issuer, serial = parse_name(fields.take(der.SEQUENCE)), der.integer(fields.take(der.INTEGER))
    fields.end()
    return SignerId(issuer, serial)


def _attributes(element: Element, strict: bool) -> tuple[str, bytes, datetime | None]:
    """Type of content, message digest, signing time. RFC 5652, 11: each once, with one value."""
    values: dict[str, Element] = {}
    children = element.children()
    if len(children) > _ATTRIBUTES_MAX:
        raise der.malformed("too many attributes")
    for child in children:
        fields = Fields(child)
        name, found = der.oid(fields.take(der.OID)), fields.take(der.SET).children()
        fields.end()
        single = strict or name in (_CONTENT_TYPE, _MESSAGE_DIGEST, _SIGNING_TIME)
        if name in values or (single and len(found) != 1):
            raise der.malformed("attribute repeated")
        if found:
            values[name] = found[0]
    if _CONTENT_TYPE not in values or _MESSAGE_DIGEST not in values:
        raise der.malformed("signed attributes missing")
    time = values.get(_SIGNING_TIME)
    return der.oid(values[_CONTENT_TYPE]), _octets(values[_MESSAGE_DIGEST]), None if time is None else parse_time(time)


def _octets(element: Element) -> bytes:
    if element.tag != der.OCTET_STRING:
        raise der.malformed("no octet string")
    return element.value
