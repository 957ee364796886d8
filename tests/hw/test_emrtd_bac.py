"""Basic access control: every value of Doc 9303-11, D.1 to D.3, both halves, and what a wrong zone or chip leads to."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from egate.document.lds.structure import write_dg1
from egate.document.pki.signed_zone import parse_signed_zone
from egate.document.zone.mrz import parse_mrz
from egate.errors import DocumentError
from hw.emrtd.protocol import bac
from hw.emrtd.protocol.mrz_key import key_seed, mrz_key
from hw.emrtd.protocol.secure_messaging import SecureMessaging
from hw.emrtd.protocol.step import Step, StepFailed
from hw.emrtd.wire.apdu import Command, Response
from tests.hw.emrtd_vectors import given, published, recorded, values

EXAMPLE = published("icao9303_11_D.json")
ZONE = EXAMPLE["mrz_information"].encode()
D = {
    name: bytes.fromhex(text) for name, text in EXAMPLE.items() if isinstance(text, str) and not name.startswith("mrz_")
}


def test_zones_of_the_worked_examples() -> None:
    td2 = EXAMPLE["mrz_td2"]
    assert mrz_key([td2[:36], td2[36:]]) == ZONE
    assert hashlib.sha1(ZONE).digest() == D["H_sha1"]
    assert key_seed(ZONE) == D["K_seed"]
    for other in EXAMPLE["other_seeds"]:
        td1 = other["mrz_td1"]
        assert key_seed(mrz_key([td1[:30], td1[30:60], td1[60:]])).hex().upper() == other["K_seed"]


def test_td3_gives_the_same_as_td2() -> None:
    line = "L898902C<3UTO6908061F9406236ZE184226B<<<<<14"
    assert mrz_key(["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", line]) == ZONE


def test_long_number_of_td2_is_taken_from_the_optional_data() -> None:
    assert (
        mrz_key(["I<UTO" + "<" * 31, "D23145890<UTO7408122F1204159" + "7349<<<" + "6"])
        == b"D23145890734974081221204159"
    )


def test_one_character_in_the_optional_data_is_no_rest_of_a_number() -> None:
    assert mrz_key(["I<UTO" + "<" * 31, "D23145890<UTO7408122F1204159" + "7<<<<<<" + "6"])[:10] == b"D23145890<"


@forall(st.sampled_from("<07"), st.text("A7<", max_size=15))
def test_key_has_the_number_that_the_zone_is_read_with(digit: str, optional: str) -> None:
    lines = (
        "I<UTOD23145890" + digit + optional.ljust(15, "<"),
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON".ljust(30, "<"),
    )
    number = parse_mrz(lines, date(2012, 1, 1)).data.document_number
    assert mrz_key(lines).decode().startswith(number)
    assert len(mrz_key(lines)) == len(number) + 1 + 14  # its check digit, two dates with theirs
    assert parse_signed_zone(write_dg1(lines)).document_number == number


@pytest.mark.parametrize(
    "lines", [[], ["A" * 44], ["A" * 44, "B" * 36], ["a" * 44, "B" * 44], ["A" * 44, "B" * 43 + " "]]
)
def test_unreadable_zone(lines: list[str]) -> None:
    with pytest.raises(DocumentError) as caught:
        mrz_key(lines)
    assert caught.value.code == "MRZ_UNREADABLE"


def test_every_value_of_the_worked_example() -> None:
    keys = bac.access_keys(ZONE)
    assert (bytes(keys.enc), bytes(keys.mac)) == (D["K_enc"], D["K_mac"])
    assert D["S"] == D["RND_IFD"] + D["RND_IC"] + D["K_IFD"]
    assert keys.seal(D["S"]) == D["E_IFD"] + D["M_IFD"]
    assert keys.open(D["resp_data"]) == D["R"] == D["RND_IC"] + D["RND_IFD"] + D["K_IC"]
    assert keys.seal(D["R"]) == D["E_IC"] + D["M_IC"] == D["resp_data"]
    seed = bytes(a ^ b for a, b in zip(D["K_IFD"], D["K_IC"], strict=True))
    assert [bytes(key) for key in bac.key_pair(seed)] == [D["KS_enc"], D["KS_mac"]]
    assert bac.session(D["RND_IC"], D["RND_IFD"], D["K_IFD"], D["K_IC"]).counter == int.from_bytes(D["SSC"], "big")


def test_terminal_half_speaks_the_worked_example() -> None:
    step = bac.authenticate(ZONE, given(D["RND_IFD"], D["K_IFD"]))
    assert next(step).encode().hex() == "0084000008"
    command = step.send(Response(D["RND_IC"], 0x9000))
    assert command.encode() == bytes.fromhex("0082000028") + D["E_IFD"] + D["M_IFD"] + b"\x28"
    assert same_channel(finish(step, Response(D["resp_data"], 0x9000)))


def test_chip_half_speaks_the_worked_example() -> None:
    chip = bac.ChipHalf(ZONE, given(D["RND_IC"], D["K_IC"]))
    assert chip.challenge() == D["RND_IC"]
    answer = chip.answer(D["E_IFD"] + D["M_IFD"])
    assert answer is not None
    assert answer[0] == D["resp_data"]
    assert same_channel(answer[1])


@pytest.mark.corpus
def test_recorded_exchange() -> None:
    tests = recorded("gmrtd_bac.json")
    assert key_seed(ZONE) == values(tests["TestGenerateKseed"])[0]
    k_enc, k_mac, rnd_ic, rnd_ifd, k_ifd, request = values(tests["TestBuildRequest"])
    keys = bac.AccessKeys(bytearray(k_enc), bytearray(k_mac))
    assert keys.seal(rnd_ifd + rnd_ic + k_ifd) == request
    k_enc, k_mac, rnd_ic, rnd_ifd, answer, k_ic = values(tests["TestProcessResponse"])
    assert bac.AccessKeys(bytearray(k_enc), bytearray(k_mac)).open(answer) == rnd_ic + rnd_ifd + k_ic
    rnd_ifd, k_ifd, ks_enc, ks_mac, ssc = values(tests["TestDoBAC"])
    exchange = [[bytes.fromhex(side) for side in pair] for pair in tests["TestDoBAC"]["apdus"]]
    step = bac.authenticate(ZONE, given(rnd_ifd, k_ifd))
    assert next(step).encode() == exchange[0][0]
    assert step.send(Response(exchange[0][1][:-2], 0x9000)).encode() == exchange[1][0]
    messaging = finish(step, Response(exchange[1][1][:-2], 0x9000))
    assert messaging.counter == int.from_bytes(ssc, "big")
    expected = SecureMessaging(messaging.suite, ks_enc, ks_mac, messaging.counter)
    probe = Command(0, 0xB0, 0, 0, b"data", 4)
    assert messaging.wrap(probe) == expected.wrap(probe)


@pytest.mark.corpus
def test_recorded_wrong_answers_are_refused() -> None:
    tests = recorded("gmrtd_bac.json")
    for name in ("TestProcessResponseRApduLenErr", "TestProcessResponseKMacKeyMismatchErr"):
        k_enc, k_mac, _, _, answer = values(tests[name])
        assert bac.AccessKeys(bytearray(k_enc), bytearray(k_mac)).open(answer) is None
    for name in ("TestProcessResponseRndIfcMismatchErr", "TestProcessResponseRndIccMismatchErr"):
        _, _, rnd_ic, rnd_ifd, answer = values(tests[name])
        step = bac.authenticate(ZONE, given(rnd_ifd, D["K_IFD"]))
        next(step)
        step.send(Response(rnd_ic, 0x9000))
        with pytest.raises(StepFailed, match="wrong_key"):
            finish(step, Response(answer, 0x9000))


def test_both_halves_agree() -> None:
    chip = bac.ChipHalf(ZONE, secrets.token_bytes)
    step = bac.authenticate(ZONE, secrets.token_bytes)
    next(step)
    answer = chip.answer(step.send(Response(chip.challenge(), 0x9000)).data)
    assert answer is not None
    terminal = finish(step, Response(answer[0], 0x9000))
    command = Command(0, 0xB0, 0, 0, b"data", 4)
    assert answer[1].unwrap_command(terminal.wrap(command)) == command
    assert repr(bac.access_keys(ZONE)) == "AccessKeys(redacted)"


def test_challenge_is_good_for_one_answer() -> None:
    chip = bac.ChipHalf(ZONE, secrets.token_bytes)
    step = bac.authenticate(ZONE, secrets.token_bytes)
    next(step)
    token = step.send(Response(chip.challenge(), 0x9000)).data
    assert chip.answer(token) is not None
    assert chip.answer(token) is None


def test_terminal_with_another_zone_is_refused() -> None:
    chip = bac.ChipHalf(ZONE, secrets.token_bytes)
    step = bac.authenticate(ZONE[:-1] + b"0", secrets.token_bytes)
    next(step)
    assert chip.answer(step.send(Response(chip.challenge(), 0x9000)).data) is None


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        (Response(b"", 0x6300), "wrong_key"),
        (Response(b"", 0x63C2), "wrong_key"),
        (Response(b"", 0x6988), "wrong_key"),
        (Response(b"", 0x6D00), "not_supported"),
        (Response(b"", 0x6F00), "status_6f00"),
        (Response(b"", 0x9000), "wrong_key"),
        (Response(bytes(40), 0x9000), "wrong_key"),
        (Response(D["resp_data"] + b"\x00", 0x9000), "wrong_key"),
    ],
)
def test_what_ends_it(response: Response, cause: str) -> None:
    step = bac.authenticate(ZONE, given(D["RND_IFD"], D["K_IFD"]))
    next(step)
    step.send(Response(D["RND_IC"], 0x9000))
    with pytest.raises(StepFailed) as caught:
        finish(step, response)
    assert caught.value.cause == cause


@forall(st.binary(max_size=50), st.binary(max_size=50))
def test_any_answers_fail_with_a_cause(first: bytes, second: bytes) -> None:
    step = bac.authenticate(ZONE, secrets.token_bytes)
    next(step)
    with pytest.raises(StepFailed):
        step.send(Response(first, 0x9000))
        finish(step, Response(second, 0x9000))


def test_answer_to_an_earlier_challenge_is_refused() -> None:
    chip = bac.ChipHalf(ZONE, secrets.token_bytes)
    step = bac.authenticate(ZONE, secrets.token_bytes)
    next(step)
    token = step.send(Response(chip.challenge(), 0x9000)).data
    chip.challenge()
    assert chip.answer(token) is None


def finish(step: Step[SecureMessaging], response: Response) -> SecureMessaging:
    with pytest.raises(StopIteration) as stop:
        step.send(response)
    messaging = stop.value.value
    assert isinstance(messaging, SecureMessaging)
    return messaging


def same_channel(messaging: SecureMessaging) -> bool:
    """Whether it is the one of D.4."""
    first = bytes.fromhex(EXAMPLE["secure_messaging"][0]["protected_cmd"])
    return messaging.wrap(Command(0, 0xA4, 2, 0x0C, b"\x01\x1e")).encode() == first
