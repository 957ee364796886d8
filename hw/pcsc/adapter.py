"""Opens a PC/SC reader by its name, and keeps calls that block from blocking a lane. pyscard is imported on first use."""

from __future__ import annotations

import importlib
import importlib.util
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from egate.errors import ConfigurationError
from hw.emrtd.transport import POLL_S, CardTimeout, ExchangeCancelled
from hw.link.base import LinkLost
from hw.pcsc.transport import NAME_SIZE_MAX, PcscTransport
from hw.url import DeviceUrl

CLOSE_S_MAX = 0.5  # chosen: releasing a reader takes milliseconds
THREADS_MAX = 8  # of one reader; chosen: two serve it, others wait for calls that have not come back

_Result = TypeVar("_Result")


def check_pcsc(reader: str) -> None:
    """Raises ConfigurationError if the name can't be one, or pyscard is not installed."""
    if not 0 < len(reader.encode()) <= NAME_SIZE_MAX or not reader.isprintable():
        raise ConfigurationError("the name of a PC/SC reader is empty, too long or not printable")
    if importlib.util.find_spec("smartcard") is None:
        raise ConfigurationError("PC/SC readers need the package pyscard: install egate[pcsc]")


def open_pcsc(reader: str) -> PcscTransport:
    """Raises LinkLost, ConfigurationError."""
    check_pcsc(reader)
    return open_with(importlib.import_module("smartcard.scard"), reader)


def open_with(api: Any, reader: str) -> PcscTransport:
    """api: the module smartcard.scard. Raises LinkLost; also while too many calls to this reader have not come back."""
    name = f"pcsc {reader}"
    if sum(thread.name == name for thread in threading.enumerate()) > THREADS_MAX - 2:
        raise LinkLost("earlier calls to the PC/SC service have not come back")
    return PcscTransport(reader, api, Worker(name), Worker(name))


def open_reader(url: DeviceUrl) -> PcscTransport:
    """Entry point of bare chip readers: pcsc+reader://NAME. Raises LinkLost, ConfigurationError."""
    if url.link != "reader":
        raise url.error("PC/SC readers are pcsc+reader://NAME")
    url.admit(())
    return open_pcsc(url.target)


class Worker:
    """One thread for blocking calls (hw.pcsc.transport.Runner). A call that was given up goes on in it until it comes back."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._given_up_at: float | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def stuck_s(self) -> float:
        given_up = self._given_up_at
        return 0.0 if given_up is None or self._idle.is_set() else time.monotonic() - given_up

    def run(self, call: Callable[[], _Result], timeout_s: float, cancelled: Callable[[], bool]) -> _Result:
        deadline = time.monotonic() + timeout_s
        self._wait(self._idle, deadline, cancelled)
        self._given_up_at = None
        results: list[Any] = []
        errors: list[BaseException] = []
        done = threading.Event()

        def work() -> None:
            try:
                results.append(call())
            except BaseException as error:  # of the binding: raised again below
                errors.append(error)
            self._idle.set()
            done.set()

        self._idle.clear()
        self._calls.put(work)
        try:
            self._wait(done, deadline, cancelled)
        except (CardTimeout, ExchangeCancelled):
            self._given_up_at = time.monotonic()
            raise
        if errors:
            raise errors[0]
        result: _Result = results[0]
        return result

    def close(self, last: Callable[[], object] | None = None) -> None:
        """last is called once the call under way has come back, then the thread ends; waits CLOSE_S_MAX for that. Idempotent."""
        if last is not None:
            self._calls.put(last)
        self._calls.put(None)
        self._thread.join(CLOSE_S_MAX)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

    def _wait(self, event: threading.Event, deadline: float, cancelled: Callable[[], bool]) -> None:
        while not event.wait(max(0.0, min(POLL_S, deadline - time.monotonic()))):
            if cancelled():
                raise ExchangeCancelled
            if time.monotonic() >= deadline:
                raise CardTimeout("the reader does not answer")
