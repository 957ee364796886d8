"""Chip authentication: three recorded sessions with passports, both halves against each other, and copied chips."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from egate.document.chip.security_info import ChipAuthenticationKey, SecurityInfo, SecurityInfos, parse_dg14
from egate.document.chip.security_info_writer import chip_authentication_info
from egate.document.chip.security_protocol import CHIP_AUTHENTICATION, CHIP_AUTHENTICATION_KEY, oid_of
from egate.document.crypto.curves import Curve, curves
from egate.document.crypto.public_key import DhKey, load_public_key
from egate.document.encoding import der
from egate.document.encoding.oid import decode_oid, encode_oid
from egate.domain.evidence import CheckResult
from hw.emrtd.protocol.chip_authentication import ChipProof, authenticate, session
from hw.emrtd.protocol.chip_authentication_chip import ChipHalf
from hw.emrtd.protocol.chip_key import ChipKey
from hw.emrtd.protocol.cipher import Suite
from hw.emrtd.protocol.key_agreement import DhAgreement, EcAgreement, key_agreement
from hw.emrtd.protocol.secure_messaging import SecureMessaging, SecureMessagingError
from hw.emrtd.protocol.step import StepFailed
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response, parse_response

VECTORS = Path(os.environ.get("EGATE_CORPUS", "../shared/corpus")) / "documents" / "vectors"
DETERMINISTIC = b"chip authentication"
P256 = "1.2.840.10045.3.1.7"


def entropy(size: int) -> bytes:
    return hashlib.shake_256(DETERMINISTIC).digest(size)


# --- Recorded sessions


def _transcript(name: str) -> tuple[list[tuple[bytes, bytes]], list[bytes], bytes]:
    test = json.loads((VECTORS / "gmrtd_chip_auth_transcripts.json").read_text())["tests"][f"TestChipAuth{name}"]
    exchanges = [(bytes.fromhex(command), bytes.fromhex(answer)) for command, answer in test["apdus"]]
    return exchanges, [bytes.fromhex(value["hex"]) for value in test["values"]], bytes.fromhex(test["values"][7]["hex"])


@pytest.mark.corpus
@pytest.mark.skipif(not VECTORS.is_dir(), reason="no corpus: set EGATE_CORPUS")
@pytest.mark.parametrize(
    ("name", "old", "new"), [("AT", "AES128", "AES128"), ("DE", "AES128", "AES128"), ("MY", "TDES", "TDES")]
)
def test_recorded_sessions(name: str, old: str, new: str) -> None:
    exchanges, values, terminal_private = _transcript(name)
    dg14, k_enc, k_mac, ssc, _, x, y, *_ = values
    new_k_enc, new_k_mac, new_ssc = values[-3:]
    infos = parse_dg14(dg14)
    private = int.from_bytes(terminal_private, "big")

    # Each intermediate value on its own: our public key, the shared secret's session keys.
    found = key_agreement(load_public_key(infos.chip_authentication_keys[0].public_key))
    assert found is not None
    group, chip_key = found
    assert group.public(private) == b"\x04" + x + y == values[8]
    assert group.compress(group.public(private)) == x
    secret = group.shared(private, chip_key)
    assert secret is not None
    expected = SecureMessaging(Suite[new], new_k_enc, new_k_mac)
    assert _state(session(secret, Suite[new])) == _state(expected)

    # The session as a whole, byte for byte.
    messaging = SecureMessaging(Suite[old], k_enc, k_mac, int.from_bytes(ssc, "big"))
    step = authenticate(infos, messaging, _always(private), kat=False)
    unplayed = list(exchanges)
    proof = _run(step, partial(_play, unplayed))
    assert not unplayed
    assert proof.authentication.result is CheckResult.PASS and proof.cause == ""
    assert proof.authentication.public_key == infos.chip_authentication_keys[0].public_key
    assert proof.terminal_key == x
    assert proof.messaging is not None
    assert _state(proof.messaging) == (*_state(expected)[:3], int.from_bytes(new_ssc, "big"))
    assert messaging.closed


@pytest.mark.corpus
@pytest.mark.skipif(not VECTORS.is_dir(), reason="no corpus: set EGATE_CORPUS")
@pytest.mark.parametrize("name", ["AT", "DE", "MY"])
def test_one_wrong_bit_in_the_proof_fails(name: str) -> None:
    exchanges, values, terminal_private = _transcript(name)
    private = int.from_bytes(terminal_private, "big")
    suite = Suite.TDES if name == "MY" else Suite.AES128
    command, answer = exchanges[-1]
    for position in range(len(answer) - 2):
        wrong = bytearray(answer)
        wrong[position] ^= 1
        messaging = SecureMessaging(suite, values[1], values[2], int.from_bytes(values[3], "big"))
        played = [*exchanges[:-1], (command, bytes(wrong))]
        step = authenticate(parse_dg14(values[0]), messaging, _always(private), kat=False)
        proof = _run(step, partial(_play, played))
        assert proof.authentication.result is CheckResult.FAIL
        assert proof.messaging is None


def _always(private: int) -> Callable[[int], bytes]:
    """Entropy that makes this private key."""
    return lambda size: (private - 1).to_bytes(size, "big")


def _play(exchanges: list[tuple[bytes, bytes]], command: Command) -> Response:
    """The recorded answer, if the command is the recorded one."""
    expected, answer = exchanges.pop(0)
    assert command.encode() == expected
    response = parse_response(answer)
    assert response is not None
    return response


def _state(messaging: SecureMessaging) -> tuple[Suite, bytes, bytes, int]:
    return messaging.suite, bytes(messaging._k_enc), bytes(messaging._k_mac), messaging._ssc


def _run(step: Generator[Command, Response, ChipProof], answer: Callable[[Command], Response]) -> ChipProof:
    command = next(step)
    while True:
        try:
            command = step.send(answer(command))
        except StopIteration as stopped:
            return stopped.value  # type: ignore[no-any-return]


# --- Both halves


class Chip:
    """The chip half behind secure messaging, as a chip application runs it. refused: instructions it does not know."""

    def __init__(self, keys: Sequence[ChipKey], messaging: SecureMessaging | None, refused: Sequence[int] = ()) -> None:
        self.half, self.messaging, self.refused = ChipHalf(keys), messaging, refused
        self.seen: list[Command] = []

    def answer(self, command: Command) -> Response:
        if self.messaging is None:
            return self._switch(self._plain(command), None)
        try:
            plain = self.messaging.unwrap_command(command)
        except SecureMessagingError:
            return Response(b"", apdu.SW_SM_WRONG)
        return self._switch(self._plain(plain), self.messaging)

    def _switch(self, response: Response, messaging: SecureMessaging | None) -> Response:
        answer = response if messaging is None else messaging.wrap_response(response)
        if self.half.agreed is not None:
            self.messaging, self.half.agreed = self.half.agreed.messaging, None
        return answer

    def _plain(self, command: Command) -> Response:
        self.seen.append(command)
        kind = (command.ins, command.p2) if command.ins == apdu.MANAGE_SECURITY_ENVIRONMENT else (command.ins, 0)
        if command.p2 in self.refused:
            return Response(b"", apdu.SW_WRONG_PARAMETERS)
        match kind:
            case (apdu.MANAGE_SECURITY_ENVIRONMENT, 0xA6):
                return self.half.set_key_agreement_template(command.data)
            case (apdu.MANAGE_SECURITY_ENVIRONMENT, 0xA4):
                return self.half.set_authentication_template(command.data)
            case (apdu.GENERAL_AUTHENTICATE, _):
                return self.half.general_authenticate(command.data)
            case _:
                return Response(b"", apdu.SW_OK)


def channels() -> tuple[SecureMessaging, SecureMessaging]:
    return SecureMessaging(Suite.TDES, bytes(16), bytes(16)), SecureMessaging(Suite.TDES, bytes(16), bytes(16))


def ec_key(curve: Curve, private: int) -> bytes:
    algorithm = der.encode(der.OID, encode_oid("1.2.840.10045.2.1")) + der.encode(der.OID, encode_oid(curve.oid))
    point = EcAgreement(curve).public(private)
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, algorithm) + der.encode(der.BIT_STRING, b"\x00" + point))


def dh_key(public: bytes) -> bytes:
    """RFC 3279, 2.3.3."""
    p, g, q, y = (
        der.encode(der.INTEGER, b"\x00" + number.to_bytes(256, "big"))
        for number in (P2048, 2, (P2048 - 1) // 2, int.from_bytes(public, "big"))
    )
    algorithm = der.encode(der.OID, encode_oid("1.2.840.10046.2.1")) + der.encode(der.SEQUENCE, p + g + q)
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, algorithm) + der.encode(der.BIT_STRING, b"\x00" + y))


def offer(key: bytes, suite: str, key_id: int | None = None, agreement: str = "ECDH") -> list[SecurityInfo]:
    return [
        chip_authentication_info(oid_of(CHIP_AUTHENTICATION, agreement, suite), key_id),
        ChipAuthenticationKey(oid_of(CHIP_AUTHENTICATION_KEY, agreement), agreement, key, key_id),  # type: ignore[arg-type]
    ]


def run(infos: Sequence[SecurityInfo], keys: Sequence[ChipKey], **options: Any) -> tuple[ChipProof, Chip]:
    ours, theirs = channels()
    chip = Chip(keys, theirs, options.get("refused", ()))
    return _run(authenticate(SecurityInfos(tuple(infos)), ours, entropy), chip.answer), chip


@pytest.mark.parametrize("suite", ["TDES", "AES128", "AES192", "AES256"])
@pytest.mark.parametrize("curve", curves().values(), ids=lambda curve: curve.name)
def test_every_curve_and_cipher(curve: Curve, suite: str) -> None:
    private = 0x1234567890ABCDEF1234567890
    key = ec_key(curve, private)
    proof, chip = run(offer(key, suite), [ChipKey(key, private)])
    assert proof.authentication.result is CheckResult.PASS
    assert proof.messaging is not None and chip.messaging is not None
    assert _state(proof.messaging) == _state(chip.messaging) and proof.messaging.suite is Suite[suite]


@pytest.mark.parametrize("suite", ["TDES", "AES256"])
def test_prime_fields(suite: str) -> None:
    group = DhAgreement(P2048, 2, (P2048 - 1) // 2)
    private = group.generate(lambda size: bytes(range(size % 256)))
    key = dh_key(group.public(private))
    proof, _ = run(offer(key, suite, None, "DH"), [ChipKey(key, private)])
    assert proof.authentication.result is CheckResult.PASS and len(proof.terminal_key) == 20
    copied, _ = run(offer(key, suite, None, "DH"), [ChipKey(key, private + 1)])
    assert copied.authentication.result is CheckResult.FAIL


def test_explicit_parameters_of_a_known_curve() -> None:
    key = ec_key(curves()[P256], 77)
    named = (
        ec.derive_private_key(77, ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    assert key == named
    proof, _ = run(offer(key, "AES128"), [ChipKey(key, 77)])
    assert proof.authentication.result is CheckResult.PASS


def test_without_a_channel_and_without_any_info() -> None:
    """A chip that needs no access and names a key only: 3DES, in the clear up to the switch."""
    key = ec_key(curves()[P256], 77)
    chip = Chip([ChipKey(key, 77)], None)
    infos = SecurityInfos((ChipAuthenticationKey(oid_of(CHIP_AUTHENTICATION_KEY, "ECDH"), "ECDH", key, None),))
    proof = _run(authenticate(infos, None, entropy), chip.answer)
    assert proof.authentication.result is CheckResult.PASS
    assert [(command.ins, command.p2) for command in chip.seen] == [(0x22, 0xA6), (0xA4, 0x0C)]


def test_a_chip_that_knows_no_kat_is_asked_by_at() -> None:
    key = ec_key(curves()[P256], 77)
    proof, chip = run(offer(key, "TDES"), [ChipKey(key, 77)], refused=[0xA6])
    assert proof.authentication.result is CheckResult.PASS
    assert [command.p2 for command in chip.seen[:2]] == [0xA6, 0xA4]


def test_the_strongest_cipher_and_its_key_are_taken() -> None:
    first, second = ec_key(curves()[P256], 77), ec_key(curves()[P256], 78)
    infos = [*offer(first, "TDES", 1), *offer(second, "AES256", 300)]
    proof, chip = run(infos, [ChipKey(first, 77, 1), ChipKey(second, 78, 300)])
    assert proof.authentication.result is CheckResult.PASS and proof.authentication.public_key == second
    assert chip.seen[0].data.endswith(b"\x84\x02\x01\x2c")
    assert decode_oid(chip.seen[0].data[2:12]) == oid_of(CHIP_AUTHENTICATION, "ECDH", "AES256")


# --- Planted faults: none of them may pass


def test_a_copied_chip_without_the_private_key_fails() -> None:
    key = ec_key(curves()[P256], 77)
    for suite in ("TDES", "AES128"):
        proof, _ = run(offer(key, suite), [ChipKey(key, 78)])
        assert (proof.authentication.result, proof.messaging) == (CheckResult.FAIL, None)
        assert proof.cause == "unprotected_6988"


def test_swapped_key_numbers_fail() -> None:
    first, second = ec_key(curves()[P256], 77), ec_key(curves()[P256], 78)
    infos = [*offer(first, "AES128", 1), *offer(second, "AES128", 2)]
    proof, _ = run(infos, [ChipKey(first, 77, 2), ChipKey(second, 78, 1)])
    assert proof.authentication.result is CheckResult.FAIL


def test_a_session_played_again_fails() -> None:
    """A copy that repeats the original's answers: our key is another one, so the recorded MAC is wrong."""
    key = ec_key(curves()[P256], 77)
    ours, theirs = channels()
    chip = Chip([ChipKey(key, 77)], theirs)
    recorded: list[Response] = []

    def record(command: Command) -> Response:
        recorded.append(chip.answer(command))
        return recorded[-1]

    infos = SecurityInfos(tuple(offer(key, "AES128")))
    assert _run(authenticate(infos, ours, entropy), record).authentication.result is CheckResult.PASS
    again, _ = channels()
    answers = iter(recorded)
    proof = _run(authenticate(infos, again, lambda size: bytes([7] * size)), lambda _: next(answers))
    assert proof.authentication.result is CheckResult.FAIL


