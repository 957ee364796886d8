"""How long from `egate serve` to SERVING when everything is installed and was used before?

Budget: <= 10 s (requirement), <= 5 s wanted: it is the time a lane is closed after a crash.
Estimate before measuring: interpreter and 1,500 modules 0.8 s; 150 MB of models read from the page cache and hashed (1 GB/s) 0.2 s,
parsed by onnxruntime 0.5 s, warmed up 0.3 s; numba's kernels loaded from their cache 0.2 s; journal, certificates, ports 0.1 s.

    python -m bench.bench_start [--starts N]           median of N starts, and where the time goes in one more process
    pytest bench/bench_start.py --benchmark-only
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from egate.commands.bench.measurement import summary_ms
from egate.demo.site import Site, device_urls, make_site, running
from hw.sim.client import spawn

STARTS = 5


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with spawn(tmp_path / "gate", lanes=2, seed=1) as simulator:
        yield make_site(tmp_path / "site", device_urls(simulator))


def test_warm_start(benchmark: BenchmarkFixture, site: Site) -> None:
    benchmark.pedantic(start_s, args=(site,), rounds=STARTS, warmup_rounds=1)  # type: ignore[no-untyped-call]


def start_s(site: Site) -> float:
    """Seconds from the start of the process to SERVING, with two lanes."""
    started = time.monotonic()
    with running(site):
        return time.monotonic() - started


def breakdown() -> dict[str, float]:
    """Seconds of the long parts, in the order of a start. Call it in a fresh process."""
    took: dict[str, float] = {}

    @contextlib.contextmanager
    def part(name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        took[name] = round(time.monotonic() - started, 3)

    with part("import"):
        importlib.import_module("egate.commands.serve")
    # Imported above, within the measured part.
    from egate.inference.face.engine import load_face_engine
    from egate.inference.finger.engine import load_finger_engine
    from egate.inference.weights.store import ModelStore
    from egate.journal import SqliteJournal

    store = ModelStore()
    with part("face: hash, load, warm up"):
        load_face_engine(store).warm_up()
    with part("finger: hash, load, kernels, warm up"):
        load_finger_engine(store).warm_up()

    async def open_journal(folder: Path) -> None:
        with part("journal: open"):
            journal = await SqliteJournal.open(folder / "journal.db")
        await journal.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(open_journal(Path(folder)))
    return took


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.bench_start")
    parser.add_argument("--starts", type=int, default=STARTS, metavar="N")
    parser.add_argument("--breakdown", action="store_true", help="only where the time goes, in this process")
    arguments = parser.parse_args()
    if arguments.breakdown:
        print(json.dumps(breakdown()))
        return 0
    with tempfile.TemporaryDirectory() as name, spawn(Path(name) / "gate", lanes=2, seed=1) as simulator:
        site = make_site(Path(name) / "site", device_urls(simulator))
        start_s(site)
        print("start to SERVING, ms:", summary_ms([start_s(site) for _ in range(arguments.starts)]))
    command = [sys.executable, "-m", "bench.bench_start", "--breakdown"]
    print("of which, s:", subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
