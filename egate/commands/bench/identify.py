"""egate bench identify finger: who is found among many (1:N), as JSON and a table.

Of each finger of the data set three impressions are enrolled and the others are probes; the gallery is filled to N fingers of three
impressions each with synthetic ones. It is done twice, with half of the real fingers enrolled each time: the enrolled half's probes are the
mated searches, all images of the other half the non-mated ones. Searches run on two threads, as at a gate; the scan rate is of one.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from egate.commands.bench import finger_trials
from egate.commands.bench.accuracy_output import progress, write_report
from egate.commands.bench.identify_figures import figures, table
from egate.commands.bench.identify_trials import ENROLLED, Fingers, identify, load_fingers
from egate.commands.bench.provenance import provenance
from egate.commands.models import add_models_option
from egate.errors import ConfigurationError
from egate.inference.finger.resolution import DPI
from egate.inference.weights.store import ModelStore
from egate.matching.finger.search import search

COMMAND = "egate bench identify finger"
THREADS = 2  # of the gate that the time is promised for
SEED = 19795  # chosen; of the synthetic fingers, so that a report can be repeated


def register(bench_subparsers: Any) -> None:
    """Adds `identify` to the subparsers of `egate bench`."""
    parser = bench_subparsers.add_parser("identify", help="rank 1, FNIR at FPIR 1e-2 and speed of 1:N search")
    finger = parser.add_subparsers(dest="kind", required=True).add_parser(
        "finger", help="every folder that holds F_I.png is one set; three impressions of a finger are enrolled"
    )
    finger.add_argument("--root", type=Path, required=True, metavar="DIR")
    finger.add_argument(
        "--gallery", type=int, required=True, metavar="N", help=f"fingers enrolled, {ENROLLED} impressions each"
    )
    finger.add_argument("--seed", type=int, default=SEED, help=f"of the synthetic fingers (default: {SEED})")
    finger.add_argument("--dpi", type=float, default=DPI, help=f"of images that state none (default: {DPI:g}, as FVC)")
    finger.add_argument("--json", type=Path, required=True, metavar="OUT")
    add_models_option(finger)
    finger.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.json.parent.is_dir():
        raise ConfigurationError(f"cannot write {arguments.json.name}: its folder does not exist")
    if arguments.seed < 0:
        raise ConfigurationError("a seed is not negative")
    sets = finger_trials.find_sets(arguments.root)
    store = ModelStore(arguments.models)
    origin = provenance(store, finger_trials.CALIBRATION, finger_trials.MODELS, COMMAND)
    fingers = load_fingers(store, sets, progress("fingers"), arguments.dpi)
    report = {**measure(fingers, arguments.gallery, arguments.seed), **origin}
    write_report(arguments.json, report)
    print(table(report))
    return 0


def measure(fingers: Fingers, gallery: int, seed: int) -> dict[str, Any]:
    """All of the report but where it comes from. Raises ConfigurationError if the gallery has no place for half of the fingers."""
    search.warm_up()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="search") as pool:
        found = identify(fingers, gallery, seed, pool.map, progress)
    return figures(found, gallery, seed, THREADS)
