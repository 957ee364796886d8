"""A controller for one errand: does a device open with a key, and give it another one. Its time is the number of turns it took.

libosdp repeats and waits by a clock of its own; here a turn lasts TICK_S while the line is silent, less while it speaks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hw.link.base import Link, LinkLost
from hw.osdp.frame import Assembler
from hw.osdp.keys import INSTALL_KEY
from hw.osdp.library import native, quiet

TICK_S = 0.001
CONNECT_TURNS = (
    2_500  # chosen: the handshake takes 0.5 s at 9600 baud, and libosdp repeats an unanswered frame once a second
)
KEYSET_TURNS = 2_500
RECEIVE_BYTES = 1024


class KeyPanel:
    """All calls from one thread; the link is the caller's. Each raises LinkLost.

    answered: the device has sent anything at all.
    """

    def __init__(self, link: Link, address: int) -> None:
        self._channel = _Channel(link)
        self._address = address

    @property
    def answered(self) -> bool:
        return self._channel.received_count > 0

    def opens(self, key: bytes) -> bool:
        """Whether the device comes up in a secure channel under this key and no other."""
        context = self._context(key, native.FLAG_ENFORCE_SECURE)
        return self._turn(context, lambda: _secured(context), CONNECT_TURNS)

    def replace(self, old: bytes, new: bytes) -> bool:
        """Sends new under old. False if the device does not open with old, or did not confirm: it may have taken it all the same."""
        completed: list[int] = []
        context = self._context(old, native.FLAG_ENFORCE_SECURE)
        context.set_command_completion_callback(lambda _, command, status: completed.append(status))
        if not self._turn(context, lambda: _secured(context), CONNECT_TURNS):
            return False
        if not context.submit_command(0, {"command": native.CMD_KEYSET, "type": 1, "data": new}):
            return False
        return self._turn(context, lambda: bool(completed), KEYSET_TURNS) and completed[0] == native.COMPLETION_OK

    def give_first(self, new: bytes) -> bool:
        """Sends new under the install key; True if the device then opens with new. libosdp does both if it is not told to be secure."""
        if new == INSTALL_KEY:
            raise ValueError("the install key is no key")
        context = self._context(new, 0)
        return self._turn(context, lambda: _secured(context), CONNECT_TURNS + KEYSET_TURNS)

    def _context(self, key: bytes, flags: int) -> Any:
        self._channel.clear()
        quiet()
        information = {
            "name": f"PD-{self._address}",
            "address": self._address,
            "flags": flags,
            "scbk": key,
            "channel": self._channel,
            "version": 0,
            "model": 0,
            "vendor_code": 0,
            "serial_number": 0,
            "firmware_version": 0,
        }
        context = native.ControlPanel([information])
        context.set_event_callback(lambda _index, _event: 0)
        return context

    def _turn(self, context: Any, done: Callable[[], bool], turns_max: int) -> bool:
        for _ in range(turns_max):
            self._channel.receive()
            context.refresh()
            if done():
                return True
        return False


def _secured(context: Any) -> bool:
    return bool(context.status() & 1 and context.sc_status() & 1)


class _Channel:
    """libosdp's channel; read, write and flush never raise."""

    id = 1

    def __init__(self, link: Link) -> None:
        self._link = link
        self._assembler = Assembler()
        self._received = bytearray()
        self._failure: LinkLost | None = None
        self._turns = 0
        self.received_count = 0

    def clear(self) -> None:
        self._assembler.clear()
        self._received.clear()

    def receive(self) -> None:
        if self._failure is not None:
            raise self._failure
        data = self._link.read(RECEIVE_BYTES, TICK_S)
        self.received_count += len(data)
        self._turns += 1
        self._received += self._assembler.feed(data, self._turns * TICK_S)

    def read(self, size_max: int) -> bytes:
        data = bytes(self._received[:size_max])
        del self._received[:size_max]
        return data

    def write(self, frame: bytes) -> int:
        if self._failure is None:
            try:
                self._link.write(frame)
            except LinkLost as failure:
                self._failure = failure
        return len(frame)

    def flush(self) -> None:
        self._received.clear()
