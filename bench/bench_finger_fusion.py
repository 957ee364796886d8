"""Does a fused FMR hold, and what do more fingers and impressions gain? Budget: realised FMR within a factor 2 of the stated one.

    python -m bench.bench_finger_fusion --root CORPUS/fingers --models DIR [--scores FILE.npz]

Persons are chimeras: different fingers of one FVC set (10 fingers, 8 impressions each). Non-mated: k fingers against k other ones, under
the same positions or none; mated: the same fingers, other impressions. Each set is judged by the calibration of all five. --scores
keeps the comparison scores of all pairs (no templates), so that a second run takes a minute.
Estimate: if trials are independent and fingers of one person are, realised / stated is 0.9 to 1 (calibration grid and bins round up).
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.calibrate_finger import SETS, read
from egate.domain.finger import FingerPosition
from egate.inference.finger.engine import NETWORK
from egate.inference.finger.minutiae import extract
from egate.inference.weights.store import ModelStore
from egate.matching.finger import minutiae
from egate.matching.finger.hand.comparison import compare_hands
from egate.matching.finger.hand.fingers import Finger
from egate.matching.finger.hand.scale import ComparisonScale, comparison_scale
from egate.matching.finger.llr import llr
from egate.matching.rates.calibration import measure

FINGERS, IMPRESSIONS = 10, 8  # of one set
TARGETS = (1e-2, 1e-3)
DRAWS = 10_000  # persons of each set and kind
SEED = 1

F8 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Kind:
    """probes fingers of one impression each against references fingers of `impressions`; known: with positions."""

    probes: int
    references: int
    impressions: int
    known: bool

    def __str__(self) -> str:
        label = "known" if self.known else "unknown"
        return f"{self.probes:2d} x 1 against {self.references:2d} x {self.impressions}, {label:7s}"


KINDS = (
    *(Kind(k, k, n, known) for k, n, known in itertools.product((1, 2, 4), (1, 3), (True, False))),
    Kind(1, 5, 1, False),
    Kind(1, 9, 1, False),
    Kind(10, 10, 1, True),
    Kind(10, 10, 3, True),
)


def main() -> None:
    arguments = parse_arguments()
    sets = [to_llr(scores) for scores in load(arguments)]
    scale = calibrate(sets)
    print(
        f"realised FMR / stated, and FNMR %, at {TARGETS}; {arguments.draws} persons of each of {len(sets)} sets a kind"
    )
    for kind in KINDS:
        report(kind, sets, scale, arguments.draws)


def report(kind: Kind, sets: list[F8], scale: ComparisonScale, draws: int) -> None:
    random = np.random.default_rng(SEED)
    stated = {
        mated: np.stack([fmrs(kind, one, scale, draws, mated, random) for one in sets]) for mated in (False, True)
    }
    ratios = ", ".join(f"{(stated[False] <= target).mean() / target:5.2f}" for target in TARGETS)
    misses = ", ".join(f"{100 * (1 - (stated[True] <= target).mean()):6.3f}" for target in TARGETS)
    print(f"{kind}: {ratios} | {misses}", flush=True)


def fmrs(kind: Kind, table: F8, scale: ComparisonScale, draws: int, mated: bool, random: np.random.Generator) -> F8:
    """(draws,) FMR stated of random persons. table: (80, 80) log-likelihood ratios of one set's impressions."""
    rows = table.tolist()
    found = (
        compare_hands(probes, references, lambda a, b: rows[a][b], scale)
        for probes, references in itertools.islice(persons(kind, mated, random), draws)
    )
    return np.array([comparison.fmr for comparison in found])


def persons(
    kind: Kind, mated: bool, random: np.random.Generator
) -> Iterator[tuple[list[Finger[int]], list[Finger[int]]]]:
    """Pairs of hands, their impressions as rows of the table. No impression is on both sides, no finger where not mated."""
    while True:
        fingers = random.permutation(FINGERS)
        others = fingers if mated else np.roll(fingers, -kind.probes)  # all ten: each against the next but nine
        if not mated and kind.probes == FINGERS:
            others = np.roll(fingers, 1)
        chosen = np.argsort(random.random((FINGERS, IMPRESSIONS)), axis=1) + IMPRESSIONS * np.arange(FINGERS)[:, None]
        yield (
            [hand(kind, i, chosen[fingers[i], -1:]) for i in range(kind.probes)],
            [finger(i, chosen[others[i], : kind.impressions]) for i in range(kind.references)],
        )


def hand(kind: Kind, index: int, impressions: NDArray[np.int64]) -> Finger[int]:
    return finger(index if kind.known else -1, impressions)


def finger(index: int, impressions: NDArray[np.int64]) -> Finger[int]:
    return Finger(FingerPosition(index + 1), tuple(impressions.tolist()))


def calibrate(sets: list[F8]) -> ComparisonScale:
    """Of log-likelihood ratios as scores, all sets pooled."""
    left, right = np.triu_indices(FINGERS * IMPRESSIONS, 1)
    same = left // IMPRESSIONS == right // IMPRESSIONS
    pooled = np.stack([table[left, right] for table in sets])
    return comparison_scale(float, measure(pooled[:, same].ravel(), pooled[:, ~same].ravel(), id="fusion"))


def to_llr(scores: F8) -> F8:
    """An impression against itself is no comparison."""
    ratios = np.array([[llr(score) for score in row] for row in scores.tolist()])
    ratios[np.diag_indices(len(ratios))] = np.nan
    return ratios


def load(arguments: argparse.Namespace) -> list[F8]:
    """(80, 80) comparison scores of each set."""
    kept: Path | None = arguments.scores
    if kept is not None and kept.exists():
        with np.load(kept) as file:
            return [file[name] for name in SETS]
    network = ModelStore(arguments.models).session(NETWORK)
    found: dict[str, F8] = {}
    for name in SETS:
        paths = sorted((arguments.root / name).glob("*_*.png"))
        ready = [minutiae.prepare(extract(network, read(path), 0)) for path in paths]
        found[name] = np.array([[minutiae.compare(a, b) for b in ready] for a in ready])
        print(f"{name}: {len(paths)} images", flush=True)
    if kept is not None:
        with kept.open("wb") as file:
            np.savez(file, allow_pickle=False, **found)
    return list(found.values())


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="the corpus folder with fvc2002 and fvc2004")
    parser.add_argument("--models", type=Path, required=True, help="the models root (egate models install)")
    parser.add_argument("--scores", type=Path, help="where to keep the scores of all pairs")
    parser.add_argument("--draws", type=int, default=DRAWS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
