"""PACE, half against half: every protocol and group, wrong passwords, hostile peers, any bytes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.document.chip.security_info import ChipAuthenticationKey, PaceInfo, SecurityInfos
from egate.document.chip.security_protocol import CHIP_AUTHENTICATION_KEY, PACE, oid_of
from egate.document.crypto.domain_parameters import PARAMETER_IDS, DhParameters, standardised_parameters
from egate.document.crypto.public_key import DhKey, EcKey, load_public_key
from egate.document.encoding.tlv import element
from egate.domain.check_result import CheckResult
from egate.errors import DocumentError
from hw.emrtd.protocol import pace, pace_cam
from hw.emrtd.protocol.chip_key import ChipKey
from hw.emrtd.protocol.pace import PaceResult, Password
from hw.emrtd.protocol.pace_chip import ChipHalf
from hw.emrtd.protocol.pace_domain import domain
from hw.emrtd.protocol.pace_group import EcGroup
from hw.emrtd.protocol.step import StepFailed
from hw.emrtd.wire.apdu import Command, Response
from hw.emrtd.wire.data_object import encode

MRZ = Password.of_mrz(b"L898902C<369080619406236")
CAN = Password.of_can("500540")
FIELDS, CURVES = PARAMETER_IDS[:3], PARAMETER_IDS[3:]
Change = Callable[[int, Response], Response]


def info_for(oid: str, parameter_id: int) -> PaceInfo:
    return PaceInfo(oid, *PACE[oid], 2, parameter_id)


GM = info_for(oid_of(PACE, "ECDH", "GM", "AES128"), 13)
IM = info_for(oid_of(PACE, "ECDH", "IM", "AES128"), 13)
CAM = info_for(oid_of(PACE, "ECDH", "CAM", "AES128"), 13)
DH = info_for(oid_of(PACE, "DH", "GM", "AES128"), 0)
DH_IM = info_for(oid_of(PACE, "DH", "IM", "AES128"), 0)
ONE_OF_EACH = pytest.mark.parametrize(
    "info", [GM, IM, CAM, DH, DH_IM], ids=lambda info: f"{info.key_agreement}-{info.mapping}"
)


def spki(parameter_id: int, point: bytes) -> bytes:
    """A key whose curve is named by its number."""
    algorithm = element(0x06, bytes.fromhex("04007f00070102")) + element(0x02, bytes([parameter_id]))
    return element(0x30, element(0x30, algorithm) + element(0x03, b"\x00" + point))


def chip_key(parameter_id: int = 13) -> ChipKey:
    group = domain(parameter_id)
    assert isinstance(group, EcGroup)
    private = group.private(secrets.token_bytes)
    return ChipKey(spki(parameter_id, group.public(private, group.generator)), private)


@dataclass
class Ran:
    """result or cause: of the terminal. commands: what it sent."""

    result: PaceResult | None
    cause: str
    chip: ChipHalf
    commands: list[Command]


def run(
    info: PaceInfo,
    ours: Password = MRZ,
    theirs: Password = MRZ,
    change: Change | None = None,
    key: ChipKey | None = None,
) -> Ran:
    """One run. change: what the chip's answers become on their way, by place (0 answers MSE:Set AT)."""
    chip = ChipHalf([info], {theirs.kind: theirs}, secrets.token_bytes, key)
    step = pace.authenticate(info, ours, secrets.token_bytes)
    commands: list[Command] = []
    try:
        command = next(step)
        while True:
            commands.append(command)
            response = chip.set_template(command.data) if command.ins == 0x22 else chip.general_authenticate(command)
            command = step.send(response if change is None else change(len(commands) - 1, response))
    except StopIteration as stop:
        return Ran(stop.value, "", chip, commands)
    except StepFailed as failed:
        return Ran(None, failed.cause, chip, commands)


def assert_one_channel(ran: Ran) -> None:
    assert ran.result is not None
    assert ran.chip.result is not None
    assert ran.chip.result.chip_key == ran.result.chip_key
    command = Command(0, 0xB0, 1, 2, b"data", 4)
    assert ran.chip.result.messaging.unwrap_command(ran.result.messaging.wrap(command)) == command


