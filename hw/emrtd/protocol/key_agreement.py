"""Diffie-Hellman key agreement with a chip's static key, over elliptic curves and prime fields (Doc 9303-11, 9.6; BSI TR-03110-3, A.4).

Our keys live for one run. Whatever the other side sends as its key is checked to be in the group before it meets ours.
The common curves are computed by OpenSSL, prime fields by GMP in constant time; the remaining curves in time that depends on the key:
accepted for a key used once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Protocol

import gmpy2
from cryptography.hazmat.primitives.asymmetric import ec
from ecdsa.ellipticcurve import INFINITY, PointJacobi

from egate.document.crypto.curves import Curve
from egate.document.crypto.public_key import DhKey, EcKey, PublicKey

Entropy = Callable[[int], bytes]

DH_BITS_MAX = 4096  # chosen: a longer field takes a second and more, and no document has one
_EXTRA_SIZE = 8  # FIPS 186-5, A.2.1: 64 bits more than the order make the remainder's bias negligible


class KeyAgreement(Protocol):
    """One group. Keys: private ones are numbers, public ones as they are sent (TR-03110-3, D.3)."""

    def generate(self, entropy: Entropy) -> int:
        """A private key."""

    def public(self, private: int) -> bytes: ...

    def shared(self, private: int, public: bytes) -> bytes | None:
        """The shared secret of fixed size. None if public is no element of the group that keeps a secret."""

    def compress(self, public: bytes) -> bytes:
        """Comp(PK): what terminal authentication signs of a key."""


class EcAgreement:
    """ECDH: the secret is the x-coordinate."""

    def __init__(self, curve: Curve) -> None:
        self._curve = curve

    def generate(self, entropy: Entropy) -> int:
        return _private(entropy, self._curve.order_size, self._curve.n)

    def public(self, private: int) -> bytes:
        native = self._curve.native
        if native is None:
            point = private * self._curve.portable.generator
            return self._curve.encode(int(point.x()), int(point.y()))
        numbers = ec.derive_private_key(private, native).public_key().public_numbers()
        return self._curve.encode(numbers.x, numbers.y)

    def shared(self, private: int, public: bytes) -> bytes | None:
        point = self._curve.decode(public)  # on the curve and not infinity; every curve used here has cofactor 1
        if point is None:
            return None
        native = self._curve.native
        if native is not None:
            theirs = ec.EllipticCurvePublicNumbers(*point, native).public_key()
            return ec.derive_private_key(private, native).exchange(ec.ECDH(), theirs)
        product = private * PointJacobi(self._curve.portable.curve, *point, 1, self._curve.n)
        return None if product == INFINITY else int(product.x()).to_bytes(self._curve.size, "big")

    def compress(self, public: bytes) -> bytes:
        return public[1 : 1 + self._curve.size]  # TR-03110-3, A.2.2.3: the x-coordinate


class DhAgreement:
    """DH: the secret is the group element."""

    def __init__(self, p: int, g: int, q: int | None) -> None:
        self._p, self._g, self._q = p, g, q
        self._size = (p.bit_length() + 7) // 8

    def generate(self, entropy: Entropy) -> int:
        return _private(entropy, self._size, self._q or (self._p - 1) // 2)

    def public(self, private: int) -> bytes:
        y = int(
            gmpy2.powmod_sec(self._g, private, self._p)
        )  # TR-03110-3, D.2.1.1: an unsigned integer is sent without leading zeros
        return y.to_bytes((y.bit_length() + 7) // 8, "big")

    def shared(self, private: int, public: bytes) -> bytes | None:
        y = int.from_bytes(public, "big")
        if len(public) > self._size or not 1 < y < self._p - 1 or not self._in_subgroup(y):
            return None
        secret = int(gmpy2.powmod_sec(y, private, self._p))
        return None if secret in (1, self._p - 1) else secret.to_bytes(self._size, "big")

    def _in_subgroup(self, y: int) -> bool:
        """True also where the order is not stated: then nobody can tell."""
        return self._q is None or bool(gmpy2.powmod(y, self._q, self._p) == 1)

    def compress(self, public: bytes) -> bytes:
        return hashlib.sha1(public, usedforsecurity=False).digest()  # TR-03110-3, A.2.2.3


def key_agreement(key: PublicKey) -> tuple[KeyAgreement, bytes] | None:
    """The group of a chip's public key, and that key as KeyAgreement takes it. None for RSA, which agrees on nothing, and for a field
    beyond DH_BITS_MAX."""
    if isinstance(key, EcKey):
        return EcAgreement(key.curve), key.curve.encode(key.x, key.y)
    if isinstance(key, DhKey) and key.p.bit_length() <= DH_BITS_MAX:
        return DhAgreement(key.p, key.g, key.q), key.y.to_bytes((key.p.bit_length() + 7) // 8, "big")
    return None


def _private(entropy: Entropy, size: int, order: int) -> int:
    """Uniform in [1, order - 1]."""
    return int.from_bytes(entropy(size + _EXTRA_SIZE), "big") % (order - 1) + 1
