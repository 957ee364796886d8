"""The way to one chip: APDUs there and back, whatever reader is between. Synchronous; owned by one thread.

CardTransport ── VpcdTransport (here: vpcd frames over a link)
             ├── hw.pn532.transport   a PN532 over a link
             └── hw.pcsc.transport    a PC/SC reader
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hw.emrtd.wire import apdu
from hw.emrtd.wire.atr import historical_bytes
from hw.emrtd.wire.frame import (
    CONTROL_ATR,
    CONTROL_OFF,
    CONTROL_RESET,
    LENGTH_SIZE,
    MESSAGE_SIZE_MAX,
    SHORT_MESSAGE_SIZE_MAX,
    Decoder,
    encode,
)
from hw.link.base import Link

READ_SIZE = 4096
POLL_S = 0.02  # a waiting exchange looks this often whether it is cancelled
QUIET_S = 0.02  # a line silent for this long holds nothing of an earlier exchange
DRAIN_S_MAX = 0.5
CONNECT_S_MAX = 1.0  # chosen: selecting a chip and its answer to reset take some 100 ms
ATR_SIZE_MAX = 33  # ISO/IEC 7816-3, 8.2.1
_ATR_STARTS = (0x3B, 0x3F)  # 8.1: direct and inverse convention
_STATUS_SIZE = 2


class CardError(Exception):
    """An exchange with the chip failed; a reset may help. cause: snake case, as in ChipRead.failures."""

    cause = "torn"


class CardRemoved(CardError):
    """No chip is in the field any more."""

    cause = "lost"


class CardTimeout(CardError):
    """The chip, or the reader in its place, did not answer in time."""

    cause = "timeout"


class CardGarbled(CardError):
    """What came is no answer."""


class ExchangeCancelled(Exception):
    """The owner no longer wants the answer (CardTransport.cancelled)."""


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """A chip that answers. identity: the same bytes at each reset of one chip, as far as it has such (ATR; UID and ATS).

    Chips of one make may share it. historical: its historical bytes (ISO/IEC 7816-4, 12.1.1), b"" if it has none.
    """

    identity: bytes = b""
    historical: bytes = b""

    def __repr__(self) -> str:
        return "Card(redacted)"


class CardTransport(Protocol):
    """All methods belong to the owner's thread and raise LinkLost when the reader itself is gone: open it again to go on.

    cancelled is asked while something waits; True raises ExchangeCancelled. It is the owner's, who may set it.
    """

    cancelled: Callable[[], bool]

    def connect(self) -> Card | None:
        """Resets the field and selects the chip in it; None if there is none. Raises CardError."""

    def transmit(self, command: bytes, timeout_s: float) -> bytes:
        """The answer to one command APDU. Raises CardError; the chip's state is then unknown: connect again."""

    def disconnect(self) -> None:
        """Switches the field off. Harmless without a chip."""

    def idle(self, timeout_s: float) -> int:
        """Waits while no chip is wanted, so that a loss is noticed. Returns how many bytes came that nobody asked for."""

    def close(self) -> None:
        """Idempotent."""


def never() -> bool:
    """Of an owner who always waits."""
    return False


class VpcdTransport:
    """A chip at the other end of a link, spoken to in vpcd frames (hw.emrtd.wire.frame)."""

    def __init__(self, link: Link, clock: Callable[[], float]) -> None:
        self.cancelled: Callable[[], bool] = never
        self._link, self._clock = link, clock
        self._skipped_count = 0
        self._late_size = 0  # bytes that an answer given up may still bring: these are no noise

    def connect(self) -> Card | None:
        self._drain()
        self._link.write(encode(CONTROL_RESET) + encode(CONTROL_ATR))
        atr = self._answer(ATR_SIZE_MAX, CONNECT_S_MAX)
        if not atr:
            return None
        if atr[0] not in _ATR_STARTS:
            raise CardGarbled("no answer to reset")
        return Card(atr, historical_bytes(atr))

    def transmit(self, command: bytes, timeout_s: float) -> bytes:
        if len(command) > MESSAGE_SIZE_MAX:
            raise ValueError("command too long")
        self._link.write(encode(command))
        return self._answer(answer_size_max(command), timeout_s)

    def disconnect(self) -> None:
        self._link.write(encode(CONTROL_OFF))

    def idle(self, timeout_s: float) -> int:
        self._skip(len(self._link.read(READ_SIZE, timeout_s)))
        count, self._skipped_count = self._skipped_count, 0
        return count

    def close(self) -> None:
        self._link.close()

    def _answer(self, size_max: int, timeout_s: float) -> bytes:
        decoder, deadline, read_size = Decoder(size_max), self._clock() + timeout_s, 0
        try:
            while True:
                rest = deadline - self._clock()
                if rest <= 0:
                    raise CardTimeout("no answer")
                data = self._link.read(READ_SIZE, min(POLL_S, rest))
                read_size += len(data)
                messages = decoder.feed(data, self._clock()) if data else []
                if decoder.broken or len(messages) > 1 or (messages and decoder.pending):
                    raise CardGarbled("not one answer")
                if messages:
                    return messages[0]
                if self.cancelled():
                    raise ExchangeCancelled
        except (CardError, ExchangeCancelled):
            self._late_size = max(size_max, SHORT_MESSAGE_SIZE_MAX) + LENGTH_SIZE
            self._skip(read_size)
            raise

    def _drain(self) -> None:
        deadline = self._clock() + DRAIN_S_MAX
        while (data := self._link.read(READ_SIZE, QUIET_S)) and self._clock() < deadline:
            self._skip(len(data))
        self._skip(len(data))
        self._late_size = 0

    def _skip(self, count: int) -> None:
        late = min(count, self._late_size)
        self._late_size -= late
        self._skipped_count += count - late


def answer_size_max(command: bytes) -> int:
    """Bytes that the answer to a command may have: what it asks for and the status word."""
    parsed = apdu.parse_command(command)
    expected = apdu.EXTENDED_LE_MAX if parsed is None else parsed.le
    return min(MESSAGE_SIZE_MAX, max(expected, 0) + _STATUS_SIZE)
