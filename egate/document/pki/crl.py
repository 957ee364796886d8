"""Certificate revocation lists of CSCAs (RFC 5280, 5; Doc 9303-12, 7.2).

  CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm AlgorithmIdentifier, signature BIT STRING }
  TBSCertList     ::= SEQUENCE { version INTEGER (1) OPTIONAL, signature AlgorithmIdentifier, issuer Name, thisUpdate Time,
                                 nextUpdate Time OPTIONAL, revokedCertificates SEQUENCE OF Entry OPTIONAL, [0] Extensions OPTIONAL }
  Entry           ::= SEQUENCE { userCertificate INTEGER, revocationDate Time, crlEntryExtensions Extensions OPTIONAL }

A list is used whole or not at all: one entry that cannot be read, a delta, or a list of limited scope is refused.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from egate.document.crypto.signature import signature_algorithm, verify_signature
from egate.document.encoding import der, pem
from egate.document.pki.certificate import Certificate, parse_time
from egate.document.pki.equivalents import serial_numbers
from egate.document.pki.name import parse_name
from egate.errors import DocumentError

ENTRIES_MAX = 100_000  # chosen; published lists of CSCAs have none to some thousand
_EXTENSIONS_MAX = 32

_CRL_NUMBER, _AUTHORITY_KEY, _ISSUER_ALT_NAME = "2.5.29.20", "2.5.29.35", "2.5.29.18"
_DELTA, _DISTRIBUTION_POINT, _CERTIFICATE_ISSUER = "2.5.29.27", "2.5.29.28", "2.5.29.29"
_REASON, _INVALIDITY_DATE, _HOLD_INSTRUCTION = "2.5.29.21", "2.5.29.24", "2.5.29.23"
_KNOWN = frozenset((_CRL_NUMBER, _AUTHORITY_KEY, _ISSUER_ALT_NAME, _DISTRIBUTION_POINT))
_KNOWN_IN_ENTRY = frozenset((_REASON, _INVALIDITY_DATE, _HOLD_INSTRUCTION, _CERTIFICATE_ISSUER))
_NO_RESTRICTION = (
    der.context(0),
    der.context(4, constructed=False),
)  # where it is published; whether it names other issuers


@dataclass(frozen=True, slots=True, repr=False)
class Crl:
    """A list as published, its signature not verified yet.

    issuer: name for comparison; country: its alpha-2, upper case. number: CRL number, None if absent. next_update: None if not stated.
    revoked: serial numbers by the name of their issuer. signed: the octets under the signature.
    """

    der: bytes
    issuer: bytes
    issuer_text: str
    country: str
    authority_key_id: bytes | None
    this_update: datetime
    next_update: datetime | None
    number: int | None
    revoked: Mapping[bytes, frozenset[int]]
    signed: bytes
    algorithm: bytes
    signature: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    @property
    def entry_count(self) -> int:
        return sum(len(serials) for serials in self.revoked.values())

    def names(self, issuer: bytes, serial: int, *, any_issuer: bool = False) -> bool:
        """Whether this certificate is listed. any_issuer: the list's own issuer took over from `issuer`, under another name maybe.

        Then entries that say no issuer count as well, unless the list tells issuers apart in others (RFC 5280, 5.3.3).
        """
        issuers = (issuer, self.issuer) if any_issuer and self.revoked.keys() <= {self.issuer} else (issuer,)
        return any(number in self.revoked.get(one, ()) for one in issuers for number in serial_numbers(serial))

    def is_current(self, at: datetime) -> bool:
        return self.next_update is not None and self.this_update <= at <= self.next_update

    def __repr__(self) -> str:
        return f"Crl({self.issuer_text!r}, {self.this_update:%Y-%m-%d}, {self.entry_count} entries)"


def parse_crl(data: bytes) -> Crl:
    """DER or one PEM block. Raises DocumentError: CRL_MALFORMED, CRL_UNSUPPORTED (delta, limited scope, unknown critical extension)."""
    try:
        return _parse(pem.content(data, "X509 CRL"))
    except DocumentError as error:
        if error.code.startswith("CRL_"):
            raise
        raise DocumentError(f"revocation list: {error}", code="CRL_MALFORMED") from None


def is_crl_signed_by(crl: Crl, issuer: Certificate) -> bool:
    """Whether the key of a certificate signed it. Raises DocumentError (ALGORITHM_UNSUPPORTED, PUBLIC_KEY_…)."""
    return verify_signature(issuer.public_key, signature_algorithm(crl.algorithm), crl.signed, crl.signature)


def _parse(data: bytes) -> Crl:
    fields = der.Fields(der.read(data, der.SEQUENCE))
    tbs, algorithm, signature = (
        fields.take(der.SEQUENCE),
        fields.take(der.SEQUENCE),
        der.bit_string(fields.take(der.BIT_STRING)),
    )
    fields.end()
    body = der.Fields(tbs)
    version = body.optional(der.INTEGER)
    if version is not None and der.integer(version) != 1:
        raise _malformed("version is not 2")
    if body.take(der.SEQUENCE).raw != algorithm.raw:  # RFC 5280, 5.1.1.2
        raise _malformed("two signature algorithms")
    name = parse_name(body.take(der.SEQUENCE))
    this_update = parse_time(body.take_any())
    next_update = body.optional(der.UTC_TIME) or body.optional(der.GENERALIZED_TIME)
    entries, wrapped = body.optional(der.SEQUENCE), body.optional(der.context(0))
    body.end()
    extensions = {} if wrapped is None else _extensions(der.inner(wrapped, der.SEQUENCE), _KNOWN)
    if _DISTRIBUTION_POINT in extensions:
        _require_whole_scope(extensions[_DISTRIBUTION_POINT])
    return Crl(
        der=data,
        issuer=name.folded,
        issuer_text=name.text,
        country=name.country,
        authority_key_id=_key_id(extensions.get(_AUTHORITY_KEY)),
        this_update=this_update,
        next_update=None if next_update is None else parse_time(next_update),
        number=der.integer(der.read(extensions[_CRL_NUMBER], der.INTEGER)) if _CRL_NUMBER in extensions else None,
        revoked={} if entries is None else _entries(entries, name.folded),
        signed=tbs.raw,
        algorithm=algorithm.raw,
        signature=signature,
    )


def _entries(element: der.Element, issuer: bytes) -> Mapping[bytes, frozenset[int]]:
    """Every listed certificate, whatever the reason: one on hold is not to be trusted either."""
    revoked: defaultdict[bytes, set[int]] = defaultdict(set)
    for entry in der.read_all(element.value, count_max=ENTRIES_MAX):
        fields = der.Fields(entry)
        serial = der.integer(fields.take(der.INTEGER))
        parse_time(fields.take_any())
        wrapped = fields.optional(der.SEQUENCE)
        fields.end()
        if wrapped is not None:
            extensions = _extensions(wrapped, _KNOWN_IN_ENTRY)
            if _CERTIFICATE_ISSUER in extensions:  # RFC 5280, 5.3.3: it stays for the entries that follow
                issuer = _directory_name(extensions[_CERTIFICATE_ISSUER])
        revoked[issuer].add(serial)
    return {name: frozenset(serials) for name, serials in revoked.items()}


def _extensions(element: der.Element, known: frozenset[str]) -> dict[str, bytes]:
    """Content of the known ones by identifier. An unknown critical one means that the list says something else than we would read."""
    found: dict[str, bytes] = {}
    extensions = element.children()
    if len(extensions) > _EXTENSIONS_MAX:
        raise _malformed("too many extensions")
    for extension in extensions:
        fields = der.Fields(extension)
        name, critical = der.oid(fields.take(der.OID)), fields.optional(der.BOOLEAN)
        value = der.octets(fields.take(der.OCTET_STRING))
        fields.end()
        if name in found:
            raise _malformed("extension twice")
        if name == _DELTA or (name not in known and critical is not None and der.boolean(critical)):
            raise DocumentError(f"revocation list: extension {name}", code="CRL_UNSUPPORTED")
        if name in known:
            found[name] = value
    return found


def _require_whole_scope(value: bytes) -> None:
    """IssuingDistributionPoint (RFC 5280, 5.2.5): a list for some certificates or reasons only cannot say that one is good."""
    if any(part.tag not in _NO_RESTRICTION for part in der.read(value, der.SEQUENCE).children()):
        raise DocumentError("revocation list: of limited scope", code="CRL_UNSUPPORTED")


def _key_id(value: bytes | None) -> bytes | None:
    if value is None:
        return None
    parts = der.read(value, der.SEQUENCE).children()
    return next((part.value for part in parts if part.tag == der.context(0, constructed=False)), None)


def _directory_name(value: bytes) -> bytes:
    """GeneralNames with one directoryName [4]; the choice makes its tag explicit."""
    names = der.read(value, der.SEQUENCE).children()
    if len(names) != 1 or names[0].tag != der.context(4):
        raise _malformed("issuer of an entry")
    return parse_name(der.inner(names[0], der.SEQUENCE)).folded


def _malformed(what: str) -> DocumentError:
    return DocumentError(f"revocation list: {what}", code="CRL_MALFORMED")