def test_a_chip_that_stays_in_the_old_channel_or_answers_in_the_clear_fails() -> None:
    key = ec_key(curves()[P256], 77)
    for last in (Response(b"", 0x9000), Response(b"\x99\x02\x90\x00", 0x9000)):
        ours, theirs = channels()
        chip = Chip([ChipKey(key, 77)], theirs)

        def answer(command: Command, chip: Chip = chip, last: Response = last) -> Response:
            return last if len(chip.seen) == 2 else chip.answer(command)

        proof = _run(authenticate(SecurityInfos(tuple(offer(key, "AES128"))), ours, entropy), answer)
        assert proof.authentication.result is CheckResult.FAIL


def test_a_chip_that_refuses_aborts_and_keeps_its_channel() -> None:
    key = ec_key(curves()[P256], 77)
    proof, _ = run(offer(key, "AES128"), [ChipKey(key, 77)], refused=[0xA4])
    assert (proof.authentication.result, proof.cause) == (CheckResult.ABORTED, "status_6a86")
    assert proof.messaging is not None and not proof.messaging.closed
    assert key.hex() not in repr(proof) + repr(proof.authentication)


def test_keys_that_are_none_are_refused_on_both_sides() -> None:
    curve = curves()[P256]
    good = ec_key(curve, 77)
    for infos in (
        offer(good[:-1] + bytes([good[-1] ^ 1]), "AES128"),  # not on the curve
        offer(good[:-65] + bytes(65), "AES128"),  # infinity
    ):
        with pytest.raises(StepFailed, match="malformed"):
            _run(authenticate(SecurityInfos(tuple(infos)), None, entropy), lambda _: Response(b"", 0x9000))
    with pytest.raises(StepFailed, match="not_supported"):
        _run(authenticate(SecurityInfos(()), None, entropy), lambda _: Response(b"", 0x9000))
    half = ChipHalf([ChipKey(good, 77)])
    for point in (b"", b"\x00", bytes(65), b"\x04" + bytes(64), good[-65:-1] + bytes([good[-1] ^ 1])):
        assert EcAgreement(curve).shared(77, point) is None
        assert half.set_key_agreement_template(b"\x91" + bytes([len(point)]) + point).sw != apdu.SW_OK
    assert half.agreed is None
    group = DhAgreement(P2048, 2, (P2048 - 1) // 2)
    for value in (0, 1, P2048 - 1, P2048, P2048 + 4):
        assert group.shared(77, value.to_bytes(257, "big").lstrip(b"\x00")) is None
    assert group.shared(77, (P2048 - 4).to_bytes(256, "big")) is None  # no element of the subgroup


def test_a_field_that_would_take_seconds_is_refused() -> None:
    p = 2**4096 + 1
    assert key_agreement(DhKey(p, 2, 3)) is None
    assert key_agreement(DhKey(p // 2 + 1, 2, 3)) is not None


answers = st.lists(
    st.tuples(st.binary(max_size=80), st.sampled_from([0x9000, 0x9000, 0x6A80, 0x6988, 0x6300])), min_size=5
)


@given(answers, st.booleans(), st.sampled_from(["TDES", "AES128"]))
def test_any_answers_are_no_proof(answers: list[tuple[bytes, int]], opened: bool, suite: str) -> None:
    key = ec_key(curves()[P256], 77)
    stream = iter([Response(*answer) for answer in answers])
    messaging = SecureMessaging(Suite.TDES, bytes(16), bytes(16)) if opened else None
    proof = _run(authenticate(SecurityInfos(tuple(offer(key, suite))), messaging, entropy), lambda _: next(stream))
    assert proof.authentication.result in (CheckResult.FAIL, CheckResult.ABORTED) and proof.cause


@given(st.lists(st.tuples(st.sampled_from(["kat", "at", "general"]), st.binary(max_size=100)), max_size=8))
def test_the_chip_half_takes_any_data(commands: list[tuple[str, bytes]]) -> None:
    half = ChipHalf([ChipKey(ec_key(curves()[P256], 77), 77)])
    for name, data in commands:
        match name:
            case "kat":
                half.set_key_agreement_template(data)
            case "at":
                half.set_authentication_template(data)
            case _:
                half.general_authenticate(data)
    assert half.agreed is None


# RFC 3526, 3: the 2048-bit MODP group, a safe prime.
P2048 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
