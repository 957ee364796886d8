"""The chip reader's port, and the thread that owns a serial port through loss and return."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from egate.errors import ConfigurationError
from hw.emrtd.frame import LENGTH_SIZE, MESSAGE_SIZE_MAX
from hw.emrtd.session import ChipRead, ReaderSession
from hw.link.base import Link, LinkLost
from hw.link.noise import SIZE_MIN, Noise
from hw.link.opener import open_link
from hw.url import DeviceUrl

READ_SIZE = 4096
REOPEN_S = 0.25  # chosen: well inside the 5 s in which a lane must notice a return
JOIN_S_MAX = 5.0
IDLE_S = 0.02  # an idle port looks this often for a job; a waiting session for its end
QUIET_S = 0.02  # a line silent for this long holds nothing of an earlier session
DRAIN_S_MAX = 0.5
# A session that was ended may leave one answer on its way; that one is no noise.
NOISE_SIZE_MIN = SIZE_MIN + LENGTH_SIZE + MESSAGE_SIZE_MAX


class PortThread:
    """Owns one port: opens it by its URL, hands the link to serve, and opens it again when it is lost.

    serve(link, stopped) runs until stopped() or raises LinkLost. on_open(True/False) is called in this thread at each change.
    A bug in serve ends the thread with the port reported as not open; it is not hidden by a restart.
    """

    def __init__(
        self,
        name: str,
        url: DeviceUrl,
        serve: Callable[[Link, Callable[[], bool]], None],
        on_open: Callable[[bool], None],
    ) -> None:
        self._url, self._serve, self._on_open = url, serve, on_open
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
                self._hold(open_link(self._url))
            except (LinkLost, ConfigurationError):  # the path may lead elsewhere for a while
                self._stop.wait(REOPEN_S)

    def _hold(self, link: Link) -> None:
        self._on_open(True)
        try:
            self._serve(link, self._stop.is_set)
        finally:
            link.close()
            self._on_open(False)


class ChipPort:
    """Reads the chip on request. Each `read(token)` is answered by one on_read(token, result) in the port's thread.

    A chip speaks only when spoken to: what comes unasked is noise. on_noise(True/False) is called in the port's thread at each
    change while the port is open; a port opens sound.
    """

    def __init__(
        self,
        url: DeviceUrl,
        on_open: Callable[[bool], None],
        on_noise: Callable[[bool], None],
        on_read: Callable[[int, ChipRead], None],
    ) -> None:
        self._on_open, self._on_noise, self._on_read = on_open, on_noise, on_read
        self._noise = Noise(NOISE_SIZE_MIN)  # the port thread's own
        self._lock = threading.Lock()
        self._job: int | None = None
        self._wanted: int | None = None
        self._open = False
        self._port = PortThread(f"chip {url.target}", url, self._serve, self._opened)

    def start(self) -> None:
        self._port.start()

    def close(self) -> None:
        self._port.close()

    def read(self, token: int) -> None:
        """Starts a session with the chip that is in the field now; an earlier one is ended. From any thread."""
        with self._lock:
            self._wanted = token
            if self._open:
                self._job = token
                return
        self._on_read(token, ChipRead(failure="chip_lost"))

    def cancel(self) -> None:
        """Ends the session under way, if any; it is answered with the cause "cancelled"."""
        with self._lock:
            self._wanted = None

    def _opened(self, is_open: bool) -> None:
        with self._lock:
            self._open = is_open
            job, self._job = self._job, None
        if job is not None:
            self._on_read(job, ChipRead(failure="chip_lost"))
        self._on_open(is_open)

    def _serve(self, link: Link, stopped: Callable[[], bool]) -> None:
        self._noise = Noise(NOISE_SIZE_MIN)
        while not stopped():
            with self._lock:
                job, self._job = self._job, None
            if job is None:
                self._skip(link.read(READ_SIZE, IDLE_S))  # notices the loss as well
            else:
                self._read_chip(link, job, stopped)

    def _read_chip(self, link: Link, token: int, stopped: Callable[[], bool]) -> None:
        result = ChipRead(failure="chip_lost")
        try:
            self._drain(link)
            result = self._run_session(link, lambda: stopped() or self._wanted != token)
        finally:
            self._on_read(token, result)

    def _run_session(self, link: Link, cancelled: Callable[[], bool]) -> ChipRead:
        session, data = ReaderSession(time.monotonic()), b""
        while session.result is None:
            link.write(session.data_to_send())
            data = link.read(READ_SIZE, IDLE_S)
            session.receive(data, time.monotonic())
            if cancelled():
                session.end("cancelled")
        if session.result.files:
            self._noise.valid()
        if session.result.failure:
            self._skip(data)  # noise, perhaps; if it was an answer, it is too short to count
        link.write(session.data_to_send())
        return session.result

    def _drain(self, link: Link) -> None:
        deadline = time.monotonic() + DRAIN_S_MAX
        while (data := link.read(READ_SIZE, QUIET_S)) and time.monotonic() < deadline:
            self._skip(data)
        self._skip(data)

    def _skip(self, data: bytes) -> None:
        """data belonged to no session; b"" lets time count."""
        now = time.monotonic()
        self._noise.skipped(len(data), now)
        if self._noise.changed(now):
            self._on_noise(self._noise.noisy(now))
