"""The reader's half: a simulated bar code reader, or any imager that sends what it sees and may wait for a trigger.

present() holds something in front of it until remove(). Without trigger commands it looks all the time; with them only from the command
on until it has read, is told to stop, or LOOK_S are over, as such imagers do. repeat_s: how often a code that stays is sent again.

Not modelled: a misread, decoding time, menu commands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from hw.barcode.trigger import UNTRIGGERED, TriggerCommands
from hw.link.base import Link

LOOK_S = 30.0  # Honeywell's default read time-out
POLL_S = 0.01
READ_SIZE = 256
_PENDING_MAX = 64  # of received bytes that are no command yet


class ReaderSession:
    """What the device does with commands and time, sans-IO. `now` is in seconds, monotonic."""

    def __init__(self, commands: TriggerCommands = UNTRIGGERED, repeat_s: float = 0.0) -> None:
        self._commands, self._repeat_s = commands, repeat_s
        self._received = b""
        self._look_until_s: float | None = None
        self._frame: bytes | None = None
        self._sent_s: float | None = None
        self.trigger_count = self.withdrawn_count = 0

    def receive(self, data: bytes, now: float) -> None:
        if not self._commands.on:
            return
        self._received = (self._received + data)[-_PENDING_MAX:]
        while True:
            found = [(self._received.find(command), command) for command in (self._commands.on, self._commands.off)]
            places = [(at, command) for at, command in found if command and at >= 0]
            if not places:
                return
            at, command = min(places)
            self._received = self._received[at + len(command) :]
            if command == self._commands.on:
                self.trigger_count += 1
                self._look_until_s = now + LOOK_S
            else:
                self.withdrawn_count += 1
                self._look_until_s = None

    def present(self, frame: bytes) -> None:
        """frame: what it will send for what is held in front of it now."""
        self._frame, self._sent_s = frame, None

    def remove(self) -> None:
        self._frame = None

    def looking(self, now: float) -> bool:
        return not self._commands.on or (self._look_until_s is not None and now < self._look_until_s)

    def data_to_send(self, now: float) -> bytes:
        due = self._sent_s is None or (self._repeat_s > 0 and now - self._sent_s >= self._repeat_s)
        # An imager that was triggered again looks again: what is still there is sent once more.
        due = due or (bool(self._commands.on) and self._look_until_s is not None)
        if self._frame is None or not due or not self.looking(now):
            return b""
        self._sent_s, self._look_until_s = now, None
        return self._frame


class SimulatedImager:
    """poll is called again and again by the thread that owns the link; the hand's methods by any thread."""

    def __init__(
        self,
        link: Link,
        clock: Callable[[], float],
        commands: TriggerCommands = UNTRIGGERED,
        repeat_s: float = 0.0,
        on_sent: Callable[[], None] = lambda: None,
    ) -> None:
        self._link, self._clock, self._on_sent = link, clock, on_sent
        self._hand: deque[bytes | None] = deque()  # what the hand did since the last poll
        self.session = ReaderSession(commands, repeat_s)

    def present(self, frame: bytes) -> None:
        """frame: made by hw.barcode.frame.encode or hw.mrz.lines.encode."""
        self._hand.append(frame)

    def remove(self) -> None:
        self._hand.append(None)

    def poll(self) -> None:
        """Raises LinkLost."""
        data = self._link.read(READ_SIZE, POLL_S)
        now = self._clock()
        while self._hand:
            frame = self._hand.popleft()
            if frame is None:
                self.session.remove()
            else:
                self.session.present(frame)
        self.session.receive(data, now)
        frame = self.session.data_to_send(now)
        if frame:
            self._link.write(frame)
            self._on_sent()
