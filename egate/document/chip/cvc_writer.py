"""Writes card verifiable certificates (BSI TR-03110-3, C.1), for simulated authorities and for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from egate.document.chip import cvc
from egate.document.chip.cvc import CvCertificate, Role, authorisation_bits, parse_cv_certificate
from egate.document.crypto.public_key import DhKey, EcKey, PublicKey
from egate.document.encoding.oid import encode_oid
from egate.document.encoding.tlv import element


@dataclass(frozen=True, slots=True)
class CvBody:
    """algorithm: one of cvc.ALGORITHMS, for what key signs. with_domain: key states its curve, as a CVCA's does."""

    authority: str
    holder: str
    algorithm: str
    key: PublicKey
    role: Role
    rights: frozenset[int]
    effective: date
    expires: date
    with_domain: bool = False


def write_cv_certificate(body: CvBody, sign: Callable[[bytes], bytes]) -> CvCertificate:
    """sign: the authority's signature over the encoded body. Raises DocumentError if that makes no certificate."""
    chat = element(cvc.OID_TAG, encode_oid(cvc.INSPECTION_SYSTEM)) + element(
        cvc.RIGHTS_TAG, bytes([authorisation_bits(body.role, body.rights)])
    )
    encoded = element(
        cvc.BODY_TAG,
        element(cvc.PROFILE_TAG, b"\x00")
        + element(cvc.AUTHORITY_TAG, body.authority.encode("latin-1"))
        + element(
            cvc.KEY_TAG, element(cvc.OID_TAG, encode_oid(body.algorithm)) + write_cv_key(body.key, body.with_domain)
        )
        + element(cvc.HOLDER_TAG, body.holder.encode("latin-1"))
        + element(cvc.CHAT_TAG, chat)
        + element(cvc.EFFECTIVE_TAG, _date(body.effective))
        + element(cvc.EXPIRATION_TAG, _date(body.expires)),
    )
    signed = encoded + element(cvc.SIGNATURE_TAG, sign(encoded))
    return parse_cv_certificate(element(cvc.CERTIFICATE_TAG, signed))


def write_cv_key(key: PublicKey, with_domain: bool) -> bytes:
    """The data objects after the identifier (D.3). Raises TypeError for DH."""
    if isinstance(key, DhKey):
        raise TypeError("DH signs nothing")
    if not isinstance(key, EcKey):
        return element(cvc.MODULUS_TAG, _natural(key.n)) + element(cvc.EXPONENT_TAG, _natural(key.e))
    point = element(cvc.POINT_TAG, key.curve.encode(key.x, key.y))
    if not with_domain:
        return point
    curve = key.curve
    a, b = (number.to_bytes(curve.size, "big") for number in (curve.a, curve.b))
    generator = curve.encode(curve.x, curve.y)
    domain = ((cvc.P_TAG, _natural(curve.p)), (cvc.A_TAG, a), (cvc.B_TAG, b), (cvc.GENERATOR_TAG, generator))
    encoded = b"".join(element(tag, value) for tag, value in domain)
    return encoded + element(cvc.ORDER_TAG, _natural(curve.n)) + point + element(cvc.COFACTOR_TAG, b"\x01")


def _natural(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _date(day: date) -> bytes:
    return bytes(int(digit) for digit in f"{day:%y%m%d}")
