"""Weights and calibration of the minutiae matcher, measured on the corpus.

    python -m bench.finger.calibrate fit --root CORPUS/fingers --models DIR
    python -m bench.finger.calibrate llr --root CORPUS/fingers --models DIR
    python -m bench.finger.calibrate calibrate --root CORPUS/fingers --models DIR --out models/finger-minutiae/calibration.csv

`fit` prints weights by logistic regression for egate/matching/finger/minutiae_weights.py, and the accuracy with the set that is
judged left out of the fit. `llr` prints the line of egate/matching/finger/llr.py and how good it is on the set left out.
`calibrate` pools all sets: every mated and every cross-finger pair within a set. All also compare parts of the prints,
because a small print must not be easier to confuse than a whole one.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from egate.commands.bench.finger_splits import measure_splits, splits_table
from egate.domain.biometric import FingerTemplate, Image
from egate.inference.finger.engine import CALIBRATION, NETWORK
from egate.inference.finger.minutiae import extract
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore
from egate.matching.finger import llr, minutiae, minutiae_evidence
from egate.matching.finger.minutiae import Minutiae
from egate.matching.finger.minutiae_weights import WEIGHTS
from egate.matching.rates.accuracy import mean_accuracy, measure_accuracy
from egate.matching.rates.calibration import format_calibration, measure, sort_scores, threshold_of_rank
from egate.matching.rates.logistic import Logistic, Rows, fit_logistic

SETS = ("fvc2002/DB1_B", "fvc2002/DB3_B", "fvc2002/DB4_B", "fvc2004/DB2_B", "fvc2004/DB4_B")
FIT_ROUNDS = 2  # alignments are chosen with the weights, so both are settled in turn
RIDGE = 1e-4
NON_MATED_WEIGHT = 10.0  # in the fit: the threshold lies far out in the non-mated tail
PART_SIZES = ((4, 5), (6, 8), (9, 12), (13, 16), (17, 20))  # minutiae of a partial print, from, to
SEED = 1
FMR = 5e-4  # the operating point reported
FALSE_MATCHES_RARE = (
    2  # of a set's 2,880 non-mated comparisons: FMR 1e-3, which `measure_accuracy` leaves out as too few
)
MATED_PRIOR = (
    0.1  # of the line of llr.py: between even odds, where clear cases would decide it, and the rare false match
)
RATIO_MIN = -8.0  # in its fit; whatever is lower is as good as no alignment

F8 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Comparisons within one set: pairs of prepared templates and whether both are of one finger.

    part: (pairs,) minutiae of the partial print in the pair, 0 if both are whole.
    """

    name: str
    pairs: list[tuple[Minutiae, Minutiae]]
    mated: NDArray[np.bool_]
    part: NDArray[np.int64]


def main() -> None:
    arguments = parse_arguments()
    store = ModelStore(arguments.models)
    network = store.session(NETWORK)
    sets = [load(arguments.root, name, network) for name in SETS]
    if arguments.task == "fit":
        fit(sets)
    elif arguments.task == "llr":
        fit_llr(sets)
    else:
        calibrate(sets, store.weights((NETWORK,)), arguments.out)


def fit(sets: list[Comparisons]) -> None:
    weights = WEIGHTS
    for _ in range(FIT_ROUNDS):
        weights = regress([terms_of(part, weights) for part in sets], sets)
        print("weights", np.round(weights, 2).tolist(), flush=True)
    report("all sets", sets, [scores_of(part, weights) for part in sets])
    left_out: list[F8] = []
    for part in sets:
        others = [other for other in sets if other is not part]
        own = regress([terms_of(other, weights) for other in others], others)
        left_out.append(scores_of(part, own))
    report("judged set left out", sets, left_out)


def fit_llr(sets: list[Comparisons]) -> None:
    """The line from ratio to calibrated log-likelihood ratio; Cllr in bits, 0 perfect and 1 worthless."""
    sides = [sides_of(part, ratios_of(part)) for part in sets]
    line = regress_line(sides)
    print(f"slope {line.slopes[0]:.2f}, offset {line.offset:.2f}, all sets")
    print(f"committed line: Cllr {mean_cllr(sides, [llr.SLOPE] * len(sides), [llr.OFFSET] * len(sides))}")
    lines = [regress_line([other for other in sides if other is not side]) for side in sides]
    print(
        f"judged set left out: Cllr {mean_cllr(sides, [one.slopes[0] for one in lines], [one.offset for one in lines])}"
    )


