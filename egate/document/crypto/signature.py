"""Verification of the signatures of certificates, security objects and chips.

RSA PKCS #1 v1.5 and PSS (RFC 8017, RFC 4055), ECDSA (RFC 5758; plain format: BSI TR-03111, 5.2), with SHA-1 to SHA-512 as Doc 9303-12,
4.4 lists them and documents issued under earlier editions use them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import ecdsa
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from egate.document.crypto.public_key import RSA, RSA_PSS, EcKey, PublicKey, RsaKey
from egate.document.encoding import der
from egate.document.encoding.der import Element, Fields
from egate.errors import DocumentError

HASH_OIDS = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_HASH_SIZES = {"sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
_MGF1 = "1.2.840.113549.1.1.8"
_SALT_SIZE_MAX = 512  # chosen: no hash of a signature's size is longer


class Scheme(StrEnum):
    RSA_PKCS1 = "rsa_pkcs1"
    RSA_PSS = "rsa_pss"
    ECDSA = "ecdsa"  # SEQUENCE of r and s
    ECDSA_PLAIN = "ecdsa_plain"  # r and s one after the other, each as long as the order


_SCHEMES = {
    "1.2.840.113549.1.1.5": (Scheme.RSA_PKCS1, "sha1"),
    "1.2.840.113549.1.1.14": (Scheme.RSA_PKCS1, "sha224"),
    "1.2.840.113549.1.1.11": (Scheme.RSA_PKCS1, "sha256"),
    "1.2.840.113549.1.1.12": (Scheme.RSA_PKCS1, "sha384"),
    "1.2.840.113549.1.1.13": (Scheme.RSA_PKCS1, "sha512"),
    "1.3.14.3.2.29": (Scheme.RSA_PKCS1, "sha1"),  # OIW's name for it
    "1.2.840.10045.4.1": (Scheme.ECDSA, "sha1"),
    "1.2.840.10045.4.3.1": (Scheme.ECDSA, "sha224"),
    "1.2.840.10045.4.3.2": (Scheme.ECDSA, "sha256"),
    "1.2.840.10045.4.3.3": (Scheme.ECDSA, "sha384"),
    "1.2.840.10045.4.3.4": (Scheme.ECDSA, "sha512"),
    # BSI TR-03111, 5.2.1.1
    "0.4.0.127.0.7.1.1.4.1.1": (Scheme.ECDSA_PLAIN, "sha1"),
    "0.4.0.127.0.7.1.1.4.1.2": (Scheme.ECDSA_PLAIN, "sha224"),
    "0.4.0.127.0.7.1.1.4.1.3": (Scheme.ECDSA_PLAIN, "sha256"),
    "0.4.0.127.0.7.1.1.4.1.4": (Scheme.ECDSA_PLAIN, "sha384"),
    "0.4.0.127.0.7.1.1.4.1.5": (Scheme.ECDSA_PLAIN, "sha512"),
}
# Signed data may name the key's algorithm alone; the hash is then the signer's digest algorithm (RFC 3370, 3.2).
_KEY_ALGORITHMS = {RSA: Scheme.RSA_PKCS1, "1.2.840.10045.2.1": Scheme.ECDSA}


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """hash, mgf_hash: "sha1" to "sha512"; mgf_hash and salt_size (octets) for PSS only."""

    scheme: Scheme
    hash: str
    mgf_hash: str = ""
    salt_size: int = 0


def hash_algorithm(identifier: Element) -> str:
    """Name of the hash of an AlgorithmIdentifier. Raises DocumentError(ALGORITHM_UNSUPPORTED), DER_MALFORMED."""
    name, parameters = _identifier(identifier)
    _require_none(parameters)
    if name not in HASH_OIDS:
        raise _unsupported(f"hash {name}")
    return HASH_OIDS[name]


def digest(name: str, data: bytes) -> bytes:
    """name: "sha1" to "sha512"."""
    return hashlib.new(name, data, usedforsecurity=False).digest()


@lru_cache(maxsize=256)
def signature_algorithm(identifier: bytes, digest_algorithm: str = "") -> SignatureAlgorithm:
    """identifier: AlgorithmIdentifier. digest_algorithm: the hash where the identifier names only the key's algorithm, "" refuses that.

    Raises DocumentError: ALGORITHM_UNSUPPORTED, DER_MALFORMED.
    """
    name, parameters = _identifier(der.read(identifier, der.SEQUENCE))
    if name == RSA_PSS:
        return _pss(parameters)
    _require_none(parameters)
    if name in _SCHEMES:
        return SignatureAlgorithm(*_SCHEMES[name])
    if name in _KEY_ALGORITHMS and digest_algorithm:
        return SignatureAlgorithm(_KEY_ALGORITHMS[name], digest_algorithm)
    raise _unsupported(f"signature {name}")


def verify_signature(key: PublicKey, algorithm: bytes | SignatureAlgorithm, data: bytes, signature: bytes) -> bool:
    """Whether signature is the key owner's over data. algorithm: AlgorithmIdentifier, or what it was parsed to.

    False also if it is for another kind of key. Raises DocumentError: ALGORITHM_UNSUPPORTED, DER_MALFORMED (of the identifiers).
    """
    if isinstance(algorithm, bytes):
        algorithm = signature_algorithm(algorithm)
    return verify_prehashed(key, algorithm, digest(algorithm.hash, data), signature)


def verify_prehashed(key: PublicKey, algorithm: SignatureAlgorithm, hashed: bytes, signature: bytes) -> bool:
    """As verify_signature, over data with this hash (algorithm.hash; of another size: False)."""
    if len(hashed) != _HASH_SIZES[algorithm.hash]:
        return False
    if isinstance(key, RsaKey) and algorithm.scheme in (Scheme.RSA_PKCS1, Scheme.RSA_PSS):
        return _allowed(key, algorithm) and _verify_rsa(key, algorithm, hashed, signature)
    if isinstance(key, EcKey) and algorithm.scheme in (Scheme.ECDSA, Scheme.ECDSA_PLAIN):
        numbers = _plain(key, signature) if algorithm.scheme is Scheme.ECDSA_PLAIN else _sequence(signature)
        return numbers is not None and _verify_ec(key, algorithm.hash, hashed, *numbers)
    return False


def _verify_rsa(key: RsaKey, algorithm: SignatureAlgorithm, hashed: bytes, signature: bytes) -> bool:
    chosen = utils.Prehashed(_HASHES[algorithm.hash]())
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm.scheme is Scheme.RSA_PSS:
        scheme = padding.PSS(padding.MGF1(_HASHES[algorithm.mgf_hash]()), algorithm.salt_size)
    try:
        _rsa_key(key).verify(signature, hashed, scheme, chosen)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError) as error:
        raise _unsupported("RSA") from error
    return True


def _verify_ec(key: EcKey, hash_name: str, hashed: bytes, r: int, s: int) -> bool:
    if not (0 < r < key.curve.n and 0 < s < key.curve.n):
        return False
    native = _native_ec_key(key)
    if native is None:
        return _verify_portable(key, hashed, r, s)
    try:
        native.verify(utils.encode_dss_signature(r, s), hashed, ec.ECDSA(utils.Prehashed(_HASHES[hash_name]())))
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError) as error:
        raise _unsupported(key.curve.name) from error
    return True


def _verify_portable(key: EcKey, hashed: bytes, r: int, s: int) -> bool:
    """FIPS 186-4, 6.4; the hash's leftmost bits where it is longer than the order. The library's own fails where the sum is infinity."""
    curve = key.curve
    number = int.from_bytes(hashed, "big") >> max(0, 8 * len(hashed) - curve.n.bit_length())
    inverse = pow(s, -1, curve.n)
    public = ecdsa.ellipticcurve.PointJacobi(curve.portable.curve, key.x, key.y, 1, curve.n)
    point = curve.portable.generator.mul_add(number * inverse % curve.n, public, r * inverse % curve.n)
    return bool(point != ecdsa.ellipticcurve.INFINITY and point.x() % curve.n == r)


@lru_cache(maxsize=1024)
def _rsa_key(key: RsaKey) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(key.e, key.n).public_key()


@lru_cache(maxsize=1024)
def _native_ec_key(key: EcKey) -> ec.EllipticCurvePublicKey | None:
    """None if OpenSSL, as it was built, does not know the curve."""
    native = key.curve.native
    try:
        return None if native is None else ec.EllipticCurvePublicNumbers(key.x, key.y, native).public_key()
    except UnsupportedAlgorithm:
        return None


def _plain(key: EcKey, signature: bytes) -> tuple[int, int] | None:
    size = key.curve.order_size
    if len(signature) != 2 * size:
        return None
    return int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")


def _sequence(signature: bytes) -> tuple[int, int] | None:
    """r and s, from exactly their DER."""
    try:
        fields = Fields(der.read(signature, der.SEQUENCE))
        r, s = (der.integer(fields.take(der.INTEGER)) for _ in "rs")
        fields.end()
    except DocumentError:
        return None
    return (r, s) if r > 0 and s > 0 and utils.encode_dss_signature(r, s) == signature else None


def _pss(parameters: Element | None) -> SignatureAlgorithm:
    """RFC 4055, 3.1: hash [0], mask generation [1], salt length [2], trailer [3], each with a default."""
    hash_name, mgf_hash, salt_size, trailer = "sha1", "sha1", 20, 1
    if parameters is not None and parameters.tag != der.NULL:
        fields = Fields(parameters)
        if (found := fields.optional(der.context(0))) is not None:
            hash_name = hash_algorithm(der.inner(found, der.SEQUENCE))
        if (found := fields.optional(der.context(1))) is not None:
            mgf_hash = _mask(der.inner(found, der.SEQUENCE))
        if (found := fields.optional(der.context(2))) is not None:
            salt_size = der.integer(der.inner(found, der.INTEGER))
        if (found := fields.optional(der.context(3))) is not None:
            trailer = der.integer(der.inner(found, der.INTEGER))
        fields.end()
    if trailer != 1 or not 0 <= salt_size <= _SALT_SIZE_MAX:
        raise _unsupported("PSS parameters")
    return SignatureAlgorithm(Scheme.RSA_PSS, hash_name, mgf_hash, salt_size)


def _mask(identifier: Element) -> str:
    name, parameters = _identifier(identifier)
    if name != _MGF1 or parameters is None:
        raise _unsupported("PSS mask generation")
    return hash_algorithm(parameters)


def _allowed(key: RsaKey, algorithm: SignatureAlgorithm) -> bool:
    """RFC 4055, 3.3: a key that is for PSS signs nothing else, and keeps to its parameters; the salt may be longer."""
    if not key.pss_parameters:
        return key.pss_parameters is None or algorithm.scheme is Scheme.RSA_PSS
    limits = _pss(der.read(key.pss_parameters, der.SEQUENCE))
    same = (limits.scheme, limits.hash, limits.mgf_hash) == (algorithm.scheme, algorithm.hash, algorithm.mgf_hash)
    return same and algorithm.salt_size >= limits.salt_size


def _identifier(element: Element) -> tuple[str, Element | None]:
    """Object identifier and parameters of an AlgorithmIdentifier."""
    fields = Fields(element)
    name = der.oid(fields.take(der.OID))
    rest = fields.rest()
    if len(rest) > 1:
        raise der.malformed("more than one parameter")
    return name, rest[0] if rest else None


def _require_none(parameters: Element | None) -> None:
    """Absent or NULL: issuers mix the two (RFC 3279, RFC 5754)."""
    if parameters is not None and (parameters.tag != der.NULL or parameters.value):
        raise _unsupported("parameters where none belong")


def _unsupported(what: str) -> DocumentError:
    return DocumentError(f"not supported: {what}", code="ALGORITHM_UNSUPPORTED")
