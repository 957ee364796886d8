"""Whole sessions with chips that are opened and prove themselves: torn, swapped, copied, limited. In memory, no time passes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import cv2
import numpy as np
import pytest

from egate.domain.check_result import CheckResult
from egate.domain.chip import AccessProtocol, ChipAuthenticationProtocol, ChipRead
from hw.emrtd.chip.application import ChipApplication, atr
from hw.emrtd.chip.personalisation import Limits
from hw.emrtd.direct import DirectTransport
from hw.emrtd.drive import drive
from hw.emrtd.plan import ReadPlan
from hw.emrtd.protocol.terminal_chain import parse_terminal_chain
from hw.emrtd.session import RETRY_COUNT_MAX
from hw.emrtd.transport import Card, CardGarbled, CardRemoved, CardTimeout
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import parse_command
from hw.emrtd.wire.atr import historical_bytes
from hw.sim.forgery_chip import with_chip, with_wrong_keys
from hw.sim.issuer import IssuedDocument, invent_holder, issue
from hw.sim.issuer_profile import Pace, Profile
from hw.sim.pki_keys import Algorithm
from hw.sim.pki_terminal import make_terminal_pki

TODAY = date(2026, 6, 1)
NOISE = np.random.default_rng(9).integers(0, 255, (40, 30, 3), dtype=np.uint8)
PORTRAIT = cv2.imencode(".jpg", NOISE)[1].tobytes()
FINGER = cv2.imencode(".png", NOISE[:, :, 0])[1].tobytes()
TERMINAL = make_terminal_pki(date.today())
MAPPED = Profile(pace=(Pace(mapping="CAM"), Pace()))
PROFILES = {
    "pace": Profile(active_authentication="secp256r1"),
    "pace-im": Profile(pace=(Pace(mapping="IM", suite="AES256"),)),
    "pace-3des": Profile(pace=(Pace(suite="TDES"),), chip_suite="TDES"),
    "mapped": Profile(pace=(Pace(mapping="CAM"), Pace(suite="AES256")), chip_authentication=""),
    "bac": Profile(pace=(), active_authentication="rsa1024"),
    "eac": Profile(cvca=(TERMINAL.cvca,)),
}
DOCUMENTS = {
    name: issue(invent_holder(index, TODAY), PORTRAIT, FINGER, profile)
    for index, (name, profile) in enumerate(PROFILES.items())
}


class Reader:
    """A chip with everything its reader sends and a fault at one exchange."""

    def __init__(self, document: IssuedDocument, seed: int = 1) -> None:
        assert document.personalisation is not None
        self.entropy = random.Random(seed).randbytes
        self.chip = ChipApplication(document.personalisation, self.entropy)
        self.sent: list[bytes] = []
        self.reset_count = 0
        self.fault: Callable[[int, bytes], bytes] = lambda count, answer: answer
        historical = historical_bytes(atr(document.personalisation.limits))
        self.transport = DirectTransport(self._execute, self._reset, Card(b"make", historical))

    def read(self, plan: ReadPlan) -> ChipRead:
        ticks = iter(range(10**9))
        return drive(plan, self.transport, self.entropy, lambda: next(ticks) * 1e-6)

    def _execute(self, command: bytes) -> bytes:
        self.sent.append(command)
        return self.fault(len(self.sent), self.chip.execute(command))

    def _reset(self) -> None:
        self.reset_count += 1
        self.chip.reset()


def plan_of(document: IssuedDocument, **more: object) -> ReadPlan:
    return ReadPlan(document.mrz_lines, **more)  # type: ignore[arg-type]


def whole(result: ChipRead, document: IssuedDocument, left_out: frozenset[str] = frozenset()) -> bool:
    return dict(result.files) == {name: data for name, data in document.files.items() if name not in left_out}


@pytest.mark.parametrize("name", ["pace", "pace-im", "pace-3des", "mapped", "bac"])
def test_chip_is_opened_proves_itself_and_is_read_whole(name: str) -> None:
    document = DOCUMENTS[name]
    result = Reader(document).read(plan_of(document))
    assert result.failures == {}
    assert whole(result, document)
    assert result.access is (AccessProtocol.BAC if name == "bac" else AccessProtocol.PACE)
    assert result.chip_authentication is not None
    assert result.chip_authentication.result is CheckResult.PASS
    mapped = result.chip_authentication.protocol is ChipAuthenticationProtocol.PACE_CAM
    assert mapped is (name == "mapped")
    assert (result.active_authentication is not None) is (name in ("pace", "bac"))


def test_card_access_number_opens_it_without_a_zone() -> None:
    document = issue(invent_holder(7, TODAY), PORTRAIT, FINGER, Profile(can="314159"))
    assert whole(Reader(document).read(ReadPlan(can="314159")), document)
    assert Reader(document).read(ReadPlan(can="314158")).failures == {"access": "wrong_key"}


@pytest.mark.parametrize("name", ["pace", "bac", "mapped", "eac"])
@pytest.mark.parametrize("error", [CardTimeout, CardGarbled, CardRemoved])
def test_one_torn_exchange_anywhere_costs_nothing_but_a_reset(name: str, error: type[Exception]) -> None:
    document = DOCUMENTS[name]
    plan = plan_of(document, terminal=parse_terminal_chain(TERMINAL.certificates, TERMINAL.key))
    sound = Reader(document)
    expected = sound.read(plan)
    assert expected.failures == {}
    assert whole(expected, document)
    for torn_at in range(1, len(sound.sent) + 1, 3):
        reader = Reader(document)

        def torn(count: int, answer: bytes, torn_at: int = torn_at) -> bytes:
            if count == torn_at:
                raise error("planted")
            return answer

        reader.fault = torn
        result = reader.read(plan)
        assert result.failures == {}, torn_at
        assert whole(result, document)
        assert reader.reset_count == sound.reset_count + 1
        assert result.terminal_authentication is expected.terminal_authentication
        assert result.chip_authentication == expected.chip_authentication
        assert len(reader.sent) < 2 * len(sound.sent)  # files go on at their offset


def test_flipped_bit_in_any_protected_answer_never_reaches_a_file() -> None:
    document = DOCUMENTS["pace"]
    draw = random.Random(4)
    for flipped_at in range(14, 70, 5):
        reader = Reader(document)

        def flipped(count: int, answer: bytes, flipped_at: int = flipped_at) -> bytes:
            if count != flipped_at:
                return answer
            spoilt = bytearray(answer)
            spoilt[draw.randrange(len(spoilt))] ^= 1 << draw.randrange(8)
            return bytes(spoilt)

        reader.fault = flipped
        result = reader.read(plan_of(document))
        assert result.failures == {}
        assert whole(result, document)


def test_line_that_is_always_spoilt_ends_after_the_retries() -> None:
    document = DOCUMENTS["pace"]
    reader = Reader(document)
    reader.fault = lambda count, answer: bytes([answer[0] ^ 1]) + answer[1:] if len(answer) > 60 else answer
    result = reader.read(plan_of(document))
    assert reader.reset_count <= 2 + RETRY_COUNT_MAX
    assert result.interruption or "access" in result.failures


@pytest.mark.parametrize("refused", range(1, 6))
def test_failed_pace_is_never_followed_by_bac(refused: int) -> None:
    """The chip offers BAC as well: whoever disturbs PACE must not get it."""
    document = DOCUMENTS["pace"]
    assert document.personalisation is not None
    assert AccessProtocol.BAC in document.personalisation.access
    reader, seen = Reader(document), 0

    def disturbed(_: int, answer: bytes) -> bytes:
        nonlocal seen
        if reader.sent[-1][1] not in (apdu.GENERAL_AUTHENTICATE, apdu.MANAGE_SECURITY_ENVIRONMENT):
            return answer
        seen += 1
        return b"\x6a\x80" if seen == refused else answer

    reader.fault = disturbed
    result = reader.read(plan_of(document))
    assert seen == refused  # the dangerous moment was reached
    assert "access" in result.failures
    assert set(result.files) == {"card_access"}
    instructions = {command[1] for command in reader.sent}
    assert not instructions & {apdu.GET_CHALLENGE, apdu.EXTERNAL_AUTHENTICATE}


def test_announced_but_impossible_pace_is_never_followed_by_bac() -> None:
    document = DOCUMENTS["pace"]
    for card_access in (
        b"\x31\x03\x02\x01\x00",
        document.files["card_access"].replace(b"\x02\x01\x0d", b"\x02\x01\x1e"),
    ):
        reader = Reader(document.with_files(card_access=card_access))
        result = reader.read(plan_of(document))
        assert "access" in result.failures
        assert apdu.GET_CHALLENGE not in {command[1] for command in reader.sent}


def test_zone_that_can_t_be_read_is_named() -> None:
    for name in ("pace", "bac"):
        reader = Reader(DOCUMENTS[name])
        assert reader.read(ReadPlan(("P<UTO", "L1"))).failures == {"access": "mrz_unreadable"}


def test_copied_chip_fails_its_proof_and_is_read_for_the_officer() -> None:
    genuine = DOCUMENTS["pace"]
    copy = with_wrong_keys(genuine, PROFILES["pace"])
    result = Reader(copy).read(plan_of(copy))
    assert result.chip_authentication is not None
    assert result.chip_authentication.result is CheckResult.FAIL
    assert "chip_authentication" in result.failures
    assert {"dg1", "dg2", "dg3", "dg14"} <= set(result.files)


def test_chip_proven_by_the_mapping_proves_the_key_of_dg14_as_well() -> None:
    document = issue(invent_holder(8, TODAY), PORTRAIT, FINGER, MAPPED)
    result = Reader(document).read(plan_of(document))
    assert result.failures == {}
    assert whole(result, document)
    proof = result.chip_authentication
    assert proof is not None
    assert (proof.protocol, proof.result) == (ChipAuthenticationProtocol.CHIP_AUTHENTICATION, CheckResult.PASS)


@pytest.mark.parametrize("silent", [False, True])
def test_mapping_makes_no_failed_proof_good(silent: bool) -> None:
    """A copy with another document's mapping key: the reset after its failure proves the mapping anew, and that is not enough."""
    document = issue(invent_holder(8, TODAY), PORTRAIT, FINGER, MAPPED)
    mapping = document.personalisation.mapping_key if document.personalisation else None
    copy = with_chip(with_wrong_keys(document, MAPPED), mapping_key=mapping)
    if silent:
        copy = with_chip(copy, chip_authentication_keys=())
    result = Reader(copy).read(plan_of(document))
    assert whole(result, document)
    proof = result.chip_authentication
    assert proof is not None
    assert proof.protocol is ChipAuthenticationProtocol.CHIP_AUTHENTICATION
    assert proof.result is (CheckResult.ABORTED if silent else CheckResult.FAIL)


