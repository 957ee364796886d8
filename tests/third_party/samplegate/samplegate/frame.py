"""Frames of the lock's serial line, both ways.

    5A  length  sequence  code  data...  CRC-8         length: of the data, 0 to 32. CRC: polynomial 07 from length to the last of the data

An answer carries the sequence of its question. On the wire: noise before and inside frames, frames cut off or split. A bad frame
costs one byte, then the search goes on; a start without its rest is let go after a silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

START = 0x5A
DATA_SIZE_MAX = 32
INTER_CHARACTER_S = 0.1
_OVERHEAD = 5


class Code(IntEnum):
    STATUS = 0x01
    RELEASE = 0x02  # data: duration in 0.1 s, 2 bytes, big endian
    SECURE = 0x03
    IDENTIFY = 0x04
    STATE = 0x81  # data: 1 if released, 0 if secured; answers the first three
    IDENTITY = 0x84  # data: text


@dataclass(frozen=True, slots=True)
class Frame:
    sequence: int
    code: int
    data: bytes = b""


def encode(frame: Frame) -> bytes:
    body = bytes([len(frame.data), frame.sequence, frame.code]) + frame.data
    return bytes([START]) + body + bytes([_crc(body)])


class Decoder:
    def __init__(self) -> None:
        self._held = bytearray()
        self._at = 0.0
        self.skipped_count = 0

    def feed(self, data: bytes, now: float) -> list[Frame]:
        if self._held and now - self._at > INTER_CHARACTER_S:
            self._skip(1)  # a false start; the real one may be behind it
        if data:
            self._held += data
            self._at = now
        frames = []
        while self._held:
            if self._held[0] != START or (len(self._held) > 1 and self._held[1] > DATA_SIZE_MAX):
                self._skip(1)
                continue
            size = _OVERHEAD + self._held[1] if len(self._held) > 1 else _OVERHEAD
            if len(self._held) < size:
                break
            body, crc = bytes(self._held[1 : size - 1]), self._held[size - 1]
            if _crc(body) != crc:
                self._skip(1)
                continue
            del self._held[:size]
            frames.append(Frame(body[1], body[2], body[3:]))
        return frames

    def _skip(self, count: int) -> None:
        self.skipped_count += count
        del self._held[:count]


def _crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc
