"""A chip in the field of a PN532 (CardTransport). The PN532 does ISO/IEC 14443-4 itself: blocks, chaining, waiting time extensions.

reset     field off, InListPassiveTarget for type A, then B; the chip must speak APDUs
transmit  InDataExchange, 262 bytes at a time either way, more announced by a bit
"""

from __future__ import annotations

from collections.abc import Callable

from hw.emrtd.transport import (
    CONNECT_S_MAX,
    POLL_S,
    QUIET_S,
    READ_SIZE,
    Card,
    CardError,
    CardGarbled,
    CardRemoved,
    CardTimeout,
    ExchangeCancelled,
    never,
)
from hw.emrtd.wire.atr import historical_bytes_of_ats
from hw.link.base import Link, LinkLost
from hw.pn532 import messages
from hw.pn532.frame import WAKE_UP
from hw.pn532.host import ABORT, ACK_S_MAX, Exchange
from hw.pn532.messages import MORE, PAYLOAD_SIZE_MAX, STATUS_MASK, TYPE_A, TYPE_B, Status, TargetA

COMMAND_S_MAX = 0.5  # of commands that need no chip; the manual names none above some ms
CHECK_S = (
    1.0  # an idle controller is asked this often whether it is still there: with CHECK_COUNT_MAX within the lane's 5 s
)
CHECK_COUNT_MAX = 2
FIELD_OFF_S = 0.01  # ISO/IEC 14443-3, 5.4: at least 5 ms without field reset a chip
DRAIN_S_MAX = 0.5
STALE_READS_MAX = 16  # before a command; chosen: 64 kB, many times what a controller can have on its way
ANSWER_SIZE_MAX = 65_538  # 65,536 and the status word
_GONE = (Status.RELEASED, Status.EXCHANGED, Status.DISAPPEARED, Status.NOT_ACCEPTABLE)


