"""Packets of R30x sensors: the manuals' examples, noise, splits, false starts."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.finger.frame import (
    ADDRESS_DEFAULT,
    INTER_CHARACTER_S,
    PACKET_SIZE_MAX,
    Decoder,
    Packet,
    PacketType,
    encode,
)
from hw.finger.messages import Instruction, Parameters, Register, parse_parameters, set_parameter, verify_password

PACKETS = st.builds(Packet, st.sampled_from(PacketType), st.binary(max_size=256))
# User manual of GROW R307, V1.20: instruction format of VfyPwd (password 0), GenImg, UpImage, ReadSysPara, SetSysPara (packets of 64).
VECTORS = [
    (verify_password(bytes(4)), "ef01ffffffff01000713000000 00001b"),
    (bytes([Instruction.GEN_IMG]), "ef01ffffffff0100030 10005"),
    (bytes([Instruction.UP_IMAGE]), "ef01ffffffff0100030a000e"),
    (bytes([Instruction.READ_SYS_PARA]), "ef01ffffffff0100030f0013"),
    (set_parameter(Register.PACKET_SIZE, 1), "ef01ffffffff0100050e0601001b"),
]


@pytest.mark.parametrize(("payload", "text"), VECTORS)
def test_commands_are_as_in_the_manual(payload: bytes, text: str) -> None:
    data = bytes.fromhex(text.replace(" ", ""))
    assert encode(Packet(PacketType.COMMAND, payload)) == data
    assert Decoder().feed(data, 0.0) == [Packet(PacketType.COMMAND, payload)]


@given(st.lists(PACKETS, max_size=5), st.integers(1, 300))
def test_packets_come_back_however_they_are_split(packets: list[Packet], size: int) -> None:
    data, decoder = b"".join(map(encode, packets)), Decoder()
    found = [packet for at in range(0, len(data), size) for packet in decoder.feed(data[at : at + size], 0.0)]
    assert found == packets
    assert decoder.skipped_count == 0


@given(st.binary(max_size=600), PACKETS, st.integers(1, 100))
def test_after_noise_the_next_packet_is_found_and_every_byte_is_accounted_for(
    noise: bytes, packet: Packet, size: int
) -> None:
    decoder = Decoder()
    found = [one for at in range(0, len(noise), size) for one in decoder.feed(noise[at : at + size], 0.0)]
    found += decoder.handle_timer(INTER_CHARACTER_S)
    before = sum(len(encode(one)) for one in found)
    assert decoder.skipped_count + before == len(noise)
    since = decoder.skipped_count - sum(one.skipped for one in found)
    assert decoder.feed(encode(packet), 1.0) == [Packet(packet.type, packet.payload, since)]


def test_false_start_is_discarded_by_silence() -> None:
    decoder = Decoder()
    good = encode(Packet(PacketType.ACK, b"\x00"))
    start = encode(Packet(PacketType.DATA, bytes(256)))[:9]
    assert decoder.feed(start + good, 0.0) == []
    assert decoder.next_timer() == pytest.approx(INTER_CHARACTER_S)
    assert decoder.handle_timer(INTER_CHARACTER_S / 2) == []
    assert decoder.handle_timer(INTER_CHARACTER_S) == [Packet(PacketType.ACK, b"\x00", len(start))]
    assert decoder.next_timer() is None


def test_broken_sum_type_length_and_address_are_skipped() -> None:
    good = encode(Packet(PacketType.ACK, b"\x00"))
    broken = [
        good[:-1] + b"\x0b",
        good[:6] + b"\x03" + good[7:],
        good[:7] + b"\x01\x03" + good[9:],
        good[:7] + b"\x00\x01" + good[9:],
        good[:2] + b"\x00" + good[3:],
    ]
    for data in broken:
        decoder = Decoder()
        assert decoder.feed(data + good, 0.0) + decoder.handle_timer(1.0) == [
            Packet(PacketType.ACK, b"\x00", len(data))
        ]


def test_ten_megabytes_of_noise_hold_no_more_than_a_packet() -> None:
    draw = random.Random(1)
    decoder = Decoder()
    count = 0
    for _ in range(2_500):
        count += len(decoder.feed(draw.randbytes(4_000), 0.0))
        assert len(decoder._buffer) <= PACKET_SIZE_MAX
    assert count == 0


def test_nothing_shows_what_a_packet_holds() -> None:
    assert "secret" not in repr(Packet(PacketType.DATA, b"secret"))


def test_parameters() -> None:
    parameters = Parameters(0, 9, 1000, 3, ADDRESS_DEFAULT, 2, 6)
    assert parse_parameters(b"\x00" + parameters.encode()) == parameters
    assert (parameters.packet_size, parameters.baud) == (128, 57_600)
    assert parse_parameters(b"\x01" + parameters.encode()) is None
    assert parse_parameters(b"\x00" + parameters.encode()[:-1]) is None
    assert parse_parameters(b"\x00" + parameters.encode()[:-3] + b"\x04\x00\x06") is None
    assert parse_parameters(b"\x00" + parameters.encode()[:-1] + b"\x00") is None
