"""One peripheral: whether it is there, and whose wishes it is told next. Pure but for libosdp's context; `now` is an argument.

    ABSENT ──context, secure channel──▶ ONLINE
       ▲                                  │
       └── no answer, refusal, a duty's wish to end it ──┘

Several duties (a lock, sensors, lights, a card reader) may share one peripheral and then share its context. Whenever the peripheral has
the line, the most urgent wish of its duties is told; what was not told yet can still be thought better of.

What can go wrong, and what is done: what libosdp holds, nothing can take back. So a duty that must not be carried out late has the
context destroyed (`abandon`); it is made anew, which takes one handshake. The same at once when a frame has no answer: libosdp would
repeat it after a second, which nobody wants of an actuation, and which fails if it was the answer that was lost; and after a spoilt
answer or a refusal, after which it waits 300 s. Contexts of other peripherals on the line are not touched.
"""

from __future__ import annotations

from collections.abc import Callable

from hw.osdp.acu import Acu
from hw.osdp.channel import Channel
from hw.osdp.duty import IN_TURN, Duty, Wish
from hw.osdp.orders import Answer, Ask, Capability, Completed, Output, Report, Status

CONNECT_S_MAX = 2.0  # chosen: the handshake takes 2 ms unpaced, 0.5 s at 9600 baud
SILENCE_S_MAX = 2.5  # chosen: well below the 5 s watchdog; reached only if the line is never free
ANSWERS_S = 2.0  # chosen: as long as a handshake may take
LOOK_S = 0.05  # chosen: how soon libosdp gets to work while it waits for itself; its own steps are 200 and 800 ms
POLL_S = 0.15  # chosen: a card is reported that soon
# Chosen: where nothing is reported by itself that is not asked for as well; peripherals give up after 8 s.
POLL_IDLE_S = 1.0
POLL_GAP_S = 0.055  # libosdp polls if it has said nothing for 50 ms, and rather says what it was told: questions must wait for it
# Chosen: tamper and power are reported by themselves as well; also the heartbeat where nothing else is asked.
ASK_LOCAL_S = 1.0
BACKOFF_S = (0.02, 0.1, 0.25, 0.5, 1.0)  # waits before the next context; the last one repeats
FAILURES_MAX = 3  # so often in a row a peripheral refuses what it does not know; a spoilt answer looks the same
ASK_REFUSED_S = 60.0  # chosen: how often one that is tampered is asked although it refuses: a connection each time
UNSENT_MAX = 3  # looks in which libosdp should have polled and did not: the wall clock that it goes by was set back


