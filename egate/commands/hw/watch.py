"""`egate hw watch`: a live table of devices. They are opened by this command: the daemon must not hold them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from egate.commands.hw.opened import Opened, open_by_url, running, until
from egate.domain.device import DeviceRole, DeviceState
from egate.errors import ConfigurationError
from egate.settings import read_settings
from hw.registry import open_device

INTERVAL_S_MIN = 0.05
_STYLES = {DeviceState.ONLINE: "green", DeviceState.DEGRADED: "yellow", DeviceState.LOST: "red"}


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = actions.add_parser("watch", help="show states, heartbeats and counters until interrupted")
    parser.add_argument("urls", metavar="URL", nargs="*")
    parser.add_argument("--config", type=Path, metavar="FILE", help="all devices of all lanes of these settings")
    parser.add_argument("--seconds", type=float, help="end after so long")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between two looks (default: 1)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each device and look")
    parser.set_defaults(run=run)
    return parser


def run(arguments: argparse.Namespace) -> int:
    devices = _devices(arguments)
    interval_s = max(INTERVAL_S_MIN, arguments.interval)
    with contextlib.suppress(KeyboardInterrupt):
        if arguments.json:
            asyncio.run(_watch(devices, arguments.seconds, interval_s, _print_lines))
        else:
            with Live(_table(devices, time.monotonic()), console=Console(), auto_refresh=False) as live:
                look = lambda devices, now: live.update(_table(devices, now), refresh=True)  # noqa: E731
                asyncio.run(_watch(devices, arguments.seconds, interval_s, look))
    return 0


def _devices(arguments: argparse.Namespace) -> list[Opened]:
    if bool(arguments.urls) is (arguments.config is not None):
        raise ConfigurationError("give device URLs or --config, one of them")
    if arguments.config is None:
        return [open_by_url(url, arguments) for url in arguments.urls]
    if arguments.role:
        raise ConfigurationError("--role is for URLs; the settings name the roles")
    base = arguments.config.resolve().parent
    return [
        Opened(f"{lane.id} {role}", DeviceRole(role), url, open_device(url, base, DeviceRole(role)))
        for lane in read_settings(arguments.config).lane
        for role, url in lane.devices().items()
    ]


async def _watch(
    devices: Sequence[Opened],
    seconds: float | None,
    interval_s: float,
    look: Callable[[Sequence[Opened], float], None],
) -> None:
    async with running(devices):
        end = until(seconds)
        while (rest := end - time.monotonic()) > 0:
            await asyncio.sleep(min(interval_s, rest))
            look(devices, time.monotonic())


def _print_lines(devices: Sequence[Opened], now: float) -> None:
    for opened in devices:
        print(json.dumps(opened.to_json(now)), flush=True)


def _table(devices: Sequence[Opened], now: float) -> Table:
    table = Table("device", "role", "state", "heard", "reading", "counters", "last error")
    for opened in devices:
        health, age = opened.health, opened.heard_s(now)
        table.add_row(
            Text(opened.name),
            opened.role.value,
            Text(health.state.value, style=_STYLES[health.state]),
            "never" if age is None else f"{age:.1f} s",
            opened.reading,
            ", ".join(f"{name} {count}" for name, count in health.counters.items()),
            Text(health.last_error),
        )
    return table
