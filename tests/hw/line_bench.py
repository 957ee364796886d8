"""Locks on a simulated line under a clock that the test moves: a millisecond a step, every peripheral's answer within it.

libosdp itself goes by the wall clock, which matters for its own timeouts only; none is reached here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hw.link import memory
from hw.link.base import Link
from hw.link.fault import FaultLink
from hw.osdp.acu import Acu
from hw.osdp.channel import Channel
from hw.osdp.frame import command_of
from hw.osdp.line import Line
from hw.osdp.lock import LockDuty
from hw.osdp.pd import LockPeripheral
from hw.osdp.pd_bus import PeripheralBus
from hw.osdp.peripheral import Peripheral
from hw.osdp.release import Contact, Fate

STEP_S = 0.001
KEY = bytes(range(16))
TRANSIT_S = 0.02


class Wire:
    """The controllers' link: notes when a frame to which address left, with its command.

    spoil: what becomes of frames on the way to the peripherals and back; it is given the bytes and whether they are a reply.
    """

    def __init__(self, inner: Link, now: Callable[[], float]) -> None:
        self._inner = inner
        self._now = now
        self.sent: list[tuple[float, int, int]] = []
        self.spoil: Callable[[bytes, bool], bytes] = lambda data, is_reply: data

    def read(self, size_max: int, timeout_s: float) -> bytes:
        data = self._inner.read(size_max, timeout_s)
        return self.spoil(data, True) if data else data

    def write(self, data: bytes) -> None:
        command = command_of(data)
        self.sent.append((self._now(), data[2], command[0] if command else 0))
        self._inner.write(self.spoil(data, False))

    def close(self) -> None:
        self._inner.close()


class Workbench:
    """Peripherals of address 1 on, a lock duty on each. deaf: addresses that hear nothing. slow_s: how late all of them answer."""

    def __init__(self, count: int) -> None:
        self.time = 100.0
        near, far = memory.pair()
        self.wire = Wire(near, lambda: self.time)
        bus = PeripheralBus(far)
        self.deaf: set[int] = set()
        self.slow_s = 0.0
        self._answers_at = 0.0
        self.faults = {address: FaultLink(bus.tap(), address) for address in range(1, count + 1)}
        self.simulated = {
            address: LockPeripheral(fault, KEY, lambda: self.time, address) for address, fault in self.faults.items()
        }
        bus.join(list(self.simulated.values()))
        self._far = bus
        self.line = Line(115_200)
        self.locks: dict[int, LockDuty] = {}
        self.contexts = dict.fromkeys(self.faults, 0)
        for address in self.faults:
            self._add(address)
        self.fates: list[tuple[float, Fate]] = []

    def _add(self, address: int) -> None:
        channel = Channel(lambda: self.time)
        channel.attach(self.wire)

        def make() -> Acu:
            self.contexts[address] += 1
            return Acu(channel, address, KEY)

        peripheral = Peripheral(channel, address, make)
        self.line.add(peripheral)
        self.locks[address] = LockDuty(peripheral, 0, TRANSIT_S)
        peripheral.add(self.locks[address], self.time)
        peripheral.plug(self.time)

    def step(self) -> None:
        self.line.turn(self.time)
        if self.line.must_renew:  # as the bus does; what was written is gone
            for peripheral in self.line.peripherals:
                peripheral.renew_port = False
            self.line.clear(self.time)
        for address in self.deaf:
            self.faults[address].silence(0.0, 60.0)
        if self.time >= self._answers_at:
            self._answers_at = self.time + self.slow_s
            for _ in range(2):
                self._far.poll(0.0)
        self.line.receive(self.wire.read(4096, 0.0), self.time)
        self.time += STEP_S

    def run(self, duration_s: float) -> None:
        end = self.time + duration_s
        while self.time < end:
            self.step()

    def run_until(self, condition: Callable[[], bool], within_s: float = 5.0) -> None:
        end = self.time + within_s
        while not condition():
            assert self.time < end, {address: lock.diagnosis for address, lock in self.locks.items()}
            self.step()

    def ready(self, *addresses: int) -> bool:
        return all(self.locks[one].contact is Contact.READY and self.locks[one].active is False for one in addresses)

    def release(self, address: int, duration_s: float, deadline_s: float) -> None:
        self.locks[address].release(
            duration_s, self.time + deadline_s, lambda fate: self.fates.append((self.time, fate))
        )

    def close(self) -> None:
        for peripheral in self.line.peripherals:
            peripheral.unplug("closed")
        for simulated in self.simulated.values():
            simulated.close()


@contextmanager
def two_online() -> Iterator[Workbench]:
    """Two peripherals whose locks are known to be secured."""
    one = Workbench(2)
    one.run_until(lambda: one.ready(1, 2))
    yield one
    one.close()