@pytest.mark.parametrize("oid", PACE, ids=lambda oid: "-".join(PACE[oid]))
def test_every_protocol_agrees(oid: str) -> None:
    agreement, _, suite = PACE[oid]
    assert_one_channel(ran := run(info_for(oid, 0 if agreement == "DH" else 13), key=chip_key()))
    assert ran.result is not None
    assert ran.result.messaging.suite.name == suite


@pytest.mark.parametrize("parameter_id", PARAMETER_IDS)
@pytest.mark.parametrize("mapping", ["GM", "IM"])
def test_every_group_agrees(parameter_id: int, mapping: str) -> None:
    agreement = "DH" if parameter_id in FIELDS else "ECDH"
    ran = run(info_for(oid_of(PACE, agreement, mapping, "AES256"), parameter_id))
    if parameter_id == 10 and mapping == "IM":  # P-224: its prime is 1 mod 4, and the encoding is defined for 3 mod 4
        assert ran.cause == "not_supported"
    else:
        assert_one_channel(ran)


def test_prime_fields_are_what_they_claim() -> None:
    """A subgroup of the stated order: p and q odd and probably prime, q divides p - 1, g generates."""
    for parameter_id, sizes in zip(FIELDS, [(1024, 160), (2048, 224), (2048, 256)], strict=True):
        group = standardised_parameters(parameter_id)
        assert isinstance(group, DhParameters)
        assert (group.p.bit_length(), group.q.bit_length()) == sizes
        assert pow(2, group.p - 1, group.p) == pow(2, group.q - 1, group.q) == 1
        assert (group.p - 1) % group.q == 0
        assert pow(group.g, group.q, group.p) == 1 != group.g


def test_numbers_without_parameters() -> None:
    assert [number for number in range(40) if standardised_parameters(number) is None] == [*range(3, 8), *range(19, 40)]


@pytest.mark.parametrize("parameter_id", CURVES)
def test_chip_authentication_mapping_proves_the_key(parameter_id: int) -> None:
    genuine, other = chip_key(parameter_id), chip_key(parameter_id)
    ran = run(info_for(CAM.oid, parameter_id), key=genuine)
    assert ran.result is not None
    assert ran.result.proof is not None
    assert pace_cam.verify_chip_authentication_data(ran.result.proof, genuine.public_key)
    assert not pace_cam.verify_chip_authentication_data(ran.result.proof, other.public_key)
    both = pace_cam.prove_chip(ran.result.proof, infos_of(other, genuine))
    assert (both.result, both.public_key) == (CheckResult.PASS, genuine.public_key)
    assert pace_cam.prove_chip(ran.result.proof, infos_of(other)).result is CheckResult.FAIL
    assert pace_cam.prove_chip(ran.result.proof, SecurityInfos()).result is CheckResult.FAIL


def infos_of(*keys: ChipKey) -> SecurityInfos:
    oid = oid_of(CHIP_AUTHENTICATION_KEY, "ECDH")
    return SecurityInfos(tuple(ChipAuthenticationKey(oid, "ECDH", key.public_key, None) for key in keys))


def test_copied_chip_fails_the_proof() -> None:
    """It has the files, and so the public key, but another private one."""
    genuine = chip_key()
    ran = run(CAM, key=ChipKey(genuine.public_key, genuine.private_key ^ 1))
    assert ran.result is not None
    assert ran.result.proof is not None
    assert pace_cam.prove_chip(ran.result.proof, infos_of(genuine)).result is CheckResult.FAIL


@pytest.mark.parametrize("data", [b"", bytes(32), b"\xff" * 40])
def test_numbers_out_of_range_prove_nothing(data: bytes) -> None:
    key = chip_key()
    assert not pace_cam.verify_chip_authentication_data(pace_cam.MappingProof(13, data, b""), key.public_key)


def test_key_of_another_curve_or_none_at_all_proves_nothing() -> None:
    ran = run(CAM, key=chip_key())
    assert ran.result is not None
    assert ran.result.proof is not None
    for wrong in (chip_key(12).public_key, b"", b"\x30\x00", bytes(100)):
        assert not pace_cam.verify_chip_authentication_data(ran.result.proof, wrong)


