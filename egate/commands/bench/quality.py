"""egate bench quality: does the face quality score predict errors? Error-versus-discard curves over a data set, as JSON and a plot.

The weights of the unified score were fitted on people with an even number in the order of their names; the curves are those of the others.
Intervals: people drawn with replacement.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egate.commands.bench import face_trials
from egate.commands.bench.accuracy_output import progress, write_report
from egate.commands.bench.plots import Series, curve_plot, require_matplotlib
from egate.commands.bench.provenance import file_json, provenance
from egate.commands.bench.quality_trials import UNIFIED, WITHOUT_MAGNITUDE, MatedTrials, capture_all, mated_trials
from egate.commands.models import add_models_option
from egate.errors import ConfigurationError
from egate.inference.face.engine import CALIBRATION, load_face_engine
from egate.inference.weights.store import ModelStore
from egate.matching.face.quality import FACE_QUALITY_MIN_GOOD, FACE_QUALITY_MIN_USABLE
from egate.matching.rates.bootstrap import interval
from egate.matching.rates.error_discard import DISCARDS, ErrorDiscard, error_discard, pair_quality

FMRS = (1e-3, 1e-4)
PLOTTED_FMR = 1e-4  # the one with more errors to predict
REPLICATES = 500  # chosen: 12 lie beyond each end of an interval
SEED = 1
DRAWN = (UNIFIED, WITHOUT_MAGNITUDE)  # of the others the area says enough


def register(bench_subparsers: Any) -> None:
    """Adds `quality` to the subparsers of `egate bench`."""
    parser = bench_subparsers.add_parser("quality", help="whether face quality predicts errors")
    parser.add_argument("--pairs", type=Path, required=True, metavar="CSV", help="columns path_a, path_b, same")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder the paths start at")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also draw the curves (.svg or .png)")
    add_models_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    for path in (arguments.json, arguments.svg):
        if path and not path.parent.is_dir():
            raise ConfigurationError(f"cannot write {path.name}: its folder does not exist")
    if arguments.svg:
        require_matplotlib()
    store = ModelStore(arguments.models)
    engine = load_face_engine(store)
    trials = face_trials.read_trials(arguments.pairs, None)
    captured = capture_all(engine, arguments.root, trials.paths, progress("faces"))
    mated = mated_trials(engine, trials, captured)
    report = {f"{fmr:g}": curves(mated, engine.threshold(fmr)) for fmr in FMRS}
    document = {
        "question": "does leaving out the mated comparisons of lowest quality lower FNMR?",
        **provenance(
            store,
            CALIBRATION,
            store.manifest.calibrations[CALIBRATION].models,
            f"egate bench quality --pairs {arguments.pairs.name}",
        ),
        "pairs": file_json(arguments.pairs),
        "images": len(captured),
        "failures_to_enrol": sum(each is None for each in captured),
        "unified": _distribution(mated.qualities[UNIFIED]),
        "fmr": report,
    }
    write_report(arguments.json, document)
    if arguments.svg:
        _plot(report[f"{PLOTTED_FMR:g}"], arguments.svg)
    _print(report)
    return 0


def curves(mated: MatedTrials, threshold: float) -> dict[str, Any]:
    """Curves over the people the unified score was not fitted on, by quality; areas with intervals over people."""
    judged = mated.subject % 2 == 1
    subject = mated.subject[judged]
    errors = ~(mated.scores[judged] >= threshold)
    draws = _draws(subject)
    pairs = mated.pairs[judged]
    found: dict[str, Any] = {}
    for name, quality in mated.qualities.items():
        worse = pair_quality(quality[pairs[:, 0]], quality[pairs[:, 1]])
        found[name] = _curve(error_discard(worse, errors), worse, errors, draws)
        if name not in DRAWN:
            found[name] = {key: found[name][key] for key in ("area", "area_interval")}
    first = error_discard(np.zeros(len(errors)), errors)
    return {
        "comparisons": first.comparisons,
        "errors": first.errors,
        "people": len(np.unique(subject)),
        "discard": _rounded(DISCARDS),
        "ideal": _rounded(first.ideal),
        "ideal_area": _number(first.ideal_area),
        "quality": dict(sorted(found.items(), key=lambda item: item[1]["area"] or 0.0)),
    }


def _curve(
    curve: ErrorDiscard, quality: NDArray[np.float64], errors: NDArray[np.bool_], draws: Sequence[NDArray[np.float64]]
) -> dict[str, Any]:
    again = [error_discard(quality, errors, weights) for weights in draws]
    fnmr = np.array([each.fnmr for each in again])
    bounds = interval(np.array([each.area for each in again]), curve.area, len(draws[0]))
    return {
        "area": _number(curve.area),
        "area_interval": [round(bound, 4) for bound in bounds] if bounds else None,
        "fnmr": _rounded(curve.fnmr),
        "fnmr_low": _rounded(np.quantile(fnmr, 0.025, axis=0)),
        "fnmr_high": _rounded(np.quantile(fnmr, 0.975, axis=0)),
    }


def _draws(subject: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """REPLICATES times (m,) how often each comparison counts when the people are drawn with replacement."""
    random = np.random.default_rng(SEED)
    people, which = np.unique(subject, return_inverse=True)
    even = np.full(len(people), 1.0 / len(people))
    return [random.multinomial(len(people), even)[which].astype(np.float64) for _ in range(REPLICATES)]


def _distribution(quality: NDArray[np.float64]) -> dict[str, float]:
    known = np.where(np.isnan(quality), 0.0, quality)
    shares = {f"percentile_{share}": round(float(np.percentile(known, share)), 1) for share in (1, 5, 50, 95)}
    below = {"good": FACE_QUALITY_MIN_GOOD, "usable": FACE_QUALITY_MIN_USABLE}
    return shares | {f"share_not_{name}": round(float((known < limit).mean()), 5) for name, limit in below.items()}


def _plot(report: Mapping[str, Any], path: Path) -> None:
    quality, discard = report["quality"], 100 * np.array(report["discard"])
    start = quality[UNIFIED]["fnmr"][0]
    lines = [
        Series(
            "unified quality",
            discard,
            100 * np.array(quality[UNIFIED]["fnmr"]),
            100 * np.array(quality[UNIFIED]["fnmr_low"]),
            100 * np.array(quality[UNIFIED]["fnmr_high"]),
        ),
        Series("at random", discard, np.full(len(discard), 100 * start)),
        Series("ideal", discard, 100 * np.array(report["ideal"])),
    ]
    if WITHOUT_MAGNITUDE in quality:
        lines.insert(1, Series(WITHOUT_MAGNITUDE, discard, 100 * np.array(quality[WITHOUT_MAGNITUDE]["fnmr"])))
    curve_plot(
        lines,
        path,
        xlabel="mated comparisons left out, lowest quality first (%)",
        ylabel="false non-match rate (%)",
        title=f"Error versus discard, threshold at FMR {PLOTTED_FMR:g}",
    )


def _print(report: Mapping[str, Any]) -> None:
    for fmr, part in report.items():
        counts = f"{part['errors']} errors in {part['comparisons']} mated comparisons of {part['people']} people"
        unified = part["quality"][UNIFIED]
        if unified["area"] is None or unified["area_interval"] is None:
            print(f"FMR {fmr}: {counts}")
            continue
        low, high = unified["area_interval"]
        area = (
            f"area {unified['area']:.2f} (95 %: {low:.2f} to {high:.2f}; at random 1, ideal {part['ideal_area']:.2f})"
        )
        print(f"FMR {fmr}: {counts}; {area}")


def _number(value: float) -> float | None:
    """None where there was no error to predict."""
    return None if np.isnan(value) else round(value, 4)


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) for value in values]