def test_chip_swapped_after_its_proof_is_noticed() -> None:
    """A copy of the same document, with the same zone, in place of the genuine chip: same files, no key."""
    genuine = DOCUMENTS["pace"]
    copy = with_wrong_keys(genuine, PROFILES["pace"])
    assert copy.personalisation is not None
    reader = Reader(genuine)
    proven_at = next(count for count in range(200) if _proven(genuine, count))

    def swapped(count: int, answer: bytes) -> bytes:
        if count == proven_at:
            assert copy.personalisation is not None
            reader.chip = ChipApplication(copy.personalisation, reader.entropy)
            raise CardRemoved("swapped")
        return answer

    reader.fault = swapped
    result = reader.read(plan_of(genuine))
    assert result.chip_authentication is not None
    assert result.chip_authentication.result is CheckResult.FAIL


def _proven(document: IssuedDocument, count: int) -> bool:
    """Whether the chip has proven itself when the session breaks off for good at exchange count."""
    reader = Reader(document)

    def gone(at: int, answer: bytes) -> bytes:
        if at >= count:
            raise CardRemoved("gone")
        return answer

    reader.fault = gone
    found = reader.read(plan_of(document)).chip_authentication
    return found is not None and found.result is CheckResult.PASS


def test_another_document_in_the_middle_gives_nothing_of_itself() -> None:
    first, second = DOCUMENTS["pace"], DOCUMENTS["pace-im"].personalisation
    assert second is not None
    sound = Reader(first)
    sound.read(plan_of(first))
    for swapped_at in range(12, len(sound.sent), 4):
        reader = Reader(first)

        def swapped(count: int, answer: bytes, reader: Reader = reader, swapped_at: int = swapped_at) -> bytes:
            if count == swapped_at:
                reader.chip = ChipApplication(second, reader.entropy)
                return b"\x69\x88"
            return answer

        reader.fault = swapped
        result = reader.read(plan_of(first))
        assert result.failures.get("chip") == "card_changed" or "access" in result.failures
        assert all(first.files[name] == content for name, content in result.files.items())


