"""libosdp's control panel as the peer of a simulated peripheral, stepped by the test: nothing runs but what is stepped."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from hw.link import memory
from hw.link.base import Link
from hw.osdp.frame import Assembler
from hw.osdp.library import EventReturns, native, quiet
from hw.osdp.pd import LockPeripheral

WITHIN_S = 5.0


class Tap:
    """libosdp's channel over a link, keeping what went each way."""

    id = 1

    def __init__(self, link: Link) -> None:
        self._link = link
        self._assembler = Assembler()
        self._received = bytearray()
        self.frames: list[tuple[bool, bytes]] = []  # sent by the panel, frame

    def receive(self) -> None:
        data = self._assembler.feed(self._link.read(1024, 0.0), time.monotonic())
        if data:
            self.frames.append((False, data))
        self._received += data

    def read(self, size_max: int) -> bytes:
        data = bytes(self._received[:size_max])
        del self._received[:size_max]
        return data

    def write(self, frame: bytes) -> int:
        self.frames.append((True, frame))
        self._link.write(frame)
        return len(frame)

    def flush(self) -> None:
        self._received.clear()


class Panel:
    """enforce False: falls back to the install key, and gives the peripheral its key under it."""

    def __init__(self, link: Link, addresses: list[int], keys: list[bytes], *, enforce: bool = True) -> None:
        quiet()
        self.channel = Tap(link)
        self.polled: list[Callable[[], None]] = []
        self.events: list[dict[str, Any]] = []
        self.completed: list[tuple[int, int]] = []  # command, status
        self._returns = EventReturns()
        flags = native.FLAG_ENFORCE_SECURE if enforce else 0
        self._context = native.ControlPanel(
            [
                {
                    "name": f"PD-{address}",
                    "address": address,
                    "flags": flags,
                    "scbk": key,
                    "channel": self.channel,
                    "version": 0,
                    "model": 0,
                    "vendor_code": 0,
                    "serial_number": 0,
                    "firmware_version": 0,
                }
                for address, key in zip(addresses, keys, strict=True)
            ]
        )
        self._context.set_event_callback(self._on_event)
        self._context.set_command_completion_callback(self._on_completion)

    def online(self, index: int = 0) -> bool:
        mask = 1 << index
        return bool(self._context.status() & mask and self._context.sc_status() & mask)

    def command(self, command: dict[str, Any], index: int = 0) -> bool:
        """True if the peripheral accepted it."""
        before = len(self.completed)
        assert self._context.submit_command(index, command), "libosdp did not take the command"
        self.step_until(lambda: len(self.completed) > before)
        return self.completed[-1][1] == int(native.COMPLETION_OK)

    def ask(self, kind: int, index: int = 0) -> bytes:
        """A status report. kind: native.STATUS_REPORT_…"""
        before = len(self.events)
        assert self.command({"command": native.CMD_STATUS, "type": kind}, index)
        self.step_until(lambda: len(self.events) > before)
        return bytes(self.events[-1]["report"])

    def step(self) -> None:
        for poll in self.polled:
            poll()
        self.channel.receive()
        self._context.refresh()
        self.events += self._returns.take()

    def step_until(self, condition: Callable[[], bool], within_s: float = WITHIN_S) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"did not happen within {within_s} s"
            self.step()
            time.sleep(0.0002)  # libosdp counts milliseconds

    def close(self) -> None:
        self._context = None

    def _on_event(self, _index: int, event: dict[str, Any]) -> int:
        self._returns.collect(event)
        return 0

    def _on_completion(self, _index: int, command: dict[str, Any], status: int) -> None:
        self.completed.append((command["command"], status))


class Bench:
    """One peripheral, whose clock only the test moves, and its panel on a memory link."""

    def __init__(self, key: bytes | None = bytes(range(16)), **equipment: Any) -> None:
        self.now = 1000.0
        near, far = memory.pair()
        self.peripheral = LockPeripheral(far, key, lambda: self.now, **equipment)
        self.panel = Panel(near, [1], [key or bytes(range(1, 17))], enforce=key is not None)
        self.panel.polled.append(lambda: self.peripheral.poll(0.0))

    def ready(self) -> Bench:
        self.panel.step_until(lambda: self.panel.online() and self.peripheral.online)
        return self

    def later(self, seconds: float) -> None:
        """Moves the peripheral's clock and lets it run its timers."""
        self.now += seconds
        self.peripheral.poll(0.0)
