"""Reader half against chip half, without a port: every file size, every way a chip can fail, any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.document.lds.structure import write_ef_com
from egate.domain.chip import ChipRead
from hw.emrtd.chip.application import Chip
from hw.emrtd.chip.personalisation import Personalisation
from hw.emrtd.drive import PRESENCE_S_MAX, drive
from hw.emrtd.file import FILE_SIZE_MAX
from hw.emrtd.plan import Progress, ReadPlan
from hw.emrtd.session import GARBLED_COUNT_MAX, RESPONSE_S_MAX, RETRY_COUNT_MAX, SESSION_S_MAX
from hw.emrtd.transport import CONNECT_S_MAX, DRAIN_S_MAX
from hw.emrtd.wire import apdu
from hw.emrtd.wire.apdu import Command, Response, parse_command, parse_response
from hw.emrtd.wire.frame import (
    CONTROL_ATR,
    INTER_CHARACTER_S,
    MESSAGE_SIZE_MAX,
    SHORT_MESSAGE_SIZE_MAX,
    Decoder,
    encode,
)

from .chip_bench import PLAN, Bench, run, zeros

# After a chip has fallen silent: the answer awaited, then so many resets, each with a drained line.
SILENCE_S_MAX = RESPONSE_S_MAX + RETRY_COUNT_MAX * (CONNECT_S_MAX + DRAIN_S_MAX)


def tlv(size: int, tag: int = 0x61) -> bytes:
    """A file whose content has size bytes."""
    count = (size.bit_length() + 7) // 8
    length = bytes([size]) if size < 0x80 else bytes([0x80 | count]) + size.to_bytes(count, "big")
    return bytes([tag]) + length + bytes(index % 251 for index in range(size))


FILES = {
    "com": write_ef_com((1, 2, 3)),
    "sod": tlv(1_800, 0x77),
    "dg1": tlv(91),
    "dg2": tlv(60_000, 0x75),
    "dg3": tlv(33_000, 0x63),
}


def chip_with(files: dict[str, bytes], denied: tuple[str, ...] = ()) -> Chip:
    chip = Chip()
    chip.insert(Personalisation(files, denied=frozenset(denied)))
    return chip


def commands(data: bytes) -> list[Command]:
    """The APDUs in what a reader wrote."""
    found = [parse_command(message) for message in Decoder().feed(data, 0.0)]
    return [command for command in found if command is not None]


def is_read(data: bytes) -> bool:
    return any(command.ins == apdu.READ_BINARY for command in commands(data))


def test_all_files_are_read_also_beyond_the_even_offset() -> None:
    result, _ = run(chip_with(FILES).receive)
    assert result.failure == ""
    assert result.files == FILES


@settings(deadline=None)
@given(st.sampled_from([0, 1, 126, 127, 128, 252, 253, 254, 255, 256, 257, 509, 32_763, 32_764, 32_765, 33_020]))
def test_every_size_at_a_border(size: int) -> None:
    files = {name: tlv(size) for name in FILES}
    assert run(chip_with(files).receive)[0] == ChipRead(present=True, files=files)


def test_file_with_padding_behind_is_cut_to_its_own_length() -> None:
    files = {**FILES, "dg2": FILES["dg2"] + bytes(5_000)}
    assert run(chip_with(files).receive)[0].files["dg2"] == FILES["dg2"]


def test_progress_is_told_and_never_goes_back() -> None:
    told: list[Progress] = []
    run(chip_with(FILES).receive, told=told)
    for name, content in FILES.items():
        sizes = [progress.size for progress in told if progress.name == name]
        assert sizes == sorted(sizes)
        assert sizes[-1] == len(content)
        assert {progress.size_total for progress in told if progress.name == name} == {len(content)}


@pytest.mark.parametrize("name", ["sod", "dg1", "dg2", "dg3"])
def test_access_denied_names_the_file_and_costs_no_other(name: str) -> None:
    result, _ = run(chip_with(FILES, (name,)).receive)
    assert result.failures == {name: "access_denied"}
    assert set(result.files) == set(FILES) - {name}


@pytest.mark.parametrize("name", ["com", "sod", "dg1", "dg2", "dg3"])
def test_missing_file_is_named(name: str) -> None:
    result, _ = run(chip_with({other: content for other, content in FILES.items() if other != name}).receive)
    assert result.failures == {name: "not_found"}
    assert set(result.files) == set(FILES) - {name}


def test_group_that_the_document_does_not_have_is_no_failure() -> None:
    files = {**FILES, "com": write_ef_com((1, 2))}
    del files["dg3"]
    assert run(chip_with(files).receive)[0] == ChipRead(present=True, files=files)


def test_empty_field_is_no_chip() -> None:
    assert run(Chip().receive)[0] == ChipRead(failures={"chip": "absent"})


def test_chip_that_comes_a_moment_after_the_zone_is_waited_for() -> None:
    chip, laid = Chip(), False

    def answer(data: bytes, now: float) -> bytes:
        nonlocal laid
        if now > PRESENCE_S_MAX / 2 and not laid:
            chip.insert(Personalisation(FILES))
            laid = True
        return chip.receive(data, now)

    result, _ = run(answer)
    assert result == ChipRead(present=True, files=FILES)
    result, ended = run(Chip().receive)
    assert result.failures == {"chip": "absent"}
    assert PRESENCE_S_MAX / 2 < ended < PRESENCE_S_MAX * 3


def test_chip_pulled_at_any_moment_is_lost_within_the_chip_timer() -> None:
    exchanges = 0
    for pulled_at in range(0, 60, 7):
        chip, count = chip_with(FILES), 0
        last_s = 0.0

        def answer(data: bytes, now: float, chip: Chip = chip, pulled_at: int = pulled_at) -> bytes:
            nonlocal count, last_s
            count += 1
            if count == pulled_at + 2:  # never before the ATR was answered
                chip.remove()
                last_s = now
            return chip.receive(data, now)

        result, ended = run(answer, step_s=0.01)
        assert result.failure.endswith("_lost")
        assert result.present
        assert ended <= last_s + SILENCE_S_MAX
        exchanges += count
    assert exchanges > 50  # the later ones were pulled while a file was being read


def test_silent_chip_is_a_timeout_within_the_chip_timer() -> None:
    chip, silent_from_s = chip_with(FILES), 0.5
    result, ended = run(lambda data, now: chip.receive(data, now) if now < silent_from_s else b"", step_s=0.01)
    assert result.failures == {"dg2": "timeout"}
    assert ended <= silent_from_s + SILENCE_S_MAX + 0.1


def test_slow_chip_ends_at_the_session_limit() -> None:
    result, ended = run(chip_with(FILES).receive, step_s=RESPONSE_S_MAX * 0.9)
    assert result.failure.endswith("_timeout")
    assert ended < SESSION_S_MAX + 2 * RESPONSE_S_MAX


def test_chip_that_serves_four_bytes_at_a_time_ends_at_the_session_limit() -> None:
    chip = chip_with(FILES)

    def answer(data: bytes, now: float) -> bytes:
        if is_read(data):
            (command,) = commands(data)
            shorter = Command(0, command.ins, command.p1, command.p2, b"", min(4, command.le))
            return chip.receive(encode(shorter.encode()), now)
        return chip.receive(data, now)

    result, ended = run(answer, step_s=0.01)
    assert result.failure == "dg2_timeout"
    assert ended < SESSION_S_MAX + 1


@pytest.mark.parametrize(
    ("answer_to_read", "cause"),
    [
        (Response(b"", apdu.SW_OK), "malformed"),  # would never end
        (Response(b"\x60", apdu.SW_OK), "malformed"),
        (Response(b"\x60\x85\x01\x00\x00\x00\x00", apdu.SW_OK), "malformed"),
        (Response(b"\x60\x83\xff\xff\xff", apdu.SW_OK), "too_long"),
        (Response(b"", 0x6F00), "status_6f00"),
        (Response(b"", 0x6C10), "status_6c10"),  # says "wrong length" for ever
        (Response(b"", apdu.SW_WRONG_LENGTH), "status_6700"),
    ],
)
def test_hostile_answers_cost_the_file_and_end(answer_to_read: Response, cause: str) -> None:
    chip = chip_with(FILES)

    def answer(data: bytes, now: float) -> bytes:
        probing = any(command.le == 1 for command in commands(data))
        return encode(answer_to_read.encode()) if is_read(data) and not probing else chip.receive(data, now)

    result, _ = run(answer)
    assert result.failures == dict.fromkeys(FILES, cause)
    assert result.files == {}


def test_chip_that_goes_on_answering_with_nothing_ends_at_once() -> None:
    chip = chip_with(FILES)

    def answer(data: bytes, now: float) -> bytes:
        if is_read(data) and commands(data)[0].p1:
            return encode(Response(b"", apdu.SW_OK).encode())
        return chip.receive(data, now)

    result, ended = run(answer)
    assert set(result.failures.items()) == {("sod", "malformed"), ("dg2", "malformed"), ("dg3", "malformed")}
    assert ended < 1.0


def test_right_length_in_the_status_is_followed_and_remembered() -> None:
    chip, corrected = chip_with(FILES), 0

    def answer(data: bytes, now: float) -> bytes:
        nonlocal corrected
        if is_read(data) and commands(data)[0].le > 0x80:
            corrected += 1
            return encode(Response(b"", 0x6C80).encode())
        return chip.receive(data, now)

    result, _ = run(answer)
    assert (result.files, result.failure) == (FILES, "")
    assert corrected < 10


@pytest.mark.parametrize("size", [64, 128, 223])
def test_chip_that_only_refuses_lengths_is_asked_for_less(size: int) -> None:
    chip = chip_with(FILES)

    def answer(data: bytes, now: float) -> bytes:
        found = commands(data)
        too_long = found and found[0].ins in (apdu.READ_BINARY, apdu.READ_BINARY_ODD) and found[0].le > size
        return encode(Response(b"", apdu.SW_WRONG_LENGTH).encode()) if too_long else chip.receive(data, now)

    assert run(answer)[0].files == FILES


def test_two_answers_to_one_command_are_none() -> None:
    chip = chip_with(FILES)
    result, _ = run(lambda data, now: chip.receive(data, now) * 2)
    assert result == ChipRead(failures={"chip": "torn"})


def test_lasting_noise_instead_of_answers_ends_the_session() -> None:
    chip = chip_with(FILES)
    result, ended = run(lambda data, now: b"\xff\xff" + chip.receive(data, now))
    assert result == ChipRead(failures={"chip": "torn"})
    assert ended < SILENCE_S_MAX


@pytest.mark.parametrize("torn", [b"", b"\x00", b"\x00\x09\x90", b"\xff" * 600, encode(b"\x90")])
@pytest.mark.parametrize("place", range(0, 200, 13))
def test_one_torn_exchange_costs_a_reset_and_no_byte(torn: bytes, place: int) -> None:
    chip, count, resets, told = chip_with(FILES), 0, 0, list[Progress]()

    def answer(data: bytes, now: float) -> bytes:
        nonlocal count, resets
        count += 1
        resets += encode(CONTROL_ATR) in data
        answered = chip.receive(data, now)
        return torn if count == place + 1 else answered

    result, _ = run(answer, told=told)
    assert result == ChipRead(present=True, files=FILES)
    assert resets == 2
    for name in ("dg1", "dg2", "dg3"):  # go on where they were
        sizes = [progress.size for progress in told if progress.name == name]
        assert sizes == sorted(sizes)


def test_every_exchange_torn_ends_after_the_retries() -> None:
    chip, resets = chip_with(FILES), 0

    def answer(data: bytes, now: float) -> bytes:
        nonlocal resets
        resets += encode(CONTROL_ATR) in data
        answered = chip.receive(data, now)
        return b"\xff" * 300 if is_read(data) else answered

    result, _ = run(answer)
    assert resets == 1 + RETRY_COUNT_MAX + GARBLED_COUNT_MAX
    assert result.failures == {"access": "torn"}


@pytest.mark.parametrize("atr", [bytes.fromhex("3B80800101"), bytes.fromhex("3B8180018080")])
@pytest.mark.parametrize("swapped_at", [5, 9, 30, 200])
def test_another_chip_in_the_middle_is_noticed_and_gives_nothing(atr: bytes, swapped_at: int) -> None:
    """Also if both are of one make and tell the same ATR."""
    one, two = (
        chip_with(FILES),
        chip_with({name: content if name == "com" else content[:-1] + b"\xee" for name, content in FILES.items()}),
    )
    count = 0

    def answer(data: bytes, now: float) -> bytes:
        nonlocal count
        count += 1
        if count < swapped_at:
            return one.receive(data, now)
        if count == swapped_at:
            return b""  # lifted
        answered = two.receive(data, now)
        return encode(atr) if encode(CONTROL_ATR) in data else answered

    result, _ = run(answer)
    if result.failure == "":
        assert swapped_at < 10  # nothing of the first document's own had been read
        assert all(content.endswith(b"\xee") for name, content in result.files.items() if name != "com")
        return
    assert result.failures["chip"] == "card_changed"
    assert all(content == FILES[name] for name, content in result.files.items())


def test_file_of_another_document_is_never_continued() -> None:
    """Planted: without the comparison after a reset the second chip's bytes would follow the first one's."""
    one, two = chip_with(FILES), chip_with({**FILES, "sod": tlv(1_800, 0x77)[:-1] + b"\x00"})
    count = 0

    def answer(data: bytes, now: float) -> bytes:
        nonlocal count
        count += 1
        return b"" if count == 100 else (one if count < 100 else two).receive(data, now)

    result, _ = run(answer)
    assert result.failures == {"chip": "card_changed"}
    assert "dg2" not in result.files


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
    assert set(result.files) <= {*FILES, "card_access"}
    assert ended <= SESSION_S_MAX + 1


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=300), max_size=40))
def test_any_answers_end_the_session(answers: list[bytes]) -> None:
    """A chip that is hostile throughout: valid frames, any content."""
    waiting = [encode(answer) for answer in answers]

    def answer(data: bytes, now: float) -> bytes:
        return waiting.pop() if waiting else encode(b"\x6f\x00")

    result, ended = run(answer)
    assert ended <= SESSION_S_MAX + 1
    assert repr(result).startswith("ChipRead(")


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=300), max_size=5))
def test_chip_survives_any_bytes(chunks: list[bytes]) -> None:
    chip = chip_with(FILES)
    for index, chunk in enumerate(chunks):
        chip.receive(chunk, float(index))
    assert run(lambda data, now: chip.receive(data, now + 100.0))[0].failure == ""


def test_cancelled_session_ends_within_the_time_of_a_look() -> None:
    chip = chip_with(FILES)
    bench = Bench(lambda data, now: chip.receive(data, now) if now < 0.1 else b"")
    transport = bench.transport
    transport.cancelled = lambda: bench.now > 0.2
    result = drive(PLAN, transport, zeros, lambda: bench.now)
    assert result.failure.endswith("_cancelled")
    assert bench.now < 0.3


@given(st.lists(st.binary(max_size=SHORT_MESSAGE_SIZE_MAX), max_size=5), st.integers(1, 50))
def test_messages_come_back_however_they_are_cut(messages: list[bytes], size: int) -> None:
    stream = b"".join(encode(message) for message in messages)
    decoder = Decoder()
    found = [decoder.feed(stream[at : at + size], 0.0) for at in range(0, len(stream), size)]
    assert [message for part in found for message in part] == messages


def test_longest_message_comes_back_and_a_longer_one_is_refused() -> None:
    longest = bytes(MESSAGE_SIZE_MAX)
    assert Decoder().feed(encode(longest), 0.0) == [longest]
    with pytest.raises(ValueError, match="too long"):
        encode(longest + b"\x00")
    decoder = Decoder(258)
    assert decoder.feed(encode(bytes(259)), 0.0) == []
    assert decoder.broken


def test_incomplete_message_is_dropped_after_silence() -> None:
    decoder = Decoder()
    decoder.feed(b"\x00\x09abc", 0.0)
    assert decoder.feed(encode(b"next"), INTER_CHARACTER_S) == [b"next"]
    assert decoder.skipped_count == 5


def test_file_longer_than_the_limit_is_refused_before_it_is_read() -> None:
    chip = chip_with({**FILES, "dg1": tlv(FILE_SIZE_MAX), "dg2": tlv(4), "dg3": tlv(4)})
    assert run(chip.receive)[0].failures == {"dg1": "too_long"}
    assert chip.content_read_size < 3_000


def test_groups_of_the_plan_alone_are_read() -> None:
    result, _ = run(chip_with(FILES).receive, plan=ReadPlan(groups=("dg1",)))
    assert set(result.files) == {"com", "sod", "dg1"}
    with pytest.raises(ValueError, match="data group"):
        ReadPlan(groups=("dg17",))


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
    assert repr(result) == "ChipRead(files=['com', 'dg1', 'dg2', 'dg3', 'sod'], access=NONE, failures={})"
    assert "01" not in repr(Response(b"\x01", apdu.SW_OK)).replace("9000", "")
    assert "ERIKSSON" not in repr(ReadPlan(("P<UTOERIKSSON",), can="123456"))
