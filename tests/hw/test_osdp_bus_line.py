"""Who may speak on a shared line, by a clock that the test moves: a millisecond a step, every peripheral's answer within it.

libosdp itself goes by the wall clock, which matters for its own timeouts only; none is reached here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.domain.device import Alarm
from hw.osdp.frame import COMMAND_OUT, crc_of
from hw.osdp.inputs import InputFault, wiring
from hw.osdp.line import PROBE_SHARE, REPLY_ABSENT_S, REPLY_S, REPLY_URGENT_S
from hw.osdp.lock import LockDuty
from hw.osdp.orders import ON_FOR_A_TIME, TIMER_TENTHS_MAX, Card
from hw.osdp.release import Contact, Fate
from hw.osdp.replies import Replies
from tests.hw.line_bench import STEP_S, TRANSIT_S, Workbench


@pytest.fixture
def bench() -> Iterator[Workbench]:
    one = Workbench(4)
    yield one
    one.close()


def test_frames_follow_each_other_and_every_lock_gets_its_turn(bench: Workbench) -> None:
    bench.run_until(lambda: bench.ready(1, 2, 3, 4))
    bench.wire.sent.clear()
    bench.run(0.9)
    told = {address: sum(1 for _, to, _ in bench.wire.sent if to == address) for address in bench.locks}
    assert min(told.values()) >= 1, told
    assert max(told.values()) <= 2 * min(told.values()) + 1, told


def test_output_command_waits_for_an_absent_neighbour_but_shortly(bench: Workbench) -> None:
    bench.deaf = {2, 3, 4}
    bench.run_until(lambda: bench.ready(1))
    for _ in range(4):
        bench.wire.sent.clear()
        bench.run_until(lambda: any(to != 1 for _, to, _ in bench.wire.sent))  # the line waits for an absent one
        asked = bench.time
        bench.release(1, 0.1, 1.0)
        bench.run_until(lambda: bool(bench.fates))
        assert bench.fates.pop()[1] is Fate.ACKNOWLEDGED
        (left,) = [at for at, to, command in bench.wire.sent if (to, command) == (1, COMMAND_OUT)]
        assert left - asked <= REPLY_ABSENT_S + 2 * STEP_S
        bench.run_until(lambda: bench.ready(1))


def test_output_command_does_not_wait_for_a_neighbour_that_fell_silent(bench: Workbench) -> None:
    bench.run_until(lambda: bench.ready(1, 2, 3, 4))
    bench.deaf = {2}
    bench.run_until(lambda: bench.line.awaits_reply and bench.wire.sent[-1][1] == 2)
    asked = bench.time
    bench.release(1, 0.1, 1.0)
    bench.run_until(lambda: bool(bench.fates))
    (left,) = [at for at, to, command in bench.wire.sent if to == 1 and command == COMMAND_OUT and at >= asked]
    assert left - asked <= REPLY_URGENT_S + 2 * STEP_S


def test_absent_neighbours_get_a_part_of_the_line_only(bench: Workbench) -> None:
    bench.deaf = {2, 3, 4}
    bench.run_until(lambda: bench.ready(1))
    bench.wire.sent.clear()
    bench.run(3.0)
    probes = [at for at, to, _ in bench.wire.sent if to != 1]
    assert 1 <= len(probes) <= 2 + 3.0 / (PROBE_SHARE * REPLY_S)


def test_release_without_answer_ends_its_own_context_and_no_other(bench: Workbench) -> None:
    bench.run_until(lambda: bench.ready(1, 2, 3, 4))
    before = dict(bench.contexts)
    bench.simulated[1].replies_lost = 1
    bench.release(1, 20.0, 1.0)
    bench.run_until(lambda: bool(bench.fates))
    assert bench.fates[0][1] is Fate.UNKNOWN
    bench.run_until(lambda: bench.ready(1, 2, 3, 4), 2.0)
    assert bench.contexts[1] > before[1]
    assert {one: bench.contexts[one] for one in (2, 3, 4)} == {one: before[one] for one in (2, 3, 4)}
    releases = [one for one in bench.simulated[1].actuations if one.control_code == ON_FOR_A_TIME]
    assert len(releases) == 1, "repeated"
    assert not bench.simulated[1].released, "not secured after a release without answer"


def test_release_that_never_got_the_line_is_not_sent(bench: Workbench) -> None:
    bench.run_until(lambda: bench.ready(1, 2, 3, 4))
    bench.deaf = {2}
    bench.run_until(lambda: bench.line.awaits_reply and bench.wire.sent[-1][1] == 2)
    bench.wire.sent.clear()
    bench.release(1, 3.0, 0.05)  # its neighbour has the line
    bench.run_until(lambda: bool(bench.fates))
    assert bench.fates[0][1] is Fate.NOT_SENT
    bench.run_until(lambda: bench.ready(1))
    assert not any(command == COMMAND_OUT and to == 1 for _, to, command in bench.wire.sent)
    assert all(one.control_code != ON_FOR_A_TIME for one in bench.simulated[1].actuations)


def test_cancelled_release_that_waits_for_the_line_is_never_told(bench: Workbench) -> None:
    bench.run_until(lambda: bench.ready(1, 2, 3, 4))
    bench.deaf = {2}
    bench.run_until(lambda: bench.line.awaits_reply and bench.wire.sent[-1][1] == 2)
    bench.wire.sent.clear()
    bench.release(1, 3.0, 1.0)
    bench.step()
    bench.locks[1].cancel_release(bench.time)
    bench.run(0.5)
    assert bench.fates[0][1] is Fate.NOT_SENT
    assert not any(command == COMMAND_OUT and to == 1 for _, to, command in bench.wire.sent)


def test_cancelled_release_that_is_on_the_wire_ends_its_context_at_once(bench: Workbench) -> None:
    bench.run_until(lambda: bench.ready(1, 2, 3, 4))
    before = bench.contexts[1]
    bench.deaf = {1}
    bench.release(1, 3.0, 1.0)
    bench.run_until(lambda: bench.wire.sent[-1][1:] == (1, COMMAND_OUT))
    bench.locks[1].cancel_release(bench.time)
    assert bench.fates[0][1] is Fate.UNKNOWN
    assert bench.locks[1].contact is Contact.ABSENT
    bench.run(0.1)
    assert bench.contexts[1] > before


def test_frame_that_is_late_at_the_wire_is_withheld_though_the_line_is_busy(bench: Workbench) -> None:
    """The clock jumps between the decision to send and the sending, as when the process is stopped there."""
    bench.run_until(lambda: bench.ready(1, 2, 3, 4))
    bench.release(1, 3.0, 0.5)
    told = bench.locks[1].told

    def held_up(order: object, now: float) -> None:
        told(order, now)  # type: ignore[arg-type]
        bench.time += 0.6

    bench.locks[1].told = held_up  # type: ignore[method-assign]
    bench.run_until(lambda: bool(bench.fates))
    assert bench.fates[0][1] is Fate.NOT_SENT
    bench.locks[1].told = told  # type: ignore[method-assign]
    bench.run_until(lambda: bench.ready(1))
    assert all(one.control_code != ON_FOR_A_TIME for one in bench.simulated[1].actuations)


def test_limit_of_one_lock_s_release_is_not_lifted_by_the_other_lock_of_its_peripheral(bench: Workbench) -> None:
    bench.run_until(lambda: bench.ready(1))
    peripheral = bench.line.peripherals[0]
    other = LockDuty(peripheral, 1, TRANSIT_S)
    peripheral.add(other, bench.time)
    peripheral.channel.out_until = 123.0  # of a release that is on the wire
    other.release(1.0, bench.time - 1.0, lambda fate: None)
    other.handle_timer(bench.time)
    assert peripheral.channel.out_until == 123.0


def test_long_release_is_not_cut_to_the_low_byte_of_its_timer(bench: Workbench) -> None:
    """The native module keeps 8 bits: 30 s would become 4.4 s."""
    bench.run_until(lambda: bench.ready(1))
    bench.release(1, 30.0, 1.0)
    bench.run_until(lambda: bool(bench.fates))
    (release,) = [one for one in bench.simulated[1].actuations if one.control_code == ON_FOR_A_TIME]
    assert release.duration_s == pytest.approx(TIMER_TENTHS_MAX / 10)


_REPLY = bytes.fromhex("53 81 0800 04 40")
REPLY = _REPLY + crc_of(_REPLY).to_bytes(2, "little")
COMMAND = bytes.fromhex("ff 53 01 0800 04 60 0000")


@given(st.lists(st.sampled_from([b"\x00", b"\xff", b"\x12\x34", COMMAND, REPLY]), max_size=8), st.integers(1, 9))
def test_replies_are_found_between_noise_and_echoes_however_cut(parts: list[bytes], size: int) -> None:
    stream = b"".join(parts)
    replies = Replies()
    found = [reply for at in range(0, len(stream), size) for reply in replies.feed(stream[at : at + size], 0.0)]
    assert found == [(1, REPLY)] * parts.count(REPLY)


def test_false_start_does_not_swallow_the_next_reply_after_a_silence() -> None:
    replies = Replies()
    assert replies.feed(b"\x53\x81\x00\x05\x04", 0.0) == []
    assert replies.feed(b"", 1.0) == []
    assert replies.feed(REPLY, 1.0) == [(1, REPLY)]
    assert replies.skipped_count == 5


@given(st.binary(max_size=200))
def test_any_bytes_are_counted_or_are_replies(data: bytes) -> None:
    replies = Replies()
    found = replies.feed(data, 0.0) + replies.feed(b"", 1.0)
    assert replies.skipped_count + sum(len(frame) for _, frame in found) == len(data)


def test_inputs_are_read_by_their_wiring() -> None:
    wired = wiring({"door": "n0", "present": "1", "entry": "2,3", "exit": "n4,5", "fire": "n6", "tamper": "7"})
    assert wired.layout.barrier_count == 4
    read = wired.read((1, 1, 1, 0, 1, 1, 0, 0))
    assert read.door_closed is False
    assert read.present is True
    assert read.barriers == (True, False, False, True)
    assert read.alarms == {Alarm.FIRE}
    with pytest.raises(InputFault):
        wired.read((0,) * 7)
    with pytest.raises(InputFault):
        wired.read((2,) + (0,) * 7)  # a supervised line that is short


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"door": "64"},
        {"door": "x"},
        {"door": "0", "present": "0"},
        {"door": "0", "entry": "1"},
        {"door": "0", "entry": "1,,2"},
        {"door": "0", "exit": "1,n1"},
    ],
)
def test_wiring_that_makes_no_sense_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"input|barrier|door"):
        wiring(parameters)


def test_card_does_not_show_in_words() -> None:
    assert "ab" not in repr(Card(b"\xab\xab", 16, 0)).replace("redacted", "")
