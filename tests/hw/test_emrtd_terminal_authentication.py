"""Terminal authentication: both halves against each other, and terminals that must not get in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.chip.cvc import ALGORITHMS, Role
from egate.errors import DocumentError
from hw.emrtd.protocol.step import Step, StepFailed
from hw.emrtd.protocol.terminal_authentication import authenticate, signed_data
from hw.emrtd.protocol.terminal_authentication_chip import ChipHalf, TrustPoints
from hw.emrtd.protocol.terminal_chain import TerminalChain, parse_terminal_chain
from hw.emrtd.wire import apdu, data_object
from hw.emrtd.wire.apdu import Command, Response
from tests.document.cvc_authorities import BOTH, Authority, issue, three

ID_ICC, TERMINAL_KEY = b"T220001293", bytes(range(32))
_Result = TypeVar("_Result")


def entropy(size: int) -> bytes:
    return hashlib.shake_256(b"terminal authentication").digest(size)


def chain_of(*authorities: Authority) -> TerminalChain:
    return parse_terminal_chain([item.certificate.encoded for item in authorities], authorities[-1].pkcs8)


class Chip:
    """The chip half as a chip application runs it. tells: whether EF.CVCA can be read."""

    def __init__(
        self,
        *trusted: Authority,
        today: date | None = None,
        tells: bool = True,
        id_icc: bytes = ID_ICC,
        terminal_key: bytes = TERMINAL_KEY,
    ) -> None:
        self.trust = TrustPoints([item.certificate.encoded for item in trusted], today)
        self.half = ChipHalf(self.trust, id_icc, terminal_key, entropy)
        self.tells, self.seen = tells, list[Command]()

    def answer(self, command: Command) -> Response:
        self.seen.append(command)
        match command.ins, command.p1, command.p2:
            case apdu.SELECT, _, _:
                return Response(b"", apdu.SW_OK if self.tells else apdu.SW_NOT_FOUND)
            case apdu.READ_BINARY, _, _:
                return Response(self.trust.ef_cvca(), apdu.SW_OK)
            case apdu.MANAGE_SECURITY_ENVIRONMENT, 0x81, 0xB6:
                return self.half.set_verification_template(command.data)
            case apdu.MANAGE_SECURITY_ENVIRONMENT, 0x81, 0xA4:
                return self.half.set_authentication_template(command.data)
            case apdu.PERFORM_SECURITY_OPERATION, 0x00, 0xBE:
                return self.half.verify_certificate(command.data)
            case apdu.GET_CHALLENGE, _, _:
                return Response(self.half.challenge(), apdu.SW_OK)
            case apdu.EXTERNAL_AUTHENTICATE, _, _:
                return self.half.external_authenticate(command.data)
        raise AssertionError(command)


def run(step: Step[_Result], answer: Callable[[Command], Response]) -> _Result:
    command = next(step)
    while True:
        try:
            command = step.send(answer(command))
        except StopIteration as stopped:
            result: _Result = stopped.value
            return result


def attempt(chip: Chip, chain: TerminalChain) -> str:
    """ "" if the terminal got in, else the cause."""
    try:
        run(authenticate(chain, ID_ICC, TERMINAL_KEY), chip.answer)
    except StepFailed as failed:
        assert chip.half.rights == frozenset()
        return failed.cause
    return ""


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm(algorithm: str, tells: bool) -> None:
    cvca, verifier, terminal = three(algorithm)
    chip = Chip(cvca, tells=tells)
    assert chip.half.rights == frozenset()
    assert attempt(chip, chain_of(cvca, verifier, terminal)) == ""
    assert chip.half.rights == BOTH
    shown = [command for command in chip.seen if command.ins == apdu.PERFORM_SECURITY_OPERATION]
    assert [command.data for command in shown] == [verifier.certificate.content, terminal.certificate.content]


def test_rights_of_the_chain_and_not_of_the_terminal_alone() -> None:
    cvca = issue(None, Role.CVCA, "DECVCAEGATE00001", 1)
    verifier = cvca.issue(Role.DV_FOREIGN, "FRDVEGATE00001", 2, rights=frozenset({3}))
    terminal = verifier.issue(Role.TERMINAL, "FRISEGATE00001", 3)
    chip = Chip(cvca)
    chain = chain_of(cvca, verifier, terminal)
    assert attempt(chip, chain) == "" and chip.half.rights == {3} == chain.rights


def test_an_old_document_is_led_to_the_new_authority() -> None:
    """The chip was made before the CVCA's key changed: it takes the link, keeps both keys and needs no link the next time."""
    old = issue(None, Role.CVCA, "DECVCAEGATE00001", 1)
    link = old.issue(Role.CVCA, "DECVCAEGATE00002", 2, effective=date(2026, 3, 1))
    new = issue(None, Role.CVCA, "DECVCAEGATE00002", 2, effective=date(2026, 3, 1))
    verifier = new.issue(Role.DV_DOMESTIC, "DEDVEGATE00002", 3)
    terminal = verifier.issue(Role.TERMINAL, "DEISEGATE00002", 4)
    chain = chain_of(old, link, new, verifier, terminal)
    chip = Chip(old)
    assert attempt(chip, chain) == ""
    assert [holder.name for holder in chip.trust.holders] == ["DECVCAEGATE00001", "DECVCAEGATE00002"]
    assert chip.trust.today == date(2026, 3, 1)
    chip.half, chip.seen = ChipHalf(chip.trust, ID_ICC, TERMINAL_KEY, entropy), []
    assert attempt(chip, chain) == ""
    assert sum(command.ins == apdu.PERFORM_SECURITY_OPERATION for command in chip.seen) == 2
    assert attempt(Chip(new), chain_of(new, verifier, terminal)) == ""


