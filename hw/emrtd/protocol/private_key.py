"""Private keys of simulated chips and of our terminal, as they sign towards the other side.

RSA through OpenSSL. ECDSA in the plain format of BSI TR-03111, 5.2.1 (r and s, each as long as the order), with the deterministic
nonce of RFC 6979: no bad random number can give a key away. Curves that OpenSSL lacks are signed by `ecdsa`, in variable time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import ecdsa
import gmpy2
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_private_key
from ecdsa.util import sigencode_string

from egate.document.crypto.curves import Curve
from egate.document.crypto.public_key import EcKey, PublicKey, RsaKey, load_public_key
from egate.document.crypto.signature import Scheme, SignatureAlgorithm
from egate.document.encoding import der
from egate.document.encoding.der import Fields
from egate.errors import DocumentError
from hw.emrtd.protocol.key_agreement import EcAgreement

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_RSA, _EC = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1"
_PUBLIC_TAG = der.context(1)


@dataclass(frozen=True, slots=True, repr=False)
class RsaPrivateKey:
    numbers: rsa.RSAPrivateKey

    @property
    def public(self) -> RsaKey:
        numbers = self.numbers.public_key().public_numbers()
        return RsaKey(numbers.n, numbers.e)

    def sign(self, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        """Raises ValueError for a scheme of another kind of key."""
        digest = _HASHES[algorithm.hash]
        if algorithm.scheme is Scheme.RSA_PKCS1:
            return self.numbers.sign(data, padding.PKCS1v15(), digest)
        if algorithm.scheme is Scheme.RSA_PSS:
            return self.numbers.sign(
                data, padding.PSS(padding.MGF1(_HASHES[algorithm.mgf_hash]), algorithm.salt_size), digest
            )
        raise ValueError("not for RSA")

    def power(self, number: int) -> int:
        """number ** d mod n, for schemes that OpenSSL lacks."""
        private = self.numbers.private_numbers()
        return int(gmpy2.powmod_sec(number, private.d, private.public_numbers.n))


@dataclass(frozen=True, slots=True, repr=False)
class EcPrivateKey:
    """scalar: 1 <= scalar < order."""

    curve: Curve
    scalar: int

    @property
    def public(self) -> EcKey:
        point = self.curve.decode(EcAgreement(self.curve).public(self.scalar))
        if point is None:
            raise ValueError("no key of the curve")
        return EcKey(self.curve, *point)

    def sign(self, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        """Raises ValueError for a scheme of another kind of key."""
        if algorithm.scheme is not Scheme.ECDSA_PLAIN:
            raise ValueError("not for an elliptic curve")
        if (native := self.curve.native) is not None:
            private = ec.derive_private_key(self.scalar, native)
            found = private.sign(data, ec.ECDSA(_HASHES[algorithm.hash], deterministic_signing=True))
            return b"".join(number.to_bytes(self.curve.order_size, "big") for number in decode_dss_signature(found))
        key = ecdsa.SigningKey.from_secret_exponent(self.scalar, self.curve.portable)
        digest = hashlib.new(algorithm.hash, data, usedforsecurity=False).digest()
        return bytes(
            key.sign_digest_deterministic(digest, hashlib.sha256, sigencode=sigencode_string, allow_truncate=True)
        )


PrivateKey = RsaPrivateKey | EcPrivateKey


def load_private_key(pkcs8: bytes) -> PrivateKey:
    """pkcs8: unencrypted DER (RFC 5958, RFC 5915). Raises DocumentError (PRIVATE_KEY_…); nothing of the key is in its text."""
    try:
        fields = Fields(der.read(pkcs8, der.SEQUENCE))
        fields.take(der.INTEGER)
        algorithm, content = fields.take(der.SEQUENCE), fields.take(der.OCTET_STRING).value
        name = der.oid(Fields(algorithm).take(der.OID))
        if name == _EC:
            return _ec(algorithm, content)
    except DocumentError as error:
        raise _malformed() from error
    if name != _RSA:
        raise DocumentError(f"private key algorithm {name}", code="PRIVATE_KEY_UNSUPPORTED")
    try:
        private = load_der_private_key(pkcs8, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _malformed() from None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise _malformed()
    return RsaPrivateKey(private)


def _ec(algorithm: der.Element, content: bytes) -> EcPrivateKey:
    fields = Fields(der.read(content, der.SEQUENCE))
    fields.take(der.INTEGER)
    scalar = int.from_bytes(fields.take(der.OCTET_STRING).value, "big")
    fields.optional(der.context(0))
    point = der.inner(fields.take(_PUBLIC_TAG), der.BIT_STRING)
    public: PublicKey = load_public_key(der.encode(der.SEQUENCE, algorithm.raw + point.raw))
    if not isinstance(public, EcKey) or not 0 < scalar < public.curve.n:
        raise _malformed()
    private = EcPrivateKey(public.curve, scalar)
    if private.public != public:
        raise _malformed()
    return private


def _malformed() -> DocumentError:
    return DocumentError("private key malformed", code="PRIVATE_KEY_MALFORMED")
