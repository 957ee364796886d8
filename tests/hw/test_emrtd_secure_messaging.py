"""Secure messaging: D.4 value by value, both halves against each other, and that nothing changed, repeated or swapped gets through."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.emrtd.protocol.cipher import Suite
from hw.emrtd.protocol.secure_messaging import SecureMessaging, SecureMessagingError
from hw.emrtd.wire.apdu import Command, Response, parse_command, parse_response
from tests.hw.emrtd_vectors import published

KEY = bytes(range(1, 33))
COMMANDS = st.builds(
    Command,
    cla=st.sampled_from([0x00, 0x10]),
    ins=st.sampled_from([0xA4, 0xB0, 0xB1, 0x86]),
    p1=st.integers(0, 255),
    p2=st.integers(0, 255),
    data=st.binary(max_size=600),
    le=st.integers(0, 700) | st.sampled_from([255, 256, 257, 65_535, 65_536]),
)


def channel(suite: Suite, ssc: int = 0) -> SecureMessaging:
    return SecureMessaging(suite, KEY[: suite.key_size], KEY[::-1][: suite.key_size], ssc)


def test_worked_example() -> None:
    example = published("icao9303_11_D.json")
    keys = bytes.fromhex(example["KS_enc"]), bytes.fromhex(example["KS_mac"])
    terminal = SecureMessaging(Suite.TDES, *keys, int(example["SSC"], 16))
    chip = SecureMessaging(Suite.TDES, *keys, int(example["SSC"], 16))
    for step in example["secure_messaging"]:
        assert terminal.counter == chip.counter == int(step["ssc_before"], 16)
        plain, protected = (parse_command(bytes.fromhex(step[name])) for name in ("plain_cmd", "protected_cmd"))
        plain_rsp, protected_rsp = (
            parse_response(bytes.fromhex(step[name])) for name in ("plain_rsp", "protected_rsp")
        )
        assert plain and protected and plain_rsp and protected_rsp
        assert terminal.wrap(plain) == protected
        assert chip.unwrap_command(protected) == plain
        assert chip.wrap_response(plain_rsp) == protected_rsp
        assert terminal.unwrap(protected_rsp) == plain_rsp


@settings(max_examples=300)
@given(
    st.sampled_from(Suite),
    st.lists(st.tuples(COMMANDS, st.binary(max_size=1000), st.sampled_from([0x9000, 0x6282, 0x6A82])), max_size=4),
)
def test_both_halves_understand_each_other(suite: Suite, exchanges: list[tuple[Command, bytes, int]]) -> None:
    terminal, chip = channel(suite), channel(suite)
    for command, data, sw in exchanges:
        sent = parse_command(terminal.wrap(command).encode())
        assert sent is not None
        assert chip.unwrap_command(sent) == command
        if command.data:
            assert command.data not in sent.data or len(command.data) < 4
        answered = parse_response(chip.wrap_response(Response(data, sw)).encode())
        assert answered is not None
        assert terminal.unwrap(answered) == Response(data, sw)


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize("ins", [0xB0, 0xB1])
def test_each_flipped_bit_of_a_response_is_refused(suite: Suite, ins: int) -> None:
    terminal, chip = channel(suite), channel(suite)
    chip.unwrap_command(terminal.wrap(Command(0, ins, 0, 0, b"", 30)))
    genuine = chip.wrap_response(Response(bytes(30), 0x9000)).encode()
    counter = terminal.counter
    for bit in range(len(genuine) * 8):
        changed = bytearray(genuine)
        changed[bit // 8] ^= 1 << bit % 8
        response = parse_response(bytes(changed))
        assert response is not None
        victim = channel(suite, counter - 1)
        victim.wrap(Command(0, ins, 0, 0, b"", 30))
        with pytest.raises(SecureMessagingError):
            victim.unwrap(response)
        assert victim.closed
    response = parse_response(genuine)
    assert response is not None
    assert terminal.unwrap(response).data == bytes(30)  # what was changed was genuine


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize("ins", [0xB0, 0xB1])
def test_each_flipped_bit_of_a_command_is_refused_or_no_command(suite: Suite, ins: int) -> None:
    genuine = channel(suite).wrap(Command(0, ins, 0, 0, b"\x54\x03\x01\x02\x03", 30)).encode()
    assert channel(suite).unwrap_command(parse_command(genuine) or pytest.fail()).le == 30
    refused = 0
    for bit in range((len(genuine) - 1) * 8):  # the outer Le is not protected
        changed = bytearray(genuine)
        changed[bit // 8] ^= 1 << bit % 8
        command = parse_command(bytes(changed))
        if command is not None:
            with pytest.raises(SecureMessagingError):
                channel(suite).unwrap_command(command)
            refused += 1
    assert refused > len(genuine) * 7


@pytest.mark.parametrize("suite", Suite)
def test_repeated_and_swapped_responses_are_refused(suite: Suite) -> None:
    chip, terminal = channel(suite), channel(suite)
    commands = [Command(0, 0xB0, 0, offset, b"", 8) for offset in (0, 8)]
    answers = []
    for command, data in zip(commands, (b"first...", b"second.."), strict=True):
        chip.unwrap_command(terminal.wrap(command))
        answers.append(chip.wrap_response(Response(data, 0x9000)))
        terminal.unwrap(answers[-1])
    for order in ([0, 0], [1]):
        victim = channel(suite)
        with pytest.raises(SecureMessagingError, match="wrong_mac"):
            for command, index in zip(commands, order, strict=False):
                victim.wrap(command)
                victim.unwrap(answers[index])


def test_repeated_command_is_refused_by_the_chip() -> None:
    chip, terminal = channel(Suite.AES128), channel(Suite.AES128)
    sent = terminal.wrap(Command(0, 0xB0, 0, 0, b"", 8))
    chip.unwrap_command(sent)
    chip.wrap_response(Response(bytes(8), 0x9000))
    with pytest.raises(SecureMessagingError, match="wrong_mac"):
        chip.unwrap_command(sent)


def test_command_is_not_taken_for_a_response() -> None:
    sent = channel(Suite.AES128).wrap(Command(0, 0xB0, 0, 0, b"", 8))
    victim = channel(Suite.AES128)
    victim.wrap(Command(0, 0xB0, 0, 0, b"", 8))
    with pytest.raises(SecureMessagingError):
        victim.unwrap(Response(sent.data, 0x9000))


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        (Response(b"", 0x6988), "unprotected_6988"),
        (Response(b"", 0x9000), "unprotected_9000"),
        (Response(b"\x99\x02\x90\x00", 0x9000), "malformed"),
        (Response(b"\x8e\x08" + bytes(8), 0x9000), "malformed"),
        (Response(b"\x99\x02\x90\x00\x8e\x08" + bytes(8), 0x9000), "wrong_mac"),
        (Response(b"\x99\x02\x90\x00\x99\x02\x90\x00\x8e\x08" + bytes(8), 0x9000), "malformed"),
        (Response(b"\x99\x02\x90\x00\x87\x01\x01\x8e\x08" + bytes(8), 0x9000), "malformed"),
        (Response(b"\x87\x0e\x8e\x08" + bytes(12), 0x9000), "malformed"),
        (Response(bytes(20), 0x9000), "malformed"),
    ],
)
def test_what_is_no_protected_response(response: Response, cause: str) -> None:
    victim = channel(Suite.AES128)
    victim.wrap(Command(0, 0xB0, 0, 0, b"", 8))
    with pytest.raises(SecureMessagingError) as caught:
        victim.unwrap(response)
    assert caught.value.cause == cause
    with pytest.raises(SecureMessagingError, match="closed"):
        victim.wrap(Command(0, 0xB0, 0, 0, b"", 8))


def test_status_behind_the_message_must_be_the_protected_one() -> None:
    terminal, chip = channel(Suite.TDES), channel(Suite.TDES)
    chip.unwrap_command(terminal.wrap(Command(0, 0xB0, 0, 0, b"", 8)))
    answer = chip.wrap_response(Response(b"", 0x6A82))
    with pytest.raises(SecureMessagingError, match="wrong_status"):
        terminal.unwrap(replace(answer, sw=0x9000))


@settings(max_examples=500)
@given(st.sampled_from(Suite), st.binary(max_size=400), st.integers(0, 0xFFFF), st.sampled_from([0xB0, 0xB1]))
def test_any_bytes_are_refused_with_a_cause(suite: Suite, data: bytes, sw: int, ins: int) -> None:
    victim = channel(suite)
    victim.wrap(Command(0, ins, 0, 0, b"", 8))
    with pytest.raises(SecureMessagingError):
        victim.unwrap(Response(data, sw))
    with pytest.raises(SecureMessagingError):
        channel(suite).unwrap_command(Command(0x0C, ins, 0, 0, data, 0))


@settings(max_examples=500)
@given(st.sampled_from(Suite), st.binary(max_size=64), st.sampled_from([0x85, 0x87, 0x97, 0x99, 0x8E]))
def test_authentic_nonsense_is_refused_with_a_cause_or_read(suite: Suite, data: bytes, tag: int) -> None:
    """A chip may authenticate whatever it likes: past the MAC there are still lengths and padding to check."""
    chip, victim = channel(suite), channel(suite)
    chip.unwrap_command(victim.wrap(Command(0, 0xB1, 0, 0, b"", 8)))
    chip._advance()
    objects = bytes([tag, len(data)]) + data + b"\x99\x02\x90\x00"
    answer = Response(objects + b"\x8e\x08" + chip._mac(b"", objects), 0x9000)
    try:
        victim.unwrap(answer)
    except SecureMessagingError as error:
        assert error.cause in ("malformed", "wrong_padding")


def test_counter_never_wraps_around() -> None:
    last = channel(Suite.TDES, 2**64 - 2)
    last.wrap(Command(0, 0xB0, 0, 0, b"", 8))
    with pytest.raises(SecureMessagingError, match="counter_exhausted"):
        last.unwrap(Response(bytes(20), 0x9000))


@pytest.mark.parametrize("suite", Suite)
def test_content_max_is_the_most_that_fits(suite: Suite) -> None:
    for size in (0, 14, 40, 100, 144, 256, 270, 1000, 4096, 65_536):
        most = channel(suite).content_max(size)
        if most:
            assert len(channel(suite).wrap_response(Response(bytes(most), 0x9000)).data) <= size
        assert len(channel(suite).wrap_response(Response(bytes(most + 1), 0x9000)).data) > size


def test_wiped_channel_holds_no_key_and_repr_none_either() -> None:
    messaging = channel(Suite.AES256)
    assert repr(messaging) == "SecureMessaging(AES256, open)"
    messaging.wipe()
    assert not any(messaging._k_enc + messaging._k_mac)
    assert repr(messaging) == "SecureMessaging(AES256, closed)"
