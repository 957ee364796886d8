"""One question at a time on a line, each sent once: framing, the silence between frames, time limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from egate.errors import DeviceTimeout, ProtocolViolation
from hw.link.base import Link
from hw.modbus.frame import READ_FUNCTIONS, Answer, Framing, Garbled, Question, Refused

ANSWER_S_MAX = 0.25  # chosen: devices answer within tens of milliseconds
GAP_CHARACTERS = 3.5  # Modbus over Serial Line 1.02, 2.5.1.1: silence between frames
GAP_S_MIN = 0.00175  # same clause: fixed above 19200 bit/s
BITS_PER_CHARACTER = 11
RECEIVE_BYTES = 256
DISCARD_BYTES = 4096
DRAIN_READS_MAX = 16  # chosen: 4 KiB, the buffer of a port; a line that brings more all the time is noise
LATE_S_MAX = (
    1.0  # chosen: nobody answers later; without an end a device that ignores readings beyond its tables would stay lost
)
DOUBT_S = (
    10.0  # chosen: a unit that answers now and then must not delay its neighbours' orders by a time limit each time
)
INTERRUPT_S = 0.02  # chosen: how soon somebody in a hurry interrupts the wait for a unit that is probably dead


class NotSent(Exception):
    """The question's time was over before it left."""


@dataclass(frozen=True, slots=True)
class Timing:
    """character_s: how long one is on the wire; 0 where none is."""

    framing: Framing
    character_s: float = 0.0

    @property
    def gap_s(self) -> float:
        return max(GAP_S_MIN, GAP_CHARACTERS * self.character_s) if self.framing is Framing.RTU else 0.0

    def answer_s(self, question: Question) -> float:
        """How long to wait for its answer: the device's time and the wire's."""
        return ANSWER_S_MAX + self.character_s * (len(question.pdu) + question.answer_size + 6)


def serial_timing(baud: int) -> Timing:
    return Timing(Framing.RTU, BITS_PER_CHARACTER / baud)


class Client:
    """Used by one thread. heard_at: when the newest answer of any unit came. hurry: asked while waiting for a unit that may be dead."""

    def __init__(self, link: Link, timing: Timing, hurry: Callable[[], bool] = lambda: False) -> None:
        self._link = link
        self._timing = timing
        self._hurry = hurry
        self._transaction = 0
        self._silent_since = 0.0
        self._owed: dict[
            tuple[int, tuple[int, int]], float
        ] = {}  # unit and kind of an answer that may still come; until when
        self._doubted: dict[
            int, float
        ] = {}  # until when a unit that left a question without answer is not waited for patiently
        self.heard_at = time.monotonic()
        self.skipped = 0

    def ask(
        self,
        question: Question,
        *,
        not_after: float | None = None,
        answer_by: float | None = None,
        patient: bool = True,
    ) -> tuple[bytes, float]:
        """Sends question once. Returns the answer's PDU, and a time before the question left.

        patient False: may be given up for somebody in a hurry; so is what a unit is asked that has just left a question without answer,
        unless answer_by says that somebody waits for it. A refusal that may belong to an earlier question is no answer.
        Raises NotSent, DeviceTimeout, ProtocolViolation, frame.Refused, LinkLost.
        After DeviceTimeout and ProtocolViolation it may have been carried out; it is never sent again from here.
        """
        now = time.monotonic()
        self._owed = {owed: until for owed, until in self._owed.items() if now < until}
        patient = patient and (answer_by is not None or now >= self._doubted.get(question.unit, now))
        reading = question.function in READ_FUNCTIONS.values()
        if reading and (question.unit, question.kind) in self._owed:
            self._settle(question, patient)
        mistakable = any(unit == question.unit and kind[0] == question.function for unit, kind in self._owed)
        try:
            pdu, asked_at = self._exchange(question, not_after, answer_by, patient)
        except (DeviceTimeout, ProtocolViolation):
            self._owe(question)
            raise
        except Refused as refused:
            if not mistakable:
                raise
            self._owe(question)
            raise DeviceTimeout(f"unit {question.unit}: {refused}, perhaps to an earlier question") from None
        if reading:  # no echo: answers come in the order of their questions, no older one is under way
            self._settled(question.unit)
        return pdu, asked_at

    def take_over(self, other: Client) -> None:
        """This is the same line as other's, opened anew: what its units owe may still come."""
        self.heard_at, self._owed, self._doubted = other.heard_at, dict(other._owed), dict(other._doubted)

    def discard(self) -> bool:
        """Drops what comes while nobody is asked. True if there was any: then more may wait in the port."""
        found = False
        for _ in range(DRAIN_READS_MAX):
            data = self._link.read(DISCARD_BYTES, 0)
            self.skipped += len(data)
            found = found or bool(data)
            if not data:
                break
        return found

    def _settle(self, question: Question, patient: bool) -> None:
        """Asks for what only a new answer can be: the answer that the unit still owes would pass for the one to question."""
        longer = question.longer()
        while (longer.unit, longer.kind) in self._owed:
            longer = longer.longer()
        try:
            self._exchange(longer, None, None, patient)
        except Refused:
            return
        except (DeviceTimeout, ProtocolViolation):
            self._owe(longer)
            raise
        self._settled(question.unit)

    def _owe(self, question: Question) -> None:
        now = time.monotonic()
        self._doubted[question.unit] = now + DOUBT_S
        if self._timing.framing is Framing.RTU:
            self._owed[question.unit, question.kind] = now + LATE_S_MAX

    def _settled(self, unit: int) -> None:
        self._owed = {owed: until for owed, until in self._owed.items() if owed[0] != unit}

    def _exchange(
        self, question: Question, not_after: float | None, answer_by: float | None, patient: bool
    ) -> tuple[bytes, float]:
        self._transaction = self._transaction % 0xFFFF + 1
        answer = Answer(question, self._timing.framing, self._transaction)
        frame = question.frame(self._timing.framing, self._transaction)
        if self._timing.framing is Framing.RTU:
            self._await_silence(question)
        asked_at = time.monotonic()
        if not_after is not None and asked_at >= not_after:
            raise NotSent(f"unit {question.unit}: too late")
        try:
            self._link.write(frame)
            limit = asked_at + self._timing.answer_s(question)
            return self._await_answer(
                answer, question, limit if answer_by is None else min(limit, answer_by), patient
            ), asked_at
        finally:
            self.skipped += answer.skipped
            self._silent_since = time.monotonic()

    def _await_silence(self, question: Question) -> None:
        """Leaves the gap between frames, and drops the late answer to an earlier question."""
        rest = self._silent_since + self._timing.gap_s - time.monotonic()
        if rest > 0:
            time.sleep(rest)
        for _ in range(DRAIN_READS_MAX):
            late = self._link.read(RECEIVE_BYTES, 0)
            if not late:
                return
            self.skipped += len(late)
        raise ProtocolViolation(f"unit {question.unit}: the line is never silent")

    def _await_answer(self, answer: Answer, question: Question, limit: float, patient: bool) -> bytes:
        try:
            while (rest := limit - time.monotonic()) > 0:
                data = self._link.read(RECEIVE_BYTES, rest if patient else min(rest, INTERRUPT_S))
                if data and (pdu := answer.feed(data)) is not None:
                    self.heard_at = time.monotonic()
                    return pdu
                if not patient and self._hurry():
                    break
        except Garbled as garbled:
            raise ProtocolViolation(f"unit {question.unit}: {garbled}") from None
        raise DeviceTimeout(f"unit {question.unit} did not answer")
