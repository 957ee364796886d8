"""egate calibrate pad: fits the fusion of an engine's attack detection networks, measures APCER and BPCER, writes calibration.csv.

The rates are of scores that each person got from a fusion fitted without that person; the fusion written is fitted on all of them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from egate.commands.bench import pad_trials
from egate.commands.bench.pad_trials import Presentation
from egate.commands.calibrate.engine import add_engine_options, tell_hash
from egate.commands.models import add_models_option
from egate.errors import ConfigurationError
from egate.inference.pad.networks import choose_models
from egate.inference.weights.engine_entry import engine_entry, put_calibration
from egate.inference.weights.manifest import CalibrationFile
from egate.inference.weights.store import ModelStore
from egate.matching.pad.calibration import PadCalibration, measure_pad
from egate.matching.pad.calibration_file import format_pad_calibration
from egate.matching.pad.combination import Floats


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `pad` to the subparsers of `egate calibrate`."""
    pad = kinds.add_parser("pad", help="bona fide and attack presentations of a CSV")
    add_engine_options(pad, "a face detector and attack detection models")
    pad.add_argument("--labels", type=Path, required=True, metavar="CSV", help="columns path, label, subject")
    pad.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder the paths start at")
    pad.add_argument("--dataset", metavar="NAME", help="what the calibration calls the data (default: the CSV's name)")
    add_models_option(pad)
    pad.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    store = ModelStore(arguments.models)
    entry = engine_entry(store, arguments.id, arguments.engine_models)
    _, networks = choose_models(store, entry.models)
    presentations = pad_trials.read_presentations(arguments.labels)
    odds = pad_trials.log_odds(store, entry.models, arguments.root, presentations, progress)
    command = (
        f"egate calibrate pad --id {entry.id} --engine-models {','.join(entry.models)} --labels {arguments.labels.name}"
    )
    dataset = arguments.dataset or arguments.labels.stem
    if not (dataset.isprintable() and command.isprintable()):
        raise ConfigurationError("the names of data set and files must be printable", code="CALIBRATION_DATA")
    calibration = calibrated(store, entry, networks, presentations, odds, dataset=dataset, command=command)
    put = put_calibration(store, entry, format_pad_calibration(calibration))
    _show(calibration)
    tell_hash(store, put)
    return 0


def calibrated(
    store: ModelStore,
    entry: CalibrationFile,
    networks: Sequence[str],
    presentations: Sequence[Presentation],
    odds: Floats,
    *,
    dataset: str,
    command: str,
) -> PadCalibration:
    """The calibration of these presentations. Raises ConfigurationError (CALIBRATION_DATA) where they cannot support one."""
    species = Counter(one.species or "bona fide" for one in presentations)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(species.items()))
    try:
        return measure_pad(
            odds,
            [one.species for one in presentations],
            [one.subject for one in presentations],
            networks,
            id=entry.id,
            weights=store.weights(entry.models),
            dataset=f"{dataset}: {counts}",
            date=datetime.now(UTC).date().isoformat(),
            command=command,
        )
    except ValueError as error:
        raise ConfigurationError(f"{dataset}: {error}", code="CALIBRATION_DATA") from None


def progress(items: Sequence[Any]) -> Any:
    return track(items, description="presentations", console=Console(stderr=True))


def _show(calibration: PadCalibration) -> None:
    smallest = calibration.apcer_min
    threshold = calibration.threshold(max(smallest, 0.05))
    print(
        f"threshold {threshold:.3f}: APCER {100 * calibration.apcer(threshold):.2f} % or less, "
        f"BPCER {100 * calibration.bpcer(threshold):.2f} %; APCER targets from {100 * smallest:.2f} % on are supported"
    )
    attacks = ", ".join(f"{count} {species}" for species, count in calibration.attacks.items())
    print(f"{attacks}, {calibration.bona_fide} bona fide, {calibration.subjects} people")
