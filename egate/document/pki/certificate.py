"""X.509 certificates of CSCAs, document signers and list signers (ICAO Doc 9303-12, section 7; RFC 5280).

Real ones are malformed in many ways. What does not weaken a check is tolerated: negative serial numbers, string types that do not hold what
they say, times without seconds or zone, lengths longer than needed, missing extensions. The signature is judged over the bytes as they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from egate.document.crypto.public_key import PublicKey, load_public_key
from egate.document.crypto.signature import SignatureAlgorithm, signature_algorithm, verify_signature
from egate.document.encoding import der
from egate.document.encoding.der import Element, Fields
from egate.document.pki.name import Name, parse_name
from egate.errors import DocumentError

SIZE_MAX = 16 * 1024  # chosen: real ones have 0.8 to 3 kB

SUBJECT_KEY_ID, AUTHORITY_KEY_ID = "2.5.29.14", "2.5.29.35"
KEY_USAGE, EXTENDED_KEY_USAGE, BASIC_CONSTRAINTS = "2.5.29.15", "2.5.29.37", "2.5.29.19"
PRIVATE_KEY_USAGE_PERIOD, DOCUMENT_TYPES, NAME_CHANGE = "2.5.29.16", "2.23.136.1.1.6.2", "2.23.136.1.1.6.1"
# Extensions whose meaning is heeded, or that say nothing a document's check depends on (names, policies, where to find lists).
_UNDERSTOOD = frozenset({
    SUBJECT_KEY_ID, AUTHORITY_KEY_ID, KEY_USAGE, EXTENDED_KEY_USAGE, BASIC_CONSTRAINTS, PRIVATE_KEY_USAGE_PERIOD, DOCUMENT_TYPES,
    NAME_CHANGE, "2.5.29.17", "2.5.29.18", "2.5.29.31", "2.5.29.32",
})  # fmt: skip
# RFC 5280, 4.2.1.3: names of the bits, most significant first.
_KEY_USAGES = ("digital_signature", "non_repudiation", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
               "crl_sign", "encipher_only", "decipher_only")  # fmt: skip


@dataclass(frozen=True)
class Extensions:
    """What the extensions say; None or empty where one is missing.

    is_ca: None without basic constraints. unknown_critical: identifiers of critical extensions whose meaning is not heeded here.
    """

    subject_key_id: bytes | None = None
    authority_key_id: bytes | None = None
    is_ca: bool | None = None
    path_length: int | None = None
    key_usage: frozenset[str] | None = None
    extended_key_usage: frozenset[str] = frozenset()
    document_types: tuple[str, ...] = ()
    unknown_critical: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Certificate:
    """Equal if the encodings are.

    sha256: of der, hex. subject, issuer: names for comparison (egate.document.pki.name), subject_text and issuer_text for people.
    country, issuer_country: alpha-2, upper case, "" if there is none. not_before, not_after: aware, UTC.
    """

    der: bytes
    tbs: bytes = field(repr=False)
    signature_identifier: bytes
    signature: bytes
    spki: bytes
    serial: int
    issuer_name: Name
    subject_name: Name
    not_before: datetime
    not_after: datetime
    extensions: Extensions

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    @property
    def subject(self) -> bytes:
        return self.subject_name.folded

    @property
    def issuer(self) -> bytes:
        return self.issuer_name.folded

    @property
    def subject_text(self) -> str:
        return self.subject_name.text

    @property
    def issuer_text(self) -> str:
        return self.issuer_name.text

    @property
    def country(self) -> str:
        return self.subject_name.country

    @property
    def issuer_country(self) -> str:
        return self.issuer_name.country

    @property
    def subject_key_id(self) -> bytes | None:
        return self.extensions.subject_key_id

    @property
    def authority_key_id(self) -> bytes | None:
        return self.extensions.authority_key_id

    @property
    def is_ca(self) -> bool:
        return self.extensions.is_ca is True

    @property
    def document_types(self) -> tuple[str, ...]:
        return self.extensions.document_types

    @property
    def in_words(self) -> str:
        """For people who must find it: whose it is, who issued it, and its number."""
        return f"{self.subject_text}, issued by {self.issuer_text}, serial {self.serial:x}"

    @property
    def self_issued(self) -> bool:
        return self.subject == self.issuer

    @cached_property
    def public_key(self) -> PublicKey:
        """Raises DocumentError(PUBLIC_KEY_…)."""
        return load_public_key(self.spki)

    @cached_property
    def algorithm(self) -> SignatureAlgorithm:
        """Raises DocumentError: ALGORITHM_UNSUPPORTED, DER_MALFORMED."""
        return signature_algorithm(self.signature_identifier)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"Certificate({self.subject_text!r}, serial {self.serial:x})"


def parse_certificate(encoded: bytes) -> Certificate:
    """Raises DocumentError: CERTIFICATE_MALFORMED; CERTIFICATE_ALGORITHM if the signature algorithm inside and outside differ."""
    try:
        return _certificate(encoded)
    except DocumentError as error:
        if error.code != "DER_MALFORMED":
            raise
        raise DocumentError(f"certificate: {error}", code="CERTIFICATE_MALFORMED") from None


def is_signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether issuer's key signed certificate; names and validity are not looked at.

    Raises DocumentError: ALGORITHM_UNSUPPORTED, PUBLIC_KEY_…, DER_MALFORMED.
    """
    return verify_signature(issuer.public_key, certificate.algorithm, certificate.tbs, certificate.signature)


