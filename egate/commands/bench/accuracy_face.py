"""`egate bench accuracy face`: from pairs of images to the report."""

from __future__ import annotations

import argparse

from egate.commands.bench import face_trials, figures
from egate.commands.bench.accuracy_output import check_outputs, progress, write_calibration, write_report
from egate.commands.bench.accuracy_splits import splits_of, splits_table
from egate.commands.bench.face_comparisons import face_comparisons
from egate.commands.bench.plots_accuracy import plot_accuracy
from egate.commands.bench.provenance import file_json, provenance
from egate.errors import ConfigurationError
from egate.inference.weights.manifest import NOT_CALIBRATED, CalibrationFile
from egate.inference.weights.store import ModelStore
from egate.matching.face.fusion import FaceFusion, format_fusion, parse_fusion
from egate.matching.rates.accuracy import measure_accuracy
from egate.matching.rates.calibration import measure
from egate.matching.rates.det_curve import det_curve


def run_face(arguments: argparse.Namespace) -> int:
    check_outputs(arguments)
    store = ModelStore(arguments.models)
    engine = _engine(store, arguments.engine)
    origin = provenance(
        store, engine.id, engine.models, _command(arguments)
    )  # of the code that runs, not of the end of it
    own = _fusion(store, engine)
    trials = face_trials.read_trials(arguments.pairs, arguments.exclude)
    templates, failures = face_trials.enrol(store, arguments.root, trials.paths, progress("faces"), engine.models)
    try:
        fusion = own or face_trials.fit_face(trials, templates)
        mated, non_mated = face_trials.compare(trials, templates, fusion)
        accuracy = measure_accuracy(mated, non_mated, failures)
    except ValueError as error:
        raise ConfigurationError(f"{arguments.pairs.name}: {error}", code="ACCURACY_DATA") from None
    drawn = figures.draw(lambda share: face_comparisons(trials, mated, non_mated, share))
    splits = splits_of(trials, templates, arguments.splits)
    report = {
        **accuracy.to_json(),
        "figures": drawn.figures.to_json(),
        "data": {"lists": _lists(arguments), **figures.counts_json(drawn.comparisons)},
        "bootstrap": figures.bootstrap_json(),
        "splits": splits.to_json() if splits else None,
        "fusion": "of the engine's calibration" if own else "fitted on these comparisons",
        **origin,
    }
    write_report(arguments.json, report)
    print(figures.table(engine.id, drawn.figures, accuracy, drawn.comparisons.subjects))
    if splits:
        print(splits_table(splits))
    if arguments.plots:
        curves = {engine.id: det_curve(mated, non_mated)}
        plot_accuracy(arguments.plots, arguments.pairs.stem, curves, mated, non_mated, drawn.figures)
    if arguments.calibration:
        told = {
            "id": engine.id,
            "weights": store.weights(engine.models),
            "dataset": f"{arguments.pairs.stem}: {len(trials.paths)} images, all cross-person pairs non-mated",
            "date": str(origin["date"]),
            "command": _command(arguments),
            "fusion": format_fusion(fusion),
        }
        write_calibration(arguments.calibration, measure(mated, non_mated, **told))
    return 0


def _engine(store: ModelStore, id: str) -> CalibrationFile:
    entry = store.manifest.calibrations.get(id)
    if entry is None:
        known = ", ".join(sorted(store.manifest.calibrations))
        raise ConfigurationError(f"no engine {id!r} in the manifest, there are: {known}")
    return entry


def _fusion(store: ModelStore, engine: CalibrationFile) -> FaceFusion | None:
    """The engine's own, None where it was never calibrated. Raises ModelError if its calibration is that of other weights."""
    return None if engine.sha256 == NOT_CALIBRATED else parse_fusion(store.calibration(engine.id).fusion)


def _lists(arguments: argparse.Namespace) -> list[dict[str, str]]:
    return [file_json(path) for path in (arguments.pairs, arguments.exclude) if path]


def _command(arguments: argparse.Namespace) -> str:
    """What to run again, without folders: they say nothing elsewhere."""
    words = ["egate bench accuracy face --engine", arguments.engine, "--pairs", arguments.pairs.name]
    words += ["--exclude", arguments.exclude.name] if arguments.exclude else []
    return " ".join(words)
