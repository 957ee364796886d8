"""Accuracy of a face engine on people it was not fitted on: half the folds fit fusion and thresholds, the others are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np

from egate.commands.bench.face_trials import Trials, compare, fit_face
from egate.errors import ConfigurationError
from egate.matching.face.comparison import Embeddings, Scores
from egate.matching.face.fusion import FaceFusion
from egate.matching.rates.accuracy import Accuracy, key_of, measure_accuracy
from egate.matching.rates.calibration import (
    RULE_OF_THREE,
    TARGETS,
    allowed_false_matches,
    sort_scores,
    threshold_of_rank,
)

Fit = Callable[[Trials, Embeddings], FaceFusion]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Split:
    """fitted, judged: folds, no person in both. accuracy: of the judged ones, by the fusion of the fitted ones.

    realised: by FMR target, the FMR on the judged folds of the threshold set on the fitted ones; None where the latter's trials are
    too few for the target.
    """

    fitted: tuple[int, ...]
    judged: tuple[int, ...]
    accuracy: Accuracy
    realised: Mapping[float, float | None]

    def to_json(self) -> dict[str, object]:
        folds = {"fitted": list(self.fitted), "judged": list(self.judged)}
        return {**folds, **self.accuracy.to_json(), "realised_fmr": _by_key(self.realised)}


@dataclass(frozen=True, slots=True)
class SplitReport:
    """splits: all of them, in the order of their fitted folds. Means over splits are None where a split has None."""

    splits: tuple[Split, ...]

    @property
    def eer(self) -> float:
        return float(np.mean([split.accuracy.eer for split in self.splits]))

    @property
    def fnmr(self) -> Mapping[float, float | None]:
        """By FMR target, mean over splits."""
        return {fmr: _mean([split.accuracy.fnmr[fmr] for split in self.splits]) for fmr in TARGETS}

    @property
    def realised(self) -> Mapping[float, float | None]:
        """By FMR target, the mean realised FMR in targets: 1 is exact."""
        means = {fmr: _mean([split.realised[fmr] for split in self.splits]) for fmr in TARGETS}
        return {fmr: None if mean is None else mean / fmr for fmr, mean in means.items()}

    @property
    def realised_worst(self) -> Mapping[float, float | None]:
        """By FMR target, the factor of the split furthest from it, 1 or more: 1.3 says 1.3 times the target or a 1.3th of it."""
        return {fmr: _worst([split.realised[fmr] for split in self.splits], fmr) for fmr in TARGETS}

    def to_json(self) -> dict[str, object]:
        return {
            "eer": self.eer,
            "fnmr": _by_key(self.fnmr),
            "realised_fmr_in_targets": _by_key(self.realised),
            "realised_fmr_worst_factor": _by_key(self.realised_worst),
            "splits": [split.to_json() for split in self.splits],
        }


def measure_splits(
    trials: Trials,
    templates: Embeddings,
    *,
    fit: Fit = fit_face,
    progress: Callable[[Sequence[tuple[int, ...]]], Iterable[tuple[int, ...]]] = iter,
) -> SplitReport:
    """Every way to fit on half the folds and to judge the others; six folds give 20 splits.

    templates: (n, d) rows of trials.paths by model. Non-mated are all comparisons of two people of the folds concerned.
    Raises ConfigurationError unless there is an even number of folds and each person is in one.
    """
    folds = _folds(trials)
    splits = []
    for fitted in progress(list(combinations(folds, len(folds) // 2))):
        judged = tuple(fold for fold in folds if fold not in fitted)
        splits.append(_split(trials, templates, fitted, judged, fit))
    return SplitReport(tuple(splits))


def of_folds(trials: Trials, templates: Embeddings, folds: Sequence[int]) -> tuple[Trials, Embeddings]:
    """The trials and templates of the people of these folds only; numbers of people stay as they are."""
    chosen = np.flatnonzero(np.isin(trials.fold, folds))
    place = np.full(len(trials.paths), -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    mated = place[trials.mated]
    part = Trials(
        tuple(trials.paths[index] for index in chosen),
        trials.person[chosen],
        mated[(mated >= 0).all(axis=1)],
        trials.excluded,
        trials.fold[chosen],
    )
    return part, {model: rows[chosen] for model, rows in templates.items()}


def _split(trials: Trials, templates: Embeddings, fitted: tuple[int, ...], judged: tuple[int, ...], fit: Fit) -> Split:
    known, unknown = (of_folds(trials, templates, folds) for folds in (fitted, judged))
    fusion = fit(*known)
    thresholds = _thresholds(compare(*known, fusion)[1])
    mated, non_mated = compare(*unknown, fusion)
    enrolled = np.logical_and.reduce([np.isfinite(rows).all(axis=1) for rows in unknown[1].values()])
    accuracy = measure_accuracy(mated, non_mated, int(np.count_nonzero(~enrolled)))
    realised = {fmr: _share(non_mated, threshold) for fmr, threshold in thresholds.items()}
    return Split(fitted, judged, accuracy, realised)


def _thresholds(non_mated: Scores) -> dict[float, float | None]:
    """By FMR target, the smallest threshold that holds it on these comparisons; None where they are too few for it."""
    ordered = sort_scores(non_mated)
    allowed = {fmr: allowed_false_matches(fmr, len(ordered)) for fmr in TARGETS}
    return {fmr: threshold_of_rank(ordered, rank) if rank >= RULE_OF_THREE else None for fmr, rank in allowed.items()}


def _folds(trials: Trials) -> tuple[int, ...]:
    folds = tuple(int(fold) for fold in np.unique(trials.fold))
    if len(folds) < 2 or len(folds) % 2:
        raise ConfigurationError(f"splits need an even number of folds, there are {len(folds)}")
    if len(np.unique(np.stack([trials.person, trials.fold]), axis=1).T) != len(np.unique(trials.person)):
        raise ConfigurationError("a person is in two folds: what is fitted on one would be judged on the same face")
    return folds


def _share(scores: Scores, threshold: float | None) -> float | None:
    return None if threshold is None else float(np.count_nonzero(scores >= threshold)) / len(scores)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _worst(values: Sequence[float | None], target: float) -> float | None:
    known = [value / target for value in values if value is not None]
    if len(known) < len(values):
        return None
    return max(max(factor, 1.0 / factor) if factor > 0.0 else float("inf") for factor in known)


def _by_key(values: Mapping[float, float | None]) -> dict[str, float | None]:
    return {key_of(fmr): value for fmr, value in values.items()}