class Peripheral:
    """All calls from one thread. `diagnosis`: why it is not online, "" if it is.

    power_failed, tampered: its local status, None if not known. tampered outlives a connection: only an answer takes it back.
    local_known: in this connection it answered what its local status is, or it is one that refuses to.
    """

    def __init__(self, channel: Channel, address: int, make_acu: Callable[[], Acu]) -> None:
        self.channel = channel
        self.address = address
        self._make_acu = make_acu
        self._duties: list[Duty] = []
        self._acu: Acu | None = None
        self._plugged = False
        self._attempt = 0
        self._connect_at: float | None = None
        self._connecting_since = self._heard_at = self._exchanged_at = self._look_at = 0.0
        self._asked_local_at = self._polled_at = self._replied_at = float("-inf")
        self._waiting = False  # a frame left and nothing came back yet
        self.told_at = 0.0  # when the newest order went out: its answer was measured no earlier
        self._unsent = 0
        self._teller: Duty | None = None
        self._local_failures = 0
        self._local_refused_at = float("-inf")
        self._local_answered = False
        self.online = False
        self.diagnosis = "not connected"
        self.identity = ""
        self.tampered: bool | None = None
        self.power_failed: bool | None = None
        self.reports_itself = False  # poll often: cards
        self.line_noisy = False  # the line brings a flood of what is nobody's answer
        self.renew_port = False  # an output command may still lie in the port: it must be opened anew

    @property
    def local_known(self) -> bool:
        return self._local_answered or self._local_failures >= FAILURES_MAX

    @property
    def duties(self) -> tuple[Duty, ...]:
        return tuple(self._duties)

    def add(self, duty: Duty, now: float) -> None:
        self._duties.append(duty)
        if self.online:
            duty.connected(now)

    def remove(self, duty: Duty) -> None:
        """What the duty had in flight is gone with the context; the others' is made anew."""
        self._duties.remove(duty)
        if self._teller is duty and self._acu is not None and self._acu.in_flight is not None:
            self.abandon("one of its devices was closed", self._exchanged_at)
        duty.lost("closed")

    def plug(self, now: float) -> None:
        """The channel has a link."""
        self._plugged, self._attempt = True, 0
        self._connect(now)

    def unplug(self, diagnosis: str) -> None:
        """The link is gone, or will be closed. What was queued is gone with it."""
        self._plugged = False
        self._connect_at = None
        self._forget(diagnosis)

    def abandon(self, diagnosis: str, now: float) -> None:
        """Past this call nothing that was queued is sent."""
        if self._acu is not None and isinstance(self._acu.in_flight, Output):
            self.renew_port = True
        if self._plugged:
            self._connect_at = now + BACKOFF_S[self._attempt]
            self._attempt = min(self._attempt + 1, len(BACKOFF_S) - 1)
        self._forget(diagnosis)

    def capability(self, function: Capability) -> tuple[int, int]:
        """(compliance level, number of items); (0, 0) if it has none or is not online."""
        return self._acu.capability(function) if self._acu is not None and self.online else (0, 0)

    def answers(self, now: float) -> bool:
        """It answered lately, in whatever words: a frame to it is no waste of the line."""
        return now - self._replied_at < ANSWERS_S

    def handle_timer(self, now: float) -> None:
        """What is due with or without the line."""
        if self._connect_at is not None and now >= self._connect_at:
            self._connect(now)
        for duty in self.duties:
            duty.handle_timer(now)
        if self._acu is None:
            return
        if self.online and now >= self._heard_at + SILENCE_S_MAX:
            self.abandon("stopped answering", now)
        elif not self.online and now >= self._connecting_since + CONNECT_S_MAX:
            self.abandon(self._no_channel(), now)

    def next_timer(self) -> float:
        """When handle_timer must be called again."""
        times = [time for duty in self._duties if (time := duty.next_timer()) is not None]
        if self._connect_at is not None:
            times.append(self._connect_at)
        if self._acu is not None:
            times.append((self._heard_at + SILENCE_S_MAX) if self.online else (self._connecting_since + CONNECT_S_MAX))
        return min(times, default=float("inf"))

    def wants_line(self, now: float) -> tuple[int, float, float]:
        """(urgency, from when, waiting since) it wants the line."""
        if self._acu is None:
            return IN_TURN, float("inf"), 0.0
        if not self.online or self._acu.in_flight is not None:
            return IN_TURN, self._look_at, self._look_at
        wish = self._choose(now)[1]
        poll_at = max(self._poll_due_at(), self._exchanged_at + POLL_GAP_S, self._look_at if self._unsent else 0.0)
        if wish is None or (wish.urgency == IN_TURN and poll_at < wish.at):
            return IN_TURN, poll_at, self._exchanged_at
        return wish.urgency, wish.at, self._exchanged_at

    def take_line(self, now: float) -> bool:
        """It may send one frame now. True if it did."""
        if self._idle():
            duty, wish = self._choose(now)
            if wish is not None and wish.at <= now:
                self._tell(duty, wish, now)
        if self._acu is None:
            return False
        sent_count = self.channel.sent_count
        self._look_at = now + LOOK_S
        self._take_in(self._acu.refresh_to_send(), now)
        self._waiting = self.channel.sent_count > sent_count
        if self._waiting:
            self._unsent = 0
            self._exchanged_at = now
            if self._idle():
                self._polled_at = now
        elif self._idle():
            self._unsent += 1
            if self._unsent >= UNSENT_MAX:
                self._attempt = 0
                self.abandon("the wall clock was set back", now)
        return self._waiting

    def on_reply(self, frame: bytes, now: float) -> None:
        """A whole frame of it came while it had the line."""
        if self._acu is None or not self._waiting:
            return  # to a context that is gone
        self._waiting = False
        self._exchanged_at = self._look_at = self._replied_at = now
        self.channel.deliver(frame)
        was_online = self.online
        self._take_in(self._acu.refresh_to_hear(), now)
        self._look_after(was_online, now)

    def on_silence(self, now: float) -> None:
        """It had the line and did not answer."""
        if self._waiting:
            self.abandon("stopped answering" if self.online else self._no_channel(), now)

    def _look_after(self, was_online: bool, now: float) -> None:
        """What became of the secure channel by an answer."""
        if self._acu is None:
            return
        if not self._acu.online:
            if was_online:  # a refusal, a spoilt frame, or it was replaced and knows no secure channel
                self.abandon("left the secure channel", now)
            return
        self._heard_at = now
        if not was_online:
            self._come_online(now)
        for duty in self.duties:
            duty.heard(now)

    def _idle(self) -> bool:
        return self.online and self._acu is not None and self._acu.in_flight is None

    def _no_channel(self) -> str:
        return "answers without secure channel: wrong key or address?" if self.channel.received_count else "no answer"

    def _connect(self, now: float) -> None:
        self._connect_at = None
        self.channel.received_count = 0
        self.channel.flush()
        self._acu = self._make_acu()
        self._connecting_since = self._look_at = now

    def _come_online(self, now: float) -> None:
        if self._acu is None:
            return
        self.online, self.diagnosis, self._attempt = True, "", 0
        self.identity = self._acu.identity
        self._polled_at = now
        for duty in self.duties:
            duty.connected(now)

    def _choose(self, now: float) -> tuple[Duty | None, Wish | None]:
        """The most urgent of what is due, or what will be due first; duty None: a wish of our own. What is not urgent waits for a poll
        that is due."""
        wishes: list[tuple[Duty | None, Wish]] = []
        if (local_at := self._local_due_at()) is not None:
            wishes.append((None, Wish(IN_TURN, local_at, Ask(Status.LOCAL))))
        wishes += [(duty, wish) for duty in self._duties if (wish := duty.wish(now)) is not None]
        if now >= self._poll_due_at():
            wishes = [one for one in wishes if one[1].urgency != IN_TURN]
        return min(wishes, key=lambda one: (one[1].at > now, one[1].urgency, one[1].at), default=(None, None))

    def _local_due_at(self) -> float | None:
        if self._local_failures < FAILURES_MAX:
            return self._asked_local_at + ASK_LOCAL_S
        return self._local_refused_at + ASK_REFUSED_S if self.tampered else None

    def _poll_due_at(self) -> float:
        return self._polled_at + (POLL_S if self.reports_itself else POLL_IDLE_S)

    def _tell(self, duty: Duty | None, wish: Wish, now: float) -> None:
        """The duty is told first: it may set limits to what leaves."""
        if self._acu is None:
            return
        self._teller, self.told_at = duty, now
        if duty is not None:
            duty.told(wish.order, now)
        else:
            self._asked_local_at = now
        if not self._acu.submit(wish.order):
            self.abandon("left the secure channel", now)

    def _take_in(self, answers: list[Answer], now: float) -> None:
        for answer in answers:
            if self._acu is None:
                return
            if isinstance(answer, Completed) and answer.order == Ask(Status.LOCAL):
                self._local_failures = 0 if answer.ok else self._local_failures + 1
                self._local_refused_at = now
            if isinstance(answer, Report) and answer.status is Status.LOCAL and len(answer.entries) >= 2:
                self._on_local(bool(answer.entries[0]), bool(answer.entries[1]), answer.asked)
            for duty in self.duties:
                duty.answered(answer, now)
            if isinstance(answer, Completed) and not answer.ok and self._acu is not None:
                self.abandon("refused a command", now)  # libosdp goes offline for 300 s after a refusal

    def _on_local(self, tampered: bool, power_failed: bool, asked: bool) -> None:
        """osdp_LSTATR. One that was sent by itself may be old: it can alarm, only an answer can calm."""
        if asked:
            self.tampered, self.power_failed = tampered, power_failed
            self._local_answered = True
            return
        self.tampered, self.power_failed = tampered or bool(self.tampered), power_failed or bool(self.power_failed)
        self._asked_local_at = float("-inf")

    def _forget(self, diagnosis: str) -> None:
        if self._acu is not None:
            self._acu.close()
        self._acu = None
        self.online = self._waiting = False
        self._unsent = 0
        self._teller = None
        self.power_failed = None
        self._local_answered = False
        self._asked_local_at = self._polled_at = float("-inf")
        self.diagnosis = diagnosis
        for duty in self.duties:
            duty.lost(diagnosis)
