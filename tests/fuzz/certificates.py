"""Any bytes are a certificate or a public key or a DocumentError, also when its key is used; repr names no one."""

from __future__ import annotations

from collections.abc import Sequence

from egate.document.crypto.public_key import load_public_key
from egate.document.encoding import pem
from egate.document.pki.certificate import is_signed_by, parse_certificate
from egate.errors import DocumentError
from hw.sim.pki_keys import Algorithm, generate_key
from tests.fuzz.sources import NOW, published, state
from tests.fuzz.target import Target


def parse(data: bytes) -> None:
    try:
        repr(parse_certificate(data))
    except DocumentError:
        pass


def use(data: bytes) -> None:
    """Its key, and its signature by itself."""
    try:
        certificate = parse_certificate(data)
        is_signed_by(certificate, certificate)
    except DocumentError:
        pass


def key(data: bytes) -> None:
    try:
        load_public_key(data)
    except DocumentError:
        pass


def armour(data: bytes) -> None:
    try:
        pem.blocks(data)
    except DocumentError:
        pass
    try:
        pem.content(data, "CERTIFICATE")
    except DocumentError:
        pass


def _certificates() -> Sequence[bytes]:
    own = [*state().anchors(), state().issue_signer(NOW).certificate]
    return own + [_der(data) for data in published("pki/**/*.cer", 4) + published("mock_pki/*/mock_dsc.pem", 6)]


def _der(data: bytes) -> bytes:
    return pem.blocks(data)[0][1] if pem.is_pem(data) else data


def _keys() -> Sequence[bytes]:
    named, explicit, rsa = Algorithm(), Algorithm("secp256r1", explicit=True), Algorithm("rsa2048")
    return [generate_key(algorithm).spki() for algorithm in (named, explicit, rsa)]


def _armoured() -> Sequence[bytes]:
    block = b"-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
    return [block, b"text\n" + block * 3, *published("mock_pki/*/mock_dsc.pem", 2)]


TARGETS = (
    Target("parse", parse, _certificates, 8),
    Target("use", use, _certificates, 1),
    Target("key", key, _keys, 8),
    Target("armour", armour, _armoured, 20),
)
