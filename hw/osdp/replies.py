"""Whose reply arrived: whole frames of peripherals out of what a line brings.

    [FF] 53 address|80 length(2) control ... CRC(2)        OSDP 2.2, 5.9: bit 7 of the address marks a reply

What can go wrong on the wire: noise before, between and inside frames; frames cut in pieces; the echo of our own command (an
adapter that hears itself), told by bit 7; a flipped address, which then is nobody's. What is no reply is counted and dropped;
whether a reply is sound libosdp checks.
"""

from __future__ import annotations

from hw.osdp.frame import FRAME_BYTES_MAX, HEADER_BYTES, START, Assembler

REPLY = 0x80


class Replies:
    """skipped_count: bytes that belonged to no reply, echoes included."""

    def __init__(self) -> None:
        self._assembler = Assembler()
        self.skipped_count = 0

    def feed(self, data: bytes, now: float) -> list[tuple[int, bytes]]:
        """(address, frame from SOM on) of each reply that is whole now. Call it without data, too: a false start is let go in time."""
        whole = self._assembler.feed(data, now)
        found: list[tuple[int, bytes]] = []
        at = taken = 0
        while (start := whole.find(START, at)) >= 0 and start + HEADER_BYTES < len(whole):
            length = int.from_bytes(whole[start + 2 : start + 4], "little")
            if not HEADER_BYTES < length <= min(FRAME_BYTES_MAX, len(whole) - start):
                at = start + 1
                continue
            at = start + length
            if whole[start + 1] & REPLY:
                found.append((whole[start + 1] & ~REPLY, whole[start:at]))
                taken += length
        self.skipped_count += len(whole) - taken
        return found

    def clear(self) -> None:
        self._assembler.clear()