def test_mapping_without_its_proof_is_malformed() -> None:
    assert run(CAM, key=None).cause == "malformed"


@ONE_OF_EACH
@pytest.mark.parametrize(
    ("ours", "theirs"), [(Password.of_mrz(b"L898902C<369080619406237"), MRZ), (Password.of_can("500541"), CAN)]
)
def test_another_password_is_a_wrong_key(info: PaceInfo, ours: Password, theirs: Password) -> None:
    ran = run(info, ours, theirs, key=chip_key())
    assert ran.cause == "wrong_key"
    assert ran.chip.result is None


@ONE_OF_EACH
def test_chip_that_claims_success_with_another_password_is_a_wrong_key(info: PaceInfo) -> None:
    def claim(place: int, response: Response) -> Response:
        return (
            Response(encode(0x7C, encode(0x86, bytes(8)) + encode(0x8A, bytes(48))), 0x9000) if place == 4 else response
        )

    assert run(info, Password.of_can("1"), Password.of_can("2"), claim, chip_key()).cause == "wrong_key"


@pytest.mark.parametrize(
    ("info", "sizes"),
    [
        (replace(GM, suite="TDES"), range(8, 65, 8)),
        (GM, range(16, 65, 16)),
        (CAM, range(16, 65, 16)),
        (replace(IM, suite="TDES"), [16]),
        (IM, [16]),
        (replace(IM, suite="AES192"), [32]),
        (replace(IM, suite="AES256"), [32]),
    ],
)
def test_nonces_are_whole_blocks_and_of_one_size_with_the_integrated_mapping(
    info: PaceInfo, sizes: Sequence[int]
) -> None:
    taken = [size for size in range(200) if pace.decrypt_nonce(info, MRZ, bytes(size)) is not None]
    assert taken == list(sizes)


def test_password_the_chip_does_not_have() -> None:
    assert run(GM, CAN, MRZ).cause == "status_6a88"


