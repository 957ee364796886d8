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
from hw.modbus.map_file import shipped
from hw.modbus.server import Line
from hw.modbus.server import Peripheral as Board
from hw.osdp.keys import write_new_key
from hw.osdp.pd import ON_TIMED, LockPeripheral

BAUD = 115_200
UNIT = 1
POLL_S = 0.001


class Peripheral(Protocol):
    """What a family's simulated lock must offer. poll, log_to and released_count: one thread; the others: any."""

    def poll(self) -> None: ...
    def power_cycle(self) -> None: ...
    def log_to(self, moved: Callable[[bool, float], None]) -> None: ...
    def never_end(self) -> None: ...
    def released_count(self) -> int: ...


@dataclass
class Moved:
    """tick_s: how long before it the peripheral had looked at line and timer for the last time."""

    released: bool
    at: float
    tick_s: float


class Log:
    """When the bolt moved, and how fine the peripheral's own clock ticked then."""

    def __init__(self, peripheral: Peripheral) -> None:
        self._peripheral = peripheral
        self._polled_at = self._polled_before = time.monotonic()
        self._moves: list[Moved] = []
        peripheral.log_to(self._moved)

    def poll(self) -> None:
        self._polled_before, self._polled_at = self._polled_at, time.monotonic()
        self._peripheral.poll()

    def tell(self) -> dict[str, Any]:
        return {
            "moves": [[move.released, move.at, move.tick_s] for move in self._moves],
            "commands": self._peripheral.released_count(),
        }

    def _moved(self, released: bool, at: float) -> None:
        """By our own clock: a peripheral may date the end of a release back to when it was due."""
        now = time.monotonic()
        self._moves.append(Moved(released, now, now - self._polled_before))


class RelayBoard:
    """A Modbus board whose relay 0 drives the bolt and falls off by itself (flash on)."""

    def __init__(self, link: FaultLink) -> None:
        controller = shipped("waveshare_relay")
        assert controller.lock is not None
        self._release = controller.lock.release
        self._board = Board(controller, UNIT)
        self._line = Line(link, time.monotonic, [self._board])
        self._power_cycle_wanted = False

    def poll(self) -> None:
        if self._power_cycle_wanted:
            self._power_cycle_wanted = False
            self._board.power_cycle(time.monotonic())
        self._line.poll(POLL_S)

    def power_cycle(self) -> None:
        self._power_cycle_wanted = True

    def log_to(self, moved: Callable[[bool, float], None]) -> None:
        self._board.on_change = moved

    def never_end(self) -> None:
        self._board.timer_fault = True

    def released_count(self) -> int:
        address = (self._release.table, self._release.address)
        return sum((write.table, write.address) == address for write in self._board.writes)


class OsdpLock:
    def __init__(self, link: FaultLink, key: bytes) -> None:
        self._lock = LockPeripheral(link, key, time.monotonic)
        self.poll, self.power_cycle = self._lock.poll, self._lock.power_cycle

    def log_to(self, moved: Callable[[bool, float], None]) -> None:
        self._lock.on_change = moved

    def never_end(self) -> None:
        self._lock.timer_fault = True

    def released_count(self) -> int:
        return sum(one.control_code == ON_TIMED for one in self._lock.actuations)


def osdp(link: FaultLink, folder: Path) -> tuple[Peripheral, str]:
    write_new_key(folder / "lane.scbk")
    key = bytes.fromhex((folder / "lane.scbk").read_text())
    return OsdpLock(link, key), f"osdp+pty://{folder}/lock?address=1&baud={BAUD}&key=file:lane.scbk"


def modbus(link: FaultLink, folder: Path) -> tuple[Peripheral, str]:
    return RelayBoard(link), f"modbus+pty://{folder}/lock?unit={UNIT}&map=waveshare_relay&baud={BAUD}"


FAMILIES = {"osdp": osdp, "modbus": modbus}


def main(family: str, folder: str, seed: str) -> None:
    port = PtyMaster(Path(folder) / "lock", BAUD)
    link = FaultLink(port, int(seed))
    peripheral, url = FAMILIES[family](link, Path(folder))
    log = Log(peripheral)
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
                peripheral.never_end()
        say(**log.tell())
    pump.close()
    port.close()


def say(**line: Any) -> None:
    os.write(sys.stdout.fileno(), json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
