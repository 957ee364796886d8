"""Active authentication: a recorded passport, a published table of opened signatures, and chips of every algorithm."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from ecdsa import SigningKey
from hypothesis import given
from hypothesis import strategies as st

from egate.document.chip.active_authentication import parse_dg15, recovers, response_size, verify_active
from egate.document.chip.security_info import ActiveAuthenticationInfo
from egate.document.chip.security_info_writer import write_dg14
from egate.document.chip.security_protocol import ECDSA_PLAIN, oid_of
from egate.document.crypto.curves import Curve, curves
from egate.document.encoding import der
from egate.document.encoding.oid import encode_oid
from egate.document.encoding.tlv import element
from egate.errors import DocumentError
from hw.emrtd.protocol.active_authentication import ChipHalf, challenge
from hw.emrtd.protocol.cipher import Suite
from hw.emrtd.protocol.private_key import load_private_key
from hw.emrtd.protocol.secure_messaging import SecureMessaging
from hw.emrtd.protocol.step import StepFailed
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response, parse_response

VECTORS = Path(os.environ.get("EGATE_CORPUS", "../shared/corpus")) / "documents" / "vectors"
CHALLENGE = bytes.fromhex("0102030405060708")
HASHES = ("sha1", "sha224", "sha256", "sha384", "sha512")
absent = pytest.mark.skipif(not VECTORS.is_dir(), reason="no corpus: set EGATE_CORPUS")


def entropy(size: int) -> bytes:
    return hashlib.shake_256(b"active authentication").digest(size)


def ask(private_key: bytes, hash_name: str, data: bytes = CHALLENGE) -> bytes:
    response = ChipHalf(private_key, hash_name, entropy).internal_authenticate(data)
    assert response.sw == apdu.SW_OK
    return response.data


@cache
def rsa_key(bits: int = 1024) -> tuple[bytes, bytes]:
    """PKCS #8 and DG15."""
    key = rsa.generate_private_key(65537, bits)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), element(0x6F, spki)


def ec_key(curve: Curve, scalar: int = 0x1234567890ABCDEF12345) -> tuple[bytes, bytes]:
    key = SigningKey.from_secret_exponent(scalar, curve.portable)
    return bytes(key.to_der(format="pkcs8")), element(0x6F, bytes(key.verifying_key.to_der()))


def dg14(hash_name: str) -> bytes:
    return write_dg14([ActiveAuthenticationInfo(1, oid_of(ECDSA_PLAIN, hash_name))])


# --- Recorded and published


def _values() -> list[bytes]:
    test = json.loads((VECTORS / "gmrtd_active_auth.json").read_text())["tests"]["TestDoActiveAuth"]
    return [bytes.fromhex(value["hex"]) for value in test["values"]]


@pytest.mark.corpus
@absent
def test_recorded_session() -> None:
    k_enc, k_mac, ssc, sent, dg15, nonce, signature, *_, ssc_after = _values()
    test = json.loads((VECTORS / "gmrtd_active_auth.json").read_text())["tests"]["TestDoActiveAuth"]
    command, answer = (bytes.fromhex(message) for message in test["apdus"][0])
    messaging = SecureMessaging(Suite.TDES, k_enc, k_mac, int.from_bytes(ssc, "big"))
    step = challenge(lambda _: sent, response_size(parse_dg15(dg15)))
    assert messaging.wrap(next(step)).encode() == command
    response = parse_response(answer)
    assert response is not None
    with pytest.raises(StopIteration) as stopped:
        step.send(messaging.unwrap(response))
    proof = stopped.value.value
    assert (proof.challenge, proof.response) == (nonce, signature) and messaging._ssc == int.from_bytes(
        ssc_after, "big"
    )
    assert verify_active(dg15, None, proof.challenge, proof.response)
    assert signature.hex() not in repr(proof)


