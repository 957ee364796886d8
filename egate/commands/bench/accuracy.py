"""egate bench accuracy face | finger: what a data set says of an engine, with 95 % intervals, as JSON, table and plots.

A figure that the number of comparisons cannot support is not printed; what it needs is. With --calibration FILE it also writes the
calibration.csv that belongs into models/<id>/, and prints its SHA-256 for the manifest. A calibration stands on the data it was
measured on: accuracy reported on that same data is right for the embeddings, which saw none of it, and slightly flattering for the
thresholds and the constants of the fusion.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from egate.commands.bench.accuracy_face import run_face
from egate.commands.bench.accuracy_finger import run_finger
from egate.commands.models import add_models_option
from egate.inference.face.engine import CALIBRATION
from egate.inference.finger.resolution import DPI


def register(bench_subparsers: Any) -> None:
    """Adds `accuracy` to the subparsers of `egate bench`."""
    parser = bench_subparsers.add_parser("accuracy", help="false match and non-match rates over a data set")
    kinds = parser.add_subparsers(dest="kind", required=True)
    face = kinds.add_parser("face", help="mated pairs of a CSV, all cross-person pairs of its images")
    face.add_argument("--pairs", type=Path, required=True, metavar="CSV", help="columns path_a, path_b, same")
    face.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder the paths start at")
    face.add_argument("--exclude", type=Path, metavar="CSV", help="columns name_a, name_b: one person under two names")
    face.add_argument(
        "--engine", default=CALIBRATION, metavar="ID", help=f"id of the manifest (default: {CALIBRATION})"
    )
    face.add_argument(
        "--splits",
        action="store_true",
        help="fit on half the folds of 600 rows, judge the others, all ways (without asking where there are six folds)",
    )
    face.set_defaults(run=run_face)
    finger = kinds.add_parser("finger", help="every folder that holds F_I.png is one set")
    finger.add_argument("--root", type=Path, required=True, metavar="DIR")
    finger.add_argument("--dpi", type=float, default=DPI, help=f"of images that state none (default: {DPI:g}, as FVC)")
    finger.set_defaults(run=run_finger)
    for kind in (face, finger):
        kind.add_argument("--json", type=Path, required=True, metavar="OUT")
        kind.add_argument("--plots", type=Path, metavar="DIR", help="also draw det and scores, as .png and .svg")
        kind.add_argument("--calibration", type=Path, metavar="FILE", help="also write the calibration")
        add_models_option(kind)
