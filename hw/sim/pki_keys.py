"""Keys of the simulated authorities and chips, and signatures with them in the forms that travel documents use.

Curves that `cryptography` lacks (brainpoolP192r1, P224r1, P320r1) are computed with `ecdsa`: slower, the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TypeAlias

import ecdsa
import ecdsa.util
from asn1crypto import algos, core, keys, pem
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from ecdsa.ellipticcurve import Point

RSA_EXPONENT = 65537
_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "secp224r1": ec.SECP224R1,
    "secp256r1": ec.SECP256R1,
    "secp384r1": ec.SECP384R1,
    "secp521r1": ec.SECP521R1,
    "brainpoolP256r1": ec.BrainpoolP256R1,
    "brainpoolP384r1": ec.BrainpoolP384R1,
    "brainpoolP512r1": ec.BrainpoolP512R1,
}


def _curve_name(curve: ecdsa.curves.Curve) -> str:
    name = str(curve.name)
    return f"secp{name[4:7]}r1" if name.startswith("NIST") else name.replace("BRAINPOOL", "brainpool")


_ALL_CURVES = {_curve_name(curve): curve for curve in ecdsa.curves.curves}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}

_Private: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ecdsa.SigningKey


@dataclass(frozen=True, slots=True)
class Algorithm:
    """How an authority signs.

    key: a curve's name ("secp256r1", "brainpoolP224r1") or "rsa2048", "rsa3072", "rsa4096". hash: "sha1" ... "sha512". pss: RSA-PSS
    with a salt as long as the hash instead of PKCS #1 v1.5. explicit: EC parameters are written out, as many states do.
    """

    key: str = "brainpoolP256r1"
    hash: str = "sha256"
    pss: bool = False
    explicit: bool = False


DEFAULT_ALGORITHM = Algorithm()


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKey:
    """A key and how it signs. The repr shows the algorithm alone."""

    private: _Private
    algorithm: Algorithm

    def spki(self) -> bytes:
        """DER SubjectPublicKeyInfo."""
        if isinstance(self.private, ecdsa.SigningKey):
            encoding = "explicit" if self.algorithm.explicit else "named_curve"
            return bytes(self.private.verifying_key.to_der(curve_parameters_encoding=encoding))
        der = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        explicit = self.algorithm.explicit and isinstance(self.private, ec.EllipticCurvePrivateKey)
        return _with_explicit_parameters(der, self.algorithm.key) if explicit else der

    def key_id(self) -> bytes:
        """SHA-1 of the public key's bits (RFC 5280, 4.2.1.2, method 1)."""
        return bytes(keys.PublicKeyInfo.load(self.spki()).sha1)

    def sign(self, data: bytes) -> bytes:
        """ECDSA: DER of r and s. RSA: PKCS #1 v1.5 or PSS."""
        digest = _HASHES[self.algorithm.hash]
        if isinstance(self.private, rsa.RSAPrivateKey):
            pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
            return self.private.sign(data, pss if self.algorithm.pss else padding.PKCS1v15(), digest)
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(data, ec.ECDSA(digest))
        hashed = hashlib.new(self.algorithm.hash, data).digest()
        return bytes(self.private.sign_digest(hashed, sigencode=ecdsa.util.sigencode_der, allow_truncate=True))

    def scalar(self) -> int:
        """The secret number of an EC key. Raises TypeError for RSA."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            raise TypeError("an RSA key is no number")
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.private_numbers().private_value
        return int(self.private.privkey.secret_multiplier)

    def pkcs8(self) -> bytes:
        """DER PKCS #8, unencrypted."""
        if isinstance(self.private, ecdsa.SigningKey):
            return bytes(self.private.to_der(format="pkcs8"))
        encoding, encryption = serialization.Encoding.DER, serialization.NoEncryption()
        return self.private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, encryption)

    def signature_algorithm(self) -> algos.SignedDigestAlgorithm:
        """The AlgorithmIdentifier that belongs to `sign`."""
        name = self.algorithm.hash
        if not isinstance(self.private, rsa.RSAPrivateKey):
            return algos.SignedDigestAlgorithm({"algorithm": f"{name}_ecdsa"})
        if not self.algorithm.pss:
            return algos.SignedDigestAlgorithm({"algorithm": f"{name}_rsa", "parameters": core.Null()})
        digest = {"algorithm": name}
        parameters = algos.RSASSAPSSParams(
            {
                "hash_algorithm": digest,
                "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": digest},
                "salt_length": _HASHES[name].digest_size,
            }
        )
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})

    def with_hash(self, name: str) -> PrivateKey:
        """The same key, signing with another hash."""
        return replace(self, algorithm=replace(self.algorithm, hash=name))

    def __repr__(self) -> str:
        return f"PrivateKey({self.algorithm})"