def mean_cllr(sides: list[tuple[F8, F8]], slopes: list[float], offsets: list[float]) -> str:
    """Cost of log-likelihood ratios (Bruemmer, du Preez: Application-independent evaluation, 2006), by set and in the mean."""
    costs = []
    for (mated, non_mated), slope, offset in zip(sides, slopes, offsets, strict=True):
        same, other = (np.clip(slope * side + offset, llr.LLR_MIN, llr.LLR_MAX) for side in (mated, non_mated))
        costs.append(float(np.logaddexp(0.0, -same).mean() + np.logaddexp(0.0, other).mean()) / np.log(4.0))
    return f"{', '.join(f'{cost:.3f}' for cost in costs)}; mean {np.mean(costs):.3f}"


def regress_line(sides: list[tuple[F8, F8]]) -> Logistic:
    mated, non_mated = (np.concatenate([side[index] for side in sides])[:, None] for index in (0, 1))
    same, other = (Rows(np.maximum(ratios, RATIO_MIN), np.ones(len(ratios))) for ratios in (mated, non_mated))
    return fit_logistic(same, other, MATED_PRIOR)


def ratios_of(part: Comparisons) -> F8:
    return np.array([minutiae.align(*pair)[0] for pair in part.pairs])


def sides_of(part: Comparisons, scores: F8) -> tuple[F8, F8]:
    """Mated and non-mated scores of whole prints."""
    whole = part.part == 0
    return scores[whole & part.mated], scores[whole & ~part.mated]


def calibrate(sets: list[Comparisons], weights: str, out: Path) -> None:
    """Whole prints only: what the calibration means for partial ones is reported beside it."""
    scores = [scores_of(part, WEIGHTS) for part in sets]
    report("committed weights", sets, scores)
    pooled, mated, part = pool(sets, scores)
    calibration = measure(
        pooled[mated & (part == 0)],
        pooled[~mated & (part == 0)],
        id=CALIBRATION,
        weights=weights,
        dataset="FVC2002 DB1_B DB3_B DB4_B, FVC2004 DB2_B DB4_B pooled",
        date=datetime.now(UTC).date().isoformat(),
        command="python -m bench.finger.calibrate calibrate",
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    text = format_calibration(calibration)
    out.write_text(text, encoding="utf-8")
    threshold = calibration.threshold(FMR)
    print(f"{out}: threshold at FMR {FMR:g} is {threshold:.4f}, FNMR there {calibration.fnmr(threshold):.4f}")
    print(f"manifest: sha256 = {hashlib.sha256(text.encode()).hexdigest()}")


def scores_of(part: Comparisons, weights: F8) -> F8:
    return np.array([minutiae.score(minutiae.align(*pair, weights=weights)[0]) for pair in part.pairs])


def terms_of(part: Comparisons, weights: F8) -> F8:
    """(pairs, 6): the terms of the log-likelihood ratio, the constant first, and last the handicaps.

    Alignments are chosen with `weights`. NaN where there is none.
    """
    rows = []
    for pair in part.pairs:
        ratio, evidence = minutiae.align(*pair, weights=weights)
        if not np.isfinite(ratio):
            rows.append(np.full(len(weights) + 1, np.nan))
            continue
        handicap = minutiae_evidence.log_likelihood_ratio(evidence, np.zeros(len(weights)))
        units = [minutiae_evidence.log_likelihood_ratio(evidence, unit) - handicap for unit in np.eye(len(weights))]
        rows.append(np.array([*units, handicap]))
    return np.array(rows)


def regress(terms: list[F8], sets: list[Comparisons], steps: int = 60) -> F8:
    """Weights whose sum over terms is the log-likelihood ratio: ridge logistic regression, the prior odds taken off.

    The handicaps stay out of it: they are chosen, not fitted, because the fit would trade them for mated partial prints.
    """
    every, mated = np.concatenate(terms), np.concatenate([part.mated for part in sets])
    used = np.isfinite(every[:, 0])
    x, y = every[used, 1:-1], mated[used].astype(np.float64)
    importance = np.where(mated[used], 1.0, NON_MATED_WEIGHT)
    mean, scale = x.mean(axis=0), x.std(axis=0)
    z = np.column_stack([np.ones(len(x)), (x - mean) / scale])
    ridge = RIDGE * len(x) * np.diag([0.0, *np.ones(x.shape[1])])
    weights = np.zeros(z.shape[1])
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-np.clip(z @ weights, -50.0, 50.0)))
        curvature = (z * (importance * p * (1.0 - p))[:, None]).T @ z + ridge
        weights -= np.linalg.solve(curvature, z.T @ (importance * (p - y)) + ridge @ weights)
    slopes = weights[1:] / scale
    prior_odds = np.log((importance * y).sum() / (importance * (1.0 - y)).sum())
    return np.array([weights[0] - slopes @ mean - prior_odds, *slopes])


