"""One process of a campaign: python -m tests.fuzz.worker --runs N --seed S --folder DIR --json OUT TARGET…

Coverage-guided by atheris where it is installed, else by plain mutation. With several targets the first byte of an input chooses one.
Writes what it saw to OUT twice a second and at its end; a process that dies leaves the last state there, and atheris leaves the
input in DIR.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from tests.fuzz import catalogue
from tests.fuzz.mutate import inputs
from tests.fuzz.target import INPUT_SIZE_MAX, Target, Watch

_REPORT_S = 0.5
_TIMEOUT_S = 30  # of wall time for one input: then libFuzzer ends the process and keeps the input


class Done(Exception):
    """All runs are done."""


class Worker:
    def __init__(self, names: list[str], targets: list[Target], runs: int, seconds: float, out: Path) -> None:
        self._names, self._runs, self._out = names, runs, out
        self._watches = [Watch(target.run) for target in targets]
        self._started = self._reported = time.monotonic()
        self._ends = self._started + seconds if seconds else float("inf")

    def feed(self, data: bytes) -> None:
        """One input. Raises Done after the last."""
        if len(self._watches) == 1:
            self._watches[0].feed(data)
        elif data:
            self._watches[data[0] % len(self._watches)].feed(data[1:])
        now = time.monotonic()
        done = sum(watch.count for watch in self._watches) >= self._runs or now >= self._ends
        if done or now - self._reported >= _REPORT_S:
            self._reported = now
            self.report()
        if done:
            raise Done

    def report(self) -> None:
        state = {name: _state(watch) for name, watch in zip(self._names, self._watches, strict=True)}
        content = json.dumps({"seconds": time.monotonic() - self._started, "targets": state})
        partial = self._out.with_suffix(".partial")
        partial.write_text(content, encoding="ascii")
        partial.replace(self._out)


def _state(watch: Watch) -> dict[str, object]:
    return {
        "runs": watch.count,
        "slowest_ms": round(watch.slowest_s * 1000, 2),
        "slowest_size": watch.slowest_size,
        "memory_mb": watch.grown >> 20,
        "failures": [
            {"kind": failure.kind, "place": failure.place, "data": base64.b64encode(failure.data).decode("ascii")}
            for failure in watch.failures.values()
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--plain", action="store_true", help="mutate without coverage")
    parser.add_argument("targets", nargs="+")
    options = parser.parse_args()
    engine = None if options.plain else _atheris()
    with _instrumented(engine):
        targets = [catalogue.load(name) for name in options.targets]
    pool = _pool(targets)
    worker = Worker(options.targets, targets, options.runs, options.seconds, options.json)
    if engine is None:
        _run_plain(worker.feed, pool, options.seed)
    else:
        _run_guided(engine, worker.feed, pool, options.seed, options.folder)


def _pool(targets: list[Target]) -> list[bytes]:
    if len(targets) == 1:
        return list(targets[0].seeds())
    return [bytes([index]) + seed for index, target in enumerate(targets) for seed in target.seeds()]


def _atheris() -> ModuleType | None:
    try:
        import atheris
    except ImportError:
        return None
    module: ModuleType = atheris
    return module


@contextlib.contextmanager
def _instrumented(engine: ModuleType | None) -> Iterator[None]:
    if engine is None:
        yield
        return
    with engine.instrument_imports(include=list(catalogue.INSTRUMENTED), exclude=list(catalogue.COMPILED)):
        yield


def _run_plain(feed: Callable[[bytes], None], pool: list[bytes], seed: int) -> None:
    try:
        for data in inputs(pool, seed):
            feed(data)
    except Done:
        pass


def _run_guided(engine: ModuleType, feed: Callable[[bytes], None], pool: list[bytes], seed: int, folder: Path) -> None:
    corpus, artifacts = folder / "corpus", folder / "artifacts"
    for path in (corpus, artifacts):
        path.mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(pool):
        (corpus / f"seed-{index}").write_bytes(data[:INPUT_SIZE_MAX])

    def one(data: bytes) -> None:
        try:
            feed(data)
        except Done:  # libFuzzer has no other way out of its loop; OUT is written
            os._exit(0)

    flags = [f"-max_len={INPUT_SIZE_MAX}", f"-seed={seed}", f"-timeout={_TIMEOUT_S}", "-rss_limit_mb=0", "-verbosity=0"]
    engine.Setup([sys.argv[0], *flags, f"-artifact_prefix={artifacts}/", str(corpus)], one)
    engine.Fuzz()


if __name__ == "__main__":
    main()
