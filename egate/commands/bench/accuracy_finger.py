"""`egate bench accuracy finger`: from sets of prints to the report; each set, their mean, and all together."""

from __future__ import annotations

import argparse

import numpy as np

from egate.commands.bench import figures, finger_trials
from egate.commands.bench.accuracy_output import check_outputs, progress, write_calibration, write_report
from egate.commands.bench.figures import Drawn
from egate.commands.bench.finger_comparisons import finger_comparisons, pool_comparisons
from egate.commands.bench.finger_splits import measure_splits, splits_json, splits_table
from egate.commands.bench.plots_accuracy import plot_accuracy
from egate.commands.bench.provenance import provenance
from egate.inference.weights.store import ModelStore
from egate.matching.rates.accuracy import Accuracy, mean_accuracy, measure_accuracy
from egate.matching.rates.calibration import measure
from egate.matching.rates.comparisons import Comparisons
from egate.matching.rates.det_curve import DetCurve, det_curve, mean_curve
from egate.matching.rates.operating_point import Figures, mean_figures

COMMAND = "egate bench accuracy finger"


def run_finger(arguments: argparse.Namespace) -> int:
    check_outputs(arguments)
    store, engine = ModelStore(arguments.models), finger_trials.CALIBRATION
    origin = provenance(store, engine, finger_trials.MODELS, COMMAND)  # of the code that runs, not of the end of it
    sets = finger_trials.find_sets(arguments.root)
    measured = finger_trials.measure_sets(store, sets, progress("fingers"), arguments.dpi)
    parts = {name: finger_comparisons(sets[name], scores) for name, scores in measured.items()}
    whole = pool_comparisons(list(parts.values()))
    drawn = {name: _draw(part) for name, part in parts.items()}
    pooled = _draw(whole)
    accuracies = {name: scores.accuracy for name, scores in measured.items()}
    mean = mean_accuracy(list(accuracies.values()))
    of_all = measure_accuracy(whole.mated, whole.top, mean.failures_to_enrol)
    smallest = min(part.subjects for part in parts.values())
    of_mean = mean_figures(list(accuracies.values()), [one.replicates for one in drawn.values()], smallest)
    splits = measure_splits({name: (scores.mated, scores.non_mated) for name, scores in measured.items()})
    report = {
        "sets": {name: _json(accuracies[name], one.figures, parts[name]) for name, one in drawn.items()},
        "mean": _json(mean, of_mean),
        "pooled": _json(of_all, pooled.figures, whole),
        "bootstrap": figures.bootstrap_json(),
        "splits": splits_json(splits),
        **origin,
    }
    write_report(arguments.json, report)
    for name, one in drawn.items():
        print(figures.table(name, one.figures, accuracies[name], parts[name].subjects))
    print(figures.table("mean", of_mean, mean, smallest))
    print(figures.table("pooled", pooled.figures, of_all, whole.subjects))
    if splits:
        print(splits_table(splits))
    if arguments.plots:
        plot_accuracy(arguments.plots, engine, _curves(parts), whole.mated, whole.top, of_mean)
    if arguments.calibration:
        dataset, weights = f"{', '.join(measured)} pooled", store.weights(finger_trials.MODELS)
        date = str(origin["date"])
        write_calibration(
            arguments.calibration,
            measure(whole.mated, whole.top, id=engine, weights=weights, dataset=dataset, date=date, command=COMMAND),
        )
    return 0


def _draw(part: Comparisons) -> Drawn:
    return figures.draw(lambda _: part)  # so few that all are kept


def _curves(parts: dict[str, Comparisons]) -> dict[str, DetCurve]:
    curves = {name: det_curve(part.mated, part.top) for name, part in parts.items()}
    points = np.unique(np.concatenate([curve.fmr for curve in curves.values()]))
    return {**curves, "mean": mean_curve(list(curves.values()), points)}


def _json(accuracy: Accuracy, found: Figures, part: Comparisons | None = None) -> dict[str, object]:
    report = {**accuracy.to_json(), "figures": found.to_json()}
    return report if part is None else {**report, "data": figures.counts_json(part)}