@pytest.mark.corpus
@absent
def test_recorded_signature_with_anything_changed_is_none() -> None:
    _, _, _, _, dg15, nonce, signature, *_ = _values()
    assert not verify_active(dg15, None, nonce[:-1] + bytes([nonce[-1] ^ 1]), signature)
    for position in range(len(signature)):
        wrong = bytearray(signature)
        wrong[position] ^= 1 << position % 8
        assert not verify_active(dg15, None, nonce, bytes(wrong))
    assert not verify_active(dg15, None, nonce, signature[:-1])
    assert not verify_active(dg15, None, nonce, b"\x00" + signature)


@pytest.mark.corpus
@absent
def test_published_opened_signatures() -> None:
    test = json.loads((VECTORS / "gmrtd_active_auth.json").read_text())["tests"]["TestDecodeF"]["values"]
    values = [bytes.fromhex(value["hex"]) for value in test]
    rows = [values[index : index + 4] for index in range(0, len(values), 4)]
    assert len(rows) == 5
    for nonce, opened, m1, hashed in rows:
        assert opened[1 : 1 + len(m1)] == m1 and hashed in opened
        assert recovers(opened, nonce)
        assert not recovers(opened, nonce[::-1])
        for position in range(len(opened)):
            wrong = bytearray(opened)
            wrong[position] ^= 0x10
            assert not recovers(bytes(wrong), nonce)


# --- Every algorithm


@pytest.mark.parametrize("hash_name", HASHES)
def test_rsa(hash_name: str) -> None:
    private, dg15 = rsa_key()
    signature = ask(private, hash_name)
    assert verify_active(dg15, None, CHALLENGE, signature)
    assert not verify_active(dg15, None, CHALLENGE[::-1], signature)
    assert not verify_active(rsa_key(1032)[1], None, CHALLENGE, signature)
    n = parse_dg15(dg15).n  # type: ignore[union-attr]
    other = n - int.from_bytes(signature, "big")  # 9796-2 lets a signer send the smaller of the two
    assert verify_active(dg15, None, CHALLENGE, other.to_bytes(len(signature), "big"))
    assert not verify_active(dg15, None, CHALLENGE, (n + other).to_bytes(len(signature) + 1, "big"))


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("curve", curves().values(), ids=lambda curve: curve.name)
def test_ecdsa(curve: Curve, hash_name: str) -> None:
    private, dg15 = ec_key(curve)
    signature = ask(private, hash_name)
    assert len(signature) == response_size(parse_dg15(dg15))
    assert verify_active(dg15, dg14(hash_name), CHALLENGE, signature)
    assert not verify_active(dg15, dg14(hash_name), CHALLENGE[::-1], signature)
    assert not verify_active(dg15, dg14("sha1" if hash_name != "sha1" else "sha256"), CHALLENGE, signature)
    assert not verify_active(ec_key(curve, 99)[1], dg14(hash_name), CHALLENGE, signature)


@pytest.mark.parametrize("oid", ["1.2.840.10045.3.1.7", "1.3.36.3.3.2.8.1.1.9"])
def test_ecdsa_without_dg14_tries_hashes_up_to_the_keys_size(oid: str) -> None:
    private, dg15 = ec_key(curves()[oid])
    assert verify_active(dg15, None, CHALLENGE, ask(private, "sha256"))
    assert not verify_active(dg15, None, CHALLENGE, ask(private, "sha512"))


def test_signature_in_the_other_encoding() -> None:
    private, dg15 = ec_key(curves()["1.2.840.10045.3.1.7"])
    plain = ask(private, "sha256")
    encoded = der.encode(
        der.SEQUENCE,
        b"".join(der.encode(der.INTEGER, b"\x00" * (half[0] >> 7) + half) for half in (plain[:32], plain[32:])),
    )
    assert verify_active(dg15, dg14("sha256"), CHALLENGE, encoded)
    for wrong in (bytes(64), b"", encoded[:-1], encoded + b"\x00", plain[32:] + plain[:32], b"\xff" * 64):
        assert not verify_active(dg15, dg14("sha256"), CHALLENGE, wrong)


