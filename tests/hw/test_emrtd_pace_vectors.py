"""PACE against Doc 9303-11, appendices G, H and I, and recorded exchanges with real chips: every value, both halves."""

from __future__ import annotations

from typing import Any

import pytest

from egate.document.chip.security_info import PaceInfo, parse_card_access, parse_card_security
from egate.domain.check_result import CheckResult
from hw.emrtd.protocol import cipher, pace, pace_cam
from hw.emrtd.protocol.cipher import Suite
from hw.emrtd.protocol.mrz_key import password_key
from hw.emrtd.protocol.pace import PaceResult, Password, PasswordKind
from hw.emrtd.protocol.pace_chip import ChipHalf
from hw.emrtd.protocol.pace_domain import domain
from hw.emrtd.protocol.pace_group import EcGroup, Group
from hw.emrtd.protocol.pace_mapping import pseudo_random
from hw.emrtd.protocol.secure_messaging import SecureMessaging
from hw.emrtd.protocol.step import Step
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response, parse_command, parse_response
from hw.emrtd.wire.data_object import encode, parse
from tests.hw.emrtd_vectors import given, published, recorded, values

G1, G2, H1, H2, I1 = published("icao9303_11_GHI.json")["vectors"]
INFOS = {
    "G.1": PaceInfo("0.4.0.127.0.7.2.2.4.2.2", "ECDH", "GM", "AES128", 2, 13),
    "G.2": PaceInfo("0.4.0.127.0.7.2.2.4.1.2", "DH", "GM", "AES128", 2, 0),
    "H.1": PaceInfo("0.4.0.127.0.7.2.2.4.4.2", "ECDH", "IM", "AES128", 2, 13),
    "H.2": PaceInfo("0.4.0.127.0.7.2.2.4.3.2", "DH", "IM", "AES128", 2, 0),
    "I.1": PaceInfo("0.4.0.127.0.7.2.2.4.6.2", "ECDH", "CAM", "AES128", 2, 13),
}


def info_of(example: Any) -> PaceInfo:
    return INFOS[example["name"][:3]]


def group_of(example: Any) -> Group:
    group = pace.group_of(info_of(example))
    assert group is not None
    return group


def value(example: Any, name: str) -> bytes:
    return bytes.fromhex(example[name])


def element(example: Any, name: str) -> bytes:
    """A group element as it is sent: numbers without leading zeros."""
    return value(example, name).lstrip(b"\x00") if info_of(example).key_agreement == "DH" else value(example, name)


def answer(*objects: tuple[int, bytes]) -> Response:
    return Response(encode(0x7C, b"".join(encode(tag, content) for tag, content in objects)), 0x9000)


def asked(command: Command, tag: int, content: bytes, *, last: bool = False) -> bool:
    """Whether command is GENERAL AUTHENTICATE with one object."""
    data = encode(0x7C, encode(tag, content))
    return command == Command(0x00 if last else 0x10, 0x86, 0, 0, data, 256)


def result_of(step: Step[PaceResult], response: Response) -> PaceResult:
    with pytest.raises(StopIteration) as stop:
        step.send(response)
    result = stop.value.value
    assert isinstance(result, PaceResult)
    return result


def has_keys(messaging: SecureMessaging, k_enc: bytes, k_mac: bytes) -> bool:
    probe = Command(0, 0xB0, 0, 0, b"probe", 4)
    assert messaging.counter == 0
    return messaging.wrap(probe) == SecureMessaging(messaging.suite, k_enc, k_mac).wrap(probe)


@pytest.mark.parametrize("example", [G1, G2], ids=["G.1", "G.2"])
def test_password_and_file_of_the_generic_mapping(example: Any) -> None:
    words = example["password"]
    assert password_key(words["mrz_information"].encode()) == bytes.fromhex(words["K"])
    assert parse_card_access(value(example, "EF.CardAccess")).pace == (info_of(example),)
    command = pace.set_template(info_of(example), PasswordKind.MRZ, parameters=False)
    assert command.encode() == value(example, "mse_at")
    suite = Suite[info_of(example).suite]
    k_pi = cipher.derive_key(bytes.fromhex(words["K"]), cipher.COUNTER_PASSWORD, suite)
    assert k_pi == bytes.fromhex(words["K_pi_aes128"])
    assert cipher.decrypt(suite, k_pi, bytes(16), value(example, "z")) == value(example, "s")
    assert pace.decrypt_nonce(
        info_of(example), Password(PasswordKind.MRZ, bytes.fromhex(words["K"])), value(example, "z")
    ) == value(example, "s")


