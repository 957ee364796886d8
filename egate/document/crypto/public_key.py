"""Public keys of certificates and chips (RFC 5280, 4.1.2.7; RFC 3279; RFC 4055; RFC 5480; explicit curves: ISO/IEC 15946, X9.62).

Chips also name their group by a number (BSI TR-03110-3, A.2.1.1), mostly in EF.CardSecurity.
"""

from __future__ import annotations

from dataclasses import dataclass

from egate.document.crypto.curves import Curve, curve_by_oid, curve_by_parameters
from egate.document.crypto.domain_parameters import DhParameters, standardised_parameters
from egate.document.encoding import der
from egate.document.encoding.der import Element, Fields
from egate.errors import DocumentError

RSA, RSA_PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
EC, EC_DH = "1.2.840.10045.2.1", "1.3.132.1.12"  # RFC 5480, 2.1: unrestricted, and ECDH only
DH, DH_X942 = "1.2.840.113549.1.3.1", "1.2.840.10046.2.1"  # PKCS #3, and RFC 3279, 2.3.3
STANDARDISED = "0.4.0.127.0.7.1.2"  # standardizedDomainParameters, with the number as parameter
_PRIME_FIELD = "1.2.840.10045.1.1"

# Chosen: below 1024 bits anybody factors it, above 8192 one verification takes long.
RSA_BITS_MIN, RSA_BITS_MAX = 1024, 8192
RSA_EXPONENT_BITS_MAX = 64  # chosen: published ones have at most 17 to 32
DH_BITS_MIN, DH_BITS_MAX = 1024, 8192


@dataclass(frozen=True, slots=True, repr=False)
class RsaKey:
    """pss_parameters: DER of what the key restricts itself to, b"" if it is for RSASSA-PSS of any kind, None if it is for any scheme."""

    n: int
    e: int
    pss_parameters: bytes | None = None

    def __repr__(self) -> str:
        return f"RsaKey({self.n.bit_length()} bits)"


@dataclass(frozen=True, slots=True, repr=False)
class EcKey:
    """A point of the curve, not infinity."""

    curve: Curve
    x: int
    y: int

    def __repr__(self) -> str:
        return f"EcKey({self.curve.name})"


@dataclass(frozen=True, slots=True, repr=False)
class DhKey:
    """1 < y < p - 1. q: order of the subgroup, None where the key does not state it."""

    p: int
    g: int
    y: int
    q: int | None = None

    def __repr__(self) -> str:
        return f"DhKey({self.p.bit_length()} bits)"


PublicKey = RsaKey | EcKey | DhKey


def load_public_key(spki: bytes) -> PublicKey:
    """spki: SubjectPublicKeyInfo.

    Raises DocumentError: PUBLIC_KEY_MALFORMED, PUBLIC_KEY_UNSUPPORTED (algorithm), PUBLIC_KEY_CURVE (unknown curve or parameters),
    PUBLIC_KEY_SIZE, PUBLIC_KEY_VALUE (not a point of the curve, or out of range).
    """
    try:
        fields = Fields(der.read(spki, der.SEQUENCE))
        algorithm, key = Fields(fields.take(der.SEQUENCE)), der.bit_string(fields.take(der.BIT_STRING))
        fields.end()
        name = der.oid(algorithm.take(der.OID))
        parameters = _only(list(algorithm.rest()))
        if name in (RSA, RSA_PSS):
            return _rsa(key, parameters, pss=name == RSA_PSS)
        if name in (EC, EC_DH):
            return _ec(key, parameters)
        if name in (DH, DH_X942):
            return _dh(key, parameters, x942=name == DH_X942)
        if name == STANDARDISED:
            return _standardised(key, parameters)
    except DocumentError as error:
        if error.code != "DER_MALFORMED":
            raise
        raise DocumentError(f"public key: {error}", code="PUBLIC_KEY_MALFORMED") from None
    raise DocumentError(f"public key algorithm {name}", code="PUBLIC_KEY_UNSUPPORTED")


def _only(rest: list[Element]) -> Element | None:
    if len(rest) > 1:
        raise der.malformed("more than one parameter")
    return rest[0] if rest else None


