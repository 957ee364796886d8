"""Who may speak on a line that several peripherals share: one command at a time, its reply awaited, then the next. Pure.

    free ──turn: the most urgent, then the longest due──▶ command on the wire ──its reply──▶ gap ──▶ free
                                                              │  └── none in good time: said again, REPEATS_MAX times
                                                              └── REPLY_S without: silent ──▶ free

Said again means the same frame with the same sequence number, on which a peripheral repeats its last reply and carries out nothing
(OSDP 2.2, 5.9). So a flipped bit costs some 40 ms, and not a connection.

A peripheral that does not answer costs its neighbours little: those that are absent get one part in PROBE_SHARE of the line together,
and an output command of a neighbour does not wait for them.
"""

from __future__ import annotations

from hw.osdp.duty import NOW
from hw.osdp.frame import NAK_SPOILT, is_busy, nak_of, sequence_of
from hw.osdp.noise import Noise
from hw.osdp.peripheral import Peripheral
from hw.osdp.replies import Replies

REPLY_S = 0.2  # OSDP 2.2: a reply begins within 200 ms; so long libosdp waits
# Chosen: commands and replies have some 30 bytes each, inside the secure channel up to 60; peripherals begin to answer within 3 ms (the
# standard allows 200). One that takes longer is given REPEAT_SLACK times what it took lately, at most REPEAT_S_MAX.
REPEAT_S, REPEAT_S_MAX, REPEAT_CHARACTERS, REPEAT_SLACK = 0.02, 0.09, 120, 2.0
FORGET = 0.8  # chosen: after five replies in good time a late one counts a third
REPEATS_MAX = 3
# Chosen: after so long without answer an output command of another takes the line, from one that is absent, or has just fallen silent.
# Within the bar of 120 ms for eight devices, and longer than any answer that was seen.
REPLY_ABSENT_S, REPLY_URGENT_S = 0.05, 0.08
BUSY_S_MAX = 0.5  # chosen: so long a peripheral may put a command off (osdp_BUSY) before it counts as silent
PATIENCE = 2.0  # chosen: it is waited for so many times as long as it took lately
GAP_CHARACTERS = 2  # chosen: a transmitter lets go of the line within two; the mark before a frame makes a third
CHARACTER_BITS = 10
PROBE_SHARE = 5  # chosen: the absent ones together wait a fifth of the time