# --- Terminals that must not get in


def test_a_chain_of_another_state_is_not_even_shown() -> None:
    chip = Chip(issue(None, Role.CVCA, "FRCVCAEGATE00001", 5))
    assert attempt(chip, chain_of(*three())) == "unknown_authority"
    assert not any(command.ins == apdu.PERFORM_SECURITY_OPERATION for command in chip.seen)
    chip.tells = False
    assert attempt(chip, chain_of(*three())) == "unknown_authority"


def test_an_authority_of_the_same_name_is_refused() -> None:
    impostor = issue(None, Role.CVCA, "DECVCAEGATE00001", 66)
    verifier = impostor.issue(Role.DV_DOMESTIC, "DEDVEGATE00001", 2)
    chain = chain_of(impostor, verifier, verifier.issue(Role.TERMINAL, "DEISEGATE00001", 3))
    assert attempt(Chip(three()[0]), chain) == "certificate_refused"


def test_an_expired_terminal_is_refused_by_a_chip_that_knows_the_date() -> None:
    cvca, verifier, _ = three()
    terminal = verifier.issue(Role.TERMINAL, "DEISEGATE00001", 3, expires=date(2026, 2, 1))
    chain = chain_of(cvca, verifier, terminal)
    assert chain.expires == date(2026, 2, 1)
    assert attempt(Chip(cvca), chain) == ""
    assert attempt(Chip(cvca, today=date(2026, 2, 2)), chain) == "certificate_refused"


def test_only_the_domestic_verifier_tells_the_date() -> None:
    cvca = issue(None, Role.CVCA, "DECVCAEGATE00001", 1)
    for role, expected in ((Role.DV_DOMESTIC, date(2026, 5, 1)), (Role.DV_FOREIGN, date(2026, 1, 1))):
        verifier = cvca.issue(role, "DEDVEGATE00001", 2, effective=date(2026, 5, 1))
        terminal = verifier.issue(Role.TERMINAL, "DEISEGATE00001", 3, effective=date(2026, 6, 1))
        chip = Chip(cvca)
        assert attempt(chip, chain_of(cvca, verifier, terminal)) == ""
        assert chip.trust.today == expected


@pytest.mark.parametrize("changed", [{"id_icc": b"T220001294"}, {"terminal_key": bytes(32)}])
def test_a_signature_for_another_chip_or_session_is_refused(changed: dict[str, bytes]) -> None:
    cvca, verifier, terminal = three()
    assert attempt(Chip(cvca, **changed), chain_of(cvca, verifier, terminal)) == "wrong_key"  # type: ignore[arg-type]


def test_without_the_terminals_key_nobody_gets_in() -> None:
    cvca, verifier, terminal = three()
    chain = replace(chain_of(cvca, verifier, terminal), key=verifier.key)
    assert attempt(Chip(cvca), chain) == "wrong_key"


def test_a_verifier_is_no_terminal() -> None:
    """Who has a verifier's key can make terminals, but does not get in as what it is."""
    cvca, verifier, _ = three()
    chip = Chip(cvca)
    assert chip.half.set_verification_template(named(cvca)).sw == apdu.SW_OK
    assert chip.half.verify_certificate(verifier.certificate.content).sw == apdu.SW_OK
    assert chip.half.set_authentication_template(named(verifier)).sw == apdu.SW_REFERENCE_NOT_FOUND
    assert prove(chip, verifier).sw == apdu.SW_CONDITIONS
    assert chip.half.rights == frozenset()


def test_a_certificate_shown_after_the_terminal_was_named_unnames_it() -> None:
    cvca, verifier, terminal = three()
    chip = Chip(cvca)
    for issuer, shown in ((cvca, verifier), (verifier, terminal)):
        chip.half.set_verification_template(named(issuer))
        assert chip.half.verify_certificate(shown.certificate.content).sw == apdu.SW_OK
    assert chip.half.set_authentication_template(named(terminal)).sw == apdu.SW_OK
    chip.half.set_verification_template(named(cvca))
    assert chip.half.verify_certificate(verifier.certificate.content).sw == apdu.SW_OK
    assert prove(chip, terminal).sw == apdu.SW_CONDITIONS


