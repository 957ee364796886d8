"""The simulated gate hall as a process of its own: `python -m hw.sim --dir DIR --lanes 2 --seed 1`, or `--scenario FILE`.

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

from egate.domain.device import DeviceRole
from egate.errors import ConfigurationError
from hw.mrz.pd import READER_SETUPS
from hw.sim.control import CommandRefused, ControlServer, Request
from hw.sim.field import PROTOCOLS
from hw.sim.lane import SimulatedLane
from hw.sim.outfit import DEFAULT_ROLES, LockKind, Outfit, Sensing
from hw.sim.player import Player
from hw.sim.scenario import LANE_COUNT_MAX, Scenario, load
from hw.sim.world import Durations

TICK_S_MAX = 0.02  # a bolt moves at any time: look this often whether somebody reacts
LANE_COMMANDS = frozenset(
    {"urls", "enter", "leave", "plan", "move_door", "set_alarm", "clear_away", "fault", "state", "log", "reset"}
)
DEVICE_COMMANDS = frozenset(
    {
        "present_document", "swap_chip", "remove_document", "lay_finger", "lift_finger", "show_barcode", "remove_barcode",
        "present_card",
    }
)  # fmt: skip


class Hall:
    """All lanes and the commands they understand."""

    def __init__(self, directory: Path, lane_count: int, seed: int, durations: Durations, outfit: Outfit) -> None:
        self.running = True
        self._player: Player | None = None
        self._lanes: dict[str, SimulatedLane] = {}
        for number in range(1, lane_count + 1):
            name = f"lane-{number}"
            self._lanes[name] = SimulatedLane(directory, name, seed + number, durations, outfit)

    def execute(self, request: Request) -> Any:
        """Raises CommandRefused, or KeyError, TypeError, ValueError for arguments that do not fit."""
        command = request.pop("command")
        if command == "quit":
            self.running = False
            return None
        if command == "lanes":
            return list(self._lanes)
        if command not in LANE_COMMANDS | DEVICE_COMMANDS:
            raise CommandRefused("unknown command")
        lane = self._lanes.get(request.pop("lane"))
        if lane is None:
            raise CommandRefused("unknown lane")
        return lane.use(command, request) if command in DEVICE_COMMANDS else getattr(lane, command)(**request)

    def follow(self, player: Player) -> None:
        """What the scenario says happens beside what commands say."""
        self._player = player

    def step(self) -> float:
        """Lets happen what is due; returns how many seconds nothing more will be."""
        now = time.monotonic()
        due = now + TICK_S_MAX
        for lane in self._lanes.values():
            lane.step(now)
            due = min(due, lane.next_due() or due)
        if self._player is not None:
            due = min(due, self._play(self._player, now))
        return max(0.0, due - time.monotonic())

    def _play(self, player: Player, now: float) -> float:
        for refusal in player.step(now):
            print(f"scenario: {refusal}", file=sys.stderr)  # noqa: T201
        self.running = self.running and not player.over
        return player.next_due() or now + TICK_S_MAX

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.running = False

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()


def main() -> int:
    arguments = _arguments()
    try:
        scenario = load(arguments.scenario) if arguments.scenario else _plain(arguments)
    except (ConfigurationError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    arguments.dir.mkdir(parents=True, exist_ok=True)
    directory = arguments.dir.resolve()
    hall = Hall(directory, scenario.lanes, scenario.seed, Durations(scale=scenario.scale), scenario.outfit)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hall.stop)
    parent = sys.stdin.fileno() if arguments.until_stdin_closes else None
    server = ControlServer(directory, hall.execute, parent)
    if scenario.steps or scenario.end_s is not None:
        hall.follow(Player(scenario, hall.execute, time.monotonic()))
    try:
        while hall.running and server.serve(hall.step()):
            pass
    finally:
        server.close()
        hall.close()
    return 0


def _plain(arguments: argparse.Namespace) -> Scenario:
    """Nobody comes by himself. Raises ValueError."""
    outfit = Outfit(
        roles=frozenset(DeviceRole(role) for role in arguments.devices.split(",")),
        lock=LockKind(arguments.lock),
        sensing=Sensing(arguments.sensing),
        chip_protocol=arguments.chip_protocol,
        zone_setup=arguments.zone_setup,
        paced=not arguments.unpaced,
        entry_door=arguments.entry_door,
    )
    return Scenario(outfit, arguments.lanes, arguments.seed, arguments.scale)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hw.sim", description="A simulated gate hall on pseudo terminals.")
    parser.add_argument("--dir", type=Path, required=True, help="folder of the ports and the control socket")
    parser.add_argument(
        "--scenario",
        type=Path,
        help="a TOML file that says what there is and what happens; or the name of a shipped one",
    )
    parser.add_argument("--lanes", type=int, default=1, choices=range(1, LANE_COUNT_MAX + 1), metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on how long people take")
    parser.add_argument("--devices", default=",".join(sorted(DEFAULT_ROLES)), help="roles, separated by commas")
    parser.add_argument("--lock", choices=list(LockKind), default=LockKind.OSDP)
    parser.add_argument("--sensing", choices=list(Sensing), default=Sensing.COUNTERS, help="what the sensor block has")
    parser.add_argument("--entry-door", action="store_true", help="one that lets people in one at a time")
    parser.add_argument("--unpaced", action="store_true", help="bytes take no time instead of the ports' baud rates")
    parser.add_argument(
        "--chip-protocol", choices=PROTOCOLS, default="pn532", help="how the chip readers are spoken to"
    )
    parser.add_argument("--zone-setup", choices=READER_SETUPS, default="native", help="how the MRZ readers send zones")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input ends")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
