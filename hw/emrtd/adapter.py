"""The chip reader's port, and the thread that owns a reader through loss and return."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from egate.domain.chip import ChipRead
from egate.errors import ConfigurationError
from hw.emrtd.drive import drive
from hw.emrtd.plan import OnProgress, ReadPlan, ignore_progress
from hw.emrtd.transport import CardTransport, VpcdTransport, never
from hw.emrtd.wire.frame import LENGTH_SIZE, SHORT_MESSAGE_SIZE_MAX
from hw.link.base import LinkLost
from hw.link.noise import SIZE_MIN, Noise
from hw.link.opener import link_keys, open_link
from hw.url import DeviceUrl

READ_SIZE = 4096
REOPEN_S = 0.25  # chosen: well inside the 5 s in which a lane must notice a return
JOIN_S_MAX = 5.0
IDLE_S = 0.02  # an idle port looks this often for a job
# A session that an earlier owner of the port ended may leave one answer on its way; that one is no noise.
NOISE_SIZE_MIN = SIZE_MIN + LENGTH_SIZE + SHORT_MESSAGE_SIZE_MAX
LOST = ChipRead(failures={"chip": "lost"})


class Closable(Protocol):
    def close(self) -> None: ...


_Opened = TypeVar("_Opened", bound=Closable)


def ignore_failure(_: str) -> None:
    """Of an owner who looks at the state alone."""


class PortThread(Generic[_Opened]):
    """Owns one port: opens it, hands what was opened to serve, and opens it again when it is lost.

    open raises LinkLost while the port is not there, ConfigurationError while its path leads elsewhere. serve(opened, stopped) runs
    until stopped() or raises LinkLost. on_open(True/False) is called in this thread at each change, on_failure(why) whenever the port was
    lost or could not be opened.
    A bug in serve ends the thread with the port reported as not open; it is not hidden by a restart.
    """

    def __init__(
        self,
        name: str,
        open: Callable[[], _Opened],
        serve: Callable[[_Opened, Callable[[], bool]], None],
        on_open: Callable[[bool], None],
        on_failure: Callable[[str], None] = ignore_failure,
    ) -> None:
        self._open, self._serve, self._on_open, self._on_failure = open, serve, on_open, on_failure
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and waits for it. Idempotent; harmless if it never started."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S_MAX)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._hold(self._open())
            except (LinkLost, ConfigurationError) as failure:  # the path may lead elsewhere for a while
                self._on_failure(str(failure))
                self._stop.wait(REOPEN_S)

    def _hold(self, opened: _Opened) -> None:
        self._on_open(True)
        try:
            self._serve(opened, self._stop.is_set)
        finally:
            opened.close()
            self._on_open(False)


class ChipPort:
    """Reads the chip on request. Each `read(token, plan)` is answered by one on_read(token, result) in the port's thread.

    A chip speaks only when spoken to: what comes unasked is noise. on_noise(True/False) is called in the port's thread at each
    change while the port is open; a port opens sound.
    """

    def __init__(
        self,
        name: str,
        open_transport: Callable[[], CardTransport],
        on_open: Callable[[bool], None],
        on_noise: Callable[[bool], None],
        on_read: Callable[[int, ChipRead], None],
        on_progress: OnProgress = ignore_progress,
        on_failure: Callable[[str], None] = ignore_failure,
    ) -> None:
        self._on_open, self._on_noise, self._on_read, self._on_progress = on_open, on_noise, on_read, on_progress
        self._noise = Noise(NOISE_SIZE_MIN)  # the port thread's own
        self._lock = threading.Lock()
        self._job: tuple[int, ReadPlan] | None = None
        self._wanted: int | None = None
        self._is_open = False
        self._port = PortThread(f"chip {name}", open_transport, self._serve, self._opened, on_failure)

    def start(self) -> None:
        self._port.start()

    def close(self) -> None:
        self._port.close()

    def read(self, token: int, plan: ReadPlan) -> None:
        """Starts a session with the chip that is in the field now; an earlier one is ended. From any thread."""
        with self._lock:
            self._wanted = token
            if self._is_open:
                self._job = token, plan
                return
        self._on_read(token, LOST)

    def cancel(self) -> None:
        """Ends the session under way, if any; it is answered with the cause "cancelled"."""
        with self._lock:
            self._wanted = None

    def _opened(self, is_open: bool) -> None:
        with self._lock:
            self._is_open = is_open
            job, self._job = self._job, None
        if job is not None:
            self._on_read(job[0], LOST)
        self._on_open(is_open)

    def _serve(self, transport: CardTransport, stopped: Callable[[], bool]) -> None:
        self._noise = Noise(NOISE_SIZE_MIN)
        while not stopped():
            with self._lock:
                job, self._job = self._job, None
            if job is None:
                self._skip(transport.idle(IDLE_S))  # notices the loss as well
            else:
                self._read_chip(transport, *job, stopped)

    def _read_chip(self, transport: CardTransport, token: int, plan: ReadPlan, stopped: Callable[[], bool]) -> None:
        transport.cancelled = lambda: stopped() or self._wanted != token
        result = LOST
        try:
            result = drive(plan, transport, secrets.token_bytes, time.monotonic, self._on_progress)
        finally:
            transport.cancelled = never
            self._on_read(token, result)
        if result.files:
            self._noise.valid()

    def _skip(self, count: int) -> None:
        """count bytes belonged to no session; 0 lets time count."""
        now = time.monotonic()
        self._noise.skipped(count, now)
        if self._noise.changed(now):
            self._on_noise(self._noise.noisy(now))


def open_vpcd(url: DeviceUrl) -> VpcdTransport:
    """Entry point of bare chip readers. Raises LinkLost, ConfigurationError."""
    url.admit((), link_keys(url))
    return VpcdTransport(open_link(url), time.monotonic)
