"""`egate serve` and `egate check`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table
from rich.text import Text

from egate import app
from egate.domain.device import DeviceHealth, DeviceState
from egate.errors import EgateError
from egate.settings import LaneSection, Settings, read_settings
from egate.telemetry.logging import configure
from hw.ports import examine
from hw.url import parse

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
    return show(asyncio.run(_findings(settings, base)))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. problem: what is wrong with it, "" if nothing. advice: what would make it better."""

    what: str
    problem: str = ""
    advice: tuple[str, ...] = ()


def show(findings: list[Finding]) -> int:
    """Prints them; the exit status. Advice stands in lines of its own: it holds what an operator copies."""
    console = Console()
    table = Table("what", "result")
    for finding in findings:
        good = Text("see below", style="yellow") if finding.advice else Text("ok", style="green")
        table.add_row(finding.what, Text(finding.problem, style="red") if finding.problem else good)
    console.print(table)
    for finding in findings:
        for advice in finding.advice:
            console.print(f"{finding.what}: {advice}", soft_wrap=True, markup=False, highlight=False)
    problems = sum(bool(finding.problem) for finding in findings)
    if problems:
        print(f"{problems} problem{'s' if problems > 1 else ''}", file=sys.stderr)
    return 1 if problems else 0


async def _findings(settings: Settings, base: Path) -> list[Finding]:
    findings = []
    for what, look in (
        ("production lock-outs", lambda: app.check_lockouts(settings, base)),
        ("device ports", lambda: app.check_ports(settings)),
        ("service", lambda: app.service_settings(settings.service, settings, base)),
        ("trust store", lambda: app.open_trust(settings, base, datetime.now(UTC))),
        ("models and policy", lambda: app.build_policy(settings.policy, app.load_models(settings, base))),
    ):
        findings.append(Finding(what, _problem(look)))
    findings += port_findings(settings)
    for lane in settings.lane:
        findings += await _devices(lane, base)
    return findings


def port_findings(settings: Settings, root: Path = Path("/")) -> list[Finding]:
    """Of the serial ports that devices are on, each once. root: what /sys and /dev lie under. What is no URL is found elsewhere."""
    findings: dict[str, Finding] = {}
    for lane in settings.lane:
        for role, text in lane.devices().items():
            with contextlib.suppress(EgateError):
                url = parse(text)
                for path in url.targets if url.link == "serial" else ():
                    if path not in findings:
                        findings[path] = _port_finding(f"{lane.id} {role} port", path, root)
    return list(findings.values())


def _port_finding(what: str, path: str, root: Path) -> Finding:
    found = examine(path, root)
    return Finding(
        what,
        "; ".join(item.what for item in found if item.fatal),
        tuple(item.what for item in found if not item.fatal),
    )


def _problem(look: object) -> str:
    try:
        look()  # type: ignore[operator]
    except EgateError as error:
        return f"{error.code}: {error}"
    return ""


async def _devices(lane: LaneSection, base: Path) -> list[Finding]:
    """Opens the lane's devices and waits until each answers."""
    try:
        gate = app.open_gate(lane, base)
    except EgateError as error:
        return [Finding(f"{lane.id}", f"{error.code}: {error}")]
    changed = asyncio.Event()
    await gate.start(lambda name, state: changed.set(), lambda levels: None, lambda lock: None)
    try:
        async with asyncio.timeout(ONLINE_S_MAX):
            while any(state is not DeviceState.ONLINE for state in gate.states.values()):
                await changed.wait()
                changed.clear()
    except TimeoutError:
        pass
    health = gate.health
    await gate.close()
    return [Finding(f"{lane.id} {name}", _ailment(found)) for name, found in health.items()]


def _ailment(health: DeviceHealth) -> str:
    if health.state is DeviceState.ONLINE:
        return ""
    return f"{health.state}: {health.last_error}" if health.last_error else health.state.value
