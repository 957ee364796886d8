"""What must hold: what another implementation signs verifies, of every scheme, hash and curve; anything else does not."""

from __future__ import annotations

import hashlib

import ecdsa
import pytest
from asn1crypto import algos, core
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from egate.document.crypto.curves import curves
from egate.document.crypto.public_key import EcKey, PublicKey, RsaKey, load_public_key
from egate.document.crypto.signature import (
    HASH_OIDS,
    Scheme,
    SignatureAlgorithm,
    digest,
    signature_algorithm,
    verify_prehashed,
    verify_signature,
)
from egate.document.encoding import der
from egate.errors import DocumentError

HASHES = {
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
DATA = b"what is signed"
RSA_KEY = rsa.generate_private_key(3, 2048)
RSA_PUBLIC = load_public_key(RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
PSS_OID = "1.2.840.113549.1.1.10"


def identifier(name: str, parameters: bytes = b"") -> bytes:
    return der.encode(der.SEQUENCE, core.ObjectIdentifier(name).dump() + parameters)


def pss_identifier(hash_name: str, mgf_hash: str, salt: int) -> bytes:
    parameters = algos.RSASSAPSSParams(
        {
            "hash_algorithm": {"algorithm": hash_name},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": mgf_hash}},
            "salt_length": salt,
        }
    )
    return identifier(PSS_OID, parameters.dump())


def accepts_only(key: PublicKey, algorithm: bytes, signature: bytes) -> None:
    assert verify_signature(key, algorithm, DATA, signature)
    assert not verify_signature(key, algorithm, DATA + b".", signature)
    for position in (0, len(signature) // 2, len(signature) - 1):
        changed = bytearray(signature)
        changed[position] ^= 1
        assert not verify_signature(key, algorithm, DATA, bytes(changed))
    for other in (b"", signature[:-1], signature + b"\x00", b"\x00" + signature):
        assert not verify_signature(key, algorithm, DATA, other)


@pytest.mark.parametrize("name", HASHES)
def test_rsa_pkcs1(name: str) -> None:
    oid = bytes(algos.SignedDigestAlgorithmId(f"{name}_rsa").dump())
    algorithm = der.encode(der.SEQUENCE, oid + core.Null().dump())
    signature = RSA_KEY.sign(DATA, padding.PKCS1v15(), HASHES[name])
    accepts_only(RSA_PUBLIC, algorithm, signature)
    assert verify_signature(RSA_PUBLIC, der.encode(der.SEQUENCE, oid), DATA, signature)  # without NULL


@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize("mgf_hash", ["sha1", "sha512"])
@pytest.mark.parametrize("salt", [0, 20, 48])
def test_rsa_pss(name: str, mgf_hash: str, salt: int) -> None:
    signature = RSA_KEY.sign(DATA, padding.PSS(padding.MGF1(HASHES[mgf_hash]), salt), HASHES[name])
    accepts_only(RSA_PUBLIC, pss_identifier(name, mgf_hash, salt), signature)
    assert not verify_signature(RSA_PUBLIC, pss_identifier(name, mgf_hash, salt + 1), DATA, signature)
    other = "sha256" if mgf_hash == "sha1" else "sha1"
    assert not verify_signature(RSA_PUBLIC, pss_identifier(name, other, salt), DATA, signature)


def test_rsa_pss_defaults() -> None:
    """RFC 4055, 3.1: SHA-1, MGF1 with SHA-1, salt of 20 octets."""
    signature = RSA_KEY.sign(DATA, padding.PSS(padding.MGF1(hashes.SHA1()), 20), hashes.SHA1())
    for parameters in (b"", core.Null().dump(), b"\x30\x00"):
        accepts_only(RSA_PUBLIC, identifier(PSS_OID, parameters), signature)


def test_key_restricted_to_pss_signs_nothing_else() -> None:
    assert isinstance(RSA_PUBLIC, RsaKey)
    pss = der.read(pss_identifier("sha256", "sha256", 32), der.SEQUENCE).children()[1].raw
    any_pss, one_pss = RsaKey(RSA_PUBLIC.n, 3, b""), RsaKey(RSA_PUBLIC.n, 3, pss)
    pkcs1 = identifier("1.2.840.113549.1.1.11", core.Null().dump())
    signature = RSA_KEY.sign(DATA, padding.PKCS1v15(), hashes.SHA256())
    assert [verify_signature(key, pkcs1, DATA, signature) for key in (RSA_PUBLIC, any_pss, one_pss)] == [
        True,
        False,
        False,
    ]
    for name, salt, expected in (
        ("sha256", 32, True),
        ("sha256", 40, True),
        ("sha256", 20, False),
        ("sha512", 32, False),
    ):
        signature = RSA_KEY.sign(DATA, padding.PSS(padding.MGF1(HASHES[name]), salt), HASHES[name])
        assert verify_signature(any_pss, pss_identifier(name, name, salt), DATA, signature)
        assert verify_signature(one_pss, pss_identifier(name, name, salt), DATA, signature) is expected


CURVES = {curve.name: curve for curve in curves().values()}


@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize("curve", sorted(CURVES))
def test_ecdsa(curve: str, name: str) -> None:
    private = ecdsa.SigningKey.generate(CURVES[curve].portable)
    key = load_public_key(bytes(private.verifying_key.to_der()))
    hashed = hashlib.new(name, DATA).digest()
    signature = private.sign_digest(hashed, sigencode=ecdsa.util.sigencode_der, allow_truncate=True)
    oid = bytes(algos.SignedDigestAlgorithmId(f"{name}_ecdsa").dump())
    accepts_only(key, der.encode(der.SEQUENCE, oid), signature)
    plain = private.sign_digest(hashed, sigencode=ecdsa.util.sigencode_string, allow_truncate=True)
    accepts_only(key, identifier(f"0.4.0.127.0.7.1.1.4.1.{list(HASHES).index(name) + 1}"), plain)


def test_ecdsa_signatures_are_der_and_in_range() -> None:
    curve = CURVES["BRAINPOOLP224r1"]
    private = ecdsa.SigningKey.from_secret_exponent(99, curve.portable)
    key = load_public_key(bytes(private.verifying_key.to_der()))
    algorithm = identifier("1.2.840.10045.4.3.2")
    hashed = hashlib.sha256(DATA).digest()
    r, s = private.sign_digest(hashed, sigencode=lambda r, s, _: (int(r), int(s)), allow_truncate=True)

    def encoded(first: int, second: int) -> bytes:
        return der.encode(der.SEQUENCE, core.Integer(first).dump() + core.Integer(second).dump())

    assert verify_signature(key, algorithm, DATA, encoded(r, s))
    for first, second in ((0, s), (r, 0), (r + curve.n, s), (r, s + curve.n), (-r, s), (r, -s), (curve.n, s)):
        assert not verify_signature(key, algorithm, DATA, encoded(first, second))
    padded = der.encode(der.SEQUENCE, b"\x02\x1f" + r.to_bytes(31, "big") + core.Integer(s).dump())
    assert not verify_signature(key, algorithm, DATA, padded)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("oid", sorted(curves()))
def test_signature_whose_point_is_infinity_does_not_verify(oid: str, plain: bool) -> None:
    """Whoever knows the private key d can choose r = -h/d, so that u1 G + u2 Q is no point and has no x to compare."""
    curve = curves()[oid]
    key = ecdsa.SigningKey.from_secret_exponent(0x1234567, curve.portable)
    point = key.verifying_key.pubkey.point
    public = EcKey(curve, int(point.x()), int(point.y()))
    hashed = digest("sha256", DATA)
    number = int.from_bytes(hashed, "big") >> max(0, 256 - curve.n.bit_length())
    r, s = -number * pow(0x1234567, -1, curve.n) % curve.n, 1
    if plain:
        signature = b"".join(each.to_bytes(curve.order_size, "big") for each in (r, s))
        algorithm = SignatureAlgorithm(Scheme.ECDSA_PLAIN, "sha256")
    else:
        signature = ecdsa.util.sigencode_der(r, s, curve.n)
        algorithm = SignatureAlgorithm(Scheme.ECDSA, "sha256")
    assert not verify_signature(public, algorithm, DATA, signature)
    assert not verify_prehashed(public, algorithm, hashed, signature)
    assert not verify_prehashed(public, algorithm, bytes(32), signature)  # u1 = 0


def test_key_of_another_kind_never_verifies() -> None:
    ec = load_public_key(bytes(ecdsa.SigningKey.generate(ecdsa.NIST256p).verifying_key.to_der()))
    assert not verify_signature(ec, identifier("1.2.840.113549.1.1.11"), DATA, bytes(256))
    assert not verify_signature(RSA_PUBLIC, identifier("1.2.840.10045.4.3.2"), DATA, bytes(70))


@pytest.mark.parametrize(
    "algorithm",
    [
        identifier("1.2.840.113549.1.1.4"),  # MD5 with RSA
        identifier("1.2.840.10045.4.3.2", core.Integer(1).dump()),
        identifier("1.2.840.113549.1.1.1", core.Null().dump()),  # names no hash
        identifier(PSS_OID, bytes.fromhex("3005a303020102")),  # trailer 2
        identifier(PSS_OID, bytes.fromhex("3006a20402020201")),  # salt of 513
    ],
)
def test_unsupported_is_said(algorithm: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        verify_signature(RSA_PUBLIC, algorithm, DATA, bytes(256))
    assert caught.value.code == "ALGORITHM_UNSUPPORTED"


def test_identifier_of_the_key_takes_the_digest_algorithm() -> None:
    """RFC 3370, 3.2: rsaEncryption in a signer's information."""
    algorithm = signature_algorithm(identifier("1.2.840.113549.1.1.1", core.Null().dump()), "sha256")
    assert algorithm == SignatureAlgorithm(signature_algorithm(identifier("1.2.840.113549.1.1.11")).scheme, "sha256")


@given(st.binary(max_size=60), st.binary(max_size=80))
def test_any_identifier_and_signature_end_in_an_answer(algorithm: bytes, signature: bytes) -> None:
    for candidate in (
        algorithm,
        der.encode(der.SEQUENCE, algorithm),
        identifier(PSS_OID, der.encode(der.SEQUENCE, algorithm)),
    ):
        try:
            assert verify_signature(RSA_PUBLIC, candidate, DATA, signature) is False
        except DocumentError as error:
            assert error.code in ("ALGORITHM_UNSUPPORTED", "DER_MALFORMED")


def test_hashes() -> None:
    assert {name: len(digest(name, b"")) for name in HASH_OIDS.values()} == {
        "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64,
    }  # fmt: skip
