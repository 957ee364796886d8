"""Reader half against chip half, without a port: every file size, every way a chip can fail, any bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.emrtd import apdu
from hw.emrtd.apdu import Command, Response, parse_command, parse_response
from hw.emrtd.chip import Chip
from hw.emrtd.frame import INTER_CHARACTER_S, MESSAGE_SIZE_MAX, Decoder, encode
from hw.emrtd.session import FILE_SIZE_MAX, RESPONSE_S_MAX, SESSION_S_MAX, ChipRead, ReaderSession

IDENTIFIERS = {"com": apdu.EF_COM, "dg1": apdu.EF_DG1, "dg2": apdu.EF_DG2, "dg3": apdu.EF_DG3}


def tlv(size: int, tag: int = 0x61) -> bytes:
    """A file whose content has size bytes."""
    count = (size.bit_length() + 7) // 8
    length = bytes([size]) if size < 0x80 else bytes([0x80 | count]) + size.to_bytes(count, "big")
    return bytes([tag]) + length + bytes(index % 251 for index in range(size))


FILES = {"com": tlv(20, 0x60), "dg1": tlv(91), "dg2": tlv(60_000, 0x75), "dg3": tlv(33_000, 0x63)}


def chip_with(files: dict[str, bytes], denied: tuple[str, ...] = ()) -> Chip:
    chip = Chip()
    chip.insert({IDENTIFIERS[name]: content for name, content in files.items()}, [IDENTIFIERS[name] for name in denied])
    return chip


def run(answer: Callable[[bytes, float], bytes], step_s: float = 0.001) -> tuple[ChipRead, float]:
    """The session's result and when it ended, with a clock that advances step_s per exchange."""
    now = 0.0
    session = ReaderSession(now)
    while session.result is None:
        sent = session.data_to_send()
        received = answer(sent, now) if sent else b""
        now += step_s
        session.receive(received, now)
    return session.result, now


def test_all_files_are_read_also_beyond_the_even_offset() -> None:
    result, _ = run(chip_with(FILES).receive)
    assert result.failure == ""
    assert result.files == FILES


@settings(deadline=None)
@given(st.sampled_from([0, 1, 126, 127, 128, 252, 253, 254, 255, 256, 257, 509, 32_763, 32_764, 32_765, 33_020]))
def test_every_size_at_a_border(size: int) -> None:
    files = {name: tlv(size) for name in FILES}
    assert run(chip_with(files).receive)[0] == ChipRead(files, "")


def test_file_with_padding_behind_is_cut_to_its_own_length() -> None:
    files = {**FILES, "dg2": FILES["dg2"] + bytes(5_000)}
    assert run(chip_with(files).receive)[0].files["dg2"] == FILES["dg2"]


@pytest.mark.parametrize("name", ["com", "dg1", "dg2", "dg3"])
def test_access_denied_names_the_file_and_keeps_what_was_read(name: str) -> None:
    result, _ = run(chip_with(FILES, (name,)).receive)
    assert result.failure == f"{name}_access_denied"
    assert list(result.files) == list(FILES)[: list(FILES).index(name)]


def test_missing_file_is_named() -> None:
    result, _ = run(chip_with({name: FILES[name] for name in ("com", "dg1", "dg2")}).receive)
    assert result.failure == "dg3_not_found"
    assert sorted(result.files) == ["com", "dg1", "dg2"]


def test_empty_field_is_no_chip() -> None:
    assert run(Chip().receive)[0] == ChipRead({}, "chip_absent")


def test_chip_pulled_at_any_moment_ends_within_the_response_time() -> None:
    exchanges = 0
    for pulled_at in range(0, 60, 7):
        chip, count = chip_with(FILES), 0

        def answer(data: bytes, now: float, chip: Chip = chip, pulled_at: int = pulled_at) -> bytes:
            nonlocal count
            count += 1
            if count == pulled_at + 2:  # never before the ATR was answered
                chip.remove()
            return chip.receive(data, now)

        result, ended = run(answer, step_s=0.01)
        assert result.failure.endswith("_timeout")
        assert ended <= count * 0.01 + RESPONSE_S_MAX + 0.02
        exchanges += count
    assert exchanges > 50  # the later ones were pulled while a file was being read


def test_slow_chip_ends_at_the_session_limit() -> None:
    result, ended = run(chip_with(FILES).receive, step_s=RESPONSE_S_MAX * 0.9)
    assert result.failure.endswith("_timeout")
    assert ended < SESSION_S_MAX + 2 * RESPONSE_S_MAX


def test_chip_that_serves_four_bytes_at_a_time_ends_at_the_session_limit() -> None:
    chip = chip_with(FILES)

    def answer(data: bytes, now: float) -> bytes:
        messages = Decoder().feed(data, 0.0)
        command = parse_command(messages[-1])
        if command is not None and command.ins == apdu.READ_BINARY:
            shorter = Command(0, command.ins, command.p1, command.p2, b"", 4)
            return chip.receive(encode(shorter.encode()), now)
        return chip.receive(data, now)

    result, ended = run(answer, step_s=0.01)
    assert result.failure == "dg2_timeout"
    assert ended < SESSION_S_MAX + 1


