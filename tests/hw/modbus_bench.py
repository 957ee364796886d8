"""A lock's session and a simulated controller under a virtual clock; and a lock, its line and its controller on a pty."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from egate.domain.device import DeviceRole, DeviceState, LockState
from egate.domain.signal import Light
from hw.link.base import Link
from hw.link.fault import FaultLink
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.link.serial import open_serial
from hw.modbus.adapter import ModbusLock, ModbusSignal
from hw.modbus.adapter.bus import Bus
from hw.modbus.adapter.line import ANSWER_S_MAX, serial_timing
from hw.modbus.controller import Controller
from hw.modbus.frame import Answer, Framing, Refused
from hw.modbus.lock import LockSession
from hw.modbus.lock_order import Contact, Failure, Fate, Order, Purpose
from hw.modbus.map_file import shipped
from hw.modbus.release_time import Watchdog
from hw.modbus.request import RequestDecoder
from hw.modbus.server import Line, Peripheral
from hw.registry import open_device
from tests.hw.lock_bench import until

UNIT = 9
TRANSIT_S = 0.02
LAMPS = (Light.RED, Light.AMBER, Light.GREEN)
WIRE_S = 0.002  # a question and its answer at 115,200 baud, roughly


@dataclass
class VirtualLock:
    """advance: lets time pass and the session ask. lose: what is lost of an order, "request" or "answer", or "" for nothing.

    held_s: how long a release lies in our own hands between being ordered and being sent, as when the process is stopped.
    """

    controller: Controller
    watchdog: Watchdog | None = None
    lose: Callable[[Order, float], str] = lambda order, now: ""
    now: float = 100.0
    held_s: float = 0.0
    asked: list[Order] = field(default_factory=list)
    moved: list[tuple[float, bool]] = field(default_factory=list)  # when output 0 changed, and to what

    def __post_init__(self) -> None:
        assert self.controller.lock is not None
        self.peripheral = Peripheral(self.controller, UNIT, self.watchdog)
        self.peripheral.on_change = lambda released, at: self.moved.append((at, released))
        self.session = LockSession(self.controller.lock, UNIT, TRANSIT_S, self.watchdog)
        self.session.connect(self.now)

    def advance(self, duration_s: float) -> None:
        end = self.now + duration_s
        while self.now < end:
            self.session.expire(self.now)
            due = self.session.due()
            if due <= self.now:
                self._ask(self.session.next_order(self.now))
                continue
            self.now = min(end, due, max(self.now + 1e-3, self.session.expires()))
            self.peripheral.tick(self.now)

    def ready(self) -> None:
        self.advance(0.5)
        assert self.session.contact is Contact.READY, self.session.diagnosis
        assert self.session.active is False

    def release(self, duration_s: float, deadline_s: float = 1.0) -> list[Fate]:
        """What becomes of it, as soon as it is known."""
        fates: list[Fate] = []
        self.session.release(duration_s, self.now + deadline_s, fates.append)
        return fates

    def secure(self) -> list[bool]:
        answers: list[bool] = []
        self.session.secure(self.now + 1.0, answers.append)
        return answers

    def contact(self) -> Contact:
        return self.session.contact

    def active(self) -> bool | None:
        return self.session.active

    def timer_broken(self) -> bool:
        return self.session.timer_broken

    def released(self) -> bool:
        return self.peripheral.released

    @property
    def releases_sent(self) -> int:
        return sum(order.purpose is Purpose.RELEASE for order in self.asked)

    def _ask(self, order: Order) -> None:
        if order.purpose is Purpose.RELEASE:
            self.now += self.held_s
        if order.not_after is not None and self.now >= order.not_after:
            self.session.on_failure(order, Failure.NOT_SENT, "too late", self.now)
            return
        self.asked.append(order)
        asked_at, lost = self.now, self.lose(order, self.now)
        self.now += WIRE_S
        self.peripheral.tick(self.now)
        frame = None
        if lost != "request":
            request = RequestDecoder(Framing.RTU).feed(order.question.frame(Framing.RTU))[0]
            frame = self.peripheral.answer(request, Framing.RTU, self.now)
        if frame is None or lost:
            limit = asked_at + ANSWER_S_MAX
            self.now = max(self.now, limit if order.answer_by is None else min(limit, order.answer_by))
            self.peripheral.tick(self.now)
            self.session.on_failure(order, Failure.NO_ANSWER, "no answer", self.now)
            return
        try:
            pdu = Answer(order.question, Framing.RTU).feed(frame)
        except Refused as refused:
            self.session.on_failure(order, Failure.REFUSED, str(refused), self.now)
            return
        assert pdu is not None
        self.session.on_answer(order, pdu, asked_at, self.now)


@dataclass
class ModbusLockBench:
    lock: ModbusLock
    port: PtyMaster
    fault: FaultLink
    peripheral: Peripheral
    states: list[DeviceState] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)  # when the port was

    async def ready(self, within_s: float = 5.0) -> None:
        await until(
            lambda: self.lock.state is DeviceState.ONLINE and self.lock.lock_state is LockState.SECURED, within_s
        )


@asynccontextmanager
async def modbus_lock_bench(
    folder: Path, controller: Controller | None = None, *, start: bool = True
) -> AsyncIterator[ModbusLockBench]:
    """controller None: a relay board."""
    controller = controller or shipped("waveshare_relay")
    assert controller.lock is not None
    port = PtyMaster(folder / "relay")
    fault = FaultLink(port, 1)
    peripheral = Peripheral(controller, UNIT)
    line = Line(fault, time.monotonic, [peripheral])
    pump = Pump("relay", lambda: line.poll(0.001))
    path = str(folder / "relay")
    opened: list[float] = []

    def open_port() -> Link:
        opened.append(time.monotonic())
        return open_serial(path)

    lock = ModbusLock(Bus(open_port, serial_timing(115_200)), controller.lock, UNIT, transit_s=TRANSIT_S)
    bench = ModbusLockBench(lock, port, fault, peripheral, opened=opened)
    try:
        if start:
            await bench.lock.start(bench.states.append)
        yield bench
    finally:
        await bench.lock.close()
        pump.close()
        line.close()


@dataclass
class ModbusSignalBench:
    """signal not started; red, amber, green and buzzer on outputs 0 to 3 of a relay board."""

    signal: ModbusSignal
    port: PtyMaster
    board: Peripheral

    @property
    def light(self) -> Light:
        lit = [light for light, value in zip(LAMPS, self.board.outputs, strict=False) if value]
        assert len(lit) < 2, "two aspects at once"
        return lit[0] if lit else Light.OFF

    @property
    def sound_count(self) -> int:
        return sum(write.address == 0x0203 for write in self.board.writes)


@asynccontextmanager
async def modbus_signal_bench(folder: Path) -> AsyncIterator[ModbusSignalBench]:
    port, board = PtyMaster(folder / "lamps"), Peripheral(shipped("waveshare_relay"), UNIT)
    line = Line(port, time.monotonic, [board])
    pump = Pump("lamps", lambda: line.poll(0.001))
    url = f"modbus+pty://{folder}/lamps?unit={UNIT}&baud=115200&map=waveshare_relay&red=0&amber=1&green=2&buzzer=3"
    signal = open_device(url, folder, DeviceRole.SIGNAL)
    assert isinstance(signal, ModbusSignal)
    try:
        yield ModbusSignalBench(signal, port, board)
    finally:
        await signal.close()
        pump.close()
        line.close()
