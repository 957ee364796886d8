"""`egate demo`: a hall on simulated gates, nine travellers, a timeline of each."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import tempfile
import time
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from egate.api.v1 import case_service_pb2
from egate.demo.client import RPC_S_MAX, Stubs, channel, login, new_request_id
from egate.demo.journey import Journey, LaneAccess, travel, wait_ready
from egate.demo.site import OFFICER, DaemonProcess, Site, device_urls, make_site, running
from egate.demo.travellers import People, Traveller, demo_travellers
from egate.demo.utopia import Utopia
from egate.inference.weights.store import ModelStore
from hw.sim.client import Simulator, spawn

DEVICE_LANE, REQUEST_LANE = "lane-1", "lane-2"
POLICY = {"capture_s": 6.0}  # nobody waits 20 s for the traveller who does not come
CASE_S_MAX = 1.0  # required: a referral is visible to officers within 1 s
MARKS = {"PASS": "green", "ADMIT": "green", "PASSED": "green", "REFER": "yellow", "REFERRED": "yellow", "FAIL": "red"}
console = Console(record=True)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("demo", help="take nine travellers through two simulated lanes")
    parser.add_argument(
        "--once", action="store_true", help="end after the travellers; exit 0 only if all ended as expected"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw what was printed")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="egate-demo-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        people = People.load(ModelStore())
        console.print("[bold]egate demo[/]: two simulated lanes; attack detection and lists are not performed")
        simulator = stack.enter_context(spawn(directory / "gate", lanes=2, seed=1))
        state = Utopia(date.today())
        site = make_site(
            directory / "site",
            device_urls(simulator),
            request_lanes=frozenset({REQUEST_LANE}),
            policy=POLICY,
            state=state,
        )
        started = time.monotonic()
        daemon = stack.enter_context(running(site))
        console.print(f"serving on {daemon.address} after {time.monotonic() - started:.1f} s\n")
        journeys = asyncio.run(_travellers(daemon, site, simulator, demo_travellers(people, date.today(), state)))
        ok = all(journey.ok for journey in journeys)
        _summary(journeys, ok)
        if arguments.json:
            result = {"travellers": [journey.to_json() for journey in journeys], "ok": ok}
            arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        if arguments.svg:
            arguments.svg.write_text(_picture(), encoding="utf-8")
        if not arguments.once:
            _stay(site, daemon)
    return 0 if ok else 1


async def _travellers(
    daemon: DaemonProcess, site: Site, simulator: Simulator, travellers: list[Traveller]
) -> list[Journey]:
    async with contextlib.AsyncExitStack() as stack:

        async def stubs(caller: str) -> Stubs:
            return Stubs(await stack.enter_async_context(channel(daemon.address, site.pki, caller)))

        console_stubs, engineer = await stubs("console-1"), await stubs("engineer-1")
        gates = {DEVICE_LANE: await stubs("gate-1"), REQUEST_LANE: await stubs("gate-2")}
        officer = await login(console_stubs, OFFICER, site.password)
        for lane in gates:
            await wait_ready(engineer, lane)
        journeys = []
        for number, traveller in enumerate(travellers, 1):
            lane = DEVICE_LANE if traveller.device else REQUEST_LANE
            console.print(f"[bold]{number}. {traveller.name}[/] ({lane})")
            access = LaneAccess(lane, gates[lane], engineer, simulator)
            watch = asyncio.create_task(_next_case(console_stubs, officer))
            journey = await travel(traveller, access, _tell)
            journey.problems += await _judge(traveller, journey, access)
            if journey.case:
                journey.problems += await _check_case(watch, journey)
            watch.cancel()
            if traveller.officer:
                journey.problems += await _resolve(console_stubs, officer, journey)
            for problem in journey.problems:
                console.print(f"   [red]{problem}")
            console.print()
            journeys.append(journey)
        return journeys


def _tell(stage: str, verdict: str, elapsed_ms: float) -> None:
    colour = MARKS.get(verdict.split(",")[0], "white")
    console.print(f"   {elapsed_ms:9.1f} ms  {stage:<16} [{colour}]{verdict}")


async def _judge(traveller: Traveller, journey: Journey, access: LaneAccess) -> list[str]:
    """What is not as it must be."""
    problems = []
    if journey.outcome != traveller.expected:
        problems.append(f"ended {journey.outcome}, expected {traveller.expected}")
    if traveller.reason and (traveller.reason, traveller.detail) not in journey.named:
        problems.append(f"the reasons do not name {traveller.reason} {traveller.detail}")
    released = [event for event in access.simulator.log(access.lane, journey.log_position) if event.kind == "released"]
    if bool(released) != (traveller.expected == "PASSED"):
        problems.append("the lock was released" if released else "the lock was not released")
    return problems


async def _next_case(officer_stubs: Stubs, officer: tuple[tuple[str, str], ...]) -> tuple[str, float]:
    """The next case that opens, and when it became visible."""
    watch = officer_stubs.case.WatchCases(case_service_pb2.WatchCasesRequest(), metadata=officer, timeout=RPC_S_MAX)
    known = {case.case_id async for case in _open_cases(officer_stubs, officer)}
    async for change in watch:
        if change.case.case_id not in known:
            return change.case.case_id, time.monotonic()
    raise AssertionError("the watch ended")


async def _open_cases(officer_stubs: Stubs, officer: tuple[tuple[str, str], ...]):  # type: ignore[no-untyped-def]
    answer = await officer_stubs.case.ListCases(case_service_pb2.ListCasesRequest(), metadata=officer)
    for case in answer.cases:
        yield case


async def _check_case(watch: asyncio.Task[tuple[str, float]], journey: Journey) -> list[str]:
    try:
        async with asyncio.timeout(CASE_S_MAX):
            case, seen_s = await watch
    except TimeoutError:
        return ["no case became visible within 1 s"]
    late_ms = (seen_s - journey.decided_s) * 1000
    console.print(f"              case visible to officers {max(late_ms, 0):.0f} ms after the decision")
    return [] if case == journey.case else ["another case became visible"]


async def _resolve(officer_stubs: Stubs, officer: tuple[tuple[str, str], ...], journey: Journey) -> list[str]:
    """The officer compares both faces and decides."""
    service = officer_stubs.case
    claim = case_service_pb2.ClaimCaseRequest(request_id=new_request_id(), case_id=journey.case)
    await service.ClaimCase(claim, metadata=officer)
    found = await service.GetCase(case_service_pb2.GetCaseRequest(case_id=journey.case), metadata=officer)
    images = sorted(found.dossier.images)
    scores = [f"{check.code} {check.score:.2f}" for check in found.case.decision.checks if check.HasField("score")]
    console.print(
        f"              officer sees {', '.join(images)}; {', '.join(scores)}; {len(found.dossier.document)} fields"
    )
    problems = [] if {"document_face", "live_face"} <= set(images) else ["the dossier lacks a face"]
    if not found.dossier.document or not scores:
        problems.append("the dossier lacks document data or scores")
    resolve = case_service_pb2.ResolveCaseRequest(
        request_id=new_request_id(),
        case_id=journey.case,
        resolution=case_service_pb2.RESOLUTION_REFUSED,
        reason="the traveller is not the holder of the document",
    )
    answer = await service.ResolveCase(resolve, metadata=officer)
    after = await service.GetCase(case_service_pb2.GetCaseRequest(case_id=journey.case), metadata=officer)
    if answer.case.state != case_service_pb2.CASE_STATE_RESOLVED or after.dossier.images:
        problems.append("the case was not resolved, or its images are still there")
    console.print("              officer refused the traveller with a reason; the dossier's key is destroyed")
    return problems


def _summary(journeys: list[Journey], ok: bool) -> None:
    table = Table("traveller", "expected", "outcome", "reasons", "ms", title="summary")
    for journey in journeys:
        reasons = ", ".join(" ".join(filter(None, pair)) for pair in journey.named)
        colour = "green" if journey.ok else "red"
        table.add_row(
            journey.name, journey.expected, f"[{colour}]{journey.outcome}", reasons, f"{journey.total_ms:.0f}"
        )
    console.print(table)
    console.print(f"not performed in the demo: {', '.join(journeys[0].not_performed)}")
    console.print("[green]every traveller ended as expected" if ok else "[red]not every traveller ended as expected")


def _picture() -> str:
    """What was printed, as SVG; without the web fonts and addresses of the renderer: a picture must not fetch anything."""
    drawn = console.export_svg(title="egate demo", clear=False)
    return re.sub(r"@font-face \{.*?\}|<!--.*?-->", "", drawn, flags=re.DOTALL)


def _stay(site: Site, daemon: DaemonProcess) -> None:
    """Says how to connect as the officer, and waits."""
    config = site.directory / "officer.toml"
    facts = {"server": daemon.address}
    files = {"ca_file": "ca.pem", "certificate_file": "console-1.pem", "key_file": "console-1.key"}
    facts |= {key: f"{site.pki / name}" for key, name in files.items()}
    facts["state_dir"] = f"{site.directory / 'state'}"
    config.write_text("".join(f'{key} = "{value}"\n' for key, value in facts.items()), encoding="utf-8")
    console.print(f"\nThe hall stays up at {daemon.address} (gRPC, mutual TLS). In another terminal, as the officer:")
    for line in (
        f"export EGATE_OFFICER_CONFIG={config}",
        f".venv/bin/egate officer login {OFFICER}      # password: {site.password}",
        ".venv/bin/egate officer cases           # the referred travellers",
        ".venv/bin/egate officer show CASE       # scores, reasons, document data; --save DIR for the images",
        f".venv/bin/egate officer release {DEVICE_LANE} --reason ...",
        f".venv/bin/egate journal tail --db {site.directory / 'data' / 'journal.db'}",
    ):
        console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)
    console.print(
        f"Settings, certificates and the daemon's log lie in {site.directory}. Ctrl-C ends it.", soft_wrap=True
    )
    with contextlib.suppress(KeyboardInterrupt):
        daemon.process.wait()
