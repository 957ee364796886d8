"""DocumentReader: a serial MRZ reader, and beside it the reader of the document's chip.

    mrz+serial:///dev/serial/by-path/…?baud=9600&chip=/dev/serial/by-path/…&chip_baud=921600
    mrz+serial:///dev/serial/by-path/…?baud=9600&format=lines&terminator=CRLF&line_terminator=CR

How zones come is told by further parameters (hw.mrz.setup). An imager that must be triggered is so while `read` waits.
The reader of the chip is named by others (hw.mrz.chip_url); without it only the zone is read. A zone that arrives while
`read` waits starts a document session; the chip is opened with it and read at once, and both come back under one session id.

Two ports, one owner thread each (PortThread); results reach the event loop by call_soon_threadsafe. MRZ readers send nothing
when idle, so a loss shows as LinkLost only: LOST while either port is not open. DEGRADED while either brings noise (hw.link.noise):
documents are still read, if their blocks are whole. Otherwise ONLINE.
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from egate.document.presentation import present
from egate.domain.chip import ChipRead
from egate.domain.device import DeviceHealth, DeviceState
from egate.domain.document import DocumentRead
from egate.domain.ids import DocumentSessionId
from egate.errors import DeviceError, DeviceLost, DeviceTimeout
from hw.barcode.adapter import withdraw
from hw.barcode.trigger import Trigger
from hw.emrtd.adapter import READ_SIZE, ChipPort, PortThread
from hw.emrtd.plan import OnProgress, ReadPlan, ignore_progress
from hw.emrtd.session import CRYPTOGRAPHY_S_MAX, SESSION_S_MAX
from hw.health import HealthLog
from hw.link.base import Link
from hw.link.noise import Noise
from hw.link.opener import link_keys, open_link
from hw.loop_calls import call_soon
from hw.mrz.chip_url import BAUD_MAX, CHIP_KEYS, ChipSource, chip_source
from hw.mrz.setup import SETUP_KEYS, ZoneSource, zone_source
from hw.url import DeviceUrl

POLL_S = 0.05  # how often the owner thread looks whether it shall end, or a false start has timed out


@dataclass(slots=True, eq=False)
class _Request:
    """One call of read. token: of its newest document session; None until a document came."""

    armed_s: float
    result: asyncio.Future[DocumentRead]
    presented: Callable[[], None]
    token: int | None = None
    lines: tuple[str, ...] = ()


class MrzReader:
    """See DocumentReader in egate.ports. A second read while one waits raises DeviceError."""

    def __init__(self, url: DeviceUrl, chip: ChipSource | None, zones: ZoneSource) -> None:
        self._zones = zones
        self._mrz = PortThread(
            f"mrz {url.target}",
            lambda: open_link(url),
            self._serve,
            lambda up: self._port_changed(0, up),
            lambda why: self._health.lost(f"zone: {why}"),
        )
        self.on_progress: OnProgress = ignore_progress  # called in the chip's thread
        self._terminal = None if chip is None else chip.terminal
        self._chip = (
            None
            if chip is None
            else ChipPort(
                chip.name,
                chip.open,
                lambda up: self._port_changed(1, up),
                lambda noisy: self._noise_changed(1, noisy),
                self._chip_read,
                lambda progress: self.on_progress(progress),
                lambda why: self._health.lost(f"chip: {why}"),
            )
        )
        self._ports_open = [False, chip is None]
        self._ports_noisy = [False, False]
        self._state = DeviceState.LOST
        self._health = HealthLog()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_state: Callable[[DeviceState], None] = lambda _: None
        self._lock = threading.Lock()  # guards _request's fields and _token: both port threads and the loop touch them
        self._request: _Request | None = None
        self._token = 0
        self.discarded_count = 0  # documents that came while no read was waiting

    @property
    def state(self) -> DeviceState:
        return self._state

    @property
    def health(self) -> DeviceHealth:
        return self._health.report(self._state)

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        self._loop, self._on_state = asyncio.get_running_loop(), on_state
        self._mrz.start()
        if self._chip is not None:
            self._chip.start()

    async def close(self) -> None:
        await asyncio.to_thread(self._mrz.close)
        if self._chip is not None:
            await asyncio.to_thread(self._chip.close)

    async def read(self, timeout_s: float) -> DocumentRead:
        if self._state is DeviceState.LOST:
            raise DeviceLost("document reader is not there")
        if self._request is not None:
            raise DeviceError("document reader is being read already")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s) as limit:
                # A document that came in time is read to its end: from then on the session's own limits hold.
                session_s_max = SESSION_S_MAX + CRYPTOGRAPHY_S_MAX
                request = _Request(
                    time.monotonic(), loop.create_future(), lambda: limit.reschedule(loop.time() + session_s_max)
                )
                with self._lock:
                    self._request = request
                return await request.result
        except TimeoutError:
            raise DeviceTimeout("no document was presented") from None
        finally:
            with self._lock:
                self._request = None
            if self._chip is not None:
                self._chip.cancel()

    def _serve(self, link: Link, stopped: Callable[[], bool]) -> None:
        """MRZ port thread."""
        decoder, noise, trigger = self._zones.decoder(), Noise(), Trigger(self._zones.commands)
        try:
            while not stopped():
                if command := trigger.data_to_send(self._request is not None, time.monotonic()):
                    link.write(command)
                data = link.read(READ_SIZE, POLL_S)
                now, skipped_count = time.monotonic(), decoder.skipped_count
                zones = decoder.feed(data, now) if data else decoder.handle_timer(now)
                self._count(noise, decoder.skipped_count - skipped_count, now)
                if zones:
                    noise.valid()
                    trigger.read(now)
                    self._health.heard(now)
                    self._health.count("zones", len(zones))
                if noise.changed(now):
                    self._noise_changed(0, noise.noisy(now))
                for zone in zones:
                    self._presented(zone.lines, zone.started_s)
        finally:
            withdraw(link, trigger)

    def _count(self, noise: Noise, count: int, now: float) -> None:
        noise.skipped(count, now)
        if count:
            self._health.count("skipped_bytes", count)

    def _presented(self, lines: tuple[str, ...], started_s: float) -> None:
        """MRZ port thread. The newest document counts: another zone that arrives during a session starts a new one.

        The same zone once more is the same document, moved or sent again by its reader: a session that began anew each time would
        never end.
        """
        with self._lock:
            request = self._request
            if request is None or started_s < request.armed_s:
                self.discarded_count += 1
                return
            if request.token is not None and request.lines == lines:
                return
            self._token += 1
            token, first = self._token, request.token is None
            request.token, request.lines = token, lines
        if first:
            self._in_loop(lambda: self._extend(request))
        if self._chip is not None and lines:
            self._chip.read(token, ReadPlan(lines, terminal=self._terminal))
        else:
            self._chip_read(token, None)

    def _chip_read(self, token: int, chip: ChipRead | None) -> None:
        """Chip port thread, or MRZ port thread where no chip is read."""
        with self._lock:
            request = self._request
            if request is None or request.token != token:
                return
            lines = request.lines
        document = document_read(lines, chip)
        self._in_loop(lambda: None if request.result.done() else request.result.set_result(document))

    def _extend(self, request: _Request) -> None:
        if request is self._request and not request.result.done():
            request.presented()

    def _port_changed(self, index: int, is_open: bool) -> None:
        """Either port thread."""
        if is_open:
            self._health.opened()
        self._in_loop(lambda: self._apply(index, is_open, False))

    def _noise_changed(self, index: int, noisy: bool) -> None:
        """Either port thread, while its port is open."""
        self._in_loop(lambda: self._apply(index, True, noisy))

    def _apply(self, index: int, is_open: bool, noisy: bool) -> None:
        self._ports_open[index], self._ports_noisy[index] = is_open, noisy
        state = DeviceState.DEGRADED if any(self._ports_noisy) else DeviceState.ONLINE
        if not all(self._ports_open):
            state = DeviceState.LOST
        if state is self._state:
            return
        self._state = state
        request = self._request
        if state is DeviceState.LOST and request is not None and not request.result.done():
            request.result.set_exception(DeviceLost("document reader went away"))
        self._on_state(state)

    def _in_loop(self, call: Callable[[], None]) -> None:
        call_soon(self._loop, call)


def open_reader(url: DeviceUrl, base: Path) -> MrzReader:
    """Factory of the entry point `mrz`. Checks the URL and reads what it refers to, opens nothing. Raises ConfigurationError."""
    keys = link_keys(url)
    url.admit({"baud"} & keys, keys | CHIP_KEYS | SETUP_KEYS)
    url.integer("baud", BAUD_MAX, 50, BAUD_MAX)
    return MrzReader(url, chip_source(url, base), zone_source(url))


def document_read(lines: tuple[str, ...], chip: ChipRead | None) -> DocumentRead:
    """The session's data under a new session id. chip: None where no chip was asked."""
    session = DocumentSessionId(uuid.uuid4().hex)
    if chip is None:
        return DocumentRead(session, lines, failure="" if lines else "mrz_empty")
    return present(session, lines, chip)
