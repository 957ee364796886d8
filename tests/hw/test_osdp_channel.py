"""The last stop before the wire: no osdp_OUT leaves in plain text or after its time, whatever libosdp or the scheduler did."""

from __future__ import annotations

import pytest

from hw.link import memory
from hw.link.base import Link, LinkLost
from hw.osdp.channel import Channel
from hw.osdp.frame import COMMAND_OUT, SILENCE_S, Assembler, command_of

# Frames of the form of OSDP 2.2, 5.9: mark, SOM, address, length, control, [security block], command, data, check bytes.
SECURED_OUT = bytes.fromhex("ff 53 01 1e00 0e 02 17 68") + bytes(22)
PLAIN_OUT = bytes.fromhex("ff 53 01 0c00 06 68 00 05 0a00 0000")
PLAIN_POLL = bytes.fromhex("ff 53 01 0800 06 60 0000")
SECURED_POLL = bytes.fromhex("ff 53 01 0e00 0d 02 15 60") + bytes(6)


def make() -> tuple[Channel, Link, list[float]]:
    now = [100.0]
    near, far = memory.pair()
    channel = Channel(lambda: now[0])
    channel.attach(near)
    return channel, far, now


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (SECURED_OUT, (COMMAND_OUT, True)),
        (SECURED_OUT[1:], (COMMAND_OUT, True)),
        (PLAIN_OUT, (COMMAND_OUT, False)),
        (PLAIN_POLL, (0x60, False)),
        (SECURED_POLL, (0x60, True)),
        (b"", None),
        (b"\xff", None),
        (b"\xff\x53\x01\x08\x00", None),
        (b"\xff\x53\x01\x08\x00\x0e\xff\x17", None),
        (b"\x00" * 20, None),
    ],
)
def test_command_of_a_frame(frame: bytes, expected: tuple[int, bool] | None) -> None:
    assert command_of(frame) == expected


def test_release_leaves_before_its_time_and_not_after() -> None:
    channel, far, now = make()
    channel.out_until = 101.0
    channel.write(SECURED_OUT)
    assert far.read(100, 0.1) == SECURED_OUT
    now[0] = 101.0  # the process was stopped between two refreshes
    assert channel.write(SECURED_OUT) == len(SECURED_OUT)
    assert far.read(100, 0) == b""
    assert channel.out_count == 1
    channel.write(SECURED_POLL)
    assert far.read(100, 0) == SECURED_POLL


def test_output_command_outside_the_secure_channel_never_leaves() -> None:
    channel, far, _ = make()
    channel.write(PLAIN_OUT)
    assert far.read(100, 0) == b""
    assert channel.out_count == 0
    channel.write(PLAIN_POLL)
    assert far.read(100, 0) == PLAIN_POLL


def test_lost_link_is_remembered_and_never_raised_in_libosdp_s_calls() -> None:
    channel, far, _ = make()
    far.close()
    assert channel.write(PLAIN_POLL) == len(PLAIN_POLL)
    assert channel.read(10) == b""
    channel.flush()
    assert isinstance(channel.failure, LinkLost)
    assert channel.sent_count == 0
    channel.attach(None)
    assert channel.write(PLAIN_POLL) == len(PLAIN_POLL)


def test_frames_come_whole_however_they_were_cut() -> None:
    stream = b"\x00noise" + SECURED_POLL + PLAIN_POLL + b"\xff" + SECURED_OUT
    for size in range(1, len(stream)):
        assembler = Assembler()
        pieces = [assembler.feed(stream[at : at + size], 0.0) for at in range(0, len(stream), size)]
        assert b"".join(pieces) == stream
        for frame in (SECURED_POLL[1:], PLAIN_POLL[1:], SECURED_OUT[1:]):
            assert any(frame in piece for piece in pieces), f"cut in pieces of {size}"


def test_noise_is_not_held_back_with_a_frame_that_has_only_begun() -> None:
    for begun in (b"\x53", PLAIN_POLL[1:4], b"\xff\x53\x01\x00\x05\x04\x53"):
        assembler = Assembler()
        assert assembler.feed(bytes(1500) + begun, 0.0) == bytes(1500)
        assert assembler.feed(b"", SILENCE_S * 1.1) == begun


def test_false_start_is_let_go_after_a_silence() -> None:
    assembler = Assembler()
    assert assembler.feed(b"\x53\x01\x00\x05\x04", 0.0) == b""  # claims 1280 bytes
    assert assembler.feed(b"", SILENCE_S / 2) == b""
    assert assembler.feed(b"", SILENCE_S * 1.1) == b"\x53\x01\x00\x05\x04"
    assert assembler.feed(PLAIN_POLL, 1.0) == PLAIN_POLL
