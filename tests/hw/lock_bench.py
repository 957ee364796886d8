"""A lock adapter and its simulated peripheral on a pty pair, with a fault link at the peripheral's end."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from egate.domain.device import DeviceState, LockState
from hw.link.fault import FaultLink
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.link.serial import open_serial
from hw.osdp.adapter import TICK_S, OsdpLock
from hw.osdp.pd import ON_TIMED, LockPeripheral


@dataclass
class LockBench:
    lock: OsdpLock
    port: PtyMaster
    fault: FaultLink
    peripheral: LockPeripheral
    states: list[DeviceState] = field(default_factory=list)

    async def ready(self, within_s: float = 5.0) -> None:
        try:
            await until(
                lambda: self.lock.state is DeviceState.ONLINE and self.lock.lock_state is LockState.SECURED, within_s
            )
        except AssertionError as error:
            raise AssertionError(f"not ready: {self}, {self.lock.diagnosis!r}, {self.peripheral.actuations}") from error

    def __str__(self) -> str:
        return f"{self.lock.state} {self.lock.lock_state} {[state.name for state in self.states]}"

    @property
    def released_at(self) -> list[float]:
        """When the peripheral executed a timed release."""
        return [one.at for one in self.peripheral.actuations if one.control_code == ON_TIMED]


async def until(condition: Callable[[], bool], within_s: float) -> None:
    """Waits for condition; fails the test if it does not come true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"did not happen within {within_s} s"
        await asyncio.sleep(0.002)


@asynccontextmanager
async def lock_bench(
    folder: Path,
    *,
    peripheral_key: bytes | None = b"",
    seed: int = 1,
    tick_s: float = TICK_S,
    baud: int | None = None,
    start: bool = True,
) -> AsyncIterator[LockBench]:
    """peripheral_key b"": the lock's own. baud: pace the wire."""
    key = secrets.token_bytes(16)
    port = PtyMaster(folder / f"lock-{seed}", baud)
    fault = FaultLink(port, seed)
    peripheral = LockPeripheral(fault, key if peripheral_key == b"" else peripheral_key, time.monotonic)
    pump = Pump("lock-peripheral", lambda: peripheral.poll(tick_s))
    transit_s = 0.02 + (400 / baud if baud else 0)
    path = str(folder / f"lock-{seed}")
    bench = LockBench(
        OsdpLock(lambda: open_serial(path), 1, key, transit_s=transit_s, tick_s=tick_s), port, fault, peripheral
    )
    try:
        if start:
            await bench.lock.start(bench.states.append)
        yield bench
    finally:
        await bench.lock.close()
        pump.close()
        peripheral.close()