@pytest.mark.parametrize("example", [G1, G2], ids=["G.1", "G.2"])
def test_numbers_of_the_generic_mapping(example: Any) -> None:
    group = group_of(example)
    for side, other in (("IFD", "IC"), ("IC", "IFD")):
        mapping, ephemeral = (int(example[f"SK_{kind}_{side}"], 16) for kind in ("map", "dh"))
        assert group.public(mapping, group.generator) == element(example, f"PK_map_{side}")
        assert group.agree(mapping, element(example, f"PK_map_{other}")) == element(example, "H")
        assert group.public(ephemeral, element(example, "G_mapped")) == element(example, f"PK_dh_{side}")
        agreed = group.agree(ephemeral, element(example, f"PK_dh_{other}"))
        assert agreed is not None
        assert group.secret(agreed) == value(example, "K")
    assert group.map_generic(value(example, "s"), element(example, "H")) == element(example, "G_mapped")
    check_keys(example, value(example, "K"))


def check_keys(example: Any, secret: bytes) -> None:
    keys = pace.SessionKeys.of(info_of(example), secret)
    assert (bytes(keys.enc), bytes(keys.mac)) == (value(example, "KS_enc"), value(example, "KS_mac"))
    assert keys.token(element(example, "PK_dh_IC")) == value(example, "T_IFD")
    assert keys.token(element(example, "PK_dh_IFD")) == value(example, "T_IC")


def test_token_input_of_g1() -> None:
    assert pace.public_key_object(INFOS["G.1"], element(G1, "PK_dh_IC")) == value(G1, "mac_input_T_IFD")


@pytest.mark.parametrize("example", [G1, G2, I1], ids=["G.1", "G.2", "I.1"])
def test_terminal_half_with_a_generic_mapping(example: Any) -> None:
    zone = example.get("mrz_information") or example["password"]["mrz_information"]
    entropy = given(value(example, "SK_map_IFD"), value(example, "SK_dh_IFD"))
    step = pace.authenticate(info_of(example), Password.of_mrz(zone.encode()), entropy)
    assert next(step) == pace.set_template(info_of(example), PasswordKind.MRZ)
    assert step.send(Response(b"", 0x9000)).encode().hex() == "10860000027c0000"
    assert asked(step.send(answer((0x80, value(example, "z")))), 0x81, element(example, "PK_map_IFD"))
    assert asked(step.send(answer((0x82, element(example, "PK_map_IC")))), 0x83, element(example, "PK_dh_IFD"))
    assert asked(step.send(answer((0x84, element(example, "PK_dh_IC")))), 0x85, value(example, "T_IFD"), last=True)
    last = answer((0x86, value(example, "T_IC")))
    if "last_rsp_as_printed" in example:
        last = Response(value(example, "last_rsp_as_printed"), 0x9000)
    if "encrypted_ca_data" in example:
        last = answer((0x86, value(example, "T_IC")), (0x8A, value(example, "encrypted_ca_data")))
    result = result_of(step, last)
    assert has_keys(result.messaging, value(example, "KS_enc"), value(example, "KS_mac"))
    assert result.chip_key == group_of(example).compress(element(example, "PK_dh_IC"))
    proof = None
    if "ca_data" in example:
        proof = pace_cam.MappingProof(13, value(example, "ca_data"), value(example, "PK_map_IC"))
    assert result.proof == proof


@pytest.mark.parametrize("example", [G1, G2], ids=["G.1", "G.2"])
def test_chip_half_with_a_generic_mapping(example: Any) -> None:
    password = Password.of_mrz(example["password"]["mrz_information"].encode())
    entropy = given(value(example, "s"), value(example, "SK_map_IC"), value(example, "SK_dh_IC"))
    chip = ChipHalf([info_of(example)], {password.kind: password}, entropy)
    mse = parse_command(value(example, "mse_at"))
    assert mse is not None
    assert chip.set_template(mse.data) == Response(b"", 0x9000)
    exchanges = [
        (b"", (0x80, value(example, "z"))),
        (encode(0x81, element(example, "PK_map_IFD")), (0x82, element(example, "PK_map_IC"))),
        (encode(0x83, element(example, "PK_dh_IFD")), (0x84, element(example, "PK_dh_IC"))),
        (encode(0x85, value(example, "T_IFD")), (0x86, value(example, "T_IC"))),
    ]
    for place, (data, expected) in enumerate(exchanges):
        command = Command(0x00 if place == 3 else 0x10, 0x86, 0, 0, encode(0x7C, data), 256)
        assert chip.general_authenticate(command) == answer(expected)
    assert chip.result is not None
    assert has_keys(chip.result.messaging, value(example, "KS_enc"), value(example, "KS_mac"))


