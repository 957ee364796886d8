"""Bytes on an OSDP line become whole replies or are counted; none is held for long; nothing is online without the key."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hw.osdp.acu import Acu
from hw.osdp.channel import Channel
from hw.osdp.frame import FRAME_BYTES_MAX, HEADER_BYTES, REPLY, SILENCE_S, START, Assembler, command_of
from hw.osdp.replies import Replies
from tests.fuzz.target import Target

ADDRESS, KEY = 1, bytes(range(16))
CRC_FLAG = 0x04  # of the control byte; the lowest two bits are the sequence
PIECE_MAX = 64
PIECES_MAX = 8


def frame(address: int, control: int, body: bytes) -> bytes:
    """With the CRC of OSDP 2.2, annex C: CCITT, 0x1D0F at the start."""
    size = HEADER_BYTES + len(body) + 2
    content = bytes([START, address]) + size.to_bytes(2, "little") + bytes([control | CRC_FLAG]) + body
    crc = 0x1D0F
    for byte in content:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return content + crc.to_bytes(2, "little")


GOOD = frame(ADDRESS | REPLY, 0, b"\x40")  # osdp_ACK


def assembler(data: bytes) -> None:
    held = Assembler()
    third = len(data) // 3
    handed_on = b""
    for index, piece in enumerate((data[:third], data[third : 2 * third], data[2 * third :])):
        handed_on += held.feed(piece, index * SILENCE_S / 4)
    assert len(data) - len(handed_on) <= FRAME_BYTES_MAX
    handed_on += held.feed(b"", 10.0)
    assert handed_on == data
    assert held.feed(GOOD, 20.0) == GOOD


def replies(data: bytes) -> None:
    decoder = Replies()
    half = len(data) // 2
    found = decoder.feed(data[:half], 0.0) + decoder.feed(data[half:], 0.01) + decoder.feed(b"", 10.0)
    assert sum(len(reply) for _, reply in found) + decoder.skipped_count == len(data)
    for address, reply in found:
        assert reply[0] == START and reply[1] == address | REPLY and address <= 0x7F
        assert int.from_bytes(reply[2:4], "little") == len(reply)
    assert decoder.feed(GOOD, 20.0) == [(ADDRESS, GOOD)]


def command(data: bytes) -> None:
    found = command_of(data)
    assert found is None or (0 <= found[0] <= 0xFF and found[0] in data)


class _Line:
    """Keeps the newest frame that left."""

    def __init__(self) -> None:
        self.sent = b""

    def read(self, size_max: int, timeout_s: float) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        self.sent = data

    def close(self) -> None:
        pass


_line, _channel = _Line(), Channel(time.monotonic)  # libosdp never lets go of a channel


def panel(data: bytes) -> None:
    """libosdp's control panel is told whatever it may be told: sound frames with the right sequence, the content from the input."""
    _channel.attach(_line)
    acu = Acu(_channel, ADDRESS, KEY)
    for _ in range(PIECES_MAX):
        if not data:
            break
        size, control = 1 + data[0] % PIECE_MAX, data[0] >> 4 & 0x08  # the bit of a security block
        body, data = data[1 : 1 + size], data[1 + size :]
        _line.sent = b""
        acu.refresh_to_send()
        sequence = _line.sent[_line.sent.find(START) + 4] & 0x03 if START in _line.sent[:2] else 0
        _channel.deliver(frame(ADDRESS | REPLY, sequence | control, body))
        acu.refresh_to_hear()
        assert not acu.online
    acu.close()


def _lines() -> Sequence[bytes]:
    secured = frame(ADDRESS | REPLY, 0x08, b"\x02\x16\x40" + bytes(4))
    return [
        GOOD * 3,
        b"\xff" + GOOD + b"\x53\x81\x00\x05" + GOOD,
        frame(ADDRESS, 1, b"\x60") + frame(ADDRESS | REPLY, 1, b"\x50" + bytes(8)),
        secured + b"\x53" * 20,
        GOOD[:6],
        bytes(1500) + GOOD[:6],
        (b"\x53\x81\x00\x05\x04" + bytes(5)) * 200,
        frame(ADDRESS, 0x08, b"\x02\x17\x68\x00\x05\x0a\x00" + bytes(4)),
    ]


def _contents() -> Sequence[bytes]:
    """osdp_PDID, osdp_PDCAP, osdp_CCRYPT, then osdp_RMAC_I, osdp_NAK, osdp_RAW: a size and a content each."""
    identity, capability = b"\x45" + bytes(12), b"\x46" + bytes((1, 1, 1, 9, 1, 1))
    challenge, proof = b"\x03\x12\x01\x76" + bytes(32), b"\x03\x14\x01\x78" + bytes(16)
    card = b"\x50\x00\x01\x1a\x00" + bytes(4)
    start = _sized(identity) + _sized(capability)
    return [
        start + _sized(challenge, 0x80) + _sized(proof, 0x80),
        start + _sized(card),
        _sized(b"\x41\x03") + start,
        start + _sized(b"\x02\x16\x40" + bytes(4), 0x80),
    ]


def _sized(content: bytes, secured: int = 0) -> bytes:
    return bytes([len(content) - 1 | secured]) + content


TARGETS = (
    Target("assembler", assembler, _lines, 20),
    Target("replies", replies, _lines, 20),
    Target("command", command, _lines, 10),
    Target("panel", panel, _contents, 10),
)
