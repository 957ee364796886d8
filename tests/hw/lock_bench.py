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
from hw.osdp.adapter import OsdpLock, open_lock
from hw.osdp.pd import ON_TIMED, LockPeripheral
from hw.url import parse

TICK_S = 0.001  # how long the peripheral waits for bytes before it looks at its timer
BAUD_UNPACED = 115_200  # what a lock believes of a line whose bytes take no time


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


def write_key(path: Path, key: bytes) -> None:
    """As egate.keys of a site: hexadecimal, the owner's alone."""
    path.touch(mode=0o600)
    path.write_text(key.hex())


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
    write_key(folder / f"lock-{seed}.scbk", key)
    port = PtyMaster(folder / f"lock-{seed}", baud)
    fault = FaultLink(port, seed)
    peripheral = LockPeripheral(fault, key if peripheral_key == b"" else peripheral_key, time.monotonic)
    pump = Pump("lock-peripheral", lambda: peripheral.poll(tick_s))
    url = parse(f"osdp+pty://{folder}/lock-{seed}?address=1&baud={baud or BAUD_UNPACED}&key=file:lock-{seed}.scbk")
    bench = LockBench(open_lock(url, folder), port, fault, peripheral)
    try:
        if start:
            await bench.lock.start(bench.states.append)
        yield bench
    finally:
        await bench.lock.close()
        pump.close()
        peripheral.close()