class Line:
    """All calls from one thread. baud: how long the gap between a reply and the next command is."""

    def __init__(self, baud: int) -> None:
        self._gap_s = GAP_CHARACTERS * CHARACTER_BITS / baud
        self._repeat_s = REPEAT_S + REPEAT_CHARACTERS * CHARACTER_BITS / baud
        self._repeats = 0
        self._usual_s: dict[Peripheral, float] = {}
        self._replies = Replies()
        self._noise = Noise()
        self._peripherals: list[Peripheral] = []
        self._owner: Peripheral | None = None
        self._probing = False
        self._must_renew = False  # because of a peripheral that left
        self._told_at = self._sent_at = self._free_at = self._probe_at = 0.0

    @property
    def skipped_count(self) -> int:
        """Bytes that were no reply to what was asked."""
        return self._replies.skipped_count

    @property
    def peripherals(self) -> tuple[Peripheral, ...]:
        return tuple(self._peripherals)

    @property
    def awaits_reply(self) -> bool:
        return self._owner is not None

    @property
    def must_renew(self) -> bool:
        """The port must be opened anew before anybody speaks."""
        return self._must_renew or any(peripheral.renew_port for peripheral in self._peripherals)

    def add(self, peripheral: Peripheral) -> None:
        self._peripherals.append(peripheral)

    def remove(self, peripheral: Peripheral) -> None:
        self._peripherals.remove(peripheral)
        self._must_renew |= peripheral.renew_port
        self._usual_s.pop(peripheral, None)
        if self._owner is peripheral:
            self._owner = None

    def clear(self, now: float) -> None:
        """The port was opened anew: whoever awaits a reply awaits it in vain."""
        self._replies.clear()
        self._must_renew = False
        owner, self._owner = self._owner, None
        self._free_at = now
        if owner is not None:
            owner.on_silence(now)

    def receive(self, data: bytes, now: float) -> None:
        """Call it without data, too."""
        for address, frame in self._replies.feed(data, now):
            owner = self._owner
            if owner is None or owner.address != address:
                continue  # too late
            if nak_of(frame) == NAK_SPOILT and self._may_repeat():
                self._repeat()
                continue
            if is_busy(frame):
                self._wait_for_busy(now)
                continue
            if sequence_of(frame) != sequence_of(owner.channel.last_frame):
                continue  # the second reply to a command that was said twice
            # Also where it was said twice: nobody knows which of them was answered, and a slow one must not be spoken over for good.
            self._usual_s[owner] = max(now - self._sent_at, FORGET * self._usual_s.get(owner, 0.0))
            self._owner = None
            self._free_at = now + self._gap_s
            owner.on_reply(frame, now)
        self._noise.feed(self._replies.noise_count, now)

    def turn(self, now: float) -> None:
        """What is due. Hands the line out if it is free."""
        noisy = self._noise.is_flood(now)
        for peripheral in self.peripherals:
            peripheral.line_noisy = noisy
            peripheral.handle_timer(now)
        if now >= self._repeat_at():
            self._repeat()
        if self._owner is not None and now >= self._given_up_at(now):
            owner, self._owner = self._owner, None
            self._replies.clear()
            if self._probing:
                self._probe_at = now + (PROBE_SHARE - 1) * (now - self._sent_at)
            owner.on_silence(now)
        # Nobody speaks into a port that is about to be opened anew.
        if self._owner is None and now >= self._free_at and not self.must_renew:
            self._hand_out(now)

    def next_timer(self, now: float) -> float:
        """When turn must be called again, at the latest."""
        timer = min((peripheral.next_timer() for peripheral in self._peripherals), default=float("inf"))
        if self._owner is not None:
            return min(timer, self._given_up_at(now), self._repeat_at())
        wanted = float("inf")
        for peripheral in self._peripherals:
            at = peripheral.wants_line(now)[1]
            wanted = min(wanted, max(at, self._probe_at) if self._must_wait(peripheral, now) else at)
        return min(timer, max(wanted, self._free_at))

    def _repeat_at(self) -> float:
        """When the command on the wire is said again; never to one that is absent, which would only cost the others time."""
        if self._owner is None or not self._may_repeat():
            return float("inf")
        usual_s = min(REPEAT_S_MAX, REPEAT_SLACK * self._usual_s.get(self._owner, 0.0))
        return self._sent_at + (self._repeats + 1) * max(self._repeat_s, usual_s)

    def _may_repeat(self) -> bool:
        return self._owner is not None and self._owner.online and self._repeats < REPEATS_MAX and not self.must_renew

    def _repeat(self) -> None:
        self._repeats += 1
        if self._owner is not None:
            self._owner.channel.repeat()
            self._replies.expect_echo(self._owner.channel.last_frame)

    def _wait_for_busy(self, now: float) -> None:
        """It was heard and not carried out: it is said again in the usual time, and once more if need be."""
        if self._sent_at < self._told_at + BUSY_S_MAX:
            self._sent_at, self._repeats = now, 0

    def _given_up_at(self, now: float) -> float:
        """When the owner loses the line if nothing comes."""
        owner = self._owner
        if owner is None or not any(self._urgent(one, now) for one in self._peripherals):
            return self._sent_at + REPLY_S
        patience_s = REPLY_ABSENT_S if self._probing else REPLY_URGENT_S
        if owner.answers(now):  # one that is always slow, as the standard allows, would never keep a connection
            patience_s = max(patience_s, min(REPLY_S, PATIENCE * self._usual_s.get(owner, 0.0)))
        return self._sent_at + patience_s

    def _urgent(self, peripheral: Peripheral, now: float) -> bool:
        urgency, at, _ = peripheral.wants_line(now)
        return urgency == NOW and at <= now and peripheral is not self._owner

    def _must_wait(self, peripheral: Peripheral, now: float) -> bool:
        """Absent ones wait for their part of the line, unless nobody else is there."""
        if peripheral.answers(now) or now >= self._probe_at:
            return False
        return any(one.answers(now) for one in self._peripherals)

    def _hand_out(self, now: float) -> None:
        wanting = []
        for number, peripheral in enumerate(self._peripherals):
            urgency, at, since = peripheral.wants_line(now)
            if at <= now and not self._must_wait(peripheral, now):
                wanting.append((urgency, not peripheral.answers(now), since, number, peripheral))
        for _, probing, _, _, peripheral in sorted(wanting, key=lambda one: one[:4]):
            if peripheral.take_line(now):
                self._owner, self._probing, self._sent_at, self._repeats = peripheral, probing, now, 0
                self._told_at = now
                self._replies.expect_echo(peripheral.channel.last_frame)
                return
