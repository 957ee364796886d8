"""A state's verifying authority: CVCA, document verifier and inspection system, whose chain opens fingerprints (BSI TR-03110-1, 2.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from egate.document.chip.cvc import ALGORITHMS, CvCertificate, Role
from egate.document.chip.cvc_writer import CvBody, write_cv_certificate
from egate.document.crypto.public_key import EcKey, load_public_key
from egate.document.crypto.signature import Scheme
from hw.sim.pki_keys import DEFAULT_ALGORITHM, Algorithm, PrivateKey, generate_key

FINGERPRINTS = frozenset({3})
# TR-03110-1, 2.3: a CVCA's key for three years, a verifier's for three months, a terminal's for one.
_CVCA_DAYS, _VERIFIER_DAYS, _TERMINAL_DAYS = 3 * 365, 90, 30


@dataclass(frozen=True, slots=True, repr=False)
class TerminalPki:
    """certificates: encoded, from the CVCA's down to the terminal's. key: the terminal's, PKCS #8 DER."""

    certificates: tuple[bytes, ...]
    key: bytes

    @property
    def cvca(self) -> bytes:
        """What a chip is told to trust."""
        return self.certificates[0]

    def __repr__(self) -> str:
        return f"TerminalPki({len(self.certificates)} certificates)"


def make_terminal_pki(
    today: date,
    country: str = "UT",
    *,
    algorithm: Algorithm = DEFAULT_ALGORITHM,
    rights: frozenset[int] = FINGERPRINTS,
) -> TerminalPki:
    """A whole chain, valid from the day before today. rights: data groups the terminal may read. Raises ValueError for RSA."""
    if algorithm.key.startswith("rsa"):
        raise ValueError("curves only")
    keys = [generate_key(algorithm) for _ in range(3)]
    names = [f"{country}CVCA00001", f"{country}VERIF00001", f"{country}GATE00001"]
    roles, days = (Role.CVCA, Role.DV_DOMESTIC, Role.TERMINAL), (_CVCA_DAYS, _VERIFIER_DAYS, _TERMINAL_DAYS)
    start = today - timedelta(days=1)
    made: list[CvCertificate] = []
    for index, role in enumerate(roles):
        above = max(index - 1, 0)
        public = load_public_key(keys[index].spki())
        body = CvBody(
            authority=names[above],
            holder=names[index],
            algorithm=_identifier(algorithm.hash),
            key=public,
            role=role,
            rights=FINGERPRINTS | rights if role is Role.CVCA else rights,
            effective=start,
            expires=start + timedelta(days=days[index]),
            with_domain=role is Role.CVCA,
        )
        made.append(write_cv_certificate(body, _plain_signature(keys[above])))
    return TerminalPki(tuple(certificate.encoded for certificate in made), keys[-1].pkcs8())


def _identifier(hash_name: str) -> str:
    for identifier, algorithm in ALGORITHMS.items():
        if algorithm.scheme is Scheme.ECDSA_PLAIN and algorithm.hash == hash_name:
            return identifier
    raise ValueError(f"no plain signature with {hash_name}")


def _plain_signature(key: PrivateKey) -> Callable[[bytes], bytes]:
    """r and s side by side, each as long as the order (TR-03111, 5.2.1)."""
    public = load_public_key(key.spki())
    if not isinstance(public, EcKey):
        raise ValueError("curves only")
    size = public.curve.order_size

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return sign
