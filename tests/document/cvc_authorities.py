"""Simulated authorities for the tests of card verifiable certificates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from ecdsa import SigningKey

from egate.document.chip.cvc import ALGORITHMS, CvCertificate, Role
from egate.document.chip.cvc_writer import CvBody, write_cv_certificate
from egate.document.crypto.curves import curves
from egate.document.crypto.signature import Scheme
from hw.emrtd.protocol.private_key import PrivateKey, load_private_key

TA = "0.4.0.127.0.7.2.2.2"
ECDSA_SHA256, RSA_SHA256, PSS_SHA256 = f"{TA}.2.3", f"{TA}.1.2", f"{TA}.1.4"
BRAINPOOL_P256 = "1.3.36.3.3.2.8.1.1.7"
START, END = date(2026, 1, 1), date(2026, 12, 31)
BOTH = frozenset({3, 4})


@dataclass(frozen=True)
class Authority:
    """Who can sign, with the certificate that says so."""

    certificate: CvCertificate
    pkcs8: bytes

    @property
    def key(self) -> PrivateKey:
        return loaded(self.pkcs8)

    def issue(self, role: Role, holder: str, number: int = 0, **changes: object) -> Authority:
        return issue(self, role, holder, number, **changes)


@cache
def ec_pkcs8(number: int, curve: str = BRAINPOOL_P256) -> bytes:
    key = SigningKey.from_secret_exponent(0xABCDEF0123456789 + number, curves()[curve].portable)
    return bytes(key.to_der(format="pkcs8"))


@cache
def rsa_pkcs8(number: int) -> bytes:
    key = rsa.generate_private_key(65537, 1536)  # a salt of SHA-512 needs more than 1,024 bits
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@cache
def loaded(key: bytes) -> PrivateKey:
    return load_private_key(key)


def pkcs8(algorithm: str, number: int, curve: str = BRAINPOOL_P256) -> bytes:
    return ec_pkcs8(number, curve) if ALGORITHMS[algorithm].scheme is Scheme.ECDSA_PLAIN else rsa_pkcs8(number)


def issue(issuer: Authority | None, role: Role, holder: str, number: int = 0, **changes: object) -> Authority:
    """A certificate, by default by an elliptic curve and for this year. changes: fields of CvBody, curve, and signer (a private key)."""
    algorithm = str(changes.pop("algorithm", ECDSA_SHA256))
    own = pkcs8(algorithm, number, str(changes.pop("curve", BRAINPOOL_P256)))
    key = loaded(own)
    fields: dict[str, object] = {
        "authority": holder if issuer is None else issuer.certificate.holder,
        "holder": holder,
        "algorithm": algorithm,
        "key": key.public,
        "role": role,
        "rights": BOTH,
        "effective": START,
        "expires": END,
        "with_domain": role is Role.CVCA,
    }
    signer = changes.pop("signer", key if issuer is None else issuer.key)
    scheme = ALGORITHMS[algorithm if issuer is None else issuer.certificate.key.algorithm]
    body = CvBody(**{**fields, **changes})  # type: ignore[arg-type]
    return Authority(write_cv_certificate(body, lambda data: signer.sign(scheme, data)), own)  # type: ignore[attr-defined]


@cache
def three(algorithm: str = ECDSA_SHA256, curve: str = BRAINPOOL_P256) -> tuple[Authority, Authority, Authority]:
    """CVCA, verifier, terminal."""
    cvca = issue(None, Role.CVCA, "DECVCAEGATE00001", 1, algorithm=algorithm, curve=curve)
    verifier = issue(cvca, Role.DV_DOMESTIC, "DEDVEGATE00001", 2, algorithm=algorithm, curve=curve)
    terminal = issue(verifier, Role.TERMINAL, "DEISEGATE00001", 3, algorithm=algorithm, curve=curve)
    return cvca, verifier, terminal
