"""Simulated peripherals in a process of their own, so that what they cost is not charged to the controller.

    python -m bench.osdp_line FOLDER LINES DEVICES BAUD    ptys FOLDER/line-0 …, on each peripherals of address 1 to DEVICES

The key of all is in FOLDER/key.scbk. Prints "ready", ends with its standard input. BAUD 0: bytes take no time.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.osdp.pd import Equipment, LockPeripheral
from hw.osdp.pd_bus import PeripheralBus

TICK_S = 0.02  # bytes wake it at once; only its timers wait so long
KEY_FILE = "key.scbk"
EQUIPMENT = Equipment(outputs=2, inputs=8)


def line(folder: Path, number: int, devices: int, key: bytes, baud: int | None) -> Pump:
    bus = PeripheralBus(PtyMaster(folder / f"line-{number}", baud))
    bus.join([LockPeripheral(bus.tap(), key, time.monotonic, address, EQUIPMENT) for address in range(1, devices + 1)])
    return Pump(f"line-{number}", lambda: bus.poll(TICK_S))


@contextlib.contextmanager
def lines(folder: Path, count: int, devices: int, baud: int | None) -> Iterator[None]:
    """The process runs while the block does."""
    arguments = [str(folder), str(count), str(devices), str(baud or 0)]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.osdp_line", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n", "the peripherals did not start"
        yield
    finally:
        process.stdin.close()
        process.wait(10)


def main() -> None:
    folder, count, devices, baud = sys.argv[1:]
    key = bytes.fromhex((Path(folder) / KEY_FILE).read_text(encoding="ascii"))
    pumps = [line(Path(folder), number, int(devices), key, int(baud) or None) for number in range(int(count))]
    print("ready", flush=True)
    sys.stdin.buffer.read()
    for pump in pumps:
        pump.close()


if __name__ == "__main__":
    main()
