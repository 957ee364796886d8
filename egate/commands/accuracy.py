"""egate bench accuracy face | finger: EER, FNMR at FMR targets and thresholds over a data set, as JSON.

With --calibration FILE it also writes the calibration.csv that belongs into models/<id>/, and prints its SHA-256 for the
manifest. A calibration stands on the data it was measured on: accuracy reported on that same data is right for the embeddings,
which saw none of it, and slightly flattering for the thresholds and the constants of the fusion.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from egate.commands import face_trials, finger_trials
from egate.commands.models import add_models_option
from egate.inference.weights.store import ModelStore
from egate.matching.accuracy import Accuracy, mean_accuracy, measure_accuracy
from egate.matching.calibration import format_calibration, measure


def register(bench_subparsers: Any) -> None:
    """Adds `accuracy` to the subparsers of `egate bench`."""
    parser = bench_subparsers.add_parser("accuracy", help="false match and non-match rates over a data set")
    kinds = parser.add_subparsers(dest="kind", required=True)
    face = kinds.add_parser("face", help="mated pairs of a CSV, all cross-person pairs of its images")
    face.add_argument("--pairs", type=Path, required=True, metavar="CSV", help="columns path_a, path_b, same")
    face.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder the paths start at")
    face.add_argument("--exclude", type=Path, metavar="CSV", help="columns name_a, name_b: one person under two names")
    face.set_defaults(run=run_face)
    finger = kinds.add_parser("finger", help="every folder that holds F_I.png is one set")
    finger.add_argument("--root", type=Path, required=True, metavar="DIR")
    finger.set_defaults(run=run_finger)
    for kind in (face, finger):
        kind.add_argument("--json", type=Path, required=True, metavar="OUT")
        kind.add_argument("--calibration", type=Path, metavar="FILE", help="also write the calibration")
        add_models_option(kind)


def run_face(arguments: argparse.Namespace) -> int:
    store = ModelStore(arguments.models)
    trials = face_trials.read_trials(arguments.pairs, arguments.exclude)
    templates, failures = face_trials.enrol(store, arguments.root, trials.paths, _progress("faces"))
    mated, non_mated = face_trials.compare(trials, templates)
    accuracy = measure_accuracy(mated, non_mated, failures)
    _write_json(arguments.json, accuracy.to_json())
    _show({"all": accuracy})
    if arguments.calibration:
        command = f"egate bench accuracy face --pairs {arguments.pairs.name}"
        command += f" --exclude {arguments.exclude.name}" if arguments.exclude else ""
        calibration = measure(
            mated,
            non_mated,
            id=face_trials.CALIBRATION,
            weights=store.weights(face_trials.MODELS),
            dataset=f"{arguments.pairs.stem}: {len(trials.paths)} images, all cross-person pairs non-mated",
            date=datetime.now(UTC).date().isoformat(),
            command=command,
        )
        _write_calibration(arguments.calibration, format_calibration(calibration))
    return 0


def run_finger(arguments: argparse.Namespace) -> int:
    store = ModelStore(arguments.models)
    sets = finger_trials.find_sets(arguments.root)
    measured = finger_trials.measure_sets(store, sets, _progress("fingers"))
    report = {name: part.accuracy for name, part in measured.items()}
    pooled_scores = finger_trials.pool(list(measured.values()))
    pooled = measure_accuracy(*pooled_scores, sum(part.accuracy.failures_to_enrol for part in measured.values()))
    mean = mean_accuracy(list(report.values()))
    _write_json(
        arguments.json,
        {
            "sets": {name: accuracy.to_json() for name, accuracy in report.items()},
            "mean": mean.to_json(),
            "pooled": pooled.to_json(),
        },
    )
    _show({**report, "mean": mean, "pooled": pooled})
    if arguments.calibration:
        calibration = measure(
            *pooled_scores,
            id=finger_trials.CALIBRATION,
            weights=store.weights(finger_trials.MODELS),
            dataset=f"{', '.join(measured)} pooled",
            date=datetime.now(UTC).date().isoformat(),
            command="egate bench accuracy finger",
        )
        _write_calibration(arguments.calibration, format_calibration(calibration))
    return 0


def _progress(what: str) -> face_trials.Progress:
    console = Console(stderr=True)

    def shown(items: Sequence[Any]) -> Iterable[Any]:
        return track(items, description=what, console=console)

    return shown


def _write_json(path: Path, report: dict[str, object]) -> None:
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _write_calibration(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{path.name}: sha256 = {hashlib.sha256(text.encode()).hexdigest()}")


def _show(report: dict[str, Accuracy]) -> None:
    for name, accuracy in report.items():
        rates = ", ".join(
            f"FNMR {'-' if fnmr is None else f'{100 * fnmr:.2f} %'} at FMR {fmr:g}"
            for fmr, fnmr in accuracy.fnmr.items()
        )
        counts = f"{accuracy.mated} mated, {accuracy.non_mated} non-mated, {accuracy.failures_to_enrol} not enrolled"
        print(f"{name}: EER {100 * accuracy.eer:.3f} %, {rates} ({counts})")
