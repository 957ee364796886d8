"""Noise that looks like frames, floods that answers still get through, our own echo, and peripherals that are busy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.osdp.frame import CRC_PRESENT, REPLY_BUSY, crc_of
from hw.osdp.line import BUSY_S_MAX, REPLY_S
from hw.osdp.noise import NOISE_BYTES_MAX, NOISE_WINDOW_S, Noise
from hw.osdp.orders import ON_FOR_A_TIME
from hw.osdp.release import Contact, Fate
from hw.osdp.replies import Replies
from tests.hw.line_bench import Workbench, two_online

_REPLY = bytes.fromhex("53 81 0800 04 40")
REPLY = _REPLY + crc_of(_REPLY).to_bytes(2, "little")
COMMAND = bytes.fromhex("ff 53 01 0800 04 60 0000")


@pytest.fixture
def bench() -> Iterator[Workbench]:
    with two_online() as one:
        yield one


def babble(bench: Workbench, noise: bytes, every_s: float) -> None:
    """noise between frames from now on."""
    read, at = bench.wire.read, [bench.time]

    def noisy(size_max: int, timeout_s: float) -> bytes:
        data = read(size_max, timeout_s)
        if data or bench.time < at[0]:
            return data
        at[0] = bench.time + every_s
        return noise

    bench.wire.read = noisy  # type: ignore[method-assign]


@pytest.mark.parametrize("noise", ["53004000", "53000004", "53814000", "5382ff04"])
def test_false_starts_take_nothing_from_a_line(bench: Workbench, noise: str) -> None:
    babble(bench, bytes.fromhex(noise), 0.025)
    contexts = dict(bench.contexts)
    for _ in range(5):
        bench.run(0.2)
        bench.release(1, 0.1, 0.4)
        bench.run_until(lambda: bool(bench.fates))
        assert bench.fates.pop()[1] is Fate.ACKNOWLEDGED
        bench.run_until(lambda: bench.locks[1].contact is Contact.READY)
    assert bench.contexts == contexts
    assert not any(peripheral.line_noisy for peripheral in bench.line.peripherals)


@given(
    st.lists(st.sampled_from([b"\x53\x81\x40\x00", b"\x53\x00\x00\x05", b"\x53", b"\x12", COMMAND, REPLY])),
    st.integers(1, 9),
)
def test_sound_reply_is_found_at_once_whatever_a_start_before_it_claims(parts: list[bytes], size: int) -> None:
    stream = b"".join([*parts, REPLY])
    replies = Replies()
    found = [reply for at in range(0, len(stream), size) for reply in replies.feed(stream[at : at + size], 0.0)]
    assert found == [(1, REPLY)] * (parts.count(REPLY) + 1)
    assert replies.skipped_count + len(found) * len(REPLY) == len(stream)


@pytest.mark.parametrize("size", [1, 3, 64])
def test_echo_of_our_own_command_is_no_noise(size: int) -> None:
    replies = Replies()
    replies.expect_echo(COMMAND)
    stream = COMMAND + b"\xff" + REPLY
    found = [reply for at in range(0, len(stream), size) for reply in replies.feed(stream[at : at + size], 0.0)]
    assert found == [(1, REPLY)]
    assert (replies.skipped_count, replies.noise_count) == (len(COMMAND) + 1, 0)
    replies.feed(b"\x00" * 7, 0.0)
    assert replies.noise_count == 7


def test_flood_is_told_and_over_when_it_is() -> None:
    noise = Noise()
    noise.feed(NOISE_BYTES_MAX, 10.0)
    assert not noise.is_flood(10.0)
    noise.feed(NOISE_BYTES_MAX + 1, 10.5)
    assert noise.is_flood(10.5)
    assert not noise.is_flood(10.1 + NOISE_WINDOW_S)


def test_line_in_a_flood_is_noisy_for_all_of_its_peripherals_until_it_ends(bench: Workbench) -> None:
    quiet = bench.wire.read
    babble(bench, b"\x12" * 64, 0.01)
    bench.run_until(lambda: all(peripheral.line_noisy for peripheral in bench.line.peripherals), 3.0)
    bench.wire.read = quiet  # type: ignore[method-assign]
    bench.run_until(lambda: not any(peripheral.line_noisy for peripheral in bench.line.peripherals), 3.0)


def busy(count: int, bench: Workbench) -> None:
    """The next count replies that the line brings become osdp_BUSY, as if nothing had been carried out."""
    left = [count]

    def spoil(data: bytes, is_reply: bool) -> bytes:
        if is_reply or not left[0] or len(data) <= 30:  # osdp_OUT
            return data
        left[0] -= 1
        body = bytes([0x53, data[2] | 0x80, 0x08, 0x00, CRC_PRESENT, REPLY_BUSY])
        bench.wire.extra += body + crc_of(body).to_bytes(2, "little")  # type: ignore[attr-defined]
        return b""

    bench.wire.extra = b""  # type: ignore[attr-defined]
    bench.wire.spoil = spoil
    read = bench.wire.read

    def reading(size_max: int, timeout_s: float) -> bytes:
        extra, bench.wire.extra = bench.wire.extra, b""  # type: ignore[attr-defined]
        return bytes(extra) or read(size_max, timeout_s)

    bench.wire.read = reading  # type: ignore[method-assign]


def test_busy_peripheral_is_told_again_and_keeps_its_connection(bench: Workbench) -> None:
    """More often than a command that has no answer is said again."""
    contexts = dict(bench.contexts)
    busy(6, bench)
    bench.release(1, 0.2, 1.5)
    bench.run_until(lambda: bool(bench.fates))
    assert bench.fates[0][1] is Fate.ACKNOWLEDGED
    assert bench.contexts == contexts
    assert sum(one.control_code == ON_FOR_A_TIME for one in bench.simulated[1].actuations) == 1


def test_peripheral_that_is_busy_for_ever_is_given_up_and_never_released(bench: Workbench) -> None:
    busy(1000, bench)
    asked = bench.time
    bench.release(1, 3.0, 1.5)
    bench.run_until(lambda: bool(bench.fates))
    assert bench.fates[0][1] is Fate.UNKNOWN
    assert bench.fates[0][0] - asked < BUSY_S_MAX + REPLY_S + 0.05, "the line waited for it beyond its time"
    assert all(one.control_code != ON_FOR_A_TIME for one in bench.simulated[1].actuations)
