"""`egate hw probe`: opens one device for some seconds and says what it is and how it does."""

from __future__ import annotations

import argparse
import asyncio
import json
import time

from rich.console import Console
from rich.table import Table
from rich.text import Text

from egate.commands.hw.opened import Opened, open_by_url, running
from egate.domain.device import DeviceRole, DeviceState
from hw.url import parse

LOOK_S = 0.05


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = actions.add_parser("probe", help="open one device; exit status 1 if it does not come online")
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long it may take (default: 5)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)
    return parser


def run(arguments: argparse.Namespace) -> int:
    opened = open_by_url(arguments.url, arguments)
    report = asyncio.run(_probe(opened, arguments.seconds))
    report |= {"simulated": parse(arguments.url).simulated}
    if arguments.json:
        print(json.dumps(report))
    else:
        Console().print(_table(report))
    return 0 if report["state"] == DeviceState.ONLINE else 1


async def _probe(opened: Opened, seconds: float) -> dict[str, object]:
    """What is known once the device is online and read, at the latest after seconds. It is asked before it is closed."""
    deadline = time.monotonic() + seconds
    async with running([opened]):
        while True:
            if _is_known(opened) or time.monotonic() > deadline:
                return opened.to_json(time.monotonic())
            await asyncio.sleep(LOOK_S)


def _is_known(opened: Opened) -> bool:
    if opened.device.state is not DeviceState.ONLINE:
        return False
    return opened.role not in (DeviceRole.LOCK, DeviceRole.SENSORS) or "unknown" not in opened.reading.lower()


def _table(report: dict[str, object]) -> Table:
    table = Table(show_header=False)
    for key, value in report.items():
        if key == "counters" and isinstance(value, dict):
            value = ", ".join(f"{name} {count}" for name, count in value.items())
        elif key == "heard_s":
            value = "never" if value is None else f"{value} s ago"
        style = "" if key != "state" else "green" if value == DeviceState.ONLINE else "red"
        table.add_row(key.replace("_s", "").replace("_", " "), Text(str(value), style=style))
    return table
