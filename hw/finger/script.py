"""Runs a conversation with the sensor: a generator that says what it waits for, one thing at a time.

    script yields            and gets                                       when
    Ask(command)             the answer's payload, b"" if there was none    answered, or asked `tries` times in vain: answers that the
                                                                            sensor got no whole packet are none
    Pause(seconds)           b""                                            after so long, or woken
    Quiet()                  b""                                            nothing came for SETTLE_S, at most QUIET_S_MAX altogether
    Listen(transfer)         b"" (a pass without fault: SOUND)              end packet, silence of LISTEN_S, noise of NOISE_S_MAX

Answers bear no number. After a question that was repeated, or given up, an answer may still be under way, so the next thing waits for
quiet; what comes while nothing was asked is counted and dropped. A sensor that sends data does not listen: a question waits meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from hw.finger.frame import Decoder, Packet, PacketType, encode
from hw.finger.messages import Code
from hw.finger.transfer import Transfer

ANSWER_S_MAX = 0.5  # chosen: sensors answer within milliseconds, a USB adapter holds bytes for 16 ms
TRIES = 3
SETTLE_S = 0.15  # chosen: longer than what a late answer takes, and than the decoder's inter-character time
QUIET_S_MAX = 8.0  # an image on its way at 57,600 baud takes 7 s
SETTLE_S_MAX = 1.0  # chosen: on a line that is never quiet
LISTEN_S_MAX = 60.0  # an image takes 42 s at 9600 baud
NOISE_S_MAX = 1.5  # chosen: bytes without a whole packet among them are no transfer; five packets of 256 at 9600 baud
# Chosen: sensors pause some 10 ms between packets, a busy line or machine longer; longer than the decoder's inter-character time.
LISTEN_S = 0.5
SOUND = b"\x01"


@dataclass(frozen=True, slots=True, repr=False)
class Ask:
    command: bytes
    answer_s: float = ANSWER_S_MAX
    tries: int = TRIES

    def __repr__(self) -> str:
        return "Ask(redacted)"  # it may hold the password


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Quiet:
    pass


@dataclass(frozen=True, slots=True)
class Listen:
    transfer: Transfer


Script = Generator[Ask | Pause | Quiet | Listen, bytes, None]


class Runner:
    """Joins one script to the bytes of one line. count: told what happens, by name."""

    def __init__(self, script: Script, address: bytes, count: Callable[[str], None]) -> None:
        self._script = script
        self._address = address
        self._count = count
        self._decoder = Decoder(address)
        self._output = bytearray()
        self._wish: Ask | Pause | Quiet | Listen | None = None
        self._tries = 0
        self._due = self._limit = self._noise_limit = 0.0
        self._settling: bytes | None = None  # an answer, or none, that waits for quiet
        self.retried = False  # the last question had to be repeated
        self.heard_at: float | None = None

    @property
    def over(self) -> bool:
        return self._wish is None

    @property
    def skipped_count(self) -> int:
        """Bytes that belonged to no packet."""
        return self._decoder.skipped_count

    def start(self, now: float) -> None:
        self._next(None, now)

    def receive(self, data: bytes, now: float) -> None:
        packets = self._decoder.feed(data, now)
        if isinstance(self._wish, Quiet) or self._settling is not None:
            self._due = min(now + SETTLE_S, self._limit)
        elif isinstance(self._wish, Listen):
            if packets:
                self._noise_limit = now + NOISE_S_MAX
            self._due = min(now + LISTEN_S, self._noise_limit, self._limit)
        self._take(packets, now)

    def data_to_send(self) -> bytes:
        """What to write now; empties the output."""
        data = bytes(self._output)
        self._output.clear()
        return data

    def next_timer(self) -> float | None:
        if self._wish is None:
            return None
        pending = self._decoder.next_timer()
        return self._due if pending is None else min(self._due, pending)

    def handle_timer(self, now: float) -> None:
        self._take(self._decoder.handle_timer(now), now)
        if self._wish is None or now < self._due:
            return
        if self._settling is not None:
            self._next(self._settling, now)
        elif isinstance(self._wish, Listen):
            self._end(self._wish, now)
        elif isinstance(self._wish, Ask) and self._tries < self._wish.tries:
            self._ask(self._wish, now)
        elif isinstance(self._wish, Ask):
            self._settle(b"", now)
        else:
            self._next(b"", now)

    def wake(self, now: float) -> None:
        """Ends a pause."""
        if isinstance(self._wish, Pause):
            self._next(b"", now)

    def _take(self, packets: list[Packet], now: float) -> None:
        for packet in packets:
            self.heard_at = now
            self._count("packets")
            if isinstance(self._wish, Listen):
                self._wish.transfer.take(packet)
                if packet.type is PacketType.END:
                    self._end(self._wish, now)
            elif packet.type is PacketType.ACK and packet.payload and self._asking:
                self._answered(packet.payload, now)
            else:
                self._count("stray_packets")
                if isinstance(self._wish, Ask) and packet.type is PacketType.DATA:
                    self._due = min(max(self._due, now + self._wish.answer_s), self._limit)

    @property
    def _asking(self) -> bool:
        return isinstance(self._wish, Ask) and self._settling is None

    def _answered(self, answer: bytes, now: float) -> None:
        if answer[0] == Code.PACKET_ERROR and isinstance(self._wish, Ask) and self._tries < self._wish.tries:
            self._ask(self._wish, now)
            return
        if self.retried:
            self._settle(answer, now)
        else:
            self._next(answer, now)

    def _settle(self, answer: bytes, now: float) -> None:
        self._settling = answer
        self._due, self._limit = now + SETTLE_S, now + SETTLE_S_MAX

    def _end(self, listening: Listen, now: float) -> None:
        self._next(SOUND if listening.transfer.end(self._decoder.gap) else b"", now)

    def _next(self, value: bytes | None, now: float) -> None:
        self._settling = None
        try:
            self._wish = wish = next(self._script) if value is None else self._script.send(value)
        except StopIteration:
            self._wish = None
            return
        match wish:
            case Ask():
                self._tries, self.retried = 0, False
                self._ask(wish, now)
            case Pause(seconds):
                self._due = now + seconds
            case Quiet():
                self._due, self._limit = now + SETTLE_S, now + QUIET_S_MAX
            case Listen(transfer):
                transfer.begin()
                self._due, self._limit, self._noise_limit = now + LISTEN_S, now + LISTEN_S_MAX, now + NOISE_S_MAX

    def _ask(self, wish: Ask, now: float) -> None:
        self._tries += 1
        self.retried = self._tries > 1
        if self.retried:
            self._count("repeated_questions")
        self._output += encode(Packet(PacketType.COMMAND, wish.command), self._address)
        self._due, self._limit = now + wish.answer_s, now + QUIET_S_MAX