def test_values_of_the_curve_s_integrated_mapping() -> None:
    group = group_of(H1)
    assert cipher.decrypt(Suite.AES128, value(H1, "K_pi"), bytes(16), value(H1, "z")) == value(H1, "s")
    step = pace._map_integrated(INFOS["H.1"], group, value(H1, "s"), given(value(H1, "t")))
    assert next(step).encode() == value(H1, "cmd_step2")
    with pytest.raises(StopIteration) as stop:
        step.send(answer((0x82, b"")))
    generator = stop.value.value
    assert generator[1:33] == value(H1, "G_mapped_x")
    agreement = pace._agree(INFOS["H.1"], group, generator, b"", given(value(H1, "SK_dh_IFD")))
    assert asked(next(agreement), 0x83, value(H1, "PK_dh_IFD"))
    assert asked(agreement.send(answer((0x84, value(H1, "PK_dh_IC")))), 0x85, value(H1, "T_IFD"), last=True)
    result = result_of(agreement, answer((0x86, value(H1, "T_IC"))))
    assert has_keys(result.messaging, value(H1, "KS_enc"), value(H1, "KS_mac"))
    secret = group.agree(int(H1["SK_dh_IFD"], 16), value(H1, "PK_dh_IC"))
    assert secret is not None
    check_keys(H1, group.secret(secret))


def test_values_of_the_field_s_integrated_mapping() -> None:
    """Its private key is longer than the subgroup's order, which the example's authors did not mind."""
    group, private = group_of(H2), int(H2["SK_dh_IFD"], 16)
    assert cipher.decrypt(Suite.AES128, value(H2, "K_pi"), bytes(16), value(H2, "z")) == value(H2, "s")
    generator = pace.map_integrated(INFOS["H.2"], group, value(H2, "s"), value(H2, "t"))
    assert generator == element(H2, "G_mapped")
    assert group.public(private, generator) == element(H2, "PK_dh_IFD")
    secret = group.agree(private, element(H2, "PK_dh_IC"))
    assert secret is not None
    check_keys(H2, group.secret(secret))


def test_values_of_the_chip_authentication_mapping() -> None:
    group = group_of(I1)
    mapping, ephemeral = int(I1["SK_map_IFD"], 16), int(I1["SK_dh_IFD"], 16)
    assert group.public(mapping, group.generator) == value(I1, "PK_map_IFD")
    agreed = group.agree(mapping, value(I1, "PK_map_IC"))
    assert agreed is not None
    assert group.map_generic(value(I1, "s"), agreed) == value(I1, "G_mapped")
    assert group.public(ephemeral, value(I1, "G_mapped")) == value(I1, "PK_dh_IFD")
    secret = group.agree(ephemeral, value(I1, "PK_dh_IC"))
    assert secret is not None
    check_keys(I1, group.secret(secret))
    assert pace_cam.open_data(Suite.AES128, value(I1, "KS_enc"), value(I1, "encrypted_ca_data")) == value(I1, "ca_data")
    assert pace_cam.seal_data(Suite.AES128, value(I1, "KS_enc"), value(I1, "ca_data")) == value(I1, "encrypted_ca_data")
    assert pace.decrypt_nonce(INFOS["I.1"], Password.of_mrz(I1["mrz_information"].encode()), value(I1, "z")) == value(
        I1, "s"
    )


class Recording:
    """One recorded exchange with a real chip. The document's zone is not in the corpus, so the nonce and what the mapping makes of it
    can't be known; the mapped generator follows from the terminal's ephemeral key."""

    def __init__(self, name: str) -> None:
        test = recorded("gmrtd_pace_transcripts.json")[name]
        self.values = values(test)
        self.exchanges = [[bytes.fromhex(side) for side in pair] for pair in test["apdus"]]
        self.mapping_private, x, y, self.private, card_access = self.values[:5]
        self.mapping_public = b"\x04" + x + y
        self.infos = parse_card_access(card_access).pace
        group = domain(13)
        assert isinstance(group, EcGroup)
        self.group = group

    def response(self, place: int) -> Response:
        response = parse_response(self.exchanges[place][1])
        assert response is not None
        return response

    def content(self, place: int) -> bytes:
        """The one object's value in a response."""
        objects = parse(self.response(place).data)
        assert objects is not None
        inner = parse(objects[0][1])
        assert inner is not None
        return inner[0][1]

    def generator(self) -> bytes:
        command = parse_command(self.exchanges[3][0])
        assert command is not None
        public = command.data[4:]
        inverse = pow(int.from_bytes(self.private, "big"), -1, self.group.curve.n)
        generator = self.group.agree(inverse, public)
        assert generator is not None
        return generator