def test_what_cannot_be_judged_is_an_error_and_no_verdict() -> None:
    _, dg15 = ec_key(curves()["1.2.840.10045.3.1.7"])
    rsa_info = write_dg14([ActiveAuthenticationInfo(1, "1.2.840.113549.1.1.11")])
    cases = [
        (b"", None, CHALLENGE, "DG15_MALFORMED"),
        (dg15 + b"\x00", None, CHALLENGE, "DG15_MALFORMED"),
        (dg15, b"\x6e\x00", CHALLENGE, "SECURITY_INFO_MALFORMED"),
        (dg15, rsa_info, CHALLENGE, "ALGORITHM_UNSUPPORTED"),
        (dg15, None, b"", "CHALLENGE_SIZE"),
    ]
    for file, infos, sent, code in cases:
        with pytest.raises(DocumentError) as refused:
            verify_active(file, infos, sent, bytes(64))
        assert refused.value.code == code


# --- The terminal's step


def test_long_answers_are_asked_for_with_extended_length() -> None:
    step = challenge(entropy, 256)
    assert next(step).le == apdu.EXTENDED_LE_MAX
    assert step.send(Response(b"", apdu.SW_WRONG_LENGTH)).le == apdu.LE_MAX
    with pytest.raises(StopIteration) as stopped:
        step.send(Response(b"signature", 0x9000))
    assert stopped.value.value.response == b"signature"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Response(b"", 0x6D00), "not_supported"),
        (Response(b"", 0x6F00), "status_6f00"),
        (Response(b"", 0x9000), "malformed"),
    ],
)
def test_a_chip_that_does_not_answer_the_challenge(answer: Response, cause: str) -> None:
    step = challenge(entropy)
    command: Command = next(step)
    assert (command.ins, len(command.data), command.le) == (apdu.INTERNAL_AUTHENTICATE, 8, apdu.LE_MAX)
    with pytest.raises(StepFailed, match=cause):
        step.send(answer)


def test_private_keys_are_read_or_refused_without_their_content() -> None:
    private, _ = ec_key(curves()["1.2.840.10045.3.1.7"])
    other, _ = ec_key(curves()["1.2.840.10045.3.1.7"], 99)
    mixed = private[:-64] + other[-64:]
    no_key = der.encode(
        der.SEQUENCE,
        der.encode(der.INTEGER, b"\0")
        + der.encode(der.SEQUENCE, der.encode(der.OID, encode_oid("1.2.3")))
        + der.encode(der.OCTET_STRING, b"secret"),
    )
    for data in (b"", private[:-1], mixed, no_key, rsa_key()[0][:-1]):
        with pytest.raises(DocumentError) as refused:
            load_private_key(data)
        assert refused.value.code.startswith("PRIVATE_KEY_")
    assert repr(load_private_key(private)).startswith("<")


# --- Any bytes

FILES = (rsa_key()[1], ec_key(curves()["1.3.36.3.3.2.8.1.1.7"])[1], ec_key(curves()["1.3.36.3.3.2.8.1.1.9"])[1])
short = st.binary(max_size=140)


@given(st.sampled_from(FILES) | short, st.none() | short | st.sampled_from([dg14(name) for name in HASHES]), short)
def test_any_bytes_are_no_proof(dg15: bytes, infos: bytes | None, response: bytes) -> None:
    try:
        assert not verify_active(dg15, infos, CHALLENGE, response)
    except DocumentError:
        return


@given(st.sampled_from(FILES), st.integers(0, 2**12), st.integers(1, 255))
def test_changed_files_are_refused_or_no_proof(dg15: bytes, position: int, change: int) -> None:
    wrong = bytearray(dg15)
    wrong[position % len(wrong)] ^= change
    try:
        assert not verify_active(bytes(wrong), None, CHALLENGE, bytes(range(128)))
    except DocumentError:
        return
