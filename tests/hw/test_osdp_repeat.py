"""A damaged frame is said again, as it was: it costs milliseconds and no connection, and nothing is carried out twice or late."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hw.osdp.frame import COMMAND_OUT, CRC_PRESENT, NAK_SPOILT, REPLY_NAK, crc_of, is_sound, nak_of
from hw.osdp.line import REPEATS_MAX, REPLY_S
from hw.osdp.orders import ON_FOR_A_TIME
from hw.osdp.release import Contact, Fate
from tests.hw.line_bench import STEP_S, TRANSIT_S, Workbench, two_online

AGAIN_S = 0.1  # the first repetition, with room for the steps of the test's clock

Spoil = Callable[[bytes, bool], bytes]


@pytest.fixture
def bench() -> Iterator[Workbench]:
    with two_online() as one:
        yield one


def flipped(data: bytes) -> bytes:
    return data[:-4] + bytes([data[-4] ^ 0x10]) + data[-3:]


def once(wanted: Callable[[bytes, bool], bool], what: Callable[[bytes], bytes]) -> Spoil:
    left = [1]

    def spoil(data: bytes, is_reply: bool) -> bytes:
        if not left[0] or not wanted(data, is_reply):
            return data
        left[0] -= 1
        return what(data)

    return spoil


def is_out(data: bytes, is_reply: bool) -> bool:
    """osdp_OUT: the longest of commands on an idle line."""
    return not is_reply and len(data) > 30


class AfterOut:
    """Wants the reply that follows an osdp_OUT."""

    def __init__(self) -> None:
        self._seen = False

    def __call__(self, data: bytes, is_reply: bool) -> bool:
        if is_out(data, is_reply):
            self._seen = True
        return self._seen and is_reply


def releases(bench: Workbench) -> int:
    return sum(one.control_code == ON_FOR_A_TIME for one in bench.simulated[1].actuations)


@pytest.mark.parametrize("what", [flipped, lambda data: b"", lambda data: data[:-1]], ids=["flipped", "lost", "cut"])
@pytest.mark.parametrize("way", ["command", "reply"])
def test_damaged_release_is_acknowledged_at_once_and_carried_out_once(
    bench: Workbench, way: str, what: Callable[[bytes], bytes]
) -> None:
    contexts = dict(bench.contexts)
    bench.wire.spoil = once(is_out if way == "command" else AfterOut(), what)
    asked = bench.time
    bench.release(1, 0.5, 1.5)
    bench.run_until(lambda: bool(bench.fates))
    assert bench.fates[0][1] is Fate.ACKNOWLEDGED
    assert bench.fates[0][0] - asked < AGAIN_S
    assert releases(bench) == 1
    assert bench.contexts == contexts, "a connection was given up for one frame"
    bench.run_until(lambda: bench.ready(1, 2))


def test_release_is_said_again_only_before_its_deadline(bench: Workbench) -> None:
    bench.wire.spoil = lambda data, is_reply: b"" if is_reply else data
    bench.wire.sent.clear()
    deadline = bench.time + 0.07
    bench.release(1, 3.0, 0.07)
    bench.run_until(lambda: bool(bench.fates))
    outs = [at for at, to, command in bench.wire.sent if (to, command) == (1, COMMAND_OUT)]
    assert bench.fates[0][1] is Fate.UNKNOWN
    assert len(outs) >= 2, "was not said again at all"
    assert max(outs) < deadline - TRANSIT_S
    assert releases(bench) == 1


def test_peripheral_that_does_not_answer_is_asked_a_few_times_and_then_given_up(bench: Workbench) -> None:
    bench.deaf = {1}
    bench.wire.sent.clear()
    bench.run_until(lambda: bench.locks[1].contact is Contact.ABSENT)
    first = next(at for at, to, _ in bench.wire.sent if to == 1)
    assert sum(1 for at, to, _ in bench.wire.sent if to == 1 and at <= first + REPLY_S) == 1 + REPEATS_MAX
    assert bench.time - first <= REPLY_S + 2 * STEP_S


def test_slow_peripheral_is_not_spoken_over_again_and_again(bench: Workbench) -> None:
    """It answers after 40 ms, later than the first repetition of one that was always quick."""

    def repeated() -> int:
        return sum(peripheral.channel.repeat_count for peripheral in bench.line.peripherals)

    bench.slow_s = 0.04
    counts = []
    for _ in range(4):
        bench.release(1, 20.0, 1.0)
        bench.run_until(lambda: bool(bench.fates))
        assert bench.fates.pop()[1] is Fate.ACKNOWLEDGED
        bench.locks[1].secure(bench.time, bench.time + 1.0, lambda done: None)
        bench.run_until(lambda: bench.ready(1))
        counts.append(repeated())
    assert counts[-1] == counts[0], "spoken over again and again"


def test_second_reply_to_what_was_said_twice_answers_nothing_else(bench: Workbench) -> None:
    contexts = dict(bench.contexts)

    def doubled(data: bytes, is_reply: bool) -> bytes:
        return data + data if is_reply else data

    bench.wire.spoil = doubled
    for _ in range(4):
        bench.release(1, 20.0, 1.0)
        bench.run_until(lambda: bool(bench.fates))
        assert bench.fates.pop()[1] is Fate.ACKNOWLEDGED
        bench.locks[1].secure(bench.time, bench.time + 1.0, lambda done: None)
        bench.run_until(lambda: bench.ready(1))
    assert bench.contexts == contexts


def test_peripheral_that_says_the_command_was_spoilt_is_told_again_at_once(bench: Workbench) -> None:
    def refused(data: bytes) -> bytes:
        body = bytes([0x53, 0x81, 0x09, 0x00, data[4] & 0x03 | CRC_PRESENT, REPLY_NAK, NAK_SPOILT])
        return body + crc_of(body).to_bytes(2, "little")

    contexts = dict(bench.contexts)
    bench.wire.spoil = once(AfterOut(), refused)
    bench.release(1, 0.5, 1.5)
    bench.run_until(lambda: bool(bench.fates))
    assert bench.fates[0][1] is Fate.ACKNOWLEDGED
    assert (releases(bench), bench.contexts) == (1, contexts)


@pytest.mark.parametrize("way", ["command", "reply"])
def test_peripheral_that_ends_its_channel_over_it_is_never_made_to_release_twice(bench: Workbench, way: str) -> None:
    """As libosdp's own (3.2.9): the release is lost or unknown, and the lock is secured before it serves again."""
    bench.simulated[1].conforming = False
    bench.wire.spoil = once(is_out if way == "command" else AfterOut(), flipped)
    bench.release(1, 20.0, 1.0)
    bench.run_until(lambda: bool(bench.fates))
    assert releases(bench) <= 1
    if bench.fates[0][1] is not Fate.ACKNOWLEDGED:
        bench.run_until(lambda: bench.ready(1))
        assert not bench.simulated[1].released
    assert releases(bench) <= 1


def test_check_values_of_frames() -> None:
    """osdp_POLL to address 0 with CRC, as in OSDP 2.2, annex C; the same with a checksum."""
    poll = bytes.fromhex("53 00 08 00 04 60")
    assert is_sound(poll + crc_of(poll).to_bytes(2, "little"))
    assert not is_sound(poll + (crc_of(poll) ^ 1).to_bytes(2, "little"))
    summed = bytes.fromhex("53 00 07 00 00 60")
    assert is_sound(summed + bytes([-sum(summed) & 0xFF]))
    assert not is_sound(summed + bytes([1 - sum(summed) & 0xFF]))
    assert not is_sound(b"\x53\x00\x06\x00\x04\x60")


def test_error_code_of_a_refusal_is_read_only_where_it_is_in_clear() -> None:
    assert nak_of(bytes.fromhex("53 81 0900 04 41 01 0000")) == NAK_SPOILT
    assert nak_of(bytes.fromhex("53 81 0900 04 40 01 0000")) is None
    assert nak_of(bytes.fromhex("53 81 0f00 0c 02 18 41 aabbccdd 01 0000")) is None
    assert nak_of(bytes.fromhex("53 81 0800 04 41 0000")) is None