RECORDINGS = ["TestDoPace_GM_ECDH", "TestDoPace_GM_ECDH_TDES_CBC_NZ", "TestDoPace_CAM_ECDH_DE"]


@pytest.mark.corpus
@pytest.mark.parametrize("name", RECORDINGS)
def test_recorded_exchange(name: str) -> None:
    recording = Recording(name)
    info = recording.infos[-1]
    group = recording.group
    assert pace.set_template(info, PasswordKind.MRZ).encode() == recording.exchanges[0][0]
    assert recording.response(0) == Response(b"", 0x9000)
    assert len(recording.content(1)) == 16

    assert Command(0x10, 0x86, 0, 0, b"\x7c\x00", 256).encode() == recording.exchanges[1][0]
    assert pace.decrypt_nonce(info, Password(PasswordKind.CAN, b"123456"), recording.content(1)) is not None
    mapping = pace._map_generic(group, bytes(16), given(recording.mapping_private))
    assert next(mapping).encode() == recording.exchanges[2][0]
    assert recording.mapping_public in recording.exchanges[2][0]
    with pytest.raises(StopIteration) as stop:
        mapping.send(recording.response(2))
    assert stop.value.value[1] == recording.content(2)

    step = pace._agree(info, group, recording.generator(), recording.content(2), given(recording.private))
    assert next(step).encode() == recording.exchanges[3][0]
    assert step.send(recording.response(3)).encode() == recording.exchanges[4][0]
    result = result_of(step, recording.response(4))
    k_enc, k_mac = recording.values[7:9] if info.mapping == "CAM" else recording.values[5:7]
    assert has_keys(result.messaging, k_enc, k_mac)
    assert (result.proof is not None) == (info.mapping == "CAM")


@pytest.mark.corpus
def test_recorded_worked_example_from_its_zone() -> None:
    """The whole step, from the password on."""
    recording = Recording(RECORDINGS[0])
    zone = G1["password"]["mrz_information"].encode()
    entropy = given(recording.mapping_private, recording.private)
    step = pace.authenticate(recording.infos[0], Password.of_mrz(zone), entropy)
    command = next(step)
    for place in range(4):
        assert command.encode() == recording.exchanges[place][0]
        command = step.send(recording.response(place))
    assert command.encode() == recording.exchanges[4][0]
    assert has_keys(result_of(step, recording.response(4)).messaging, *recording.values[5:7])


@pytest.mark.corpus
def test_recorded_chip_authentication_mapping_and_card_security() -> None:
    """The eleven protected commands after it read EF.CardSecurity, whose key the chip has proved; nobody else's key verifies."""
    recording = Recording(RECORDINGS[2])
    assert recording.values[5:7] == [recording.mapping_private, recording.private]
    step = pace._agree(
        recording.infos[-1], recording.group, recording.generator(), recording.content(2), given(recording.private)
    )
    next(step)
    step.send(recording.response(3))
    result = result_of(step, recording.response(4))

    terminal, content = result.messaging, b""
    chip = SecureMessaging(Suite.AES128, recording.values[7], recording.values[8])
    for place in range(5, 16):
        protected = parse_command(recording.exchanges[place][0])
        assert protected is not None
        plain = chip.unwrap_command(protected)
        if place == 5:
            assert plain == apdu.select_file(apdu.EF_CARD_SECURITY)
        else:
            assert plain == apdu.read_binary(0 if place == 6 else len(content), plain.le)
        assert terminal.wrap(plain) == protected
        response = terminal.unwrap(recording.response(place))
        assert chip.wrap_response(response) == recording.response(place)
        assert response.sw == 0x9000
        content = response.data if place in (5, 6) else content + response.data
    assert terminal.counter == int.from_bytes(recording.values[9], "big") == 22

    assert result.proof is not None
    infos = parse_card_security(content)
    proved = pace_cam.prove_chip(result.proof, infos)
    assert proved.result is CheckResult.PASS
    assert proved.public_key in [key.public_key for key in infos.chip_authentication_keys]
    number = int.from_bytes(result.proof.data, "big") ^ 1
    forged = pace_cam.MappingProof(13, number.to_bytes(32, "big"), result.proof.mapping_key)
    assert pace_cam.prove_chip(forged, infos).result is CheckResult.FAIL


def test_pseudo_random_numbers_are_in_the_field_for_every_cipher() -> None:
    """Known for AES-128 from H.1 and H.2 (above); the longer constants and AES-192's truncation have no published example."""
    for suite, size in ((Suite.TDES, 16), (Suite.AES128, 16), (Suite.AES192, 32), (Suite.AES256, 32)):
        p = group_of(H1).field
        assert 0 < pseudo_random(suite, bytes(size), bytes(suite.key_size), p) < p
