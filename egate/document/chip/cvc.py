"""Card verifiable certificates (BSI TR-03110-3, C and D): what a terminal shows to a chip that guards its fingerprints.

    7F21 certificate { 7F4E body { 5F29 profile, 42 authority, 7F49 public key, 5F20 holder, 7F4C authorisation,
                                   5F25 effective, 5F24 expiration, 65 extensions }, 5F37 signature }

Public keys: RSA 81 modulus, 82 exponent; elliptic curves 81-85, 87 domain parameters, 86 point. Only a CVCA's key states the parameters;
those below it inherit them. Lengths must be the shortest ones, so that a certificate has one encoding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum

from egate.document.crypto.curves import Curve, curve_by_parameters
from egate.document.crypto.public_key import EC, RSA, EcKey, PublicKey, load_public_key
from egate.document.crypto.signature import Scheme, SignatureAlgorithm
from egate.document.encoding import der
from egate.document.encoding.oid import decode_oid, encode_oid
from egate.document.encoding.tlv import element, elements, single, unique
from egate.errors import DocumentError

SIZE_MAX = 4096  # chosen: 4,096-bit RSA makes about 1,200 bytes
CERTIFICATE_TAG, BODY_TAG, SIGNATURE_TAG = 0x7F21, 0x7F4E, 0x5F37
PROFILE_TAG, AUTHORITY_TAG, KEY_TAG, HOLDER_TAG = 0x5F29, 0x42, 0x7F49, 0x5F20
CHAT_TAG, EFFECTIVE_TAG, EXPIRATION_TAG, EXTENSIONS_TAG = 0x7F4C, 0x5F25, 0x5F24, 0x65
OID_TAG, RIGHTS_TAG = 0x06, 0x53
P_TAG, A_TAG, B_TAG, GENERATOR_TAG, ORDER_TAG, POINT_TAG, COFACTOR_TAG = range(0x81, 0x88)
MODULUS_TAG, EXPONENT_TAG = 0x81, 0x82
_BODY_TAGS = (PROFILE_TAG, AUTHORITY_TAG, KEY_TAG, HOLDER_TAG, CHAT_TAG, EFFECTIVE_TAG, EXPIRATION_TAG)
_DOMAIN_TAGS = {P_TAG, A_TAG, B_TAG, GENERATOR_TAG, ORDER_TAG, COFACTOR_TAG}

INSPECTION_SYSTEM = "0.4.0.127.0.7.3.1.2.1"  # id-IS, C.4.1: terminals at a border
REFERENCE_SIZE_MAX, SEQUENCE_SIZE, COUNTRY_SIZE = 16, 5, 2  # A.6.1: country, mnemonic, sequence number
_ROLE_SHIFT, _RIGHTS = 6, {3: 0x01, 4: 0x02}  # C.4.1: fingerprints, irises
_DATE_SIZE = 6

_TA = "0.4.0.127.0.7.2.2.2"
# A.6.4.1 and A.6.4.2. PSS: the salt is as long as the hash.
ALGORITHMS: dict[str, SignatureAlgorithm] = {
    f"{_TA}.1.1": SignatureAlgorithm(Scheme.RSA_PKCS1, "sha1"),
    f"{_TA}.1.2": SignatureAlgorithm(Scheme.RSA_PKCS1, "sha256"),
    f"{_TA}.1.3": SignatureAlgorithm(Scheme.RSA_PSS, "sha1", "sha1", 20),
    f"{_TA}.1.4": SignatureAlgorithm(Scheme.RSA_PSS, "sha256", "sha256", 32),
    f"{_TA}.1.5": SignatureAlgorithm(Scheme.RSA_PKCS1, "sha512"),
    f"{_TA}.1.6": SignatureAlgorithm(Scheme.RSA_PSS, "sha512", "sha512", 64),
    f"{_TA}.2.1": SignatureAlgorithm(Scheme.ECDSA_PLAIN, "sha1"),
    f"{_TA}.2.2": SignatureAlgorithm(Scheme.ECDSA_PLAIN, "sha224"),
    f"{_TA}.2.3": SignatureAlgorithm(Scheme.ECDSA_PLAIN, "sha256"),
    f"{_TA}.2.4": SignatureAlgorithm(Scheme.ECDSA_PLAIN, "sha384"),
    f"{_TA}.2.5": SignatureAlgorithm(Scheme.ECDSA_PLAIN, "sha512"),
}


class Role(IntEnum):
    """The two highest bits of the authorisation."""

    TERMINAL = 0
    DV_FOREIGN = 1
    DV_DOMESTIC = 2
    CVCA = 3


@dataclass(frozen=True, slots=True)
class CvKey:
    """algorithm: one of ALGORITHMS. public: None for a point whose curve is inherited. point: encoded, b"" for RSA."""

    algorithm: str
    public: PublicKey | None = field(repr=False)
    point: bytes = field(repr=False)

    @property
    def scheme(self) -> SignatureAlgorithm:
        return ALGORITHMS[self.algorithm]

    def resolve(self, issuer: PublicKey | None) -> PublicKey:
        """The key, on the issuer's curve if it states none. Raises DocumentError if that is no key."""
        if self.public is not None:
            return self.public
        if not isinstance(issuer, EcKey):
            raise DocumentError("domain parameters are missing", code="CVC_DOMAIN_PARAMETERS")
        return _point_on(issuer.curve, self.point)


