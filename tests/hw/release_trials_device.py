"""A simulated lock in a process of its own: `python -m tests.hw.release_trials_device FAMILY FOLDER SEED`.

Says {"url": …} when it is there; then takes one JSON command a line and answers each: silence, unplug, replug, power_cycle, plant, log.
Its log is kept by the peripheral alone, on CLOCK_MONOTONIC, which all processes share.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hw.link.fault import FaultLink
from hw.link.pty import PtyMaster
from hw.link.pump import Pump
from hw.osdp.keys import write_new_key
from hw.osdp.pd import ON_TIMED, LockPeripheral

BAUD = 115_200


class Peripheral(Protocol):
    """What a family's simulated lock must offer."""

    on_change: Callable[[bool, float], None] | None
    timer_fault: bool

    def poll(self) -> None: ...
    def power_cycle(self) -> None: ...


@dataclass
class Moved:
    """tick_s: how long before it the peripheral had looked at line and timer for the last time."""

    released: bool
    at: float
    tick_s: float


class Log:
    """When the bolt moved, and how fine the peripheral's own clock ticked then."""

    def __init__(self, peripheral: Peripheral, command_count: Callable[[], int]) -> None:
        self._peripheral = peripheral
        self._command_count = command_count
        self._polled_at = self._polled_before = time.monotonic()
        self._moves: list[Moved] = []
        peripheral.on_change = self._moved

    def poll(self) -> None:
        self._polled_before, self._polled_at = self._polled_at, time.monotonic()
        self._peripheral.poll()

    def tell(self) -> dict[str, Any]:
        return {
            "moves": [[move.released, move.at, move.tick_s] for move in self._moves],
            "commands": self._command_count(),
        }

    def _moved(self, released: bool, at: float) -> None:
        self._moves.append(Moved(released, at, at - self._polled_before))


def osdp(link: FaultLink, folder: Path) -> tuple[Peripheral, Callable[[], int], str]:
    write_new_key(folder / "lane.scbk")
    key = bytes.fromhex((folder / "lane.scbk").read_text())
    lock = LockPeripheral(link, key, time.monotonic)

    def released_count() -> int:
        return sum(one.control_code == ON_TIMED for one in lock.actuations)

    return lock, released_count, f"osdp+pty://{folder}/lock?address=1&baud={BAUD}&key=file:lane.scbk"


FAMILIES = {"osdp": osdp}


def main(family: str, folder: str, seed: str) -> None:
    port = PtyMaster(Path(folder) / "lock", BAUD)
    link = FaultLink(port, int(seed))
    peripheral, command_count, url = FAMILIES[family](link, Path(folder))
    log = Log(peripheral, command_count)
    pump = Pump("lock", log.poll)
    say(url=url)
    for line in sys.stdin:
        order = json.loads(line)
        match order.pop("do"):
            case "silence":
                link.silence(0.0, order["duration_s"])
            case "unplug":
                port.unplug()
            case "replug":
                port.replug()
            case "power_cycle":
                peripheral.power_cycle()
            case "plant":
                peripheral.timer_fault = True
        say(**log.tell())
    pump.close()
    port.close()


def say(**line: Any) -> None:
    os.write(sys.stdout.fileno(), json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
