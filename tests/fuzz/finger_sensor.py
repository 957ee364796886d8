"""Bytes of a finger sensor's line become packets or are skipped; only an image that is whole, and asked for, ever comes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from egate.domain.biometric import Guidance
from hw.finger.frame import PACKET_SIZE_MAX, Decoder, Packet, PacketType, encode
from hw.finger.host import Session, Wanted
from hw.finger.impression import Request
from hw.finger.messages import PASSWORD_DEFAULT, Instruction, Parameters, parse_parameters, verify_password
from hw.finger.pd import FingerPeripheral
from hw.finger.picture import Model
from hw.finger.transfer import Transfer
from tests.fuzz.target import Target

TINY = Model("tiny", 32, 16, 500.0)  # 256 bytes: two packets, so that an input can hold an image
_ACK = encode(Packet(PacketType.ACK, b"\x00"))
_IMAGE = bytes(range(256))
_DATA, _END = Packet(PacketType.DATA, _IMAGE[:128]), Packet(PacketType.END, _IMAGE[128:])


def packets(data: bytes) -> None:
    decoder = Decoder()
    half = len(data) // 2
    found = decoder.feed(data[:half], 0.0) + decoder.feed(data[half:], 0.01)
    assert len(decoder._buffer) <= PACKET_SIZE_MAX
    found += decoder.handle_timer(10.0)
    assert decoder.next_timer() is None
    assert decoder.skipped_count + sum(len(encode(packet)) for packet in found) == len(data)
    assert [packet.payload for packet in decoder.feed(_ACK, 20.0)] == [b"\x00"]


def transfer(data: bytes) -> None:
    """Two passes: of the image an input makes, and a sound one. What comes out is a whole image, never a mixture of sizes."""
    decoder, images = Decoder(), Transfer(TINY.image_size, 128)
    images.begin()
    for packet in decoder.feed(data, 0.0) + decoder.handle_timer(10.0):
        images.take(packet)
    images.end(decoder.gap)
    assert images.content is None or len(images.content) == TINY.image_size
    if images.content is None:
        images.begin()
        images.take(_DATA)
        images.take(_END)
        sound = images.end(0)
        assert not sound or images.content is not None


def session(data: bytes) -> None:
    """A sensor that says whatever it likes, while a finger is wanted. A byte n: the next n bytes come at once; 0: time passes."""
    assert len(_talk(data)) <= 1


def _talk(data: bytes) -> list[bytes]:
    taken: list[bytes] = []
    advice: list[Guidance] = []
    now, at, sent = 0.0, 0, 0
    host = Session(Wanted(PASSWORD_DEFAULT, model=TINY), now, _ignore, _ignore)
    host.want(Request(advice.append, taken.append), now)
    while at < len(data) and not host.over:
        size = data[at]
        now = now + 0.001 if size else max(now, host.next_timer() or now)
        if size:
            host.receive(data[at + 1 : at + 1 + size], now)
        host.handle_timer(now)
        sent += len(host.data_to_send())
        at += 1 + size
    steps = 0
    while (timer := host.next_timer()) is not None:  # from here on it says nothing
        now, steps = max(now, timer), steps + 1
        host.handle_timer(now)
        assert steps < 400
    assert host.over
    assert all(len(image) == TINY.image_size for image in taken)
    assert sent <= 20 * (len(data) + 10)
    return taken


def _ignore(_: str) -> None:
    pass


def peripheral(data: bytes) -> None:
    """The simulated sensor: whatever a host says, it answers in packets."""
    sensor = FingerPeripheral(TINY)
    sensor.lay(np.zeros((16, 32), np.uint8))
    answer = sensor.receive(data, 0.0)
    decoder = Decoder()
    decoder.feed(answer, 0.0)
    decoder.handle_timer(10.0)
    assert decoder.skipped_count == 0


def parameters(data: bytes) -> None:
    found = parse_parameters(data)
    if found is not None:
        assert found.packet_size in (32, 64, 128, 256)
        assert found.baud > 0
        assert b"\x00" + found.encode() == data
        assert str(found)


def _lines() -> Sequence[bytes]:
    image = encode(_DATA) + encode(_END)
    told = encode(Packet(PacketType.ACK, b"\x00" + Parameters(0, 9, 1000, 3, b"\xff" * 4).encode()))
    return [_ACK, image, _ACK + image, told, b"\x55" + _ACK * 3, image[1:] + image]


def _said(*answers: bytes) -> bytes:
    return b"".join(bytes([len(answer)]) + answer for answer in answers)


def _conversations() -> Sequence[bytes]:
    """All that a sensor says from the password to the image; with and without a greeting, poor and torn ones."""
    echo, empty = encode(Packet(PacketType.ACK, b"\x55")), encode(Packet(PacketType.ACK, b"\x02"))
    told = encode(Packet(PacketType.ACK, b"\x00" + Parameters(0, 9, 1000, 3, b"\xff" * 4).encode()))
    connected = _said(b"", _ACK, echo, told)
    looked = connected + _said(empty, b"")
    image = _said(encode(_DATA), encode(_END))
    good = looked + _said(_ACK, _ACK, _ACK, _ACK) + image
    if _talk(good) != [_IMAGE]:
        raise AssertionError("the sound conversation gives no image")
    return [
        good,
        connected + _said(_ACK) + looked,
        looked
        + _said(_ACK, encode(Packet(PacketType.ACK, b"\x07")), b"", _ACK, _ACK, _ACK, _ACK, encode(_DATA), b"")
        + image,
        looked + _said(_ACK, _ACK, _ACK, _ACK, encode(_DATA)[:40], encode(_END), _ACK) + image,
        _said(b"", encode(Packet(PacketType.ACK, b"\x13"))),
        _said(b"", _ACK, b"", b"", told, empty),
    ]


def _commands() -> Sequence[bytes]:
    commands = [
        verify_password(PASSWORD_DEFAULT),
        *(bytes([each]) for each in Instruction),
        b"\x0e\x06\x03",
        b"\x02\x01",
    ]
    each = [encode(Packet(PacketType.COMMAND, command)) for command in commands]
    return [*each, b"".join(each), each[0] + encode(Packet(PacketType.COMMAND, b"\x01")) + each[3]]


TARGETS = (
    Target("packets", packets, _lines, 20),
    Target("transfer", transfer, _lines, 20),
    Target("session", session, _conversations, 20),
    Target("peripheral", peripheral, _commands, 20),
    Target("parameters", parameters, lambda: [b"\x00" + Parameters(0, 9, 1000, 3, b"\xff" * 4).encode()], 10),
)
