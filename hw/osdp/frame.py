"""Where OSDP frames begin and end. libosdp parses them; it is given whole ones, because it loses a frame that a serial driver
delivers in pieces cut inside its first six bytes (measured, 3.2.9: at 9600 baud it never comes online).

    [FF] 53 address length(2) control [block length, type, ...] command data ... CRC(2)      OSDP 2.2, 5.9 and annex D
    mark SOM        from SOM   bit 3: security block present

What can go wrong: noise holds a false start with a long length; the line then falls silent, and everything held is let go.
"""

from __future__ import annotations

MARK = 0xFF
START = 0x53
HEADER_BYTES = 5
SECURITY_BLOCK = 0x08
FRAME_BYTES_MAX = 1440  # OSDP 2.2, 5.9
SILENCE_S = 0.03  # chosen: OSDP allows 20 ms between characters

COMMAND_OUT = 0x68  # osdp_OUT


def command_of(frame: bytes) -> tuple[int, bool] | None:
    """(command code, whether it is sent inside the secure channel) of a frame to a peripheral; None if it is none."""
    body = frame[1:] if frame[:1] == bytes([MARK]) else frame
    if len(body) <= HEADER_BYTES or body[0] != START:
        return None
    secured = bool(body[4] & SECURITY_BLOCK)
    at = HEADER_BYTES + (body[HEADER_BYTES] if secured else 0)
    return (body[at], secured) if at < len(body) else None


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
    """How many bytes hold nothing but noise and whole frames."""
    done = 0
    while (start := data.find(START, done)) >= 0:
        if len(data) < start + 4:
            return done
        length = int.from_bytes(data[start + 2 : start + 4], "little")
        if length > FRAME_BYTES_MAX or length <= HEADER_BYTES:
            done = start + 1  # a false start
            continue
        if len(data) < start + length:
            return done
        done = start + length
    return len(data) - (1 if data[done:].endswith(bytes([MARK])) else 0)