@dataclass(frozen=True, slots=True)
class CvCertificate:
    """authority, holder: references as they stand (CAR and CHR). rights: data groups it opens. body: encoded, what is signed."""

    authority: str
    holder: str
    key: CvKey
    role: Role
    rights: frozenset[int]
    effective: date
    expires: date
    body: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def content(self) -> bytes:
        """Body and signature, as PSO:Verify Certificate sends them."""
        return self.body + element(SIGNATURE_TAG, self.signature)

    @property
    def encoded(self) -> bytes:
        return element(CERTIFICATE_TAG, self.content)

    @property
    def self_signed(self) -> bool:
        return self.role is Role.CVCA and self.authority == self.holder


def parse_cv_certificate(data: bytes) -> CvCertificate:
    """Raises DocumentError (CVC_…, PUBLIC_KEY_…, OID_MALFORMED). Verifies nothing."""
    if len(data) > SIZE_MAX:
        raise DocumentError("CV certificate too long", code="CVC_TOO_LONG")
    try:
        return _certificate(single(data, CERTIFICATE_TAG), data)
    except DocumentError as error:
        if error.code.startswith(("TLV", "FILE", "DOCUMENT")):
            raise malformed() from None
        raise


def parse_cv_content(data: bytes) -> CvCertificate:
    """As parse_cv_certificate, from body and signature without the outer tag."""
    return parse_cv_certificate(element(CERTIFICATE_TAG, data[: SIZE_MAX + 1]))


def malformed() -> DocumentError:
    return DocumentError("CV certificate malformed", code="CVC_MALFORMED")


def _certificate(content: bytes, data: bytes) -> CvCertificate:
    parts = list(elements(content))
    if [tag for tag, _ in parts] != [BODY_TAG, SIGNATURE_TAG]:
        raise malformed()
    (_, body), (_, signature) = parts
    fields = list(elements(body))
    if [tag for tag, _ in fields] not in ([*_BODY_TAGS], [*_BODY_TAGS, EXTENSIONS_TAG]) or not signature:
        raise malformed()
    profile, authority, key, holder, chat, effective, expiration = (value for _, value in fields[: len(_BODY_TAGS)])
    if profile != b"\x00":
        raise DocumentError("CV certificate of another profile", code="CVC_PROFILE")
    encoded_body = element(BODY_TAG, b"".join(element(tag, value) for tag, value in fields))
    certificate = CvCertificate(
        reference(authority),
        reference(holder),
        _key(key),
        *_authorisation(chat),
        _date(effective),
        _date(expiration),
        encoded_body,
        signature,
    )
    if certificate.encoded != data:
        raise malformed()
    return certificate


