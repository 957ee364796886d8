"""A chip on a PC/SC reader (CardTransport), through pyscard's plain binding of the PC/SC calls.

The reader is used exclusively: nobody else's commands come between ours. A call may block for as long as its driver or the service
likes, so each goes through `run`, which gives up in time (hw.pcsc.adapter). Until a call to the chip comes back the reader is busy,
and lost after STUCK_S_MAX; calls that need no chip are answered by the service alone, which is lost after SERVICE_S_MAX.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from hw.emrtd.transport import CONNECT_S_MAX, Card, CardGarbled, CardRemoved, CardTimeout, never
from hw.emrtd.wire.atr import historical_bytes
from hw.link.base import LinkLost
from hw.url import VIRTUAL_READER

# Chosen: a lane must notice a lost reader within 5 s, and a chip may take 4 s for one answer.
STUCK_S_MAX = 4.5
SERVICE_S_MAX = 2.0  # chosen: the service answers within milliseconds; twice this is still within the lane's 5 s
NAME_SIZE_MAX = 127  # MAX_READERNAME of pcsc-lite

_Result = TypeVar("_Result")


class Runner(Protocol):
    """Runs blocking calls one after the other in a thread of its own."""

    @property
    def stuck_s(self) -> float:
        """How long the call under way has been given up; 0 if there is none."""

    def run(self, call: Callable[[], _Result], timeout_s: float, cancelled: Callable[[], bool]) -> _Result:
        """Raises CardTimeout, also where an earlier call has not come back, and ExchangeCancelled."""

    def close(self, last: Callable[[], object] | None = None) -> None:
        """Ends the thread, after one more call, once those under way have come back. Waits for it, but not for long."""


class PcscTransport:
    """reader: its name, or the beginning that only one reader's name has. api: the module smartcard.scard.

    runner, watcher: two of them, as a context serves one call at a time: the second one looks at the reader while the first one
    waits for a chip. Raises LinkLost at construction if there is no PC/SC service, no such reader, or another program holds it.
    """

    def __init__(self, reader: str, api: Any, runner: Runner, watcher: Runner) -> None:
        self.cancelled: Callable[[], bool] = never
        self._api, self._runner, self._watcher = api, runner, watcher
        self._card: Any = None
        self._contexts: dict[Runner, Any] = {}
        try:
            self._context, self._watch = self._establish(runner), self._establish(watcher)
            self._reader = self._find(reader)
            if self._state(0) & api.SCARD_STATE_EXCLUSIVE:
                raise LinkLost("another program holds the reader")
        except LinkLost:
            self.close()
            raise

    def connect(self) -> Card | None:
        self._release()
        api = self._api
        connected = self._run(
            lambda: api.SCardConnect(self._context, self._reader, api.SCARD_SHARE_EXCLUSIVE, api.SCARD_PROTOCOL_T1)
        )
        code = _unsigned(connected[0])
        if code in (api.SCARD_E_NO_SMARTCARD, api.SCARD_W_REMOVED_CARD):
            return None
        self._require(code)
        self._card = card = connected[1]
        # Whatever was done with the chip before us, it starts from nothing.
        again = self._run(
            lambda: api.SCardReconnect(card, api.SCARD_SHARE_EXCLUSIVE, api.SCARD_PROTOCOL_T1, api.SCARD_UNPOWER_CARD)
        )
        self._require(again[0])
        status = self._run(lambda: api.SCardStatus(card))
        self._require(status[0])
        atr = bytes(status[4])
        return Card(atr, historical_bytes(atr))

    def transmit(self, command: bytes, timeout_s: float) -> bytes:
        card, api = self._card, self._api
        if card is None:
            raise CardRemoved("not connected")
        code, answer = self._run(lambda: api.SCardTransmit(card, api.SCARD_PCI_T1, list(command)), timeout_s)
        self._require(code)
        return bytes(octet & 0xFF for octet in answer)

    def disconnect(self) -> None:
        self._release()

    def idle(self, timeout_s: float) -> int:
        if self._runner.stuck_s > STUCK_S_MAX:
            raise LinkLost("the reader does not come back")
        self._state(timeout_s)
        return 0

    def close(self) -> None:
        for runner in (self._runner, self._watcher):
            runner.close(partial(self._let_go, runner))

    def _let_go(self, runner: Runner) -> None:
        context = self._contexts.pop(runner, None)
        if context is not None:
            self._api.SCardReleaseContext(context)

    def _establish(self, runner: Runner) -> Any:
        def establish() -> tuple[int, Any]:
            code, context = self._api.SCardEstablishContext(self._api.SCARD_SCOPE_USER)
            if _unsigned(code) == self._api.SCARD_S_SUCCESS:
                self._contexts[runner] = context  # here, so that one that comes late is released as well
            return code, context

        code, context = self._ask(establish, runner)
        if _unsigned(code) != self._api.SCARD_S_SUCCESS:
            raise LinkLost("no PC/SC service")
        return context

    def _find(self, name: str) -> str:
        code, readers = self._ask(lambda: self._api.SCardListReaders(self._watch, []), self._watcher)
        found = [reader for reader in readers or () if reader == name]
        found = found or [reader for reader in readers or () if reader.startswith(name)]
        if _unsigned(code) != self._api.SCARD_S_SUCCESS or len(found) != 1:
            raise LinkLost("no such PC/SC reader" if len(found) < 2 else "several PC/SC readers have names like that")
        if found[0].startswith(VIRTUAL_READER) and not name.startswith(VIRTUAL_READER):
            raise LinkLost("a virtual PC/SC reader is opened by its full name only")  # as the lock-outs know it
        return str(found[0])

    def _state(self, timeout_s: float) -> int:
        """Waits that long; what the reader's state is then. Raises LinkLost."""
        api = self._api
        seen = api.SCARD_STATE_UNAWARE
        for wait_ms in (0, round(timeout_s * 1000)):
            look = partial(api.SCardGetStatusChange, self._watch, wait_ms, [(self._reader, seen)])
            code, states = self._ask(look, self._watcher, wait_ms / 1000)
            if _unsigned(code) not in (api.SCARD_S_SUCCESS, api.SCARD_E_TIMEOUT):
                raise LinkLost("the PC/SC service went away")
            seen = states[0][1] & ~api.SCARD_STATE_CHANGED
            if seen & (api.SCARD_STATE_UNKNOWN | api.SCARD_STATE_UNAVAILABLE):
                raise LinkLost("the PC/SC reader went away")
        return int(seen)

    def _release(self) -> None:
        card, self._card = self._card, None
        if card is not None:
            self._run(lambda: self._api.SCardDisconnect(card, self._api.SCARD_UNPOWER_CARD))

    def _ask(self, call: Callable[[], _Result], runner: Runner, wait_s: float = 0.0) -> _Result:
        """A call that the service answers after wait_s by itself. Raises LinkLost."""
        try:
            return runner.run(call, wait_s + SERVICE_S_MAX, never)
        except CardTimeout:
            raise LinkLost("the PC/SC service does not answer") from None

    def _run(self, call: Callable[[], _Result], timeout_s: float = CONNECT_S_MAX) -> _Result:
        return self._runner.run(call, timeout_s, self.cancelled)

    def _require(self, code: int) -> None:
        api = self._api
        match _unsigned(code):
            case api.SCARD_S_SUCCESS:
                return
            case api.SCARD_W_REMOVED_CARD | api.SCARD_W_RESET_CARD | api.SCARD_E_NO_SMARTCARD:
                raise CardRemoved("the chip is gone")
            case api.SCARD_E_TIMEOUT | api.SCARD_E_SHARING_VIOLATION:
                raise CardTimeout("the reader is busy")
            case (
                api.SCARD_E_NOT_TRANSACTED
                | api.SCARD_F_COMM_ERROR
                | api.SCARD_W_UNRESPONSIVE_CARD
                | api.SCARD_W_UNPOWERED_CARD
                | api.SCARD_E_PROTO_MISMATCH
                | api.SCARD_E_INSUFFICIENT_BUFFER
            ):
                raise CardGarbled("the exchange failed")
            case _:
                raise LinkLost("the PC/SC reader went away")


def _unsigned(code: int) -> int:
    """pyscard gives signed numbers on some platforms and names unsigned ones."""
    return code & 0xFFFF_FFFF
