"""egate bench quality [face | finger]: does quality predict errors? Error-versus-discard curves over a data set, as JSON and a plot.

Of faces the weights of the unified score were fitted on people with an even number in the order of their names; the curves are those of
the others.
Intervals: people drawn with replacement.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egate.commands.bench import face_trials
from egate.commands.bench.accuracy_output import progress, write_report
from egate.commands.bench.plots import require_matplotlib
from egate.commands.bench.provenance import file_json, provenance
from egate.commands.bench.quality_curves import measure_curves, plot_curves, print_curves
from egate.commands.bench.quality_finger import run_finger
from egate.commands.bench.quality_trials import UNIFIED, WITHOUT_MAGNITUDE, MatedTrials, capture_all, mated_trials
from egate.commands.models import add_models_option
from egate.errors import ConfigurationError
from egate.inference.face.engine import CALIBRATION, load_face_engine
from egate.inference.weights.store import ModelStore
from egate.matching.face.quality import FACE_QUALITY_MIN_GOOD, FACE_QUALITY_MIN_USABLE

FMRS = (1e-3, 1e-4)
PLOTTED_FMR = 1e-4  # the one with more errors to predict
DRAWN = (UNIFIED, WITHOUT_MAGNITUDE)  # of the others the area says enough


def register(bench_subparsers: Any) -> None:
    """Adds `quality` to the subparsers of `egate bench`."""
    parser = bench_subparsers.add_parser("quality", help="whether quality predicts errors")
    parser.add_argument("kind", nargs="?", choices=("face", "finger"), default="face")
    parser.add_argument("--pairs", type=Path, metavar="CSV", help="of faces: columns path_a, path_b, same")
    parser.add_argument(
        "--root",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder the paths start at; of fingers: F_I.png below it",
    )
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
    return run_finger(arguments) if arguments.kind == "finger" else _run_face(arguments)


def _run_face(arguments: argparse.Namespace) -> int:
    if arguments.pairs is None:
        raise ConfigurationError("quality of faces needs --pairs")
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
        plot_curves(report[f"{PLOTTED_FMR:g}"], DRAWN, PLOTTED_FMR, arguments.svg)
    print_curves(report)
    return 0


def curves(mated: MatedTrials, threshold: float) -> dict[str, Any]:
    """Curves over the people the unified score was not fitted on, by quality; areas with intervals over people."""
    judged = mated.subject % 2 == 1
    others = MatedTrials(mated.pairs[judged], mated.scores[judged], mated.subject[judged], mated.qualities)
    return measure_curves(others, threshold, DRAWN)


def _distribution(quality: NDArray[np.float64]) -> dict[str, float]:
    known = np.where(np.isnan(quality), 0.0, quality)
    shares = {f"percentile_{share}": round(float(np.percentile(known, share)), 1) for share in (1, 5, 50, 95)}
    below = {"good": FACE_QUALITY_MIN_GOOD, "usable": FACE_QUALITY_MIN_USABLE}
    return shares | {f"share_not_{name}": round(float((known < limit).mean()), 5) for name, limit in below.items()}