def reference(value: bytes) -> str:
    """A certificate's reference: ISO 8859-1. Raises DocumentError (CVC_REFERENCE)."""
    text = value.decode("latin-1")
    country, sequence = text[:COUNTRY_SIZE], text[-SEQUENCE_SIZE:]
    if not COUNTRY_SIZE + SEQUENCE_SIZE < len(value) <= REFERENCE_SIZE_MAX or not text.isprintable():
        raise DocumentError("reference malformed", code="CVC_REFERENCE")
    if not (
        country.isascii() and country.isalpha() and country.isupper() and sequence.isascii() and sequence.isalnum()
    ):
        raise DocumentError("reference malformed", code="CVC_REFERENCE")
    return text


def _authorisation(chat: bytes) -> tuple[Role, frozenset[int]]:
    parts = list(elements(chat))
    if [tag for tag, _ in parts] != [OID_TAG, RIGHTS_TAG] or len(parts[1][1]) != 1:
        raise malformed()
    if decode_oid(parts[0][1]) != INSPECTION_SYSTEM:
        raise DocumentError("not for an inspection system", code="CVC_TERMINAL_TYPE")
    bits = parts[1][1][0]
    return Role(bits >> _ROLE_SHIFT), frozenset(group for group, bit in _RIGHTS.items() if bits & bit)


def authorisation_bits(role: Role, rights: frozenset[int]) -> int:
    return role << _ROLE_SHIFT | sum(bit for group, bit in _RIGHTS.items() if group in rights)


def _date(value: bytes) -> date:
    """C.1.6: YYMMDD, a digit a byte, in this century."""
    if len(value) != _DATE_SIZE or max(value) > 9:
        raise DocumentError("date malformed", code="CVC_DATE")
    year, month, day = (10 * value[at] + value[at + 1] for at in (0, 2, 4))
    try:
        return date(2000 + year, month, day)
    except ValueError:
        raise DocumentError("date malformed", code="CVC_DATE") from None


def _key(data: bytes) -> CvKey:
    parts = list(elements(data))
    fields = unique(data)
    if not parts or parts[0][0] != OID_TAG or list(fields) != sorted(fields):
        raise malformed()
    name = decode_oid(fields.pop(OID_TAG))
    if name not in ALGORITHMS:
        raise DocumentError(f"terminal authentication by {name}", code="ALGORITHM_UNSUPPORTED")
    if ALGORITHMS[name].scheme is not Scheme.ECDSA_PLAIN:
        if fields.keys() != {MODULUS_TAG, EXPONENT_TAG}:
            raise malformed()
        return CvKey(name, _rsa(fields[MODULUS_TAG], fields[EXPONENT_TAG]), b"")
    point = fields.pop(POINT_TAG, b"")
    if not fields:
        return CvKey(name, None, point)
    if fields.keys() != _DOMAIN_TAGS:
        raise malformed()
    return CvKey(name, _point_on(_curve(fields), point), point)


def _curve(fields: dict[int, bytes]) -> Curve:
    p, a, b, n, cofactor = (
        int.from_bytes(fields[tag], "big") for tag in (P_TAG, A_TAG, B_TAG, ORDER_TAG, COFACTOR_TAG)
    )
    curve = curve_by_parameters(p, a, b, n, fields[GENERATOR_TAG]) if cofactor == 1 else None
    if curve is None:
        raise DocumentError("unknown curve", code="PUBLIC_KEY_CURVE")
    return curve


def _point_on(curve: Curve, point: bytes) -> PublicKey:
    algorithm = der.encode(der.OID, encode_oid(EC)) + der.encode(der.OID, encode_oid(curve.oid))
    return _load(algorithm, point)


def _rsa(modulus: bytes, exponent: bytes) -> PublicKey:
    algorithm = der.encode(der.OID, encode_oid(RSA)) + der.encode(der.NULL, b"")
    numbers = b"".join(der.encode(der.INTEGER, b"\x00" + number) for number in (modulus, exponent))
    return _load(algorithm, der.encode(der.SEQUENCE, numbers))


def _load(algorithm: bytes, key: bytes) -> PublicKey:
    """By way of the one loader that checks sizes and values."""
    content = der.encode(der.SEQUENCE, algorithm) + der.encode(der.BIT_STRING, b"\x00" + key)
    return load_public_key(der.encode(der.SEQUENCE, content))
