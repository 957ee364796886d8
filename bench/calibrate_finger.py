"""Weights and calibration of the minutiae matcher, measured on the corpus.

    python -m bench.calibrate_finger fit --root CORPUS/fingers --models DIR
    python -m bench.calibrate_finger calibrate --root CORPUS/fingers --models DIR --out models/finger-minutiae/calibration.csv

`fit` prints weights by logistic regression for egate/matching/minutiae_weights.py, and the accuracy with the set that is
judged left out of the fit. `calibrate` pools all sets: every mated and every cross-finger pair within a set.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from egate.inference.finger import CALIBRATION, NETWORK
from egate.inference.finger_minutiae import extract
from egate.inference.image import decode_grey
from egate.inference.store import ModelStore
from egate.matching import minutiae, minutiae_kernels
from egate.matching.accuracy import mean_accuracy, measure_accuracy
from egate.matching.calibration import format_calibration, measure
from egate.matching.minutiae import Minutiae
from egate.matching.minutiae_weights import WEIGHTS

SETS = ("fvc2002/DB1_B", "fvc2002/DB3_B", "fvc2002/DB4_B", "fvc2004/DB2_B", "fvc2004/DB4_B")
FIT_ROUNDS = 3  # alignments are chosen with the weights, so both are settled in turn
RIDGE = 1e-4
FMR = 5e-4  # the operating point reported

F8 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparisons:
    """One set's comparisons: pairs of prepared templates and whether both are of one finger."""

    name: str
    pairs: list[tuple[Minutiae, Minutiae]]
    mated: NDArray[np.bool_]


def main() -> None:
    arguments = parse_arguments()
    sets = [load(arguments.root, name, arguments.models) for name in SETS]
    if arguments.task == "fit":
        fit(sets)
    else:
        calibrate(sets, arguments.out)


def fit(sets: list[Comparisons]) -> None:
    weights = WEIGHTS
    for _ in range(FIT_ROUNDS):
        terms = [terms_of(part, weights) for part in sets]
        weights = regress(np.concatenate(terms), np.concatenate([part.mated for part in sets]))
        print("weights", np.round(weights, 2).tolist(), flush=True)
        report("all sets", sets, [term @ weights for term in terms])
    left_out: list[F8] = []
    for part in sets:
        others = [other for other in sets if other is not part]
        own = WEIGHTS
        for _ in range(FIT_ROUNDS - 1):
            terms = [terms_of(other, own) for other in others]
            own = regress(np.concatenate(terms), np.concatenate([other.mated for other in others]))
        left_out.append(terms_of(part, own) @ own)
    report("judged set left out", sets, left_out)


def calibrate(sets: list[Comparisons], out: Path) -> None:
    scores = [np.array([minutiae.compare(*pair) for pair in part.pairs]) for part in sets]
    report("committed weights", sets, scores)
    pooled, mated = np.concatenate(scores), np.concatenate([part.mated for part in sets])
    calibration = measure(
        pooled[mated],
        pooled[~mated],
        id=CALIBRATION,
        dataset="FVC2002 DB1_B DB3_B DB4_B, FVC2004 DB2_B DB4_B pooled",
        date=datetime.now(UTC).date().isoformat(),
        command="python -m bench.calibrate_finger calibrate",
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(format_calibration(calibration))
    threshold = calibration.threshold(FMR)
    print(f"{out}: threshold at FMR {FMR:g} is {threshold:.4f}, FNMR there {calibration.fnmr(threshold):.4f}")


def terms_of(part: Comparisons, weights: F8) -> F8:
    """(pairs, 7) terms of the log-likelihood ratio, a leading 1 included; alignments are chosen with `weights`."""
    evidence = alignments(part, weights)
    unit = np.eye(len(weights))
    rows = [[minutiae_kernels.log_likelihood_ratio(row, one) for one in unit] for row in evidence]
    return np.array(rows)


def alignments(part: Comparisons, weights: F8) -> list[F8]:
    return [minutiae.align(*pair, weights=weights)[1] for pair in part.pairs]


def regress(terms: F8, mated: NDArray[np.bool_], steps: int = 60) -> F8:
    """Weights whose sum over terms is the log-likelihood ratio: ridge logistic regression, the prior odds taken off.

    Comparisons without an alignment (no term but the constant and the type prior) are left out.
    """
    used = terms[:, 1] > 0.0
    x, y = terms[used, 1:], mated[used].astype(np.float64)
    mean, scale = x.mean(axis=0), x.std(axis=0)
    z = np.column_stack([np.ones(len(x)), (x - mean) / scale])
    ridge = RIDGE * len(x) * np.diag([0.0, *np.ones(x.shape[1])])
    weights = np.zeros(z.shape[1])
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-np.clip(z @ weights, -50.0, 50.0)))
        curvature = (z * (p * (1.0 - p))[:, None]).T @ z + ridge
        weights -= np.linalg.solve(curvature, z.T @ (p - y) + ridge @ weights)
    slopes = weights[1:] / scale
    prior_odds = np.log(y.sum() / (1.0 - y).sum())
    return np.array([weights[0] - slopes @ mean - prior_odds, *slopes])


def report(title: str, sets: list[Comparisons], scores: list[F8]) -> None:
    parts = [measure_accuracy(s[part.mated], s[~part.mated]) for s, part in zip(scores, sets, strict=True)]
    mean = mean_accuracy(parts)
    pooled = measure_accuracy(
        np.concatenate([s[part.mated] for s, part in zip(scores, sets, strict=True)]),
        np.concatenate([s[~part.mated] for s, part in zip(scores, sets, strict=True)]),
    )
    by_set = " ".join(f"{part.name} {100 * one.eer:.2f}" for part, one in zip(sets, parts, strict=True))
    print(f"{title}: EER % {by_set}; mean {100 * mean.eer:.2f}; mean FNMR {percent(mean.fnmr)}", flush=True)
    print(f"  pooled: EER % {100 * pooled.eer:.2f}; FNMR {percent(pooled.fnmr)}", flush=True)


def percent(rates: object) -> str:
    assert hasattr(rates, "items")
    return ", ".join(f"{100 * v:.2f} % at FMR {k:g}" for k, v in rates.items() if v is not None)


def load(root: Path, name: str, models: Path) -> Comparisons:
    """All pairs of a folder of F_I.png: F the finger, I the impression."""
    paths = sorted((root / name).glob("*_*.png"))
    ready = {path.stem: minutiae.prepare(template) for path, template in templates(paths, models)}
    pairs = list(itertools.combinations(sorted(ready), 2))
    mated = np.array([a.split("_")[0] == b.split("_")[0] for a, b in pairs])
    print(f"{name}: {len(ready)} images, {mated.sum()} mated, {(~mated).sum()} non-mated pairs", flush=True)
    return Comparisons(name, [(ready[a], ready[b]) for a, b in pairs], mated)


def templates(paths: list[Path], models: Path) -> Iterator[tuple[Path, FingerTemplate]]:
    network = ModelStore(models).session(NETWORK)
    for path in paths:
        yield path, extract(network, decode_grey(path.read_bytes()).pixels, 0)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("fit", "calibrate"))
    parser.add_argument("--root", type=Path, required=True, help="the corpus folder with fvc2002 and fvc2004")
    parser.add_argument("--models", type=Path, required=True, help="the models root (egate models install)")
    parser.add_argument("--out", type=Path, default=Path("models/finger-minutiae/calibration.csv"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
