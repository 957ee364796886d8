"""The whole simulated chip: who may read what when, its limits, and that no command gets it out of step."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.document.chip.security_info import (
    ChipAuthenticationKey,
    PaceInfo,
    parse_dg14,
)
from egate.document.chip.security_info_writer import chip_authentication_info, write_dg14, write_security_infos
from egate.document.chip.security_protocol import CHIP_AUTHENTICATION, CHIP_AUTHENTICATION_KEY, PACE, oid_of
from egate.domain.check_result import CheckResult
from egate.domain.chip import AccessProtocol
from hw.emrtd.chip.application import Chip, ChipApplication, atr
from hw.emrtd.chip.files import Files
from hw.emrtd.chip.personalisation import Limits, Personalisation
from hw.emrtd.protocol import bac, chip_authentication, pace, terminal_authentication
from hw.emrtd.protocol.chip_authentication import ChipProof
from hw.emrtd.protocol.chip_key import ChipKey
from hw.emrtd.protocol.cipher import Suite
from hw.emrtd.protocol.pace import Password
from hw.emrtd.protocol.secure_messaging import SecureMessaging, SecureMessagingError
from hw.emrtd.protocol.step import Step, StepFailed
from hw.emrtd.protocol.terminal_chain import parse_terminal_chain
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response, parse_response
from hw.emrtd.wire.atr import announces_extended_length, historical_bytes, response_size_max
from hw.emrtd.wire.frame import CONTROL_ATR, CONTROL_ON, CONTROL_RESET, encode
from hw.sim.pki_keys import DEFAULT_ALGORITHM, generate_key
from hw.sim.pki_terminal import TerminalPki, make_terminal_pki

ZONE, CAN = b"L898902C<369080619406236", "500540"
TODAY = date(2026, 7, 1)
_Result = TypeVar("_Result")


def contents(size: int) -> bytes:
    return bytes(index % 251 for index in range(size))


def chip_key() -> ChipKey:
    key = generate_key(DEFAULT_ALGORITHM)
    return ChipKey(key.spki(), key.scalar(), 1)


KEY = chip_key()
PKI = make_terminal_pki(TODAY)
INFO = PaceInfo(oid_of(PACE, "ECDH", "GM", "AES128"), "ECDH", "GM", "AES128", 2, 13)
DG14 = write_dg14(
    [
        chip_authentication_info(oid_of(CHIP_AUTHENTICATION, "ECDH", "AES128"), 1),
        ChipAuthenticationKey(oid_of(CHIP_AUTHENTICATION_KEY, "ECDH"), "ECDH", KEY.public_key, 1),
    ]
)
FILES = {
    "card_access": write_security_infos([INFO]),
    "card_security": contents(70),
    "com": contents(20),
    "sod": contents(1_800),
    "dg1": contents(93),
    "dg2": contents(40_000),
    "dg3": contents(600),
    "dg14": DG14,
}
PASSPORT = Personalisation(
    FILES,
    ZONE,
    CAN,
    frozenset({AccessProtocol.BAC, AccessProtocol.PACE}),
    chip_authentication_keys=(KEY,),
    cvca=(PKI.cvca,),
)
BOTH_WAYS = pytest.mark.parametrize("way", [AccessProtocol.BAC, AccessProtocol.PACE])


class Reader:
    """Talks to a chip, in its channel if there is one."""

    def __init__(self, personalisation: Personalisation = PASSPORT) -> None:
        self.chip = ChipApplication(personalisation, secrets.token_bytes)
        self.messaging: SecureMessaging | None = None
        self.chip_key = b""

    def plain(self, command: Command) -> Response:
        response = parse_response(self.chip.execute(command.encode()))
        assert response is not None
        return response

    def say(self, command: Command) -> Response:
        if self.messaging is None:
            return self.plain(command)
        return self.messaging.unwrap(self.plain(self.messaging.wrap(command)))

    def run(self, step: Step[_Result], say: Callable[[Command], Response] | None = None) -> _Result:
        try:
            command = next(step)
            while True:
                command = step.send((say or self.say)(command))
        except StopIteration as stop:
            result: _Result = stop.value
            return result

    def open(self, way: AccessProtocol) -> Reader:
        if way is AccessProtocol.PACE:
            result = self.run(pace.authenticate(INFO, Password.of_can(CAN), secrets.token_bytes))
            self.messaging, self.chip_key = result.messaging, result.chip_key
            assert self.say(apdu.select_application()).sw == 0x9000
        elif way is AccessProtocol.BAC:
            assert self.say(apdu.select_application()).sw == 0x9000
            self.messaging = self.run(bac.authenticate(ZONE, secrets.token_bytes))
            self.chip_key = b"L898902C<3"
        return self

    def prove_chip(self) -> ChipProof:
        step = chip_authentication.authenticate(parse_dg14(DG14), self.messaging, secrets.token_bytes)
        proof = self.run(step, self.plain)
        self.messaging = proof.messaging
        return proof

    def select(self, name: str) -> int:
        return self.say(apdu.select_file(apdu.FILE_IDENTIFIERS[name])).sw

    def read(self, offset: int, size: int) -> Response:
        return self.say(apdu.read_binary(offset, size))

    def content(self, name: str, size: int = 200) -> bytes:
        assert self.select(name) == 0x9000
        found = b""
        while len(found) < len(FILES[name]):
            response = self.read(len(found), size)
            assert response.sw in (0x9000, 0x6282)
            data = response.data if len(found) <= apdu.EVEN_OFFSET_MAX else apdu.unwrap_content(response.data)
            assert data
            found += data
        return found


def test_locked_chip_gives_card_access_only() -> None:
    reader = Reader()
    assert reader.content("card_access") == FILES["card_access"]
    assert reader.select("card_security") == 0x6982
    assert reader.say(Command(0, 0xB0, 0x80 | 0x1D, 0, b"", 10)).sw == 0x6982
    assert reader.say(apdu.select_application()).sw == 0x9000
    for name in apdu.FILE_IDENTIFIERS:
        if name not in apdu.MASTER_FILE_NAMES:
            assert reader.select(name) == 0x6982
            assert reader.say(Command(0, 0xB0, 0x80 | apdu.FILE_IDENTIFIERS[name] & 0x1F, 0, b"", 10)).sw == 0x6982
    assert reader.read(0, 10).sw == 0x6986
    for command in (
        Command(0, 0x88, 0, 0, bytes(8), 256),
        Command(0, 0x22, 0x41, 0xA4, b"\x80\x01\x01"),
        Command(0, 0x22, 0x41, 0xA6, b"\x91\x01\x01"),
        Command(0, 0x22, 0x81, 0xB6, b"\x83\x01\x01"),
        Command(0, 0x2A, 0, 0xBE, bytes(9)),
        Command(0, 0x86, 0, 0, b"\x7c\x00", 256),
    ):
        assert reader.say(command).sw in (0x6982, 0x6985, 0x6D00)


@BOTH_WAYS
def test_opened_chip_gives_everything_but_guarded_prints(way: AccessProtocol) -> None:
    reader = Reader().open(way)
    for name in FILES:
        if name not in (*apdu.MASTER_FILE_NAMES, "dg3"):
            assert reader.content(name) == FILES[name]
    assert reader.select("dg3") == 0x6982
    assert reader.select("dg4") == 0x6982
    assert reader.select("dg5") == 0x6A82
    assert reader.say(Command(0, 0xA4, 0, 0x0C, b"\x3f\x00")).sw == 0x9000
    assert reader.content("card_access") == FILES["card_access"]
    assert reader.content("card_security") == FILES["card_security"]
    assert reader.chip.content_read_size >= 40_000


def test_chip_without_trust_points_guards_no_prints() -> None:
    assert Reader(replace(PASSPORT, cvca=())).open(AccessProtocol.PACE).content("dg3") == FILES["dg3"]


def test_chip_without_access_control_gives_its_files() -> None:
    reader = Reader(Personalisation(FILES, denied=frozenset({"dg2"})))
    reader.say(apdu.select_application())
    assert reader.content("dg1") == FILES["dg1"]
    assert reader.select("dg2") == 0x6982
    assert reader.say(Command(0, 0x84, 0, 0, b"", 8)).sw == 0x6985
    assert reader.say(pace.set_template(INFO, pace.PasswordKind.MRZ)).sw == 0x6985


def test_other_password_opens_nothing() -> None:
    reader = Reader()
    reader.say(apdu.select_application())
    with pytest.raises(StepFailed, match="wrong_key"):
        reader.run(bac.authenticate(b"L898902C<369080619406237", secrets.token_bytes))
    with pytest.raises(StepFailed, match="wrong_key"):
        reader.run(pace.authenticate(INFO, Password.of_can("500541"), secrets.token_bytes))
    assert not reader.chip.protected
    assert reader.select("com") == 0x6982


def test_way_that_is_not_offered_is_refused() -> None:
    for way, wrong in ((AccessProtocol.BAC, AccessProtocol.PACE), (AccessProtocol.PACE, AccessProtocol.BAC)):
        with pytest.raises(StepFailed, match="status_6985"):
            Reader(replace(PASSPORT, access=frozenset({way}))).open(wrong)


@BOTH_WAYS
def test_command_without_protection_locks_the_chip(way: AccessProtocol) -> None:
    reader = Reader().open(way)
    assert reader.select("com") == 0x9000
    assert reader.plain(apdu.select_file(apdu.EF_COM)).sw == 0x6982
    assert not reader.chip.protected
    with pytest.raises(SecureMessagingError, match="unprotected_6988"):
        reader.read(0, 10)


@BOTH_WAYS
def test_each_flipped_bit_of_a_command_locks_the_chip(way: AccessProtocol) -> None:
    genuine = apdu.select_file(apdu.EF_COM)
    size = len(SecureMessaging(*_some_keys(way)).wrap(genuine).encode())
    for bit in range((size - 1) * 8):
        reader = Reader().open(way)
        assert reader.messaging is not None
        changed = bytearray(reader.messaging.wrap(genuine).encode())
        changed[bit // 8] ^= 1 << bit % 8
        response = parse_response(reader.chip.execute(bytes(changed)))
        assert response is not None
        assert response.data == b""
        assert response.sw != 0x9000
        assert not reader.chip.protected


def _some_keys(way: AccessProtocol) -> tuple[Suite, bytes, bytes]:
    return (Suite.TDES if way is AccessProtocol.BAC else Suite.AES128), bytes(16), bytes(16)


def test_repeated_command_locks_the_chip() -> None:
    reader = Reader().open(AccessProtocol.PACE)
    assert reader.messaging is not None
    command = reader.messaging.wrap(apdu.select_file(apdu.EF_COM))
    assert reader.plain(command).sw == 0x9000
    assert reader.plain(command) == Response(b"", 0x6988)
    assert not reader.chip.protected


def test_reset_forgets_what_was_proved() -> None:
    reader = Reader().open(AccessProtocol.PACE)
    reader.chip.reset()
    reader.messaging = None
    assert reader.say(apdu.select_application()).sw == 0x9000
    assert reader.select("com") == 0x6982


def test_selected_file_is_closed_once_the_rights_to_it_are_gone() -> None:
    allowed = True
    files = Files(FILES.get, lambda name: allowed)
    files.select(apdu.select_application())
    assert files.select(apdu.select_file(apdu.FILE_IDENTIFIERS["dg3"])).sw == 0x9000
    assert files.read(apdu.read_binary(0, 10), 256).data == FILES["dg3"][:10]
    allowed = False
    assert files.read(apdu.read_binary(0, 10), 256) == Response(b"", 0x6982)


def test_selection_survives_a_command_that_selects_nothing() -> None:
    reader = Reader().open(AccessProtocol.BAC)
    assert reader.select("dg1") == 0x9000
    assert reader.select("dg7") == 0x6A82
    assert reader.say(Command(0, 0xA4, 4, 0x0C, b"\xa0\x00")).sw == 0x6A82
    assert reader.read(0, 93).data == FILES["dg1"]


@BOTH_WAYS
def test_chip_proves_its_key_and_goes_on_in_a_new_channel(way: AccessProtocol) -> None:
    reader = Reader().open(way)
    assert reader.prove_chip().authentication.result is CheckResult.PASS
    assert reader.content("dg1") == FILES["dg1"]


def test_copied_chip_fails_the_proof() -> None:
    copy = replace(PASSPORT, chip_authentication_keys=(replace(KEY, private_key=KEY.private_key ^ 1),))
    reader = Reader(copy).open(AccessProtocol.PACE)
    assert reader.prove_chip().authentication.result is CheckResult.FAIL
    assert not reader.chip.protected


@BOTH_WAYS
@pytest.mark.parametrize("limits", [Limits(), Limits(1024, 1024)], ids=["short", "extended"])
def test_prints_open_to_a_terminal_with_rights(way: AccessProtocol, limits: Limits) -> None:
    reader = Reader(replace(PASSPORT, limits=limits)).open(way)
    show_rights(reader, PKI)
    assert reader.content("dg3") == FILES["dg3"]
    assert reader.select("dg4") == 0x6982
    reader.plain(apdu.select_application())
    reader.messaging = None
    assert reader.select("dg3") == 0x6982


def test_prints_stay_closed_to_a_terminal_of_nobody() -> None:
    reader = Reader().open(AccessProtocol.PACE)
    with pytest.raises(StepFailed):
        show_rights(reader, make_terminal_pki(TODAY, "XX"))
    reader.say(apdu.select_application())
    assert reader.select("dg3") == 0x6982


def show_rights(reader: Reader, pki: TerminalPki) -> None:
    proof = reader.prove_chip()
    chain = parse_terminal_chain(pki.certificates, pki.key)
    reader.run(terminal_authentication.authenticate(chain, reader.chip_key, proof.terminal_key))


@pytest.mark.parametrize("suite", [AccessProtocol.BAC, AccessProtocol.PACE])
def test_protected_answer_holds_what_fits_into_a_short_one(suite: AccessProtocol) -> None:
    """As real chips do: 231 bytes with 3DES and 223 with AES, without saying that there is more."""
    reader = Reader().open(suite)
    assert reader.select("dg2") == 0x9000
    response = reader.read(0, 256)
    assert (len(response.data), response.sw) == (231 if suite is AccessProtocol.BAC else 223, 0x9000)
    odd = reader.read(33_000, 256)
    content = apdu.unwrap_content(odd.data)
    assert content == FILES["dg2"][33_000 : 33_000 + len(content or b"")]
    assert len(odd.data) == len(response.data)


def test_extended_answers_hold_more() -> None:
    reader = Reader(replace(PASSPORT, limits=Limits(1024, 2_000))).open(AccessProtocol.PACE)
    assert reader.content("dg2", 1_900) == FILES["dg2"]
    assert 1_900 < len(reader.read(0, 2_000).data) < 2_000
    assert reader.read(0, 2_001).sw == 0x6700
    assert 1_900 < len(reader.read(0, 65_536).data) < 2_000


def test_chip_says_what_lengths_it_takes() -> None:
    limits = Limits(1024, 2_000)
    reader = Reader(replace(PASSPORT, limits=limits))
    assert reader.say(Command(0, 0xA4, 2, 0x0C, b"\x2f\x01")).sw == 0x9000
    assert response_size_max(reader.read(0, 256).data) == 2_000
    assert announces_extended_length(historical_bytes(atr(limits)))
    assert not announces_extended_length(historical_bytes(atr(Limits())))
    assert Reader().say(Command(0, 0xA4, 2, 0x0C, b"\x2f\x01")).sw == 0x6A82
    assert atr(Limits()) == bytes.fromhex("3B80800101")


def test_short_chip_refuses_extended_length() -> None:
    reader = Reader()
    assert reader.say(apdu.read_binary(0, 300)).sw == 0x6700
    assert reader.say(Command(0, 0x86, 0, 0, bytes(256))).sw == 0x6700


@pytest.mark.parametrize(("refusal", "sw"), [(0x6C00, 0x6C80), (0x6700, 0x6700)])
def test_chip_with_a_smaller_buffer(refusal: int, sw: int) -> None:
    reader = Reader(Personalisation(FILES, limits=Limits(le_max=0x80, le_refusal=refusal)))
    reader.say(apdu.select_application())
    assert reader.select("dg2") == 0x9000
    assert reader.read(0, 256).sw == sw
    assert len(reader.read(0, 0x80).data) == 0x80


def test_chip_that_gives_less_than_asked_for() -> None:
    reader = Reader(replace(PASSPORT, limits=Limits(answer_max=50))).open(AccessProtocol.BAC)
    assert reader.content("dg1") == FILES["dg1"]
    assert len(reader.read(0, 60).data) == 50


def test_short_identifiers_select_and_read() -> None:
    reader = Reader().open(AccessProtocol.PACE)
    assert reader.say(Command(0, 0xB0, 0x80 | 2, 5, b"", 10)).data == FILES["dg2"][5:15]
    assert reader.read(15, 10).data == FILES["dg2"][15:25]
    odd = reader.say(Command(0, 0xB1, 0, 1, b"\x54\x01\x05", 12))
    assert apdu.unwrap_content(odd.data) == FILES["dg1"][5:15]
    assert reader.say(Command(0, 0xB0, 0x80 | 31, 0, b"", 10)).sw == 0x6A86
    assert reader.say(Command(0, 0xB0, 0x80 | 5, 0, b"", 10)).sw == 0x6A82
    assert reader.say(Command(0, 0xB1, 1, 1, b"\x54\x01\x05", 12)).sw == 0x6A86


@pytest.mark.parametrize(
    ("offset", "size", "expected", "sw"),
    [(0, 93, 93, 0x9000), (90, 10, 3, 0x6282), (92, 1, 1, 0x9000), (93, 1, 0, 0x6B00), (0, 100, 93, 0x6282)],
)
def test_ends_of_files(offset: int, size: int, expected: int, sw: int) -> None:
    reader = Reader().open(AccessProtocol.PACE)
    reader.select("dg1")
    assert reader.read(offset, size) == Response(FILES["dg1"][offset : offset + expected], sw)


def test_chain_is_one_command_and_bounded() -> None:
    reader = Reader().open(AccessProtocol.BAC)
    reader.prove_chip()
    chain = apdu.chained(Command(0, 0x2A, 0, 0xBE, bytes(600)), 200)
    assert [reader.say(link).sw for link in chain] == [0x9000, 0x9000, 0x6985]
    assert reader.say(chain[0]).sw == 0x9000
    assert reader.say(Command(0, 0x22, 0x81, 0xB6, b"\x83\x00")).sw == 0x6883
    assert 0x6700 in [reader.say(chain[0]).sw for _ in range(25)]


COMMANDS = st.builds(
    Command,
    cla=st.sampled_from([0x00, 0x0C, 0x10, 0x1C, 0x04, 0x80]),
    ins=st.sampled_from([0xA4, 0xB0, 0xB1, 0x84, 0x82, 0x88, 0x22, 0x86, 0x2A, 0xFF]),
    p1=st.sampled_from([0x00, 0x02, 0x04, 0x41, 0x81, 0xC1, 0x9D]),
    p2=st.sampled_from([0x00, 0x0C, 0xA4, 0xA6, 0xB6, 0xBE]),
    data=st.binary(max_size=40) | st.sampled_from([b"\x7c\x00", b"\x54\x01\x00", b"\x01\x01", apdu.APPLICATION]),
    le=st.sampled_from([0, 1, 8, 40, 256, 65_536]),
)


@settings(max_examples=300)
@given(st.sampled_from([AccessProtocol.NONE, *AccessProtocol]), st.booleans(), st.lists(COMMANDS, max_size=6))
def test_any_commands_are_answered(way: AccessProtocol, proven: bool, commands: list[Command]) -> None:
    """In every state, protected as the state is: never another exception than the channel's end, never a file without access."""
    reader = Reader().open(way)
    if proven and way is not AccessProtocol.NONE:
        reader.prove_chip()
    before = reader.chip.content_read_size
    for command in commands:
        try:
            reader.say(replace(command, cla=command.cla & 0x10) if reader.messaging else command)
        except SecureMessagingError:
            reader.messaging = None
    if way is AccessProtocol.NONE:
        assert reader.chip.content_read_size - before <= 6 * len(FILES["card_access"])
    assert reader.chip.content_read_size - before < len(FILES["dg3"]) * 6


