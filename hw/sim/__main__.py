"""The simulated gate hall as a process of its own: `python -m hw.sim --dir DIR --lanes 2 --seed 1`.

Ends on SIGTERM, SIGINT, the command quit, or (with --until-stdin-closes) when whoever started it is gone. It removes its files,
the folder stays.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from hw.mrz.pd import READER_SETUPS
from hw.sim.control import CommandRefused, ControlServer, Request
from hw.sim.field import PROTOCOLS
from hw.sim.lane import SimulatedLane
from hw.sim.world import Durations

LANE_COUNT_MAX = 64
TICK_S_MAX = 0.02  # a bolt moves at any time: look this often whether somebody reacts
COMMANDS = frozenset(
    {
        "urls", "enter", "leave", "plan", "move_door", "present_document", "swap_chip",
        "remove_document", "fault", "state", "log", "reset",
    }
)  # fmt: skip


class Hall:
    """All lanes and the commands they understand."""

    def __init__(
        self,
        directory: Path,
        lane_count: int,
        seed: int,
        durations: Durations,
        *,
        paced: bool,
        chip_protocol: str,
        zone_setup: str,
    ) -> None:
        self.running = True
        self._lanes: dict[str, SimulatedLane] = {}
        for number in range(1, lane_count + 1):
            name = f"lane-{number}"
            self._lanes[name] = SimulatedLane(
                directory,
                name,
                seed + number,
                durations,
                paced=paced,
                chip_protocol=chip_protocol,
                zone_setup=zone_setup,
            )

    def execute(self, request: Request) -> Any:
        """Raises CommandRefused, or KeyError, TypeError, ValueError for arguments that do not fit."""
        command = request.pop("command")
        if command == "quit":
            self.running = False
            return None
        if command == "lanes":
            return list(self._lanes)
        if command not in COMMANDS:
            raise CommandRefused("unknown command")
        lane = self._lanes.get(request.pop("lane"))
        if lane is None:
            raise CommandRefused("unknown lane")
        return getattr(lane, command)(**request)

    def step(self) -> float:
        """Lets happen what is due; returns how many seconds nothing more will be."""
        now = time.monotonic()
        due = now + TICK_S_MAX
        for lane in self._lanes.values():
            lane.step(now)
            due = min(due, lane.next_due() or due)
        return max(0.0, due - time.monotonic())

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.running = False

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()


def main() -> int:
    arguments = _arguments()
    arguments.dir.mkdir(parents=True, exist_ok=True)
    directory = arguments.dir.resolve()
    durations = Durations(scale=arguments.scale)
    hall = Hall(
        directory,
        arguments.lanes,
        arguments.seed,
        durations,
        paced=not arguments.unpaced,
        chip_protocol=arguments.chip_protocol,
        zone_setup=arguments.zone_setup,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hall.stop)
    parent = sys.stdin.fileno() if arguments.until_stdin_closes else None
    server = ControlServer(directory, hall.execute, parent)
    try:
        while hall.running and server.serve(hall.step()):
            pass
    finally:
        server.close()
        hall.close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hw.sim", description="A simulated gate hall on pseudo terminals.")
    parser.add_argument("--dir", type=Path, required=True, help="folder of the ports and the control socket")
    parser.add_argument("--lanes", type=int, default=1, choices=range(1, LANE_COUNT_MAX + 1), metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on how long people take")
    parser.add_argument("--unpaced", action="store_true", help="bytes take no time instead of the ports' baud rates")
    parser.add_argument(
        "--chip-protocol", choices=PROTOCOLS, default="pn532", help="how the chip readers are spoken to"
    )
    parser.add_argument("--zone-setup", choices=READER_SETUPS, default="native", help="how the MRZ readers send zones")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input ends")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