def _rsa(key: bytes, parameters: Element | None, *, pss: bool) -> RsaKey:
    fields = Fields(der.read(key, der.SEQUENCE))
    n, e = _natural(fields.take(der.INTEGER)), _natural(fields.take(der.INTEGER))
    fields.end()
    if not RSA_BITS_MIN <= n.bit_length() <= RSA_BITS_MAX:
        raise DocumentError(f"RSA of {n.bit_length()} bits", code="PUBLIC_KEY_SIZE")
    if n % 2 == 0 or e % 2 == 0 or e < 3 or e.bit_length() > RSA_EXPONENT_BITS_MAX:
        raise DocumentError("RSA modulus or exponent", code="PUBLIC_KEY_VALUE")
    if not pss:
        return RsaKey(n, e)
    return RsaKey(n, e, b"" if parameters is None or parameters.tag == der.NULL else parameters.raw)


def _ec(key: bytes, parameters: Element | None) -> EcKey:
    if parameters is None:
        raise der.malformed("curve is missing")
    curve = curve_by_oid(der.oid(parameters)) if parameters.tag == der.OID else _explicit(parameters)
    if curve is None:
        raise DocumentError("unknown curve or explicit parameters", code="PUBLIC_KEY_CURVE")
    return _point(key, curve)


def _point(key: bytes, curve: Curve) -> EcKey:
    point = curve.decode(key)
    if point is None:
        raise DocumentError(f"no point of {curve.name}", code="PUBLIC_KEY_VALUE")
    return EcKey(curve, *point)


def _standardised(key: bytes, parameters: Element | None) -> PublicKey:
    if parameters is None or parameters.tag != der.INTEGER:
        raise der.malformed("number of the domain parameters is missing")
    group = standardised_parameters(der.integer(parameters))
    if group is None:
        raise DocumentError("unknown domain parameters", code="PUBLIC_KEY_CURVE")
    if not isinstance(group, DhParameters):
        return _point(key, group)
    y = _natural(der.read(key, der.INTEGER))
    if not 1 < y < group.p - 1:
        raise DocumentError("DH value out of range", code="PUBLIC_KEY_VALUE")
    return DhKey(group.p, group.g, y, group.q)


def _explicit(parameters: Element) -> Curve | None:
    """ECParameters of X9.62 (RFC 3279, 2.3.5): version, field, curve, base point, order, cofactor."""
    fields = Fields(parameters)
    fields.take(der.INTEGER)
    field = Fields(fields.take(der.SEQUENCE))
    if der.oid(field.take(der.OID)) != _PRIME_FIELD:
        return None
    p = _natural(field.take(der.INTEGER))
    field.end()
    coefficients = Fields(fields.take(der.SEQUENCE))
    a, b = (int.from_bytes(coefficients.take(der.OCTET_STRING).value, "big") for _ in "ab")
    generator, n = fields.take(der.OCTET_STRING).value, _natural(fields.take(der.INTEGER))
    cofactor = fields.optional(der.INTEGER)
    if cofactor is not None and der.integer(cofactor) != 1:
        return None
    return curve_by_parameters(p, a, b, n, generator)


def _dh(key: bytes, parameters: Element | None, *, x942: bool) -> DhKey:
    """Parameters: PKCS #3 p, g, [length]; X9.42 p, g, q, [j], [validation]."""
    if parameters is None:
        raise der.malformed("DH parameters are missing")
    fields = Fields(parameters)
    p, g = _natural(fields.take(der.INTEGER)), _natural(fields.take(der.INTEGER))
    q = _natural(fields.take(der.INTEGER)) if x942 else None
    y = _natural(der.read(key, der.INTEGER))
    if not DH_BITS_MIN <= p.bit_length() <= DH_BITS_MAX:
        raise DocumentError(f"DH of {p.bit_length()} bits", code="PUBLIC_KEY_SIZE")
    if p % 2 == 0 or not (1 < g < p - 1 and 1 < y < p - 1) or (q is not None and not 1 < q < p):
        raise DocumentError("DH value out of range", code="PUBLIC_KEY_VALUE")
    return DhKey(p, g, y, q)


def _natural(element: Element) -> int:
    """As unsigned: issuers forget the leading zero (a modulus or order is never negative)."""
    return der.integer(element) % (1 << 8 * len(element.value))