def named(authority: Authority) -> bytes:
    return data_object.encode(0x83, authority.certificate.holder.encode())


def prove(chip: Chip, authority: Authority) -> Response:
    """The right signature of authority over a fresh challenge."""
    data = signed_data(ID_ICC, chip.half.challenge(), TERMINAL_KEY)
    return chip.half.external_authenticate(authority.key.sign(authority.certificate.key.scheme, data))


def test_an_answer_played_again_is_refused() -> None:
    cvca, verifier, terminal = three()
    chip = Chip(cvca)
    assert attempt(chip, chain_of(cvca, verifier, terminal)) == ""
    again = Chip(cvca)
    answers = [again.answer(command) for command in chip.seen[:-1]]
    assert all(answer.sw == apdu.SW_OK for answer in answers)
    assert again.answer(chip.seen[-1]).sw == apdu.SW_OK  # the same challenge: the test's entropy repeats itself
    later = Chip(cvca)
    later.half._entropy = lambda size: bytes(size)
    for command in chip.seen[:-1]:
        later.answer(command)
    assert later.answer(chip.seen[-1]).sw == apdu.SW_NOT_VERIFIED
    assert later.half.rights == frozenset()
    assert again.answer(chip.seen[-1]).sw == apdu.SW_CONDITIONS  # a challenge is good for one answer


def test_steps_left_out_lead_nowhere() -> None:
    cvca, verifier, terminal = three()
    chip = Chip(cvca)
    chain = chain_of(cvca, verifier, terminal)
    assert attempt(chip, chain) == ""
    commands = list(chip.seen)
    for left_out in range(2, len(commands) - 1):
        other = Chip(cvca)
        for index, command in enumerate(commands):
            if index != left_out:
                other.answer(command)
        assert other.half.rights == frozenset(), commands[left_out]


# --- The chain as it is configured


def test_a_chain_in_any_order() -> None:
    cvca, verifier, terminal = three()
    chain = chain_of(cvca, verifier, terminal)
    turned = parse_terminal_chain([item.certificate.encoded for item in (terminal, cvca, verifier)], terminal.pkcs8)
    assert turned.certificates == chain.certificates and turned.terminal == terminal.certificate
    assert "DE" not in repr(chain)


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_an_incomplete_chain_is_refused(left_out: int) -> None:
    parts = [item for index, item in enumerate(three()) if index != left_out]
    with pytest.raises(DocumentError) as refused:
        parse_terminal_chain([item.certificate.encoded for item in parts], three()[2].pkcs8)
    assert refused.value.code in ("TERMINAL_CHAIN_INCOMPLETE", "TERMINAL_CHAIN_AMBIGUOUS")


def test_a_chain_that_does_not_hold_together_is_refused() -> None:
    cvca, verifier, terminal = three()
    twin = cvca.issue(Role.DV_DOMESTIC, "DEDVEGATE00001", 20)
    other = verifier.issue(Role.TERMINAL, "DEISEGATE00002", 30)
    cases = [
        ([cvca, twin, terminal], terminal.pkcs8, "CVC_SIGNATURE"),
        ([cvca, verifier, terminal], verifier.pkcs8, "TERMINAL_KEY_MISMATCH"),
        ([cvca, verifier, terminal, other], terminal.pkcs8, "TERMINAL_CHAIN_AMBIGUOUS"),
        ([cvca, verifier, twin, terminal], terminal.pkcs8, "TERMINAL_CHAIN_AMBIGUOUS"),
        ([cvca, verifier, terminal], b"", "PRIVATE_KEY_MALFORMED"),
        ([cvca] * 33, terminal.pkcs8, "TERMINAL_CHAIN_AMBIGUOUS"),
    ]
    for parts, key, code in cases:
        with pytest.raises(DocumentError) as refused:
            parse_terminal_chain([item.certificate.encoded for item in parts], key)
        assert refused.value.code == code


@given(st.lists(st.tuples(st.sampled_from([0x22, 0x2A, 0x84, 0x82]), st.binary(max_size=300)), max_size=12))
def test_any_commands_open_nothing(commands: list[tuple[int, bytes]]) -> None:
    chip = Chip(three()[0])
    for ins, data in commands:
        for p1, p2 in {0x22: ((0x81, 0xB6), (0x81, 0xA4)), 0x2A: ((0x00, 0xBE),)}.get(ins, ((0, 0),)):
            chip.answer(Command(0x00, ins, p1, p2, data))
    assert chip.half.rights == frozenset()


@given(
    st.lists(st.tuples(st.binary(max_size=60), st.sampled_from([0x9000, 0x9000, 0x6982, 0x6300, 0x6A88])), min_size=12)
)
def test_any_answers_end_the_step(answers: list[tuple[bytes, int]]) -> None:
    stream = iter([Response(*answer) for answer in answers])
    try:
        run(authenticate(CHAIN, ID_ICC, TERMINAL_KEY), lambda _: next(stream))
    except StepFailed as failed:
        assert failed.cause


CHAIN = chain_of(*three())
