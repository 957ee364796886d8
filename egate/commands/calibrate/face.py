"""egate calibrate face: enrols a data set with an engine's models, fits their fusion, measures its FMR and FNMR, writes calibration.csv.

A calibration stands on the data it was measured on; the rates printed are those of the same data, so slightly flattering.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from egate.commands.bench import face_trials
from egate.commands.calibrate.engine import add_engine_options, tell_hash
from egate.commands.models import add_models_option
from egate.errors import ConfigurationError
from egate.inference.face.embedding import choose_models
from egate.inference.weights.engine_entry import engine_entry, put_calibration
from egate.inference.weights.manifest import CalibrationFile
from egate.inference.weights.store import ModelStore
from egate.matching.face.fusion import format_fusion
from egate.matching.rates.accuracy import Accuracy, measure_accuracy
from egate.matching.rates.calibration import Calibration, format_calibration, measure


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `face` to the subparsers of `egate calibrate`."""
    face = kinds.add_parser("face", help="mated pairs of a CSV, all cross-person pairs of its images")
    add_engine_options(face, "a face detector and face embeddings")
    face.add_argument("--pairs", type=Path, required=True, metavar="CSV", help="columns path_a, path_b, same")
    face.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder the paths start at")
    face.add_argument("--exclude", type=Path, metavar="CSV", help="columns name_a, name_b: one person under two names")
    face.add_argument("--dataset", metavar="NAME", help="what the calibration calls the data (default: the CSV's name)")
    add_models_option(face)
    face.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    store = ModelStore(arguments.models)
    entry = engine_entry(store, arguments.id, arguments.engine_models)
    choose_models(store, entry.models)
    trials = face_trials.read_trials(arguments.pairs, arguments.exclude)
    calibration, accuracy = _measured(store, entry, trials, arguments)
    calibrated = put_calibration(store, entry, format_calibration(calibration))
    _show(accuracy)
    tell_hash(store, calibrated)
    return 0


def _measured(
    store: ModelStore, entry: CalibrationFile, trials: face_trials.Trials, arguments: argparse.Namespace
) -> tuple[Calibration, Accuracy]:
    """Raises ConfigurationError (CALIBRATION_DATA) where the data cannot support one, or its name is no line of text."""
    told = {
        "dataset": f"{arguments.dataset or arguments.pairs.stem}: {len(trials.paths)} images, all cross-person pairs non-mated",
        "command": _command(arguments, entry.models),
    }
    if not all(text.isprintable() for text in told.values()):
        raise ConfigurationError("the names of data set and files must be printable", code="CALIBRATION_DATA")
    templates, failures = face_trials.enrol(store, arguments.root, trials.paths, _progress, entry.models)
    try:
        fusion = face_trials.fit_face(trials, templates)
        mated, non_mated = face_trials.compare(trials, templates, fusion)
        calibration = measure(
            mated,
            non_mated,
            id=entry.id,
            weights=store.weights(entry.models),
            date=datetime.now(UTC).date().isoformat(),
            fusion=format_fusion(fusion),
            **told,
        )
    except ValueError as error:
        raise ConfigurationError(f"{arguments.pairs.name}: {error}", code="CALIBRATION_DATA") from None
    return calibration, measure_accuracy(mated, non_mated, failures)


def _command(arguments: argparse.Namespace, models: Sequence[str]) -> str:
    """What to run again, without folders: they say nothing elsewhere."""
    words = ["egate calibrate face --id", arguments.id, "--engine-models", ",".join(models)]
    words += ["--pairs", arguments.pairs.name]
    words += ["--exclude", arguments.exclude.name] if arguments.exclude else []
    return " ".join(words)


def _progress(items: Sequence[Any]) -> Any:
    return track(items, description="faces", console=Console(stderr=True))


def _show(accuracy: Accuracy) -> None:
    rates = ", ".join(
        f"FNMR {'-' if fnmr is None else f'{100 * fnmr:.2f} %'} at FMR {fmr:g}" for fmr, fnmr in accuracy.fnmr.items()
    )
    counts = f"{accuracy.mated} mated, {accuracy.non_mated} non-mated, {accuracy.failures_to_enrol} not enrolled"
    print(f"EER {100 * accuracy.eer:.3f} %, {rates} ({counts})")
