"""`egate serve` and `egate check`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from egate import app
from egate.domain.device import DeviceState
from egate.errors import EgateError
from egate.settings import LaneSection, Settings, read_settings
from egate.telemetry.logging import configure

ONLINE_S_MAX = 10.0  # chosen: a secure channel is up in 1.5 s; a device that takes longer needs a look


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, run, text in (
        ("serve", run_serve, "run the daemon"),
        ("check", run_check, "validate the settings, open each device, load each model"),
    ):
        parser = subparsers.add_parser(name, help=text)
        parser.add_argument("--config", type=Path, required=True, metavar="FILE")
        parser.set_defaults(run=run)


def run_serve(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments.config)
    configure(settings.log_level)
    base = arguments.config.resolve().parent
    uvloop.run(app.serve(settings, base, lambda port: print(f"serving on port {port}", flush=True)))
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    configure("error")
    settings = read_settings(arguments.config)
    base = arguments.config.resolve().parent
    console = Console()
    problems = 0
    table = Table("what", "result")
    for what, result in asyncio.run(_findings(settings, base)):
        problems += bool(result)
        table.add_row(what, f"[red]{result}" if result else "[green]ok")
    console.print(table)
    if problems:
        print(f"{problems} problem{'s' if problems > 1 else ''}", file=sys.stderr)
    return 1 if problems else 0


async def _findings(settings: Settings, base: Path) -> list[tuple[str, str]]:
    """Each thing looked at and what is wrong with it, "" if nothing."""
    findings = []
    for what, look in (
        ("production lock-outs", lambda: app.check_lockouts(settings, base)),
        ("device ports", lambda: app.check_ports(settings)),
        ("service", lambda: app.service_settings(settings.service, settings, base)),
        ("trust store", lambda: app.open_trust(settings, base, datetime.now(UTC))),
        ("models and policy", lambda: app.build_policy(settings.policy, app.load_models(settings, base))),
    ):
        findings.append((what, _problem(look)))
    for lane in settings.lane:
        findings += await _devices(lane, base)
    return findings


def _problem(look: object) -> str:
    try:
        look()  # type: ignore[operator]
    except EgateError as error:
        return f"{error.code}: {error}"
    return ""


async def _devices(lane: LaneSection, base: Path) -> list[tuple[str, str]]:
    """Opens the lane's devices and waits until each answers."""
    try:
        gate = app.open_gate(lane, base)
    except EgateError as error:
        return [(f"{lane.id}", f"{error.code}: {error}")]
    changed = asyncio.Event()
    await gate.start(lambda name, state: changed.set(), lambda levels: None, lambda lock: None)
    try:
        async with asyncio.timeout(ONLINE_S_MAX):
            while any(state is not DeviceState.ONLINE for state in gate.states.values()):
                await changed.wait()
                changed.clear()
    except TimeoutError:
        pass
    states = gate.states
    await gate.close()
    return [(f"{lane.id} {name}", "" if state is DeviceState.ONLINE else state.value) for name, state in states.items()]