@ONE_OF_EACH
def test_each_flipped_bit_of_the_token_is_a_wrong_key(info: PaceInfo) -> None:
    for bit in range(64):

        def flip(place: int, response: Response, bit: int = bit) -> Response:
            if place != 4:
                return response
            data = bytearray(response.data)
            data[4 + bit // 8] ^= 1 << bit % 8  # 7C length 86 08
            return Response(bytes(data), response.sw)

        assert run(info, change=flip, key=chip_key()).cause == "wrong_key"


@pytest.mark.parametrize("info", [GM, DH], ids=["ECDH", "DH"])
@pytest.mark.parametrize(("place", "tag"), [(2, 0x82), (3, 0x84)])
def test_keys_that_are_none_are_refused(info: PaceInfo, place: int, tag: int) -> None:
    group = pace.group_of(info)
    assert group is not None
    p = group.field
    if isinstance(group, EcGroup):
        size = group.curve.size
        off = bytearray(group.generator)
        off[-1] ^= 1
        wrong = [b"", b"\x00", bytes(off), b"\x04" + bytes(2 * size), group.generator[:-1], group.generator + b"\x00"]
        wrong += [b"\x02" + group.generator[1 : 1 + size]]  # compressed: not allowed here
    else:
        numbers = [0, 1, p - 1, p, p + 2, 2]  # 2 is not in the subgroup
        wrong = [
            b"",
            *(number.to_bytes(p.bit_length() // 8 + 1, "big").lstrip(b"\x00") or b"\x00" for number in numbers),
        ]
    for key in wrong:

        def exchange(at: int, response: Response, key: bytes = key) -> Response:
            return Response(encode(0x7C, encode(tag, key)), 0x9000) if at == place else response

        assert run(info, change=exchange).cause == "malformed"


@pytest.mark.parametrize("info", [GM, DH], ids=["ECDH", "DH"])
@pytest.mark.parametrize(("place", "tag"), [(2, 0x82), (3, 0x84)])
def test_our_own_key_back_is_refused(info: PaceInfo, place: int, tag: int) -> None:
    step = pace.authenticate(info, MRZ, secrets.token_bytes)
    chip = ChipHalf([info], {MRZ.kind: MRZ}, secrets.token_bytes)
    response = chip.set_template(next(step).data)
    for _ in range(place - 1):
        response = chip.general_authenticate(step.send(response))
    command = step.send(response)
    reflected = bytearray(command.data)
    reflected[reflected.index(tag - 1, 1)] = tag
    with pytest.raises(StepFailed, match="malformed"):
        step.send(Response(bytes(reflected), 0x9000))


def test_negated_key_of_ours_is_refused() -> None:
    """Its x-coordinate is ours, and so would be the secret's."""
    step = pace.authenticate(GM, MRZ, secrets.token_bytes)
    chip = ChipHalf([GM], {MRZ.kind: MRZ}, secrets.token_bytes)
    response = chip.set_template(next(step).data)
    for _ in range(2):
        response = chip.general_authenticate(step.send(response))
    point = step.send(response).data[4:]
    group = domain(13)
    assert isinstance(group, EcGroup)
    y = group.field - int.from_bytes(point[33:], "big")
    with pytest.raises(StepFailed, match="malformed"):
        step.send(Response(encode(0x7C, encode(0x84, point[:33] + y.to_bytes(32, "big"))), 0x9000))


def test_number_above_the_field_is_refused_though_its_remainder_is_an_element() -> None:
    group = domain(0)
    assert group is not None
    element = group.generator
    while (above := int.from_bytes(element, "big") + group.field).bit_length() > group.field.bit_length():
        element = group.public(3, element)
    assert group.agree(5, element) is not None
    assert group.agree(5, above.to_bytes(128, "big")) is None


def test_chip_refuses_the_terminal_s_hostile_keys() -> None:
    group = domain(13)
    assert isinstance(group, EcGroup)
    for key in (b"", b"\x00", b"\x04" + bytes(64), group.generator[:-1]):
        chip = ChipHalf([GM], {MRZ.kind: MRZ}, secrets.token_bytes)
        chip.set_template(pace.set_template(GM, MRZ.kind).data)
        assert chip.general_authenticate(Command(0x10, 0x86, 0, 0, b"\x7c\x00", 256)).sw == 0x9000
        assert chip.general_authenticate(Command(0x10, 0x86, 0, 0, encode(0x7C, encode(0x81, key)), 256)).sw == 0x6A80
        assert chip.general_authenticate(Command(0x10, 0x86, 0, 0, b"\x7c\x00", 256)).sw == 0x6985


@pytest.mark.parametrize(
    ("sw", "cause"), [(0x6A80, "status_6a80"), (0x6982, "access_denied"), (0x6D00, "not_supported")]
)
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_refusals_before_the_token_are_no_wrong_key(place: int, sw: int, cause: str) -> None:
    assert run(GM, change=lambda at, response: Response(b"", sw) if at == place else response).cause == cause


@pytest.mark.parametrize(
    "info",
    [
        PaceInfo(GM.oid, "ECDH", "GM", "AES128", 1, 13),
        PaceInfo(GM.oid, "ECDH", "GM", "AES128", 2, None),
        PaceInfo(GM.oid, "ECDH", "GM", "AES128", 2, 5),
        PaceInfo(GM.oid, "ECDH", "GM", "AES128", 2, 2**40),
        PaceInfo(GM.oid, "ECDH", "GM", "AES128", 2, 0),
        PaceInfo(DH.oid, "DH", "GM", "AES128", 2, 13),
    ],
)
def test_what_is_not_done_here(info: PaceInfo) -> None:
    with pytest.raises(StepFailed, match="not_supported"):
        next(pace.authenticate(info, MRZ, secrets.token_bytes))


@settings(max_examples=200)
@given(
    st.sampled_from([GM, IM, CAM, DH, DH_IM]),
    st.integers(0, 4),
    st.binary(max_size=150),
    st.sampled_from([0x9000, 0x6300, 0x63C1]),
)
def test_any_answer_fails_with_a_cause(info: PaceInfo, place: int, data: bytes, sw: int) -> None:
    ran = run(info, change=lambda at, response: Response(data, sw) if at == place else response, key=KEY)
    assert ran.cause or (place == 0 and sw != 0x6300)


@settings(max_examples=200)
@given(
    st.sampled_from([GM, IM, CAM, DH]),
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from([0x80, 0x82, 0x84, 0x86, 0x8A]), st.binary(max_size=66)), max_size=3),
)
def test_any_objects_fail_with_a_cause_or_are_what_was_asked_for(
    info: PaceInfo, place: int, objects: list[tuple[int, bytes]]
) -> None:
    answer = Response(encode(0x7C, b"".join(encode(tag, value) for tag, value in objects)), 0x9000)
    ran = run(info, change=lambda at, response: answer if at == place else response, key=KEY)
    assert ran.cause or (info.mapping == "IM" and place == 2)


KEY = chip_key()


@settings(max_examples=200)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0x00, 0x10]), st.binary(max_size=80)), max_size=4))
def test_chip_half_answers_anything(commands: list[tuple[bool, int, bytes]]) -> None:
    chip = ChipHalf([GM], {MRZ.kind: MRZ}, secrets.token_bytes)
    chip.set_template(pace.set_template(GM, MRZ.kind).data)
    for template, cla, data in commands:
        response = chip.set_template(data) if template else chip.general_authenticate(Command(cla, 0x86, 0, 0, data))
        assert response.sw in (0x9000, 0x6A80, 0x6A88, 0x6985)
    assert chip.result is None