def test_fingers_open_with_a_chain_and_are_denied_without() -> None:
    document = DOCUMENTS["eac"]
    chain = parse_terminal_chain(TERMINAL.certificates, TERMINAL.key)
    opened = Reader(document).read(plan_of(document, terminal=chain))
    assert opened.terminal_authentication is CheckResult.PASS
    assert whole(opened, document)
    closed = Reader(document).read(plan_of(document))
    assert closed.terminal_authentication is CheckResult.NOT_PERFORMED
    assert closed.failures == {"dg3": "access_denied"}
    assert whole(closed, document, frozenset({"dg3"}))
    other = make_terminal_pki(date.today(), "XX")
    stranger = parse_terminal_chain(other.certificates, other.key)
    refused = Reader(document).read(plan_of(document, terminal=stranger))
    assert refused.terminal_authentication is CheckResult.UNDETERMINED
    assert refused.failures == {"terminal_authentication": "unknown_authority", "dg3": "access_denied"}


@pytest.mark.parametrize("curve", ["secp384r1", "brainpoolP512r1"])
@pytest.mark.parametrize("limits", [Limits(), Limits(data_max=1024, le_max=1024)], ids=["short", "extended"])
def test_certificate_longer_than_a_short_command_opens_fingers(limits: Limits, curve: str) -> None:
    """By a chain of commands where the chip has no extended length, and only there (Doc 9303-11, 9.3.2)."""
    terminal = make_terminal_pki(date.today(), algorithm=Algorithm(curve))
    profile = Profile(cvca=(terminal.cvca,), limits=limits)
    document = issue(invent_holder(6, TODAY), PORTRAIT, FINGER, profile)
    reader = Reader(document)
    result = reader.read(plan_of(document, terminal=parse_terminal_chain(terminal.certificates, terminal.key)))
    assert result.failures == {}
    assert result.terminal_authentication is CheckResult.PASS
    assert whole(result, document)
    assert reader.reset_count == 1 + 1  # one to begin, one at the end: nothing was torn
    shown = [message for message in reader.sent if message[1] == apdu.PERFORM_SECURITY_OPERATION]
    assert any(message[0] & apdu.CLA_CHAINED for message in shown) is not limits.extended


