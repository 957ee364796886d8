"""How real are the synthetic fingers? Bar: their FMR against real probes within 1.5x of real non-mates', at FMR 1e-2 and 1e-3.

    python -m bench.finger.synthetic --root CORPUS/fingers [--count N] [--plot FILE] [--templates FILE]

Estimate: 400 probes by 300 synthetic impressions are 120,000 comparisons, and the real ones 80,000: 20 s. Extraction of the real ones
takes minutes, so --templates FILE keeps them between runs (biometric data: outside the repository). Thresholds are those at
which all real pairs of different fingers, of one set and of two, reach the FMR: a gallery of synthetic fingers is mixed in the
same way. Also printed: the ratio to pairs within a set alone, and the statistics that the generator follows, beside the corpus's.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egate.commands.bench.finger_trials import find_sets
from egate.commands.bench.identify_synthetic import synthetic_finger
from egate.commands.bench.plots import Series, curve_plot
from egate.domain.biometric import FingerTemplate
from egate.inference.finger.engine import load_finger_engine
from egate.inference.image.decoder import decode_grey
from egate.inference.weights.store import ModelStore
from egate.matching.finger import minutiae
from egate.matching.finger.minutiae_hull import area, convex_hull

FMRS = (1e-2, 1e-3)
RATIO_MAX = 1.5
SEED = 7  # not that of egate bench identify
COLUMNS = ("x", "y", "angle", "ending", "quality")

F8 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Real:
    """templates of all images; finger, set: (n,) numbers of whose and where from."""

    templates: list[FingerTemplate]
    finger: NDArray[np.int64]
    set: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class NonMated:
    """Scores: real pairs of different fingers within a set and across sets; real probes against synthetic impressions."""

    within: F8
    across: F8
    synthetic: F8

    def ratios(self, fmr: float) -> tuple[float, float, float]:
        """The threshold, and the synthetic FMR there over that of all real pairs and over that of pairs within a set."""
        every = np.sort(np.concatenate([self.within, self.across]))
        threshold = float(every[-round(fmr * len(every))])
        synthetic = float((self.synthetic >= threshold).mean())
        return threshold, synthetic / fmr, synthetic / max(float((self.within >= threshold).mean()), 1e-9)


def main() -> None:
    arguments = parse_arguments()
    real = load(arguments.root, arguments.templates)
    synthetic = [synthetic_finger(SEED, number, 1)[0] for number in range(arguments.count)]
    print(statistics("real", real.templates), statistics("synthetic", synthetic), sep="\n")
    found = compare(real, synthetic)
    print(
        f"{len(found.within):,} real pairs within sets, {len(found.across):,} across, {found.synthetic.size:,} with synthetic"
    )
    if arguments.plot:
        plot(found, arguments.plot)
    ratios = []
    for fmr in FMRS:
        threshold, ratio, within = found.ratios(fmr)
        ratios.append(ratio)
        print(
            f"FMR {fmr:g} (threshold {threshold:.3f}): synthetic {ratio:.2f} of all real, {within:.2f} of real within a set"
        )
    for ratio in ratios:
        assert 1.0 / RATIO_MAX <= ratio <= RATIO_MAX, "synthetic fingers are not like real ones"


def compare(real: Real, synthetic: Sequence[FingerTemplate]) -> NonMated:
    probes, others = ([minutiae.prepare(one) for one in of] for of in (real.templates, synthetic))
    within: list[float] = []
    across: list[float] = []
    for i, j in itertools.combinations(range(len(probes)), 2):
        if real.finger[i] != real.finger[j]:
            (within if real.set[i] == real.set[j] else across).append(minutiae.compare(probes[i], probes[j]))
    scores = [minutiae.compare(probe, other) for probe in probes for other in others]
    return NonMated(np.array(within), np.array(across), np.array(scores))


def statistics(name: str, templates: Sequence[FingerTemplate]) -> str:
    """Lines of what the generator follows: counts, areas, distances, directions, types."""
    counts = np.array([len(one.x) for one in templates])
    places = [(one.x.astype(np.float64), -one.y.astype(np.float64)) for one in templates]
    areas = np.array([area(convex_hull(x, y)) for x, y in places])
    apart = [np.abs((x + 1j * y)[:, None] - (x + 1j * y)) for x, y in places]
    nearest = np.concatenate([np.where(d > 0, d, np.inf).min(axis=1) for d in apart])
    nearest = nearest[np.isfinite(nearest)]
    alike = []
    for low, high in ((0, 25), (25, 50), (50, 75), (75, 100)):
        turns = [
            2 * (one.angle[:, None] - one.angle)[(d > low) & (d <= high)]
            for one, d in zip(templates, apart, strict=True)
        ]
        alike.append(float(np.cos(np.concatenate(turns)).mean()))
    angle = np.concatenate([one.angle for one in templates])
    eighths = np.histogram(angle, 8, (0.0, 2 * np.pi))[0] / len(angle)
    ending = np.concatenate([one.ending for one in templates]).mean()
    return (
        f"{name}: {counts.mean():.1f} minutiae (deviation {counts.std():.1f}), area {areas.mean():,.0f} px2 ({areas.std():,.0f}), "
        f"endings {ending:.2f}\n"
        f"  nearest, px at 5, 25, 50, 75, 95 %: {np.quantile(nearest, (0.05, 0.25, 0.5, 0.75, 0.95)).round(1).tolist()}\n"
        f"  flow alike (cos 2a) within 25, 50, 75, 100 px: {np.round(alike, 2).tolist()}\n"
        f"  directions by eighths of a turn: {eighths.round(3).tolist()}"
    )


def plot(found: NonMated, path: Path) -> None:
    """FMR of both kinds of real pairs (across: y) against that of synthetic ones at the same thresholds; the diagonal is equality."""
    every = np.sort(np.concatenate([found.within, found.across]))
    fmr = np.logspace(-3.3, -0.7, 60)
    thresholds = np.quantile(every, 1.0 - fmr)
    series = [
        Series(name, fmr, np.array([(scores >= t).mean() for t in thresholds]))
        for name, scores in (("all real", every), ("within a set", found.within), ("synthetic", found.synthetic))
    ]
    curve_plot(
        series, path, xlabel="FMR of all real non-mates", ylabel="FMR at the same threshold", title="Strangers", x_log=True, y_log=True
    )  # fmt: skip


def load(root: Path, kept: Path | None) -> Real:
    sets = find_sets(root)
    members = [(number, name, finger, path) for number, name in enumerate(sets) for finger, path in sets[name]]
    if kept is not None and kept.is_file():
        templates = read_templates(kept)
    else:
        engine = load_finger_engine(ModelStore())
        templates = [engine.capture(decode_grey(path.read_bytes()).pixels).template for _, _, _, path in members]
        if kept is not None:
            write_templates(kept, templates)
    assert len(templates) == len(members), "the kept templates are of another corpus"
    _, finger = np.unique([f"{name}/{finger}" for _, name, finger, _ in members], return_inverse=True)
    return Real(templates, finger, np.array([number for number, _, _, _ in members]))


def write_templates(path: Path, templates: Sequence[FingerTemplate]) -> None:
    columns = {key: np.concatenate([getattr(one, key) for one in templates]) for key in COLUMNS}
    columns["count"] = np.array([len(one.x) for one in templates])
    columns["size"] = np.array([(one.width, one.height) for one in templates])
    np.savez(path, allow_pickle=False, **columns)


def read_templates(path: Path) -> list[FingerTemplate]:
    with np.load(path, allow_pickle=False) as kept:
        at = np.cumsum(kept["count"])[:-1]
        columns = [np.split(kept[key], at) for key in COLUMNS]
        sizes = kept["size"].tolist()
    return [FingerTemplate(*values, *size) for *values, size in zip(*columns, sizes, strict=True)]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300, help="synthetic fingers (default: 300)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also draw FMR against FMR (.png or .svg)")
    parser.add_argument("--templates", type=Path, metavar="FILE.npz", help="keep the real templates there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
