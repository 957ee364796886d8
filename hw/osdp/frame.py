"""Where OSDP frames begin and end. libosdp parses them; it is given whole ones, because it loses a frame that a serial driver
delivers in pieces cut inside its first six bytes (measured, 3.2.9: at 9600 baud it never comes online).

    [FF] 53 address length(2) control [block length, type, ...] command data ... CRC(2)      OSDP 2.2, 5.9 and annex D
    mark SOM        from SOM   bit 3: security block present

What can go wrong: noise holds a false start with a long length; the line then falls silent, and everything held is let go.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator

MARK = 0xFF
START = 0x53
HEADER_BYTES = 5
SECURITY_BLOCK = 0x08
FRAME_BYTES_MAX = 1440  # OSDP 2.2, 5.9
SILENCE_S = 0.03  # chosen: OSDP allows 20 ms between characters

CRC_PRESENT = 0x04  # control bit 2
ENCRYPTED_BLOCKS = 0x17  # SCS_17 and SCS_18 carry encrypted data
SEQUENCE = 0x03  # control bits 0 and 1
CRC_START = 0x1D0F  # OSDP 2.2, annex C
REPLY = 0x80  # bit 7 of the address

COMMAND_OUT = 0x68  # osdp_OUT
REPLY_NAK = 0x41  # osdp_NAK
REPLY_BUSY = 0x79  # osdp_BUSY: the same command must be said again later
NAK_SPOILT = 1  # OSDP 2.2, annex A: the command's check value was wrong


def command_of(frame: bytes) -> tuple[int, bool] | None:
    """(command code, whether it is sent inside the secure channel) of a frame to a peripheral; None if it is none."""
    body = frame[1:] if frame[:1] == bytes([MARK]) else frame
    if len(body) <= HEADER_BYTES or body[0] != START:
        return None
    secured = bool(body[4] & SECURITY_BLOCK)
    at = HEADER_BYTES + (body[HEADER_BYTES] if secured else 0)
    return (body[at], secured) if at < len(body) else None


def sequence_of(frame: bytes) -> int:
    """0 starts a connection, then 1 to 3 in turn. frame: from SOM on, or with a mark before it."""
    return frame[4 + (frame[:1] == bytes([MARK]))] & SEQUENCE


def is_sound(frame: bytes) -> bool:
    """Whether a whole frame's CRC or checksum is right. frame: from SOM on."""
    if len(frame) <= HEADER_BYTES + 1:
        return False
    if not frame[4] & CRC_PRESENT:
        return sum(frame) & 0xFF == 0
    return crc_of(frame[:-2]) == int.from_bytes(frame[-2:], "little")


def crc_of(data: bytes) -> int:
    """CCITT's polynomial 0x1021, highest bit first, from 0x1D0F (OSDP 2.2, annex C). In C: noise may look like many long frames."""
    return binascii.crc_hqx(data, CRC_START)


def nak_of(frame: bytes) -> int | None:
    """The error code of a refusal, None if the frame is none, or hides its code. frame: a whole reply, from SOM on."""
    at = HEADER_BYTES + (frame[HEADER_BYTES] if frame[4] & SECURITY_BLOCK else 0)
    hidden = bool(frame[4] & SECURITY_BLOCK) and frame[HEADER_BYTES + 1] >= ENCRYPTED_BLOCKS
    return frame[at + 1] if len(frame) > at + 3 and frame[at] == REPLY_NAK and not hidden else None


def is_busy(frame: bytes) -> bool:
    """osdp_BUSY, which has sequence number 0 whatever it answers (OSDP 2.2). frame: a whole reply, from SOM on."""
    at = HEADER_BYTES + (frame[HEADER_BYTES] if frame[4] & SECURITY_BLOCK else 0)
    return at < len(frame) and frame[at] == REPLY_BUSY and sequence_of(frame) == 0


def frames_in(data: bytes) -> Iterator[bytes]:
    """The whole frames in it, from SOM on, sound or not."""
    at = 0
    while (start := data.find(START, at)) >= 0 and start + HEADER_BYTES < len(data):
        length = int.from_bytes(data[start + 2 : start + 4], "little")
        whole = HEADER_BYTES < length <= min(FRAME_BYTES_MAX, len(data) - start)
        at = start + (length if whole else 1)
        if whole:
            yield data[start:at]


class Assembler:
    """Turns pieces into whole frames; noise passes through for libosdp to count."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._held_at = 0.0

    def feed(self, data: bytes, now: float) -> bytes:
        """Bytes to hand on: everything up to the last whole frame, or all after a silence. Call it without data, too."""
        if data:
            self._held += data
            self._held_at = now
        elif self._held and now - self._held_at > SILENCE_S:
            return self._let_go(len(self._held))
        return self._let_go(_whole(self._held)) if self._held else b""

    def clear(self) -> None:
        self._held.clear()

    def _let_go(self, count: int) -> bytes:
        data = bytes(self._held[:count])
        del self._held[:count]
        return data


def _whole(data: bytearray) -> int:
    """How many bytes hold nothing but noise and whole frames. A frame that has only begun stays, with its mark."""
    done = 0
    while (start := data.find(START, done)) >= 0:
        begins = start - (start > done and data[start - 1] == MARK)
        if len(data) < start + 4:
            return begins
        length = int.from_bytes(data[start + 2 : start + 4], "little")
        if length > FRAME_BYTES_MAX or length <= HEADER_BYTES:
            done = start + 1  # a false start
            continue
        if len(data) < start + length:
            return begins
        done = start + length
    return len(data) - (1 if data[done:].endswith(bytes([MARK])) else 0)
