"""A finger sensor's session and the simulated sensor on one line, in virtual time; and the adapter with it on a pty or in memory."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Guidance
from egate.domain.device import DeviceState
from hw.finger.adapter import R30xSensor
from hw.finger.host import Contact, Session, Wanted
from hw.finger.impression import Request
from hw.finger.messages import PASSWORD_DEFAULT
from hw.finger.pd import FingerPeripheral, FingerPort
from hw.finger.picture import R30X, Model
from hw.link.fault import FaultLink
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.link.serial import open_serial

CHUNK_SIZE = 512
Wire = Callable[[bytes], bytes]


def picture(seed: int = 1, model: Model = R30X) -> NDArray[np.uint8]:
    """(h, w) uint8 without meaning: every nibble occurs."""
    return np.random.default_rng(seed).integers(0, 256, (model.height, model.width), np.uint8)


def quantised(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a sensor makes of it."""
    return np.asarray((image >> 4) * 17, np.uint8)


def there_or_not(states: Iterable[DeviceState]) -> list[DeviceState]:
    """The states told, as a busy machine leaves them: DEGRADED comes and goes with answers that are late there."""
    return [state for state, _ in itertools.groupby(one for one in states if one is not DeviceState.DEGRADED)]


def whole(data: bytes) -> bytes:
    return data


def rough(seed: int, flip: float, drop: float) -> Wire:
    """A wire that flips a bit of, and loses, so large a share of its bytes."""
    draw = random.Random(seed)

    def wire(data: bytes) -> bytes:
        kept = bytearray()
        for byte in data:
            if draw.random() >= drop:
                kept.append(byte ^ (1 << draw.randrange(8)) if draw.random() < flip else byte)
        return bytes(kept)

    return wire


@dataclass
class Line:
    """Both halves. to_host, to_sensor: what the wire does. baud: how long bytes take."""

    sensor: FingerPeripheral = field(default_factory=FingerPeripheral)
    wanted: Wanted = field(default_factory=lambda: Wanted(PASSWORD_DEFAULT))
    baud: int = 115_200
    to_host: Wire = whole
    to_sensor: Wire = whole
    now: float = 100.0
    counters: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    advice: list[Guidance] = field(default_factory=list)
    images: list[bytes] = field(default_factory=list, repr=False)
    _coming: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        self._coming.clear()
        self.session = Session(self.wanted, self.now, lambda name: self.counters.update([name]), self.errors.append)

    def want(self) -> Request:
        request = Request(self.advice.append, self.images.append)
        self.session.want(request, self.now)
        return request

    def cancel(self) -> None:
        self.session.want(None, self.now)

    def turn(self) -> None:
        """One thing happens: bytes arrive, or time passes to the next timer."""
        if output := self.session.data_to_send():
            self.now += len(output) * 10 / self.baud
            self._coming += self.to_host(self.sensor.receive(self.to_sensor(output), self.now))
        if self._coming:
            chunk = bytes(self._coming[:CHUNK_SIZE])
            del self._coming[:CHUNK_SIZE]
            self.now += len(chunk) * 10 / self.baud
            self.session.receive(chunk, self.now)
        elif (due := self.session.next_timer()) is not None:
            self.now = max(self.now, due)
        self.session.handle_timer(self.now)

    def until(self, condition: Callable[[], bool], within_s: float = 60.0) -> float:
        """Lets things happen until condition; how long it took in seconds."""
        started = self.now
        while not condition():
            assert not self.session.over, self.session.diagnosis
            assert self.now - started < within_s, f"did not happen within {within_s} s"
            self.turn()
        return self.now - started

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end and not self.session.over:
            self.turn()

    def ready(self) -> Line:
        self.until(lambda: self.session.contact is Contact.READY)
        return self

    def capture(self, print_: NDArray[np.uint8], within_s: float = 60.0) -> bytes:
        """The finger is laid on once the sensor was seen empty."""
        self.sensor.lift()
        told_count = len(self.advice)
        self.want()
        self.until(lambda: Guidance.PLACE_FINGER in self.advice[told_count:])
        self.sensor.lay(print_)
        count = len(self.images)
        self.until(lambda: len(self.images) > count, within_s)
        return self.images[-1]


@dataclass
class FingerBench:
    """The adapter and a sensor on a pty pair."""

    device: R30xSensor
    sensor: FingerPeripheral
    port: PtyMaster
    fault: FaultLink
    states: list[DeviceState] = field(default_factory=list)


@asynccontextmanager
async def finger_bench(
    folder: Path, *, wanted: Wanted | None = None, start: bool = True, baud: int | None = None
) -> AsyncIterator[FingerBench]:
    """baud: pace the wire."""
    wanted = wanted or Wanted(PASSWORD_DEFAULT)
    port = PtyMaster(folder / "finger", baud)
    fault = FaultLink(port, 1)
    sensor = FingerPeripheral(wanted.model, wanted.password, wanted.address)
    pump = Pump("finger-peripheral", FingerPort(sensor, fault, time.monotonic).poll)
    path = str(folder / "finger")
    device = R30xSensor((lambda: open_serial(path),), wanted, wanted.model.dpi)
    bench = FingerBench(device, sensor, port, fault)
    try:
        if start:
            await device.start(bench.states.append)
        yield bench
    finally:
        await device.close()
        pump.close()
        port.close()
