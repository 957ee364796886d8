"""Frames of the NXP PN532 on its serial port (HSU), both directions (UM0701-02, 6.2.1).

    00 | 00 FF | LEN LCS | TFI data ... DCS | 00           LEN counts TFI and data; LEN + LCS = 0, sum of TFI and data + DCS = 0
    00 | 00 FF | FF FF LENM LENL LCS | TFI data ... DCS | 00   extended, beyond 255 bytes; LENM + LENL + LCS = 0
    00 | 00 FF | 00 FF | 00    ACK                          00 | 00 FF | FF 00 | 00    NACK
    00 | 00 FF | 01 FF | 7F 81 | 00    application error    (all sums modulo 256)

TFI: D4 from the host, D5 from the controller. Preamble and postamble may be missing or longer; a sleeping controller is woken by 55s.
On the wire: noise before, inside and after a frame, frames split anywhere, a start code in noise that announces up to 265 bytes. A
candidate with a wrong sum costs one byte; one that stays incomplete for INTER_CHARACTER_S is discarded and searched again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

TFI_HOST, TFI_CONTROLLER = 0xD4, 0xD5
DATA_SIZE_MAX = 264  # without TFI: 262 bytes of payload and the two of InDataExchange
WAKE_UP = b"\x55\x55" + bytes(14)
INTER_CHARACTER_S = 0.1  # chosen: a frame takes 23 ms at 115,200 baud and is sent without pausing

_START = b"\x00\xff"
_NORMAL_MAX = 0xFF
_QUIET_BYTES = b"\x00\x55"  # preambles, postambles and what wakes a controller are no noise
_ERROR_TFI = 0x7F


class Signal(Enum):
    """A frame without data."""

    ACK = b"\x00\x00\xff\x00\xff\x00"
    NACK = b"\x00\x00\xff\xff\x00\x00"
    ERROR = b"\x00\x00\xff\x01\xff\x7f\x81\x00"


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """tfi: TFI_HOST or TFI_CONTROLLER. data: command or response code and its parameters, 1 to DATA_SIZE_MAX bytes."""

    tfi: int
    data: bytes

    def __repr__(self) -> str:
        return f"Frame({self.tfi:02X}, {len(self.data)} bytes)"


class Decoder:
    """Bytes -> frames. Holds at most one frame.

    broken_count: frames with a right header and a wrong sum behind it. skipped_count: bytes that belonged to no frame.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._last = 0.0
        self.broken_count = 0
        self.skipped_count = 0

    def feed(self, data: bytes, now: float) -> list[Frame | Signal]:
        """Frames completed by data, in order. now: seconds, monotonic."""
        frames = self.handle_timer(now)
        if data:
            self._last = now
        self._buffer += data
        return frames + self._scan()

    def next_timer(self) -> float | None:
        """When handle_timer is due; None while nothing is pending."""
        return self._last + INTER_CHARACTER_S if self._buffer else None

    def handle_timer(self, now: float) -> list[Frame | Signal]:
        """Discards a start that has waited too long; frames that it had hidden come out. Harmless when not due."""
        frames: list[Frame | Signal] = []
        while self._buffer and now >= self._last + INTER_CHARACTER_S:
            if len(self._buffer) > len(_START):
                self.broken_count += 1
            self._skip(1)
            frames += self._scan()
        return frames

    def _scan(self) -> list[Frame | Signal]:
        frames: list[Frame | Signal] = []
        while self._buffer:
            start = self._buffer.find(_START)
            if start != 0:
                # the last byte may be the first half of a start code
                keep = 1 if start < 0 and self._buffer[-1] == _START[0] else 0
                self._skip(start if start > 0 else len(self._buffer) - keep)
                if start < 0:
                    break
                continue
            parsed = _parse(self._buffer)
            if parsed is None:
                break
            frame, size = parsed
            if frame is None:
                self.broken_count += size > len(_START)
                self._skip(1)
                continue
            frames.append(frame)
            del self._buffer[:size]
        return frames

    def _skip(self, count: int) -> None:
        self.skipped_count += sum(byte not in _QUIET_BYTES for byte in self._buffer[:count])
        del self._buffer[:count]


def encode(frame: Frame) -> bytes:
    """Raises ValueError for data that does not fit."""
    if not 1 <= len(frame.data) <= DATA_SIZE_MAX:
        raise ValueError("no data, or too much")
    content = bytes([frame.tfi]) + frame.data
    size = len(content)
    if size <= _NORMAL_MAX:
        header = bytes([size, -size & 0xFF])
    else:
        high, low = divmod(size, 256)
        header = bytes([0xFF, 0xFF, high, low, -(high + low) & 0xFF])
    return b"\x00" + _START + header + content + bytes([-sum(content) & 0xFF, 0])


def _parse(buffer: bytearray) -> tuple[Frame | Signal | None, int] | None:
    """What starts the buffer, which starts with a start code, and its size without postamble.

    None while it is incomplete. (None, 2) if it is no frame, (None, more) if only its last sum is wrong.
    """
    head = bytes(buffer[2:7])
    if len(head) < 2:
        return None
    if head[:2] in (b"\x00\xff", b"\xff\x00"):
        return (Signal.ACK if head[0] == 0 else Signal.NACK), 4
    start, size = 4, head[0]
    if head[:2] == b"\xff\xff":
        if len(head) < 5:
            return None
        start, size = 7, head[2] * 256 + head[3]
        valid = sum(head[2:5]) % 256 == 0
    else:
        valid = sum(head[:2]) % 256 == 0
    if not valid or not 1 <= size <= 1 + DATA_SIZE_MAX:
        return None, len(_START)
    end = start + size + 1
    if len(buffer) < end:
        return None
    content = bytes(buffer[start : end - 1])
    if (sum(content) + buffer[end - 1]) % 256:
        return None, end
    if content == bytes([_ERROR_TFI]):
        return Signal.ERROR, end
    if size < 2 or content[0] not in (TFI_HOST, TFI_CONTROLLER):
        return None, end
    return Frame(content[0], content[1:]), end