def _certificate(encoded: bytes) -> Certificate:
    if len(encoded) > SIZE_MAX:
        raise der.malformed("too long")
    outer = Fields(der.read(encoded, der.SEQUENCE))
    tbs, identifier = outer.take(der.SEQUENCE), outer.take(der.SEQUENCE)
    signature = der.bit_string(outer.take(der.BIT_STRING))
    outer.end()
    fields = Fields(tbs)
    fields.optional(der.context(0))
    serial = der.integer(fields.take(der.INTEGER))
    inside = fields.take(der.SEQUENCE)
    # RFC 5280, 4.1.1.2: the identifier outside is not signed, so it must say what the one inside says.
    if inside.value != identifier.value:
        raise DocumentError("signature algorithms inside and outside differ", code="CERTIFICATE_ALGORITHM")
    issuer = parse_name(fields.take(der.SEQUENCE))
    validity = Fields(fields.take(der.SEQUENCE))
    not_before, not_after = parse_time(validity.take_any()), parse_time(validity.take_any())
    validity.end()
    subject, spki = parse_name(fields.take(der.SEQUENCE)), fields.take(der.SEQUENCE)
    fields.optional(der.context(1, constructed=False))
    fields.optional(der.context(2, constructed=False))
    found = fields.optional(der.context(3))
    fields.end()
    extensions = Extensions() if found is None else _extensions(der.inner(found, der.SEQUENCE))
    return Certificate(
        encoded,
        tbs.raw,
        identifier.raw,
        signature,
        spki.raw,
        serial,
        issuer,
        subject,
        not_before,
        not_after,
        extensions,
    )


def parse_time(element: Element) -> datetime:
    """UTCTime or GeneralizedTime, also without seconds, with an offset, or with four digits of year under UTCTime's tag."""
    try:
        text = element.value.decode("ascii")
    except UnicodeDecodeError:
        raise der.malformed("time malformed") from None
    if element.tag not in (der.UTC_TIME, der.GENERALIZED_TIME) or len(text) > 32:
        raise der.malformed("no time")
    digits = text[: next((index for index, character in enumerate(text) if character not in "0123456789"), len(text))]
    rest, offset = text[len(digits) :], timedelta()
    if element.tag == der.GENERALIZED_TIME and rest[:1] == ".":  # a fraction: cut off
        rest = rest[1:].lstrip("0123456789")
    if rest[:1] in ("+", "-") and len(rest) == 5 and rest[1:].isdecimal():
        offset = timedelta(hours=int(rest[1:3]), minutes=int(rest[3:])) * (1 if rest[0] == "+" else -1)
    elif rest not in ("Z", ""):
        raise der.malformed("time malformed")
    if element.tag == der.UTC_TIME and len(digits) in (10, 12):
        # RFC 5280, 4.1.2.5.1: 50-99 are of the 20th century.
        digits = ("19" if digits >= "50" else "20") + digits
    if len(digits) not in (12, 14):
        raise der.malformed("time malformed")
    month, day, hour, minute, second = (int(digits[index : index + 2] or "0") for index in range(4, 14, 2))
    try:
        return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC) - offset
    except (ValueError, OverflowError):
        raise der.malformed("no date") from None


def _extensions(sequence: Element) -> Extensions:
    found: dict[str, bytes] = {}
    unknown: list[str] = []
    for extension in sequence.children():
        fields = Fields(extension)
        name = der.oid(fields.take(der.OID))
        flag = fields.optional(der.BOOLEAN)
        value = fields.take(der.OCTET_STRING).value
        fields.end()
        if name in found:
            raise der.malformed("extension twice")  # RFC 5280, 4.2
        found[name] = value
        if flag is not None and der.boolean(flag) and name not in _UNDERSTOOD:
            unknown.append(name)
    is_ca, path_length = _basic_constraints(found.get(BASIC_CONSTRAINTS))
    return Extensions(
        subject_key_id=_subject_key_id(found.get(SUBJECT_KEY_ID)),
        authority_key_id=_authority_key_id(found.get(AUTHORITY_KEY_ID)),
        is_ca=is_ca,
        path_length=path_length,
        key_usage=_key_usage(found.get(KEY_USAGE)),
        extended_key_usage=_extended_key_usage(found.get(EXTENDED_KEY_USAGE)),
        document_types=_document_types(found.get(DOCUMENT_TYPES)),
        unknown_critical=tuple(unknown),
    )


def _subject_key_id(value: bytes | None) -> bytes | None:
    """Some issuers leave out the inner octet string: then the identifier is the value itself."""
    if value is None:
        return None
    try:
        return der.read(value, der.OCTET_STRING).value
    except DocumentError:
        return value


def _authority_key_id(value: bytes | None) -> bytes | None:
    """The key's identifier; an unreadable extension only costs a hint."""
    if value is None:
        return None
    try:
        found = Fields(der.read(value, der.SEQUENCE)).optional(der.context(0, constructed=False))
    except DocumentError:
        return None
    return None if found is None else found.value


def _basic_constraints(value: bytes | None) -> tuple[bool | None, int | None]:
    if value is None:
        return None, None
    fields = Fields(der.read(value, der.SEQUENCE))
    flag, length = fields.optional(der.BOOLEAN), fields.optional(der.INTEGER)
    fields.end()
    return flag is not None and der.boolean(flag), None if length is None else der.integer(length)


def _key_usage(value: bytes | None) -> frozenset[str] | None:
    if value is None:
        return None
    bits = der.read(value, der.BIT_STRING).value
    if not 1 <= len(bits) <= 3 or bits[0] > 7:
        raise der.malformed("key usage malformed")
    number = int.from_bytes(bits[1:].ljust(2, b"\0"), "big")
    return frozenset(name for index, name in enumerate(_KEY_USAGES) if number >> (15 - index) & 1)


def _extended_key_usage(value: bytes | None) -> frozenset[str]:
    if value is None:
        return frozenset()
    return frozenset(der.oid(child) for child in der.read(value, der.SEQUENCE).children())


def _document_types(value: bytes | None) -> tuple[str, ...]:
    """Doc 9303-12, 7.1.1.6: version and the document codes that the signer may sign for, as in the MRZ."""
    if value is None:
        return ()
    fields = Fields(der.read(value, der.SEQUENCE))
    fields.take(der.INTEGER)
    types = tuple(child.value.decode("latin-1").strip(" <").upper() for child in fields.take(der.SET).children())
    fields.end()
    return types