class Pn532Transport:
    """See CardTransport. Raises LinkLost at construction if no PN532 answers."""

    def __init__(self, link: Link, clock: Callable[[], float]) -> None:
        self.cancelled: Callable[[], bool] = never
        self._link, self._clock = link, clock
        self._target = 1
        self._noise_count = 0
        self._silent_count = 0
        self._resent = False  # the newest command
        self._check_at = clock() + CHECK_S
        try:
            link.write(WAKE_UP)
            self._drain()
            self._ask(messages.SAM_NORMAL)
            answer = self._ask(messages.GET_FIRMWARE_VERSION)
        except CardError:
            answer = b""
        if answer[:1] != bytes([messages.IC_PN532]):
            link.close()
            raise LinkLost("no PN532 answers")

    def set_baud(self, baud: int) -> None:
        """Both ends of the line change to it; this one is the caller's to change. Raises CardError, KeyError."""
        self._ask(bytes([messages.Code.SET_SERIAL_BAUD_RATE, messages.BAUD_CODES[baud]]))
        self._link.write(ABORT)  # the acknowledgement on which the controller changes

    def connect(self) -> Card | None:
        self._link.write(ABORT)
        self._drain()
        self._ask(messages.SAM_NORMAL)  # a controller that lost its power meanwhile has forgotten everything
        self._ask(messages.FEW_RETRIES)
        self._field(messages.FIELD_OFF)
        self._skip(self._link.read(READ_SIZE, FIELD_OFF_S))
        self._field(messages.FIELD_ON)
        for kind in (TYPE_A, TYPE_B):
            found = messages.parse_target(kind, self._command(messages.list_passive_target(kind), CONNECT_S_MAX))
            if found is not None and found[1].has_apdus:
                self._target, target = found
                ats = target.ats if isinstance(target, TargetA) else b""
                return Card(target.identity, historical_bytes_of_ats(ats))
        return None

    def transmit(self, command: bytes, timeout_s: float) -> bytes:
        deadline = self._clock() + timeout_s
        parts = [command[at : at + PAYLOAD_SIZE_MAX] for at in range(0, len(command), PAYLOAD_SIZE_MAX)]
        for part in parts[:-1]:
            self._exchange(part, deadline, more=True)
        status, answer = self._exchange(parts[-1], deadline)
        while status & MORE:
            status, content = self._exchange(b"", deadline)
            answer += content
            if not content or len(answer) > ANSWER_SIZE_MAX:
                raise CardGarbled("an answer without end")
        return answer

    def disconnect(self) -> None:
        self._link.write(ABORT)
        self._field(messages.FIELD_OFF)

    def idle(self, timeout_s: float) -> int:
        self._skip(self._link.read(READ_SIZE, timeout_s))
        if self._clock() >= self._check_at:
            self._check_presence()
        count, self._noise_count = self._noise_count, 0
        return count

    def close(self) -> None:
        self._link.close()

    def _check_presence(self) -> None:
        """A controller without power says nothing at all; its adapter is still there. Noise is another matter."""
        noise_count = self._noise_count
        try:
            self._ask(messages.GET_FIRMWARE_VERSION)
            self._silent_count = 0
        except CardError:
            self._silent_count += self._noise_count == noise_count
        if self._silent_count >= CHECK_COUNT_MAX:
            raise LinkLost("PN532 does not answer")

    def _exchange(self, payload: bytes, deadline: float, *, more: bool = False) -> tuple[int, bytes]:
        """Status and content of one InDataExchange."""
        request = messages.in_data_exchange(self._target, payload, more=more)
        answer = self._command(request, deadline - self._clock())
        if self._resent:
            # The chip may have been asked twice: its counters, and what of a chained message it holds, are not what we think.
            raise CardGarbled("sent twice")
        if not answer:
            raise CardGarbled("no status")
        code = answer[0] & STATUS_MASK
        if code == Status.TIMEOUT:
            raise CardTimeout("the chip does not answer")
        if code in _GONE:
            raise CardRemoved("the chip is gone")
        if code != Status.OK:
            raise CardGarbled(f"status {code:02x}")
        return answer[0], answer[1:]

    def _field(self, state: bytes) -> None:
        self._ask(messages.rf_configuration(messages.FIELD, state))

    def _ask(self, command: bytes) -> bytes:
        """A command that needs no chip."""
        return self._command(command, COMMAND_S_MAX)

    def _command(self, command: bytes, timeout_s: float) -> bytes:
        self._drop_stale()
        exchange = Exchange(command, self._clock(), timeout_s)
        try:
            while not exchange.over:
                if data := exchange.data_to_send():
                    self._link.write(data)
                wait_s = min(POLL_S, max(0.0, exchange.next_timer() - self._clock()))
                exchange.receive(self._link.read(READ_SIZE, wait_s), self._clock())
                if self.cancelled():
                    self._link.write(ABORT)
                    raise ExchangeCancelled
        finally:
            self._noise_count += exchange.skipped_count
            self._resent = exchange.resent
            self._check_at = self._clock() + CHECK_S
        if exchange.answer is not None:
            if exchange.repeated:
                self._drain(ACK_S_MAX + QUIET_S)  # the second answer is as late as the second sending was
            return exchange.answer
        self._link.write(ABORT)
        if exchange.failure in ("timeout", "silent"):
            raise CardTimeout(exchange.failure)
        raise CardGarbled(exchange.failure)

    def _drop_stale(self) -> None:
        """What arrived before a command was sent is no answer to it."""
        for _ in range(STALE_READS_MAX):
            if not self._link.read(READ_SIZE, 0.0):
                return

    def _drain(self, quiet_s: float = QUIET_S) -> None:
        """What an aborted command still brings is no noise."""
        deadline = self._clock() + DRAIN_S_MAX
        while self._link.read(READ_SIZE, quiet_s) and self._clock() < deadline:
            pass

    def _skip(self, data: bytes) -> None:
        self._noise_count += len(data)
