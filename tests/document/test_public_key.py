"""What must hold: keys by name and by explicit parameters are the same key; parameters of no known curve are never used."""

from __future__ import annotations

import ecdsa
import pytest
from asn1crypto import algos, core, keys
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from egate.document.crypto.curves import curves
from egate.document.crypto.public_key import DhKey, EcKey, RsaKey, load_public_key
from egate.document.encoding import der
from egate.errors import DocumentError

NAMES = sorted(curve.name for curve in curves().values())


def signing_key(name: str, secret: int = 7) -> ecdsa.SigningKey:
    curve = next(curve for curve in curves().values() if curve.name == name)
    return ecdsa.SigningKey.from_secret_exponent(secret, curve.portable)


def code_of(spki: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        load_public_key(spki)
    return caught.value.code


@pytest.mark.parametrize("name", NAMES)
def test_named_explicit_and_compressed_are_the_same_key(name: str) -> None:
    for secret in (7, 8, 11):  # both parities of y
        public = signing_key(name, secret).verifying_key
        expected = (name, int(public.pubkey.point.x()), int(public.pubkey.point.y()))
        for parameters in ("named_curve", "explicit"):
            for form in ("uncompressed", "compressed"):
                found = load_public_key(public.to_der(form, curve_parameters_encoding=parameters))
                assert isinstance(found, EcKey)
                assert (found.curve.name, found.x, found.y) == expected


def explicit(**changes: object) -> bytes:
    """Explicit P-256 with some of its parameters changed."""
    spki = keys.PublicKeyInfo.load(signing_key("NIST256p").verifying_key.to_der(curve_parameters_encoding="explicit"))
    domain = spki["algorithm"]["parameters"].chosen
    for field, value in changes.items():
        if field in ("a", "b"):
            domain["curve"][field] = value
        else:
            domain[field] = value
    spki["algorithm"]["parameters"] = keys.ECDomainParameters("specified", domain.copy())
    return bytes(spki.dump(force=True))


def test_generator_of_an_attacker_is_refused() -> None:
    """CVE-2020-0601: the same curve with a generator for which the attacker knows the private key."""
    public = signing_key("NIST256p").verifying_key.to_string("uncompressed")
    assert isinstance(load_public_key(explicit()), EcKey)
    assert code_of(explicit(base=keys.ECPoint(public))) == "PUBLIC_KEY_CURVE"


@pytest.mark.parametrize(
    "changes",
    [
        {"order": 2**255 - 19},
        {"cofactor": 2},
        {"a": bytes(31) + b"\x01"},
        {"b": bytes(32)},
        {"base": keys.ECPoint(b"\x00")},
    ],
)
def test_other_explicit_parameters_are_refused(changes: dict[str, object]) -> None:
    assert code_of(explicit(**changes)) == "PUBLIC_KEY_CURVE"


def test_points_off_the_curve_are_refused() -> None:
    spki = bytearray(signing_key("BRAINPOOLP256r1").verifying_key.to_der())
    spki[-1] ^= 1
    assert code_of(bytes(spki)) == "PUBLIC_KEY_VALUE"
    for point in (b"", b"\x00", b"\x04" + bytes(64), b"\x04" + b"\xff" * 64, b"\x05" + bytes(64), b"\x02" + bytes(31)):
        info = {"algorithm": {"algorithm": "ec", "parameters": keys.ECDomainParameters("named", "secp256r1")}}
        assert code_of(bytes(keys.PublicKeyInfo(info | {"public_key": keys.ECPointBitString(point)}).dump())) in (
            "PUBLIC_KEY_VALUE",
            "PUBLIC_KEY_MALFORMED",
        )


def rsa_spki(n: int, e: int) -> bytes:
    key = keys.RSAPublicKey({"modulus": n, "public_exponent": e})
    return bytes(
        keys.PublicKeyInfo({"algorithm": {"algorithm": "rsa", "parameters": core.Null()}, "public_key": key}).dump()
    )


def test_rsa() -> None:
    private = rsa.generate_private_key(3, 2048)
    numbers = private.public_key().public_numbers()
    found = load_public_key(private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert found == RsaKey(numbers.n, 3)
    assert str(numbers.n) not in repr(found)
    n = numbers.n
    assert [code_of(rsa_spki(n, e)) for e in (1, 2, 65536, 2**65 + 1)] == ["PUBLIC_KEY_VALUE"] * 4
    assert [code_of(rsa_spki(m, 3)) for m in (2**1000 + 1, 2**9000 + 1, 0)] == ["PUBLIC_KEY_SIZE"] * 3
    assert code_of(rsa_spki(n + 1, 3)) == "PUBLIC_KEY_VALUE"


def test_rsa_modulus_without_its_leading_zero() -> None:
    """Issuers forget it: the number is then negative, and no modulus is."""
    n = 2**2047 + 12345
    body = der.encode(der.INTEGER, n.to_bytes(256, "big")) + der.encode(der.INTEGER, b"\x01\x00\x01")
    algorithm = bytes(algos.AlgorithmIdentifier({"algorithm": "1.2.840.113549.1.1.1"}).dump())
    bits = der.encode(der.BIT_STRING, b"\x00" + der.encode(der.SEQUENCE, body))
    assert load_public_key(der.encode(der.SEQUENCE, algorithm + bits)) == RsaKey(n, 65537)


def test_diffie_hellman() -> None:
    # Any odd number of the size serves: whoever agrees on a key checks the subgroup.
    p, g, y = 2**1023 + 1155, 2, 2**1000 + 3
    integers = b"".join(core.Integer(value).dump() for value in (p, g))
    algorithm = der.encode(
        der.SEQUENCE, core.ObjectIdentifier("1.2.840.113549.1.3.1").dump() + der.encode(der.SEQUENCE, integers)
    )
    spki = der.encode(der.SEQUENCE, algorithm + der.encode(der.BIT_STRING, b"\x00" + core.Integer(y).dump()))
    assert load_public_key(spki) == DhKey(p, g, y)
    one = der.encode(der.SEQUENCE, algorithm + der.encode(der.BIT_STRING, b"\x00" + core.Integer(1).dump()))
    assert code_of(one) == "PUBLIC_KEY_VALUE"


def test_unknown_algorithm() -> None:
    algorithm = der.encode(der.SEQUENCE, core.ObjectIdentifier("1.3.101.112").dump())  # Ed25519
    assert (
        code_of(der.encode(der.SEQUENCE, algorithm + der.encode(der.BIT_STRING, bytes(33)))) == "PUBLIC_KEY_UNSUPPORTED"
    )


@given(st.integers(0), st.integers(0, 255))
def test_any_changed_octet_is_a_key_or_refused(position: int, octet: int) -> None:
    spki = bytearray(explicit())
    spki[position % len(spki)] = octet
    try:
        load_public_key(bytes(spki))
    except DocumentError as error:
        assert error.code.startswith("PUBLIC_KEY_")