def report(title: str, sets: list[Comparisons], scores: list[F8]) -> None:
    sides = {part.name: sides_of(part, s) for s, part in zip(scores, sets, strict=True)}
    parts = [measure_accuracy(*side) for side in sides.values()]
    mean = mean_accuracy(parts)
    rare = [float(np.mean(m < threshold_of_rank(sort_scores(n), FALSE_MATCHES_RARE))) for m, n in sides.values()]
    values, mated, part = pool(sets, scores)
    pooled = measure_accuracy(values[mated & (part == 0)], values[~mated & (part == 0)])
    by_set = ", ".join(f"{one.name} {100 * accuracy.eer:.2f}" for one, accuracy in zip(sets, parts, strict=True))
    print(f"{title}: EER % {by_set}; mean {100 * mean.eer:.2f}; mean FNMR {percent(mean.fnmr)}")
    print(
        f"  FNMR at FMR 1e-3 (2 of 2,880): {', '.join(f'{100 * v:.2f}' for v in rare)}; mean {100 * np.mean(rare):.2f} %"
    )
    print(splits_table(measure_splits(sides)))
    print(f"  pooled: EER % {100 * pooled.eer:.2f}; FNMR {percent(pooled.fnmr)}")
    threshold = pooled.thresholds[FMR]
    if threshold is None:
        return
    for fewest, most in PART_SIZES:
        chosen = (part >= fewest) & (part <= most)
        fmr = float((values[chosen & ~mated] >= threshold).mean())
        tmr = float((values[chosen & mated] >= threshold).mean())
        print(f"  parts of {fewest}-{most} minutiae at that threshold: FMR {fmr:.1e}, FNMR {100 * (1 - tmr):.0f} %")


def pool(sets: list[Comparisons], scores: list[F8]) -> tuple[F8, NDArray[np.bool_], NDArray[np.int64]]:
    """Scores, mated, part of all sets in one."""
    mated, part = (np.concatenate([getattr(one, field) for one in sets]) for field in ("mated", "part"))
    return np.concatenate(scores), mated, part


def percent(rates: Mapping[float, float | None]) -> str:
    return ", ".join(f"{100 * v:.2f} % at FMR {k:g}" for k, v in rates.items() if v is not None)


def load(root: Path, name: str, network: onnxruntime.InferenceSession) -> Comparisons:
    """All pairs of a folder of F_I.png (F the finger, I the impression), and two parts of each image against all others."""
    paths = sorted((root / name).glob("*_*.png"))
    whole = compare_all(name, {path.stem: extract(network, read(path), 0) for path in paths})
    print(f"{name}: {len(paths)} images, {len(whole.pairs)} comparisons, parts included", flush=True)
    return whole


def compare_all(name: str, templates: dict[str, FingerTemplate]) -> Comparisons:
    rng = np.random.default_rng(SEED)
    ready = {stem: minutiae.prepare(template) for stem, template in templates.items()}
    rows = [((ready[a], ready[b]), same(a, b), 0) for a, b in itertools.combinations(sorted(templates), 2)]
    for stem, repeat in itertools.product(sorted(templates), range(2)):
        size = int(rng.integers(PART_SIZES[0][0], PART_SIZES[-1][1] + 1))
        if len(templates[stem].x) < size:
            continue
        probe = minutiae.prepare(part_of(templates[stem], size, rng))
        for other in sorted(set(templates) - {stem}):
            other_size = int(rng.integers(PART_SIZES[0][0], 2 * PART_SIZES[-1][1]))
            cut = repeat == 1 and other_size <= min(len(templates[other].x), PART_SIZES[-1][1])
            against = minutiae.prepare(part_of(templates[other], other_size, rng)) if cut else ready[other]
            rows.append(((probe, against), same(stem, other), size))
    pairs, mated, part = zip(*rows, strict=True)
    return Comparisons(name, list(pairs), np.array(mated), np.array(part))


def part_of(template: FingerTemplate, size: int, rng: np.random.Generator) -> FingerTemplate:
    """The size minutiae nearest to a random one of them."""
    centre = rng.integers(len(template.x))
    distance = np.hypot(template.x - template.x[centre], template.y - template.y[centre])
    keep = np.sort(np.argsort(distance, kind="stable")[:size])
    columns = {key: getattr(template, key)[keep] for key in ("x", "y", "angle", "ending", "quality")}
    return dataclasses.replace(template, **columns)


def same(a: str, b: str) -> bool:
    return a.split("_")[0] == b.split("_")[0]


def read(path: Path) -> Image:
    return decode_grey(path.read_bytes()).pixels


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("fit", "llr", "calibrate"))
    parser.add_argument("--root", type=Path, required=True, help="the corpus folder with fvc2002 and fvc2004")
    parser.add_argument("--models", type=Path, required=True, help="the models root (egate models install)")
    parser.add_argument("--out", type=Path, default=Path("models/finger-minutiae/calibration.csv"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
