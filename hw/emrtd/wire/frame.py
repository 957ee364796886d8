"""Messages to and from a chip over a byte pipe, framed as vsmartcard's vpcd does on TCP.

    length 2 (big-endian)  message

Towards the chip a message of one byte is a control code, any other a command APDU; from the chip it is a response APDU or, after
CONTROL_ATR, the answer to reset. Power off, power on and reset are not answered.
Source: frankmorgner/vsmartcard, virtualsmartcard/src/vpcd/vpcd.h. Chosen here: an empty ATR means that no chip is in the field.

There is no check sum and no start mark: after noise both sides are out of step until the line is silent. The reader then drains the
line and resets the chip. The chip drops an incomplete message after INTER_CHARACTER_S.
"""

from __future__ import annotations

CONTROL_OFF, CONTROL_ON, CONTROL_RESET, CONTROL_ATR = b"\x00", b"\x01", b"\x02", b"\x04"
LENGTH_SIZE = 2
# What the length can say. An APDU with extended length may have up to 9 + 65,535 bytes and an answer 65,536 + 2 (ISO/IEC 7816-4, 5.1):
# the last few of either don't fit into a frame and no reader asks for them.
MESSAGE_SIZE_MAX = 0xFFFF
SHORT_MESSAGE_SIZE_MAX = 261  # 5 + 255 + 1: an APDU without extended length; its answer has at most 256 + 2
INTER_CHARACTER_S = 0.2  # chosen, as for the MRZ reader


class Decoder:
    """Bytes -> messages. Holds at most one message.

    size_max: of a message, by the one who expects it. broken: a longer one was announced; reset() to go on.
    """

    def __init__(self, size_max: int = MESSAGE_SIZE_MAX) -> None:
        self._buffer = bytearray()
        self._last = 0.0
        self.size_max = size_max
        self.broken = False
        self.skipped_count = 0

    @property
    def pending(self) -> bool:
        """A message has begun."""
        return bool(self._buffer)

    def feed(self, data: bytes, now: float) -> list[bytes]:
        """Messages completed by data, in order. While broken all bytes are skipped."""
        if self._buffer and now - self._last >= INTER_CHARACTER_S:
            self.reset()
        self._last = now
        self._buffer += data
        messages: list[bytes] = []
        while not self.broken and len(self._buffer) >= LENGTH_SIZE:
            size = int.from_bytes(self._buffer[:LENGTH_SIZE], "big")
            if size > self.size_max:
                self.broken = True
            elif len(self._buffer) < LENGTH_SIZE + size:
                break
            else:
                messages.append(bytes(self._buffer[LENGTH_SIZE : LENGTH_SIZE + size]))
                del self._buffer[: LENGTH_SIZE + size]
        if self.broken:
            self._skip()
        return messages

    def reset(self) -> None:
        """Forgets what is incomplete or broken."""
        self._skip()
        self.broken = False

    def _skip(self) -> None:
        self.skipped_count += len(self._buffer)
        self._buffer.clear()


def encode(message: bytes) -> bytes:
    """message: at most MESSAGE_SIZE_MAX bytes."""
    if len(message) > MESSAGE_SIZE_MAX:
        raise ValueError("message too long")
    return len(message).to_bytes(LENGTH_SIZE, "big") + message
