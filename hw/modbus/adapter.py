"""Door and presence sensors on Modbus as `egate.ports.Sensors`: one thread owns the port and polls.

URL: modbus+LINK://TARGET?unit=1[&door=0][&presence=1][&persons=0][&exits=1] and the link's own parameters. The last four are
addresses, see `points`. Over `tcp` frames are Modbus/TCP, otherwise RTU.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, WriteSingleCoilRequest

from egate.domain.device import DeviceHealth, DeviceState, SensorLevels
from egate.errors import ConfigurationError, DeviceError, DeviceTimeout, ProtocolViolation
from hw.health import HealthLog
from hw.link.base import Link, LinkLost
from hw.link.opener import link_keys, open_link
from hw.modbus.exchange import Exchange, Garbled, Refused
from hw.modbus.points import SPAN_MAX, Points, Reading
from hw.modbus.watch import Condition, Levels, Watch
from hw.url import DeviceUrl

UNIT_MAX = 247  # Modbus over Serial Line 1.02, 2.2
ADDRESS_MAX = 65535
POLL_S = 0.025  # chosen: a person needs 300 ms through a door
LOST_POLL_S = 0.2  # chosen: how soon a device that comes back is noticed
REOPEN_S = 3.0  # chosen: a port whose device is silent so long is closed and opened again
ANSWER_S_MAX = (
    0.25  # chosen: devices answer within tens of milliseconds; four failures fit into the second that means lost
)
GAP_CHARACTERS = 3.5  # Modbus over Serial Line 1.02, 2.5.1.1: silence between frames
GAP_S_MIN = 0.00175  # same clause: fixed above 19200 bit/s
BITS_PER_CHARACTER = 11
RECEIVE_BYTES = 256
BACKOFF_S = (0.1, 0.25, 0.5, 1.0)  # waits before the port is opened again; the last one repeats
STATES = {
    Condition.LOST: DeviceState.LOST,
    Condition.DEGRADED: DeviceState.DEGRADED,
    Condition.ONLINE: DeviceState.ONLINE,
}

_T = TypeVar("_T")


def open_sensors(url: DeviceUrl, base: Path) -> ModbusSensors:
    """The sensors of url, not started. Raises ConfigurationError."""
    url.admit({"unit"}, {"door", "presence", "persons", "exits"} | link_keys(url))
    points = Points(
        url.integer("unit", None, 1, UNIT_MAX),
        *(
            url.integer(key, at, 0, ADDRESS_MAX)
            for key, at in (("door", 0), ("presence", 1), ("persons", 0), ("exits", 1))
        ),
    )
    for one, other in ((points.door, points.presence), (points.persons, points.exits)):
        if not 0 < abs(one - other) < SPAN_MAX:
            raise url.error(f"two sensors have one address, or lie further apart than {SPAN_MAX}")
    if url.link == "tcp":
        return ModbusSensors(lambda: open_link(url), points, framing="tcp", gap_s=0.0)
    gap_s = GAP_CHARACTERS * BITS_PER_CHARACTER / url.integer("baud", 9600, 50, 4_000_000)
    return ModbusSensors(lambda: open_link(url), points, gap_s=max(GAP_S_MIN, gap_s))


class Client:
    """Asks one question at a time on a link, each exactly once. Used by one thread."""

    def __init__(self, link: Link, framing: str = "rtu", gap_s: float = GAP_S_MIN) -> None:
        self._link = link
        self._framing = framing
        self._gap_s = gap_s
        self._transaction = 0

    def ask(self, request: ModbusPDU, timeout_s: float = ANSWER_S_MAX) -> ModbusPDU:
        """Sends request once. Raises DeviceTimeout, ProtocolViolation, LinkLost.

        After DeviceTimeout a command may have been executed; it is never sent again from here.
        """
        self._transaction = self._transaction % 0xFFFF + 1
        exchange = Exchange(self._framing, request, self._transaction)
        time.sleep(self._gap_s)
        while self._link.read(RECEIVE_BYTES, 0):
            pass  # the late answer to an earlier question
        self._link.write(exchange.frame)
        deadline = time.monotonic() + timeout_s
        try:
            while (rest := deadline - time.monotonic()) > 0:
                answer = exchange.receive(self._link.read(RECEIVE_BYTES, rest))
                if answer is not None:
                    return answer
        except Refused as refused:
            raise ProtocolViolation(f"unit {request.dev_id} refused: {refused}") from None
        except Garbled as garbled:
            raise ProtocolViolation(f"unit {request.dev_id}: {garbled}") from None
        raise DeviceTimeout(f"unit {request.dev_id} did not answer")

    def write_coil(self, unit: int, address: int, on: bool) -> bool:
        """Writes a coil once and reads it back: True if it then reads as written. Raises like ask.

        On DeviceTimeout of the write the coil is read all the same, because the command may have been carried out.
        """
        with contextlib.suppress(DeviceTimeout, ProtocolViolation):
            self.ask(WriteSingleCoilRequest(dev_id=unit, address=address, bits=[on]))
        return bool(self.ask(ReadCoilsRequest(dev_id=unit, address=address, count=1)).bits[0]) is on


class ModbusSensors:
    """Implements egate.ports.Sensors."""

    def __init__(
        self, open_port: Callable[[], Link], points: Points, *, framing: str = "rtu", gap_s: float = GAP_S_MIN
    ) -> None:
        self._open_port = open_port
        self._points = points
        self._framing = framing
        self._gap_s = gap_s
        self._watch = Watch()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None
        self._on_state: Callable[[DeviceState], None] | None = None
        self._on_levels: list[Callable[[SensorLevels], None]] = []
        self._state = self._told_state = DeviceState.LOST
        self._told_levels = Levels()
        self._failure = "not connected"
        self._health = HealthLog()

    @property
    def state(self) -> DeviceState:
        return self._state

    @property
    def health(self) -> DeviceHealth:
        return self._health.report(self._state)

    @property
    def levels(self) -> SensorLevels:
        return _sensor_levels(self._watch.levels)

    @property
    def read_at(self) -> float | None:
        return self._watch.read_at

    @property
    def diagnosis(self) -> str:
        """Why the sensors are not ONLINE, for the operator; "" if they are."""
        if self._watch.condition is Condition.ONLINE:
            return ""
        return "presence input and person count contradict each other" if not self._failure else self._failure

    def on_levels(self, callback: Callable[[SensorLevels], None]) -> None:
        self._on_levels.append(callback)

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        if self._thread is not None or self._stop.is_set():
            raise DeviceError("the sensors were started or closed before")
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._on_state = on_state
        self._thread = threading.Thread(target=self._run, name="modbus-sensors", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        self._stop.set()
        if self._ended is not None:
            await asyncio.shield(self._ended)

    # From here on: the owner thread.

    def _run(self) -> None:
        try:
            attempt = 0
            while not self._stop.is_set():
                attempt = 0 if self._stay_connected() else min(attempt + 1, len(BACKOFF_S) - 1)
                self._stop.wait(BACKOFF_S[attempt])
        finally:
            self._watch.on_lost()
            self._publish()
            self._call_soon(self._end, None)

    def _stay_connected(self) -> bool:
        """Opens the port and polls until the port or the device is lost. True if there was a reading."""
        try:
            link = self._open_port()
        except (LinkLost, ConfigurationError) as error:
            self._failure = str(error)
            return False
        self._health.opened()
        client = Client(link, self._framing, self._gap_s)
        heard_at = time.monotonic()
        read = False
        try:
            while not self._stop.is_set() and time.monotonic() - heard_at < REOPEN_S:
                if self._poll(client):
                    read, heard_at = True, time.monotonic()
                self._publish()
                self._stop.wait(LOST_POLL_S if self._watch.condition is Condition.LOST else POLL_S)
        except LinkLost as lost:
            self._failure = str(lost)
        finally:
            link.close()
        self._health.lost(self._failure)
        self._watch.on_lost()
        self._publish()
        return read

    def _poll(self, client: Client) -> bool:
        asked_at = time.monotonic()
        try:
            reading = self._read(client)
        except (DeviceTimeout, ProtocolViolation) as failure:
            self._failure = str(failure)
            self._health.error(self._failure)
            self._watch.on_failure(time.monotonic())
            return False
        self._failure = ""
        self._health.heard(asked_at)
        self._watch.on_reading(reading, asked_at)
        return True

    def _read(self, client: Client) -> Reading:
        # In this order: an exit that is counted never stands beside a door level from before it.
        registers = client.ask(self._points.registers())
        inputs = client.ask(self._points.inputs())
        try:
            return self._points.reading(inputs, registers)
        except Garbled as garbled:
            raise ProtocolViolation(str(garbled)) from None

    def _publish(self) -> None:
        if self._watch.levels != self._told_levels:
            self._told_levels = self._watch.levels
            self._call_soon(self._change_levels, _sensor_levels(self._watch.levels))
        state = STATES[self._watch.condition]
        if state is not self._told_state:
            self._told_state = state
            self._call_soon(self._change_state, state)

    def _call_soon(self, callback: Callable[[_T], None], value: _T) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            if self._loop is not None:
                self._loop.call_soon_threadsafe(callback, value)

    # From here on: the event loop.

    def _change_levels(self, levels: SensorLevels) -> None:
        for callback in self._on_levels:
            callback(levels)

    def _change_state(self, state: DeviceState) -> None:
        self._state = state
        if self._on_state is not None:
            self._on_state(state)

    def _end(self, _: None) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


def _sensor_levels(levels: Levels) -> SensorLevels:
    return SensorLevels(levels.door_closed, levels.persons, levels.exits)