@pytest.mark.parametrize(
    ("answer_to_read", "failure"),
    [
        (Response(b"", apdu.SW_OK), "com_malformed"),  # would never end
        (Response(b"\x60", apdu.SW_OK), "com_malformed"),
        (Response(b"\x60\x85\x01\x00\x00\x00\x00", apdu.SW_OK), "com_malformed"),
        (Response(b"\x60\x83\xff\xff\xff", apdu.SW_OK), "com_too_long"),
        (Response(b"", 0x6F00), "com_status_6f00"),
        (Response(b"", 0x6C10), "com_status_6c10"),  # says "wrong length" for ever
    ],
)
def test_hostile_answers_end_the_session(answer_to_read: Response, failure: str) -> None:
    chip = chip_with(FILES)

    def answer(data: bytes, now: float) -> bytes:
        command = parse_command(Decoder().feed(data, 0.0)[-1])
        if command is not None and command.ins == apdu.READ_BINARY:
            return encode(answer_to_read.encode())
        return chip.receive(data, now)

    assert run(answer)[0].failure == failure


def test_chip_that_goes_on_answering_with_nothing_ends_the_session_at_once() -> None:
    chip = chip_with(FILES)

    def answer(data: bytes, now: float) -> bytes:
        command = parse_command(Decoder().feed(data, 0.0)[-1])
        if command is not None and command.ins == apdu.READ_BINARY and command.p1:
            return encode(Response(b"", apdu.SW_OK).encode())
        return chip.receive(data, now)

    result, ended = run(answer)
    assert result.failure == "dg2_malformed"
    assert ended < 1.0


def test_right_length_in_the_status_is_followed() -> None:
    chip, corrected = chip_with(FILES), 0

    def answer(data: bytes, now: float) -> bytes:
        nonlocal corrected
        command = parse_command(Decoder().feed(data, 0.0)[-1])
        if command is not None and command.ins == apdu.READ_BINARY and command.le == 256:
            corrected += 1
            return encode(Response(b"", 0x6C80).encode())
        return chip.receive(data, now)

    result, _ = run(answer)
    assert (result.files, result.failure) == (FILES, "")
    assert corrected > 100


def test_two_answers_to_one_command_are_malformed() -> None:
    chip = chip_with(FILES)
    result, _ = run(lambda data, now: chip.receive(data, now) * 2)
    assert result == ChipRead({}, "chip_malformed")


def test_noise_instead_of_an_answer_ends_the_session() -> None:
    chip = chip_with(FILES)
    result, _ = run(lambda data, now: b"\xff\xff" + chip.receive(data, now))
    assert result == ChipRead({}, "chip_malformed")


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=80), st.integers(0, 12))
def test_any_answer_ends_the_session_and_never_gives_a_file_too_many(noise: bytes, place: int) -> None:
    chip, count = chip_with({**FILES, "dg2": tlv(600), "dg3": tlv(5)}), 0

    def answer(data: bytes, now: float) -> bytes:
        nonlocal count
        count += 1
        answered = chip.receive(data, now)
        return noise if count == place + 1 else answered

    result, ended = run(answer, step_s=0.05)
    assert set(result.files) <= set(FILES)
    assert ended <= SESSION_S_MAX + 1


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=300), max_size=5))
def test_chip_survives_any_bytes(chunks: list[bytes]) -> None:
    chip = chip_with(FILES)
    for index, chunk in enumerate(chunks):
        chip.receive(chunk, float(index))
    assert run(lambda data, now: chip.receive(data, now + 100.0))[0].failure == ""


@given(st.lists(st.binary(max_size=MESSAGE_SIZE_MAX), max_size=5), st.integers(1, 50))
def test_messages_come_back_however_they_are_cut(messages: list[bytes], size: int) -> None:
    stream = b"".join(encode(message) for message in messages)
    decoder = Decoder()
    found = [decoder.feed(stream[at : at + size], 0.0) for at in range(0, len(stream), size)]
    assert [message for part in found for message in part] == messages


def test_incomplete_message_is_dropped_after_silence() -> None:
    decoder = Decoder()
    decoder.feed(b"\x00\x09abc", 0.0)
    assert decoder.feed(encode(b"next"), INTER_CHARACTER_S) == [b"next"]
    assert decoder.skipped_count == 5


def test_file_longer_than_the_limit_is_refused_before_it_is_read() -> None:
    chip = chip_with({**FILES, "dg1": tlv(FILE_SIZE_MAX)})
    assert run(chip.receive)[0].failure == "dg1_too_long"
    assert chip.content_read_size < 1_000


@given(
    st.builds(
        Command,
        cla=st.integers(0, 255),
        ins=st.integers(0, 255),
        p1=st.integers(0, 255),
        p2=st.integers(0, 255),
        data=st.binary(max_size=255),
        le=st.integers(0, 256),
    )
)
def test_commands_come_back(command: Command) -> None:
    assert parse_command(command.encode()) == command


@given(st.binary(max_size=300))
def test_any_message_parses_or_is_none(message: bytes) -> None:
    parse_command(message)
    response = parse_response(message)
    assert response is None or response.encode() == message


def test_repr_shows_no_content() -> None:
    result, _ = run(chip_with(FILES).receive)
    assert repr(result) == "ChipRead(files=['com', 'dg1', 'dg2', 'dg3'], failure='')"
    assert "01" not in repr(Response(b"\x01", apdu.SW_OK)).replace("9000", "")