def test_steps_out_of_order_end_the_run() -> None:
    chip = ChipHalf([GM], {MRZ.kind: MRZ}, secrets.token_bytes)
    chip.set_template(pace.set_template(GM, MRZ.kind).data)
    token = Command(0x00, 0x86, 0, 0, encode(0x7C, encode(0x85, bytes(8))), 256)
    assert chip.general_authenticate(token).sw == 0x6A80
    assert chip.general_authenticate(Command(0x10, 0x86, 0, 0, b"\x7c\x00", 256)).sw == 0x6985


def test_nothing_secret_in_a_repr() -> None:
    ran = run(CAM, key=KEY)
    assert ran.result is not None
    assert repr(ran.result) == "PaceResult(SecureMessaging(AES128, open))"
    assert repr(ran.result.proof) == "MappingProof(redacted)"
    assert repr(MRZ) == "Password(MRZ, redacted)"
    assert repr(KEY) == "ChipKey(key_id=None, redacted)"
    keys = pace.SessionKeys.of(GM, b"secret")
    assert repr(keys) == "SessionKeys(redacted)"


def test_session_keys_are_wiped_once_the_channel_is_open() -> None:
    keys = pace.SessionKeys.of(GM, b"secret")
    assert any(keys.enc)
    keys.open()
    assert not any(keys.enc + keys.mac)


def test_entropy_that_is_none_is_noticed() -> None:
    for parameter_id in (0, 13):
        group = domain(parameter_id)
        assert group is not None
        with pytest.raises(ValueError, match="random"):
            group.private(bytes)


def test_keys_with_numbered_parameters() -> None:
    for parameter_id in CURVES:
        key = load_public_key(chip_key(parameter_id).public_key)
        assert isinstance(key, EcKey)
        assert key.curve == standardised_parameters(parameter_id)
    group = standardised_parameters(0)
    assert isinstance(group, DhParameters)
    y = element(0x02, b"\x00" + group.g.to_bytes(128, "big"))
    assert load_public_key(spki(0, y)) == DhKey(group.p, group.g, group.g, group.q)
    for wrong, code in (
        (spki(5, b"\x04"), "PUBLIC_KEY_CURVE"),
        (spki(13, b"\x04" + bytes(64)), "PUBLIC_KEY_VALUE"),
        (spki(0, element(0x02, b"\x01")), "PUBLIC_KEY_VALUE"),
        (spki(0, b"\x04"), "PUBLIC_KEY_MALFORMED"),
    ):
        with pytest.raises(DocumentError) as caught:
            load_public_key(wrong)
        assert caught.value.code == code
