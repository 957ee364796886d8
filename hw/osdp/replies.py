"""Whose reply arrived: whole frames of peripherals out of what a line brings.

    [FF] 53 address|80 length(2) control ... CRC(2)        OSDP 2.2, 5.9: bit 7 of the address marks a reply

What can go wrong on the wire: noise before, between and inside frames, also such as looks like a frame's start and claims a length; frames
cut in pieces; the echo of our own command (an adapter that hears itself), told by bit 7; a frame whose CRC or checksum is wrong, which
libosdp would take for the end of the connection. A start is believed only when its frame is whole and sound; until then whatever follows
it is looked through as well. What is no sound reply is counted and dropped: the command is said again.
"""

from __future__ import annotations

from hw.osdp.frame import FRAME_BYTES_MAX, HEADER_BYTES, MARK, REPLY, SILENCE_S, START, is_sound


class Replies:
    """skipped_count: bytes that belonged to no reply, echoes included. noise_count: without echoes and marks."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._held_at = 0.0
        self._echo = b""
        self.skipped_count = 0
        self.noise_count = 0

    def expect_echo(self, command: bytes) -> None:
        """What was said last, with or without mark: adapters on two wires hear it."""
        self._echo = command.lstrip(bytes([MARK]))

    def feed(self, data: bytes, now: float) -> list[tuple[int, bytes]]:
        """(address, frame from SOM on) of each reply that is whole now. Call it without data, too: a false start is let go in time."""
        if data:
            self._held += data
            self._held_at = now
        elif not self._held:
            return []
        elif now - self._held_at > SILENCE_S:
            self._skip(0, len(self._held))
            self._held.clear()
            return []
        return self._take()

    def clear(self) -> None:
        self._held.clear()

    def _take(self) -> list[tuple[int, bytes]]:
        held, found = self._held, []
        done = at = 0  # up to done everything is counted
        kept: int | None = None  # the first start whose frame may still become whole
        while (start := held.find(START, at)) >= 0:
            at = start + 1
            end = self._end_of(start)
            if end is None:
                continue
            if end > len(held):
                kept = start if kept is None else kept
                continue
            self._skip(done, start)
            if held[start + 1] & REPLY:
                found.append((held[start + 1] & ~REPLY, bytes(held[start:end])))
            else:  # our echo
                self.skipped_count += end - start
            done, at, kept = end, end, None
        rest = len(held) if kept is None else kept
        self._skip(done, rest)
        del held[:rest]
        return found

    def _end_of(self, start: int) -> int | None:
        """Where the sound reply or the echo ends that begins at start; beyond what is held if it may still come; None if it is neither."""
        held = self._held
        head = bytes(held[start : start + 4])
        if len(head) < 2:
            return len(held) + 1
        if not head[1] & REPLY:
            size = len(self._echo)
            return start + size if size and self._echo.startswith(held[start : start + size]) else None
        if len(head) < 4:
            return len(held) + 1
        length = int.from_bytes(head[2:], "little")
        if not HEADER_BYTES < length <= FRAME_BYTES_MAX:
            return None
        end = start + length
        return end if end > len(held) or is_sound(bytes(held[start:end])) else None

    def _skip(self, start: int, end: int) -> None:
        self.skipped_count += end - start
        self.noise_count += end - start - self._held.count(MARK, start, end)
