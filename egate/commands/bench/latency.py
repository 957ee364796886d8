"""egate bench latency: travellers on a schedule through simulated lanes, each latency counted from the scheduled arrival.

The gate is this process, daemon and simulator are others; every call is gRPC with mutual TLS, every device a paced pseudo
terminal. The lanes read the documents themselves. Open loop: a stall counts for everyone who waited.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from egate.commands.bench.measurement import StallWatch, commit, host, summary_ms
from egate.demo.arrivals import CHAIN, poisson_arrivals, stage_durations
from egate.demo.load import Passage, gate_loads, run_load
from egate.demo.site import PROGRAM, device_urls, make_site, running
from egate.demo.travellers import People, demo_travellers
from egate.demo.utopia import Utopia
from egate.errors import ConfigurationError
from egate.inference.weights.store import ModelStore
from hw.sim.client import Simulator, spawn

RECORDED = "bench.recorded_daemon"
CROSSINGS, LANES, SEED = 40, 2, 1
RATE_PER_S = 0.15  # chosen: about half of what two lanes and two cores carry, so that queues form and end
WARM_UP = 2  # a lane's first crossing also fills caches of the operating system


def register(bench_subparsers: Any) -> None:
    """Adds `latency` to the subparsers of `egate bench`."""
    parser = bench_subparsers.add_parser("latency", help="crossings over gRPC on simulated lanes")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--crossings", type=int, default=CROSSINGS, metavar="N")
    parser.add_argument("--lanes", type=int, default=LANES, metavar="N")
    parser.add_argument("--rate", type=float, default=RATE_PER_S, metavar="PER_S", help="mean arrivals per second")
    parser.add_argument("--seed", type=int, default=SEED, help="of the arrivals")
    parser.add_argument(
        "--recorded", action="store_true", help="replay recorded evidence; needs the project's checkout"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Exit 1 if a traveller did not pass."""
    if arguments.crossings < 1 or arguments.lanes < 1 or not arguments.rate > 0:
        raise ConfigurationError("--crossings, --lanes and --rate must be positive")
    with StallWatch() as stalls:
        passages, start_s = _measure(arguments)
    report = (
        _about(arguments) | {"start_s": round(start_s, 2)} | summarise(passages) | {"host_late_ms": stalls.report()}
    )
    arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _show(report)
    return 1 if report["problems"] else 0


def _measure(arguments: argparse.Namespace) -> tuple[list[Passage], float]:
    """The passages in the order they ended, and how long the daemon took from its start to SERVING."""
    with tempfile.TemporaryDirectory(prefix="egate-latency-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        simulator = stack.enter_context(spawn(directory / "gate", lanes=arguments.lanes, seed=arguments.seed))
        state = Utopia(date.today())
        site = make_site(directory / "site", device_urls(simulator), state=state)
        started = time.monotonic()
        daemon = stack.enter_context(running(site, _recorded_program() if arguments.recorded else PROGRAM))
        start_s = time.monotonic() - started
        return asyncio.run(_load(arguments, daemon.address, site.pki, simulator, state)), start_s


def _recorded_program() -> tuple[str, ...]:
    """The daemon that replays stands in the checkout only: an installed one can't be told to admit. Raises ConfigurationError."""
    with contextlib.suppress(ModuleNotFoundError):
        if importlib.util.find_spec(RECORDED) is not None:
            return (RECORDED,)
    raise ConfigurationError("--recorded needs the project's checkout as working directory")


async def _load(
    arguments: argparse.Namespace, address: str, pki: Path, simulator: Simulator, state: Utopia
) -> list[Passage]:
    holder = demo_travellers(People.load(ModelStore()), date.today(), state)[0]
    arrivals = poisson_arrivals(arguments.crossings, arguments.rate, arguments.seed)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("travellers", total=arguments.crossings)
        async with gate_loads(address, pki, simulator, frozenset()) as loads:
            await run_load(loads, [0.0] * WARM_UP * len(loads), holder)
            return await run_load(loads, arrivals, holder, lambda _: progress.advance(task))


def _about(arguments: argparse.Namespace) -> dict[str, Any]:
    command = (
        f"egate bench latency --crossings {arguments.crossings} --lanes {arguments.lanes} --rate {arguments.rate:g}"
    )
    command += f" --seed {arguments.seed}" + (" --recorded" if arguments.recorded else "")
    return {
        "command": command,
        "commit": commit(),
        "host": host(),
        "evidence": "recorded" if arguments.recorded else "real",
        "arrivals": {"process": "poisson", "rate_per_s": arguments.rate, "seed": arguments.seed},
    }


def summarise(passages: Sequence[Passage]) -> dict[str, Any]:
    """Milliseconds by stage of those who passed, and what became of the others."""
    passed = [stage_durations(passage.marks) for passage in passages if not passage.problem]
    names = dict.fromkeys(name for durations in passed for name in durations)
    stages = {name: [durations[name] for durations in passed if name in durations] for name in names}
    span = [mark for passage in passages for mark in passage.marks.values()]
    return {
        "whole_ms": summary_ms(stages.pop("whole")) if passed else None,
        "stages_ms": {name: summary_ms(values) for name, values in stages.items()},
        "crossings": len(passages),
        "throughput_per_s": round(len(passages) / (max(span) - min(span)), 3) if passages else 0.0,
        "problems": [passage.problem for passage in passages if passage.problem],
    }


def _show(report: dict[str, Any]) -> None:
    table = Table("stage", "p50", "p99", "p99.9", "max", "n", title=f"{report['evidence']} evidence, milliseconds")
    rows = {"whole": report["whole_ms"], **report["stages_ms"]}
    for name in ("whole", *CHAIN, *(name for name in rows if name not in CHAIN and name != "whole")):
        if values := rows.get(name):
            table.add_row(name, *(f"{values[key]:g}" for key in ("p50", "p99", "p99.9", "max", "n")))
    console = Console()
    console.print(table)
    console.print(f"SERVING {report['start_s']} s after start; {report['throughput_per_s']} crossings/s")
    for problem in report["problems"]:
        console.print(f"[red]{problem}")
