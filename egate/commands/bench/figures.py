"""Figures with intervals for `egate bench accuracy`: drawn by subject, as JSON and as a table for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from egate.matching.rates.accuracy import Accuracy
from egate.matching.rates.bootstrap import REPLICATES, SUBJECTS_SOUND, Replicates, bootstrap
from egate.matching.rates.comparisons import Comparisons
from egate.matching.rates.operating_point import Figure, Figures, OperatingPoint, figures, supported
from egate.matching.rates.weighted_rates import TopTooShort

SEED = 19795  # chosen; of every bootstrap, so that a report can be repeated
# Of the non-mated scores, from the first that is enough. Three times the largest FMR target, for replicates whose weight is elsewhere.
SHARES = (0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """comparisons, of which the bootstrap needed no more non-mated scores than are kept; what it drew; the figures they give."""

    comparisons: Comparisons
    replicates: Replicates
    figures: Figures


def draw(keep: Callable[[float], Comparisons], replicates: int = REPLICATES) -> Drawn:
    """keep: the comparisons with the highest share of non-mated scores."""
    for share in SHARES:
        comparisons = keep(share)
        targets = supported(comparisons.non_mated())
        try:
            drawn = bootstrap(comparisons, targets, np.random.default_rng(SEED), replicates)
            return Drawn(comparisons, drawn, figures(comparisons, drawn))
        except TopTooShort:
            continue
    raise AssertionError("all scores are enough")


def bootstrap_json(replicates: int = REPLICATES) -> dict[str, object]:
    return {"confidence": 0.95, "resampled": "subjects", "replicates": replicates, "seed": SEED}


def counts_json(comparisons: Comparisons) -> dict[str, object]:
    return {
        "images": int(comparisons.images.sum()),
        "subjects": comparisons.subjects,
        "mated_subjects": comparisons.mated_subjects,
        "excluded_subject_pairs": len(comparisons.excluded),
    }


def table(name: str, found: Figures, accuracy: Accuracy, subjects: int) -> str:
    """Lines for people: a rate in per cent with its 95 % interval, or what is missing for it."""
    counts = f"{accuracy.mated:,} mated, {accuracy.non_mated:,} non-mated, {accuracy.failures_to_enrol} not enrolled"
    lines = [f"{name}: EER {_percent(found.eer)} ({counts})"]
    if subjects < SUBJECTS_SOUND:
        lines.append(f"  {subjects} subjects: any interval here is too narrow")
    return "\n".join(lines + [f"  FMR {point.target:g}: {_line(point)}" for point in found.points])


def _line(point: OperatingPoint) -> str:
    if point.fnmr.value is None and point.fnmr.below is None:
        return f"no figure, it needs {point.fnmr.needs:,} non-mated comparisons"
    told = f"FNMR {_percent(point.fnmr)}"
    if point.threshold.value is not None:
        told += (
            f", threshold {point.threshold.value:.4g}{_between(point.threshold, 1.0, 4)}, its FMR {_percent(point.fmr)}"
        )
    return told


def _percent(figure: Figure) -> str:
    if figure.value is None:
        return "-" if figure.below is None else f"< {100 * figure.below:.3g} % (no error seen)"
    return f"{100 * figure.value:.3g} %{_between(figure, 100.0, 3)}"


def _between(figure: Figure, scale: float, digits: int) -> str:
    if figure.interval is None:
        return ""
    low, high = (scale * end for end in figure.interval)
    return f" [{low:.{digits}g}, {high:.{digits}g}]"
