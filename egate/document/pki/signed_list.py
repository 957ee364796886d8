"""Signed lists of certificate authorities: master, defect and deviation lists, all CMS SignedData (RFC 5652; Doc 9303-12, 8 and 10).

  ContentInfo ::= SEQUENCE { id-signedData, [0] SignedData }
  SignedData  ::= SEQUENCE { version INTEGER, digestAlgorithms SET, encapContentInfo SEQUENCE { eContentType OID, [0] OCTET STRING },
                             certificates [0], signerInfos SET OF SignerInfo }
  SignerInfo  ::= SEQUENCE { version INTEGER, sid, digestAlgorithm, signedAttrs [0], signatureAlgorithm, signature OCTET STRING }

Stricter than CMS, so that nothing in a list can be changed unnoticed: what the signature does not cover must say what it has to say,
and a certificate that comes along must verify. Two questions, two functions: is the list what its signer signed (open_signed_list), and is
that signer one we trust for this kind of list (require_signer)?
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from egate.document.crypto.signature import digest, hash_algorithm, signature_algorithm, verify_signature
from egate.document.encoding import der
from egate.document.pki.certificate import Certificate, is_signed_by, parse_certificate, parse_time
from egate.document.pki.defect_list import DEFECT_LIST, DEVIATION_LIST
from egate.document.pki.name import parse_name
from egate.errors import DocumentError

MASTER_LIST = "2.23.136.1.1.2"  # Doc 9303-12, 8: id-icao-cscaMasterList
LIST_SIZE_MAX = der.SIZE_MAX
CERTIFICATES_MAX = 16  # embedded beside the list; chosen, Doc 9303-12 asks for two
ATTRIBUTES_MAX = 16

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_CONTENT_TYPE, _MESSAGE_DIGEST, _SIGNING_TIME = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.5"
_SIGNERS_KEY_ID = der.context(0, constructed=False)
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
        if not error.code.startswith(("DER_", "CERTIFICATE_")):
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
        raise DocumentError(f"no pinned CSCA issued the list's signer {signed.signer!r}", code="LIST_SIGNER_NOT_PINNED")
    if not _may_sign(signed, itself=signed.signer in issuers):
        raise DocumentError("the list's signer is not for lists of this kind", code="LIST_SIGNER_NOT_FOR_LISTS")
    known = (*signed.companions, *pinned)
    if not all(any(_verifies(one, other) for other in known) for one in signed.companions):
        raise DocumentError("a certificate in the list is signed by nobody known", code="LIST_COMPANION_UNKNOWN")
    # One key may have several certificates, of which a link certificate ends first.
    issuer = next((one for one in issuers if one.not_before <= at <= one.not_after), None)
    if issuer is None or not signed.signer.not_before <= at <= signed.signer.not_after:
        raise DocumentError(f"not valid now: {signed.signer!r} or its CSCA", code="LIST_SIGNER_EXPIRED")
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
    outer = der.Fields(der.read(data, der.SEQUENCE))
    if der.oid(outer.take(der.OID)) != _SIGNED_DATA:
        raise _malformed("no signed data")
    fields = der.Fields(der.inner(outer.take(der.context(0)), der.SEQUENCE))
    outer.end()
    _require_version(fields, 3)  # RFC 5652, 5.1: content of a type of its own
    hashes = [hash_algorithm(identifier) for identifier in fields.take(der.SET).children()]
    kind, content = _content(fields.take(der.SEQUENCE))
    if kind not in (MASTER_LIST, DEFECT_LIST, DEVIATION_LIST):
        raise _malformed(f"content type {kind}")
    embedded = fields.take(der.context(0)).children()
    infos = fields.take(der.SET).children()
    fields.end()
    if len(infos) != 1 or not 1 <= len(embedded) <= CERTIFICATES_MAX:
        raise _malformed("not one signer")  # Doc 9303-12, 8: one signerInfo
    certificates = [parse_certificate(child.raw) for child in embedded]
    signer, signed_at, used = _verify(infos[0], kind, content, certificates)
    if hashes != [used]:
        raise _malformed("hash algorithms differ")
    companions = tuple(certificate for certificate in certificates if certificate != signer)
    return SignedList(kind, content, signer, companions, signed_at, hashlib.sha256(data).hexdigest())


def _content(element: der.Element) -> tuple[str, bytes]:
    fields = der.Fields(element)
    kind, wrapped = der.oid(fields.take(der.OID)), fields.take(der.context(0))
    fields.end()
    children = wrapped.children()
    if len(children) != 1:
        raise _malformed("content")
    return kind, der.octets(children[0])


def _verify(
    info: der.Element, kind: str, content: bytes, certificates: Sequence[Certificate]
) -> tuple[Certificate, datetime, str]:
    """Signer, signing time and hash algorithm of the one SignerInfo. RFC 5652, 5.3 and 5.6."""
    fields = der.Fields(info)
    version, sid = der.integer(fields.take(der.INTEGER)), fields.take_any()
    hash_name = hash_algorithm(fields.take(der.SEQUENCE))
    attributes = fields.take(der.context(0))
    algorithm, signature = fields.take(der.SEQUENCE), der.octets(fields.take(der.OCTET_STRING))
    fields.end()
    signer = _signer(version, sid, certificates)
    values = _attributes(attributes)
    if _CONTENT_TYPE not in values or _MESSAGE_DIGEST not in values or _SIGNING_TIME not in values:
        raise _malformed("a signed attribute is missing")
    if not hmac.compare_digest(der.octets(values[_MESSAGE_DIGEST]), digest(hash_name, content)):
        raise DocumentError("signed list: content has another hash", code="LIST_SIGNATURE_INVALID")
    signed = der.encode(der.SET, attributes.value)  # RFC 5652, 5.4: under the tag of the set, not under [0]
    if der.oid(values[_CONTENT_TYPE]) != kind or not verify_signature(
        signer.public_key, signature_algorithm(algorithm.raw, hash_name), signed, signature
    ):
        raise DocumentError("signed list: signature", code="LIST_SIGNATURE_INVALID")
    return signer, parse_time(values[_SIGNING_TIME]), hash_name


def _signer(version: int, sid: der.Element, certificates: Sequence[Certificate]) -> Certificate:
    """The embedded certificate that the signer identifier names."""
    if sid.tag == _SIGNERS_KEY_ID and version == 3:
        found = [one for one in certificates if one.subject_key_id == sid.value]
    elif sid.tag == der.SEQUENCE and version == 1:
        fields = der.Fields(sid)
        name, serial = parse_name(fields.take(der.SEQUENCE)), der.integer(fields.take(der.INTEGER))
        fields.end()
        found = [one for one in certificates if (one.issuer_name, one.serial) == (name, serial)]
    else:
        raise _malformed("signer identifier")
    if len(found) != 1:
        raise DocumentError("signed list: its signer's certificate is not in it", code="LIST_SIGNER_MISSING")
    return found[0]


def _attributes(element: der.Element) -> dict[str, der.Element]:
    """The only value of each signed attribute."""
    found: dict[str, der.Element] = {}
    children = element.children()
    if len(children) > ATTRIBUTES_MAX:
        raise _malformed("too many attributes")
    for attribute in children:
        fields = der.Fields(attribute)
        name, values = der.oid(fields.take(der.OID)), fields.take(der.SET).children()
        fields.end()
        if name in found or len(values) != 1:
            raise _malformed("attribute twice")
        found[name] = values[0]
    return found


def _require_version(fields: der.Fields, version: int) -> None:
    if der.integer(fields.take(der.INTEGER)) != version:
        raise _malformed(f"version is not {version}")


def _verifies(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        return is_signed_by(certificate, issuer)
    except DocumentError:
        return False


def _malformed(what: str) -> DocumentError:
    return DocumentError(f"signed list: {what}", code="LIST_MALFORMED")