def generate_key(algorithm: Algorithm) -> PrivateKey:
    """A new random key. Raises ValueError if the algorithm names no key of ours. RSA takes some 0.1 s, curves well below 1 ms."""
    name = algorithm.key
    if name.startswith("rsa"):
        return PrivateKey(rsa.generate_private_key(RSA_EXPONENT, int(name[3:])), algorithm)
    if name in _CURVES:
        return PrivateKey(ec.generate_private_key(_CURVES[name]()), algorithm)
    if name in _ALL_CURVES:
        return PrivateKey(ecdsa.SigningKey.generate(_ALL_CURVES[name]), algorithm)
    raise ValueError(f"no such key: {name}")


def load_key(data: bytes, hash_name: str, *, pss: bool = False) -> PrivateKey:
    """A key from PEM, PKCS #8 or the older forms, unencrypted; also with explicit parameters of a known curve. Raises ValueError."""
    try:
        private = serialization.load_pem_private_key(data, None)
    except UnsupportedAlgorithm:  # written out, or a curve that it does not know
        found = ecdsa.SigningKey.from_der(pem.unarmor(data)[2])
        return _known_curve(found, Algorithm(_curve_name(found.curve), hash_name, explicit=True))
    if isinstance(private, rsa.RSAPrivateKey):
        return PrivateKey(private, Algorithm(f"rsa{private.key_size}", hash_name, pss))
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return PrivateKey(private, Algorithm(private.curve.name, hash_name))
    raise ValueError("neither RSA nor EC")


def _known_curve(found: ecdsa.SigningKey, algorithm: Algorithm) -> PrivateKey:
    if algorithm.key not in _CURVES:
        return PrivateKey(found, algorithm)
    return PrivateKey(ec.derive_private_key(int(found.privkey.secret_multiplier), _CURVES[algorithm.key]()), algorithm)


def _with_explicit_parameters(spki: bytes, curve: str) -> bytes:
    """The same key with its domain parameters written out (ISO/IEC 15946-1; RFC 3279, 2.3.5)."""
    numbers = _ALL_CURVES[curve]
    size = (numbers.curve.p().bit_length() + 7) // 8
    generator: Point = numbers.generator
    point = b"\x04" + int(generator.x()).to_bytes(size, "big") + int(generator.y()).to_bytes(size, "big")
    domain = keys.SpecifiedECDomain(
        {
            "version": 1,
            "field_id": {"field_type": "prime_field", "parameters": core.Integer(int(numbers.curve.p()))},
            "curve": {
                "a": (int(numbers.curve.a()) % int(numbers.curve.p())).to_bytes(size, "big"),
                "b": int(numbers.curve.b()).to_bytes(size, "big"),
            },
            "base": keys.ECPoint(point),
            "order": int(numbers.order),
            "cofactor": 1,
        }
    )
    info = keys.PublicKeyInfo.load(spki)
    info["algorithm"]["parameters"] = keys.ECDomainParameters("specified", domain)
    return bytes(info.dump(force=True))