def test_fingers_without_chip_authentication_stay_closed() -> None:
    genuine = DOCUMENTS["eac"]
    copy = with_wrong_keys(genuine, PROFILES["eac"])
    chain = parse_terminal_chain(TERMINAL.certificates, TERMINAL.key)
    result = Reader(copy).read(plan_of(copy, terminal=chain))
    assert result.terminal_authentication is not CheckResult.PASS
    assert "dg3" not in result.files


@pytest.mark.parametrize(
    "limits",
    [
        Limits(answer_max=50),
        Limits(data_max=1024, le_max=1024),
        Limits(data_max=65_535, le_max=65_536),
        Limits(data_max=2048, le_max=300),
    ],
    ids=["short-answers", "extended-1024", "extended-most", "extended-300"],
)
def test_chip_with_limits_is_read_whole(limits: Limits) -> None:
    for name in ("pace", "bac"):
        document = DOCUMENTS[name]
        assert document.personalisation is not None
        limited = replace(document, personalisation=replace(document.personalisation, limits=limits))
        reader = Reader(limited)
        result = reader.read(plan_of(limited))
        assert result.failures == {}
        assert whole(result, limited)
        longest = max(command.le for message in reader.sent if (command := parse_command(message)) is not None)
        assert (longest > apdu.LE_MAX) is limits.extended


@pytest.mark.parametrize("refusal", [apdu.SW_WRONG_LENGTH, apdu.SW_WRONG_LE])
@pytest.mark.parametrize("size", [64, 100, 128, 223])
def test_chip_that_gives_less_at_once_is_asked_for_less(refusal: int, size: int) -> None:
    document = issue(invent_holder(8, TODAY), PORTRAIT, FINGER, Profile(pace=(), chip_authentication=""))
    assert document.personalisation is not None
    limits = Limits(le_max=size, le_refusal=refusal)
    limited = replace(document, personalisation=replace(document.personalisation, limits=limits))
    result = Reader(limited).read(plan_of(limited))
    assert result.access is AccessProtocol.BAC
    assert result.failures == {}
    assert whole(result, limited)


def test_no_key_or_zone_shows_in_the_result() -> None:
    document = DOCUMENTS["pace"]
    text = repr(Reader(document).read(plan_of(document))) + repr(plan_of(document))
    assert document.mrz_lines[1][:9] not in text
    assert "ERIKSSON" not in text
