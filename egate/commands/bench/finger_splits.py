"""Whether a finger threshold holds where it was not set: set on some sets of prints, applied to the others, every way to choose them.

The sets come from different sensors, so this is what a site sees that takes the threshold as shipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from egate.matching.rates.accuracy import key_of
from egate.matching.rates.calibration import (
    RULE_OF_THREE,
    TARGETS,
    allowed_false_matches,
    sort_scores,
    threshold_of_rank,
)

SETS_MIN = 3  # two set a threshold, one is judged: fewer say nothing of sensors

Scores = NDArray[np.float64]
Sides = Mapping[str, tuple[Scores, Scores]]  # mated and non-mated scores by set


@dataclass(frozen=True, slots=True)
class Split:
    """fitted, judged: names of sets. fmr, fnmr: by FMR target, of the fitted sets' threshold on the judged ones.

    None where the fitted sets' comparisons are too few for the target.
    """

    fitted: tuple[str, ...]
    judged: tuple[str, ...]
    fmr: Mapping[float, float | None]
    fnmr: Mapping[float, float | None]

    def to_json(self) -> dict[str, object]:
        rates = {"realised_fmr": self.fmr, "fnmr": self.fnmr}
        by_key = {name: {key_of(fmr): value for fmr, value in by.items()} for name, by in rates.items()}
        return {"fitted": list(self.fitted), "judged": list(self.judged), **by_key}


def measure_splits(sets: Sides) -> tuple[Split, ...]:
    """All ways to set thresholds on the larger half of the sets; five sets give ten. None of fewer than SETS_MIN sets."""
    if len(sets) < SETS_MIN:
        return ()
    return tuple(_split(sets, fitted) for fitted in combinations(sets, (len(sets) + 1) // 2))


def splits_json(splits: tuple[Split, ...]) -> dict[str, object] | None:
    """Of each target the least and the largest realised FMR in targets: 1 is exact. None without splits."""
    if not splits:
        return None
    spans = {key_of(fmr): span for fmr in TARGETS if (span := _span(splits, fmr)) is not None}
    return {"realised_fmr_in_targets": spans, "splits": [split.to_json() for split in splits]}


def splits_table(splits: tuple[Split, ...]) -> str:
    """Lines for people."""
    fitted, judged = len(splits[0].fitted), len(splits[0].judged)
    return "\n".join([f"{len(splits)} splits, thresholds set on {fitted} sets, judged on {judged}:", *_lines(splits)])


def _lines(splits: tuple[Split, ...]) -> Iterator[str]:
    for target in TARGETS:
        span = _span(splits, target)
        if span is None:
            yield f"  FMR {target:g}: no figure, the comparisons of a split are too few"
        else:
            known = [value for split in splits if (value := split.fnmr[target]) is not None]
            fnmr = 100 * float(np.mean(known))
            yield f"  FMR {target:g}: realised FMR {span[0]:.2f} to {span[1]:.2f} of the target, mean FNMR {fnmr:.3g} %"


def _split(sets: Sides, fitted: tuple[str, ...]) -> Split:
    judged = tuple(name for name in sets if name not in fitted)
    ordered = sort_scores(np.concatenate([sets[name][1] for name in fitted]))
    mated, non_mated = (sort_scores(np.concatenate([sets[name][side] for name in judged])) for side in (0, 1))
    fmr: dict[float, float | None] = dict.fromkeys(TARGETS)
    fnmr = fmr.copy()
    for target in TARGETS:
        rank = allowed_false_matches(target, len(ordered))
        if rank >= RULE_OF_THREE:
            threshold = threshold_of_rank(ordered, rank)
            fmr[target] = float(np.mean(non_mated >= threshold))
            fnmr[target] = float(np.mean(mated < threshold))
    return Split(fitted, judged, fmr, fnmr)


def _span(splits: tuple[Split, ...], target: float) -> tuple[float, float] | None:
    values = [split.fmr[target] for split in splits]
    known = [value / target for value in values if value is not None]
    return (min(known), max(known)) if len(known) == len(values) else None
