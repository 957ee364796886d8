"""The elliptic curves of travel documents: NIST (FIPS 186-4) and Brainpool (RFC 5639), found by name or by their parameters.

Public data only: `ecdsa` computes in variable time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import ecdsa.curves
import ecdsa.numbertheory
from cryptography.hazmat.primitives.asymmetric import ec

_BRAINPOOL = "1.3.36.3.3.2.8.1.1."  # RFC 5639, 4.1
_ARCS = {"P160": 1, "P192": 3, "P224": 5, "P256": 7, "P320": 9, "P384": 11, "P512": 13}  # r1; t1 is the next
_OIDS = {
    "1.2.840.10045.3.1.1": "NIST192p",
    "1.3.132.0.33": "NIST224p",
    "1.2.840.10045.3.1.7": "NIST256p",
    "1.3.132.0.34": "NIST384p",
    "1.3.132.0.35": "NIST521p",
    **{f"{_BRAINPOOL}{arc}": f"BRAINPOOL{size}r1" for size, arc in _ARCS.items()},
    **{f"{_BRAINPOOL}{arc + 1}": f"BRAINPOOL{size}t1" for size, arc in _ARCS.items()},
}
# What the library of `cryptography` computes; the others go the slow way through `ecdsa`.
_NATIVE: dict[str, type[ec.EllipticCurve]] = {
    "NIST192p": ec.SECP192R1,
    "NIST224p": ec.SECP224R1,
    "NIST256p": ec.SECP256R1,
    "NIST384p": ec.SECP384R1,
    "NIST521p": ec.SECP521R1,
    "BRAINPOOLP256r1": ec.BrainpoolP256R1,
    "BRAINPOOLP384r1": ec.BrainpoolP384R1,
    "BRAINPOOLP512r1": ec.BrainpoolP512R1,
}


@dataclass(frozen=True, slots=True)
class Curve:
    """y^2 = x^3 + a x + b over the prime field of p; (x, y) generates the group of prime order n, cofactor 1.

    name: as `ecdsa` spells it, e.g. "BRAINPOOLP256r1", "NIST256p". size: octets of a coordinate.
    """

    name: str
    oid: str
    p: int
    a: int
    b: int
    x: int
    y: int
    n: int

    @property
    def size(self) -> int:
        return (self.p.bit_length() + 7) // 8

    @property
    def order_size(self) -> int:
        return (self.n.bit_length() + 7) // 8

    @property
    def native(self) -> ec.EllipticCurve | None:
        """For `cryptography`; None where it does not know the curve."""
        found = _NATIVE.get(self.name)
        return None if found is None else found()

    @property
    def portable(self) -> ecdsa.curves.Curve:
        """For `ecdsa`."""
        return _library()[self.name]

    def contains(self, x: int, y: int) -> bool:
        inside = 0 <= x < self.p and 0 <= y < self.p
        return inside and (y * y - (x * x * x + self.a * x + self.b)) % self.p == 0

    def decode(self, point: bytes) -> tuple[int, int] | None:
        """x and y of an encoded point, uncompressed or compressed (SEC 1, 2.3.4); None if it is none of the curve, or infinity."""
        form, x = point[:1], int.from_bytes(point[1 : 1 + self.size], "big")
        if form == b"\x04" and len(point) == 1 + 2 * self.size:
            y = int.from_bytes(point[1 + self.size :], "big")
        elif form in (b"\x02", b"\x03") and len(point) == 1 + self.size:
            y = self._root(x, odd=form == b"\x03")
        else:
            return None
        return (x, y) if self.contains(x, y) else None

    def encode(self, x: int, y: int) -> bytes:
        """Uncompressed."""
        return b"\x04" + x.to_bytes(self.size, "big") + y.to_bytes(self.size, "big")

    def _root(self, x: int, *, odd: bool) -> int:
        """A y for x; no point of the curve if there is none."""
        square = (x * x * x + self.a * x + self.b) % self.p
        if self.p % 4 == 3:
            y = pow(square, (self.p + 1) // 4, self.p)
        else:  # P-224 alone: p = 1 mod 2^96, left to the library
            try:
                y = int(ecdsa.numbertheory.square_root_mod_prime(square, self.p))
            except ecdsa.numbertheory.Error:
                return -1
        return self.p - y if y % 2 != odd else y


def curve_by_oid(oid: str) -> Curve | None:
    return curves().get(oid)


def curve_by_parameters(p: int, a: int, b: int, n: int, generator: bytes) -> Curve | None:
    """The curve with exactly these parameters. generator: an encoded point. Never anything but a known curve (CVE-2020-0601)."""
    for curve in curves().values():
        if (curve.p, curve.a, curve.b, curve.n) == (p, a, b, n):
            return curve if curve.decode(generator) == (curve.x, curve.y) else None
    return None


@cache
def curves() -> dict[str, Curve]:
    """By object identifier."""
    return {oid: _curve(name, oid) for oid, name in _OIDS.items()}


@cache
def _library() -> dict[str, ecdsa.curves.Curve]:
    return {curve.name: curve for curve in ecdsa.curves.curves}


def _curve(name: str, oid: str) -> Curve:
    found = _library()[name]
    p, generator = int(found.curve.p()), found.generator
    a, b = int(found.curve.a()) % p, int(found.curve.b()) % p
    return Curve(name, oid, p, a, b, int(generator.x()), int(generator.y()), int(found.order))
