"""A campaign: python -m tests.fuzz --runs N [--target NAME]… [--seconds S] [--jobs N] [--json OUT].

Each target runs in processes of its own, over a corpus in a temporary folder. --runs: inputs in total, divided by the targets'
weights, at least RUNS_MIN each where there are enough. What fails is kept in tests/fuzz/vectors, once per place, and the exit is 1.
OUT is written anew after each target, so it shows how far a long campaign is.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tests.fuzz import catalogue

RUNS_MIN = 100_000  # of each target in a campaign
RESTARTS_MAX = 20  # of a target whose process dies
ROOT = Path(__file__).parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="coverage-guided fuzzing of the document decoders"
    )
    parser.add_argument("--runs", type=int, default=10_000_000, help="inputs in total")
    parser.add_argument(
        "--target", action="append", default=[], metavar="NAME", help="module or module.target; default all"
    )
    parser.add_argument("--seconds", type=float, default=0.0, help="most of each target, 0 without limit")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--vectors", type=Path, default=catalogue.VECTORS, help="where failing inputs are kept")
    parser.add_argument("--plain", action="store_true", help="mutate without coverage, as where atheris is absent")
    options = parser.parse_args()
    shares = shares_of(options.runs, options.target)
    results: dict[str, dict[str, Any]] = {}
    started = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as pool:
        waiting = {pool.submit(campaign, name, runs, options): name for name, runs in shares.items()}
        for done in as_completed(waiting):
            name, result = waiting[done], done.result()
            results[name] = result
            print(line_of(name, result), flush=True)
            _write(options.json, summary(results, shares, started))
    total = summary(results, shares, started)
    print(f"{total['runs']:,} inputs, {total['failures']} failures, {total['seconds']:.0f} s", flush=True)
    return 1 if total["failures"] or (total["runs"] < total["runs_wanted"] and not options.seconds) else 0


def shares_of(runs: int, chosen: list[str]) -> dict[str, int]:
    """Inputs per target: the least by right, the rest by weight."""
    known = catalogue.all_targets()
    planted = {name: catalogue.load(name) for name in chosen if name.startswith(f"{catalogue.PLANTED}.")}
    targets = planted | {
        name: target for name, target in known.items() if not chosen or {name, name.partition(".")[0]} & set(chosen)
    }
    if not targets:
        raise SystemExit(f"no such target; there are: {', '.join(known)}")
    least = min(RUNS_MIN, runs // len(targets))
    rest, weights = runs - least * len(targets), sum(target.weight for target in targets.values())
    return {name: least + rest * target.weight // weights for name, target in targets.items()}


def campaign(name: str, runs: int, options: argparse.Namespace) -> dict[str, Any]:
    """All runs of one target, in a new process after each that died."""
    result: dict[str, Any] = {
        "runs": 0,
        "wanted": runs,
        "seconds": 0.0,
        "slowest_ms": 0.0,
        "memory_mb": 0,
        "failures": [],
    }
    for attempt in range(RESTARTS_MAX):
        with tempfile.TemporaryDirectory(prefix="egate-fuzz-") as folder:
            _process(name, runs - result["runs"], options, options.seed + attempt, Path(folder), result)
        if result["runs"] >= runs or options.seconds:
            break
    return result


def _process(
    name: str, runs: int, options: argparse.Namespace, seed: int, folder: Path, result: dict[str, Any]
) -> None:
    out = folder / "out.json"
    command = [sys.executable, "-m", "tests.fuzz.worker", name, "--runs", str(runs), "--seconds", str(options.seconds)]
    command += [
        "--seed",
        str(seed),
        "--folder",
        str(folder),
        "--json",
        str(out),
        *(["--plain"] if options.plain else []),
    ]
    ended = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    if out.exists():
        state = json.loads(out.read_text(encoding="ascii"))
        seen = state["targets"][name]
        result["runs"] += seen["runs"]
        result["seconds"] += state["seconds"]
        for key in ("slowest_ms", "memory_mb"):
            result[key] = max(result[key], seen[key])
        for failure in seen["failures"]:
            _keep(options.vectors, name, failure["kind"], failure["place"], base64.b64decode(failure["data"]), result)
    if ended.returncode:
        artifacts = sorted((folder / "artifacts").glob("*"))
        for path in artifacts:
            _keep(options.vectors, name, "died", path.name.partition("-")[0], path.read_bytes(), result)
        if not artifacts:
            words = ended.stderr.strip().splitlines()
            result["failures"].append(
                {"kind": "died", "place": words[-1] if words else str(ended.returncode), "vector": ""}
            )


def _keep(folder: Path, name: str, kind: str, place: str, data: bytes, result: dict[str, Any]) -> None:
    if any(failure["place"] == place for failure in result["failures"]):
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}.bin"
    path.write_bytes(data)
    result["failures"].append({"kind": kind, "place": place, "vector": path.name})


def summary(results: dict[str, dict[str, Any]], shares: dict[str, int], started: float) -> dict[str, Any]:
    return {
        "runs": sum(result["runs"] for result in results.values()),
        "runs_wanted": sum(shares.values()),
        "seconds": round(time.monotonic() - started, 1),
        "failures": sum(len(result["failures"]) for result in results.values()),
        "targets_left": [name for name in shares if name not in results],
        "targets": results,
    }


def line_of(name: str, result: dict[str, Any]) -> str:
    rate = result["runs"] / result["seconds"] if result["seconds"] else 0.0
    line = f"{name:32} {result['runs']:>10,} inputs {rate:>8,.0f}/s  slowest {result['slowest_ms']:8.1f} ms  {result['memory_mb']:>4} MB"
    return line + "".join(f"\n    {item['kind']}: {item['place']} {item['vector']}" for item in result["failures"])


def _write(path: Path | None, content: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
