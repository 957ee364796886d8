"""Whose reply arrived: whole frames of peripherals out of what a line brings.

    [FF] 53 address|80 length(2) control ... CRC(2)        OSDP 2.2, 5.9: bit 7 of the address marks a reply

What can go wrong on the wire: noise before, between and inside frames; frames cut in pieces; the echo of our own command (an
adapter that hears itself), told by bit 7; a frame whose CRC or checksum is wrong, which libosdp would take for the end of the
connection. What is no sound reply is counted and dropped: the command is said again.
"""

from __future__ import annotations

from hw.osdp.frame import REPLY, Assembler, frames_in, is_sound


class Replies:
    """skipped_count: bytes that belonged to no reply, echoes included."""

    def __init__(self) -> None:
        self._assembler = Assembler()
        self.skipped_count = 0

    def feed(self, data: bytes, now: float) -> list[tuple[int, bytes]]:
        """(address, frame from SOM on) of each reply that is whole now. Call it without data, too: a false start is let go in time."""
        whole = self._assembler.feed(data, now)
        found = [(frame[1] & ~REPLY, frame) for frame in frames_in(whole) if frame[1] & REPLY and is_sound(frame)]
        self.skipped_count += len(whole) - sum(len(frame) for _, frame in found)
        return found

    def clear(self) -> None:
        self._assembler.clear()
