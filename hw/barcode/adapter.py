"""BarcodeReader: a serial bar code reader in a set-up that noise does not meet.

    barcode+serial:///dev/serial/by-path/…?baud=115200&aim=1[&prefix=STX][&terminator=CRLF][&length=4]
        [&trigger=hex:16540d&trigger_off=hex:16550d]

See hw.barcode.setup for the parameters. One owner thread; codes reach the event loop by call_soon_threadsafe. Readers send nothing
when idle, so a loss shows as LinkLost only. DEGRADED while the line brings noise (hw.link.noise).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from egate.domain.captured import ScannedCode
from egate.domain.device import DeviceHealth, DeviceState
from egate.errors import DeviceError, DeviceLost, DeviceTimeout
from hw.barcode.frame import Decoder, Framing
from hw.barcode.presentation import Presentation
from hw.barcode.setup import BAUD_MAX, SETUP_KEYS, framing_of
from hw.barcode.trigger import Trigger, TriggerCommands, trigger_commands
from hw.emrtd.adapter import READ_SIZE, PortThread
from hw.health import HealthLog
from hw.link.base import Link, LinkLost
from hw.link.noise import Noise
from hw.link.opener import link_keys, open_link
from hw.loop_calls import call_soon
from hw.url import DeviceUrl

POLL_S = 0.05  # how often the owner thread looks whether it shall end, trigger, or a false start has timed out

LEAVE_S = 0.1  # chosen: a dozen characters at 1200 baud


@dataclass(slots=True, eq=False)
class _Request:
    """One call of scan. served: its code has come and is on its way to the loop."""

    armed_s: float
    result: asyncio.Future[ScannedCode]
    served: bool = False


class SerialBarcodeReader:
    """Implements egate.ports.BarcodeReader. A second scan while one waits raises DeviceError."""

    def __init__(self, name: str, open_port: Callable[[], Link], framing: Framing, commands: TriggerCommands) -> None:
        self._framing, self._commands = framing, commands
        self._port = PortThread(f"barcode {name}", open_port, self._serve, self._port_changed, self._failed)
        self._state = DeviceState.LOST
        self._health = HealthLog()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_state: Callable[[DeviceState], None] = lambda _: None
        self._lock = threading.Lock()  # guards these two: the port thread and the loop touch them
        self._request: _Request | None = None
        self._presentation = Presentation()
        self.discarded_count = 0  # codes that came while no scan was waiting

    @property
    def state(self) -> DeviceState:
        return self._state

    @property
    def health(self) -> DeviceHealth:
        return self._health.report(self._state)

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        self._loop, self._on_state = asyncio.get_running_loop(), on_state
        self._port.start()

    async def close(self) -> None:
        await asyncio.to_thread(self._port.close)

    async def scan(self, timeout_s: float) -> ScannedCode:
        if self._state is DeviceState.LOST:
            raise DeviceLost("bar code reader is not there")
        if self._request is not None:
            raise DeviceError("bar code reader is being used already")
        request = _Request(time.monotonic(), asyncio.get_running_loop().create_future())
        with self._lock:
            self._request = request
        try:
            return await asyncio.wait_for(request.result, timeout_s)
        except TimeoutError:
            raise DeviceTimeout("no bar code was presented") from None
        finally:
            with self._lock:
                self._request = None

    # From here on: the port thread.

    def _serve(self, link: Link, stopped: Callable[[], bool]) -> None:
        decoder, noise, trigger = Decoder(self._framing), Noise(), Trigger(self._commands)
        try:
            while not stopped():
                if command := trigger.data_to_send(self._waited_for(), time.monotonic()):
                    link.write(command)
                data = link.read(READ_SIZE, POLL_S)
                now, skipped_count = time.monotonic(), decoder.skipped_count
                codes = decoder.feed(data, now) if data else decoder.handle_timer(now)
                self._count(noise, decoder.skipped_count - skipped_count, now)
                if codes:
                    noise.valid()
                    trigger.read(now)
                    self._health.heard(now)
                    self._health.count("codes", len(codes))
                if noise.changed(now):
                    self._tell(DeviceState.DEGRADED if noise.noisy(now) else DeviceState.ONLINE)
                for code in codes:
                    self._scanned(code, now)
                with self._lock:
                    self._presentation.handle_timer(now)
        finally:
            withdraw(link, trigger)

    def _count(self, noise: Noise, count: int, now: float) -> None:
        noise.skipped(count, now)
        if count:
            self._health.count("skipped_bytes", count)

    def _waited_for(self) -> bool:
        with self._lock:
            return self._request is not None and not self._request.served

    def _scanned(self, code: ScannedCode, now: float) -> None:
        with self._lock:
            request = self._request
            if self._presentation.goes_on(code.content, now):
                self._health.count("repeats")
                return
            if request is None or request.served or code.scanned_s < request.armed_s:
                self.discarded_count += 1
                return
            request.served = True
        self._in_loop(lambda: self._deliver(request, code, now))

    def _failed(self, why: str) -> None:
        self._health.lost(why)

    def _port_changed(self, is_open: bool) -> None:
        if is_open:
            self._health.opened()
        self._tell(DeviceState.ONLINE if is_open else DeviceState.LOST)

    def _tell(self, state: DeviceState) -> None:
        self._in_loop(lambda: self._apply(state))

    def _in_loop(self, call: Callable[[], None]) -> None:
        call_soon(self._loop, call)

    # From here on: the event loop.

    def _deliver(self, request: _Request, code: ScannedCode, now: float) -> None:
        if request.result.done():  # the caller went away: whoever asks next may still get the code
            return
        request.result.set_result(code)
        with self._lock:
            self._presentation.reported(code.content, now)

    def _apply(self, state: DeviceState) -> None:
        if state is self._state:
            return
        self._state = state
        request = self._request
        if state is DeviceState.LOST and request is not None and not request.result.done():
            request.result.set_exception(DeviceLost("bar code reader went away"))
        self._on_state(state)


def withdraw(link: Link, trigger: Trigger) -> None:
    """Before a port is closed: an imager must not go on looking for nobody. Closing discards what has not left yet, so this waits."""
    command = trigger.data_to_send(False, time.monotonic())
    if command:
        with contextlib.suppress(LinkLost):
            link.write(command)
            time.sleep(LEAVE_S)


def open_barcode_reader(url: DeviceUrl, base: Path) -> SerialBarcodeReader:
    """Factory of the entry point barcode.barcode_reader. Checks the URL, opens nothing. Raises ConfigurationError."""
    keys = link_keys(url)
    url.admit({"baud"} & keys, keys | SETUP_KEYS)
    url.integer("baud", BAUD_MAX, 50, BAUD_MAX)
    return SerialBarcodeReader(url.target, lambda: open_link(url), framing_of(url), trigger_commands(url))