@settings(max_examples=500)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_any_bytes_are_answered(messages: list[bytes]) -> None:
    chip = ChipApplication(PASSPORT, secrets.token_bytes)
    for message in messages:
        assert parse_response(chip.execute(message)) is not None


def test_frames_carry_the_same_chip() -> None:
    chip = Chip()
    assert chip.receive(encode(CONTROL_ATR), 0.0) == encode(b"")
    chip.insert(PASSPORT)
    command = encode(apdu.select_application().encode())
    assert chip.receive(command, 0.0) == b""  # no power
    chip.receive(encode(CONTROL_ON), 0.0)
    assert chip.receive(command, 0.0) == encode(b"\x90\x00")
    assert chip.receive(encode(CONTROL_RESET) + encode(CONTROL_ATR), 0.0) == encode(atr(Limits()))
    assert chip.receive(encode(apdu.select_file(apdu.EF_COM).encode()), 0.0) == encode(
        b"\x6a\x82"
    )  # in the master file
    chip.remove()
    assert chip.receive(command, 0.0) == b""


def test_nothing_of_the_document_in_a_repr() -> None:
    assert repr(PASSPORT).endswith("redacted)")
    assert "L898902C" not in repr(PASSPORT) + repr(ChipApplication(PASSPORT, secrets.token_bytes))
