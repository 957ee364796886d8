"""Figures of a measurement that its trials can support, with their intervals: what a report may print.

A figure that they cannot support is None, with the number of trials that could (rule of three, ISO/IEC 19795-1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.matching.rates.accuracy import Accuracy
from egate.matching.rates.bootstrap import SUBJECTS_MIN, Replicates, interval
from egate.matching.rates.calibration import TARGETS
from egate.matching.rates.comparisons import Comparisons
from egate.matching.rates.rates import CountedRate, trials_needed
from egate.matching.rates.weighted_rates import WeightedRates

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """value: None where the trials cannot support it. needs: then, how many trials could. below: then, the bound of a rate of which no
    error was seen. interval: 95 %, holds value; None beside a value where there are too few subjects to draw from."""

    value: float | None
    interval: Interval | None = None
    below: float | None = None
    needs: int | None = None

    def to_json(self) -> dict[str, object]:
        ends = [end if math.isfinite(end) else None for end in self.interval] if self.interval else None
        return {"value": self.value, "interval": ends, "below": self.below, "needs": self.needs}


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """threshold: the smallest with at most the target FMR. fmr: what share of non-mated comparisons it lets match. fnmr: at it."""

    target: float
    threshold: Figure
    fmr: Figure
    fnmr: Figure

    def to_json(self) -> dict[str, object]:
        figures = {name: getattr(self, name).to_json() for name in ("threshold", "fmr", "fnmr")}
        return {"fmr_target": self.target, **figures}


@dataclass(frozen=True, slots=True)
class Figures:
    eer: Figure
    points: tuple[OperatingPoint, ...]

    def to_json(self) -> dict[str, object]:
        return {"eer": self.eer.to_json(), "operating_points": [point.to_json() for point in self.points]}


def supported(non_mated: int) -> tuple[float, ...]:
    """The FMR targets that so many non-mated comparisons support."""
    return tuple(target for target in TARGETS if non_mated >= trials_needed(target))


def figures(comparisons: Comparisons, replicates: Replicates) -> Figures:
    """replicates: of these comparisons at the targets of supported(non_mated), in that order."""
    mated, non_mated = len(comparisons.mated), comparisons.non_mated()
    targets = supported(non_mated)
    rates = WeightedRates(comparisons).rates(np.ones(comparisons.subjects, np.int64), targets)
    subjects, mated_subjects = comparisons.subjects, comparisons.mated_subjects

    def between(values: NDArray[np.float64], estimate: float, drawn: int) -> Interval | None:
        return interval(values, estimate, drawn) if drawn >= SUBJECTS_MIN else None

    points = {}
    for column, target in enumerate(targets):
        threshold, fmr, fnmr = (float(of[column]) for of in (rates.threshold, rates.fmr, rates.fnmr))
        points[target] = OperatingPoint(
            target,
            Figure(threshold, between(replicates.threshold[:, column], threshold, subjects)),
            Figure(fmr, between(replicates.fmr[:, column], fmr, subjects)) if fmr else _counted(fmr, non_mated, None),
            _counted(fnmr, mated, between(replicates.fnmr[:, column], fnmr, mated_subjects)),
        )
    eer = _counted(rates.eer, min(mated, non_mated), between(replicates.eer, rates.eer, mated_subjects))
    return Figures(eer, tuple(points.get(target) or _refused(target) for target in TARGETS))


def mean_figures(parts: Sequence[Accuracy], replicates: Sequence[Replicates], subjects: int) -> Figures:
    """Of the mean over several sets, that were drawn from independently of each other. A target needs support in every set.

    replicates: equally many of each set, at the targets of supported() of the smallest set or more. subjects: of the
    smallest set. Raises ValueError without sets.
    """
    if not parts:
        raise ValueError("no sets to average")
    mated = sum(part.mated for part in parts)
    targets = supported(min(part.non_mated for part in parts))

    def between(values: list[NDArray[np.float64]], estimate: float) -> Interval | None:
        return interval(np.mean(values, axis=0), estimate, subjects) if subjects >= SUBJECTS_MIN else None

    points = {}
    for column, target in enumerate(targets):
        fnmr = math.fsum(part.fnmr[target] or 0.0 for part in parts) / len(parts)
        drawn = between([of.fnmr[:, column] for of in replicates], fnmr)
        nothing = Figure(None)  # a mean of thresholds is no operating point of anything
        points[target] = OperatingPoint(target, nothing, nothing, _counted(fnmr, mated, drawn))
    eer = math.fsum(part.eer for part in parts) / len(parts)
    return Figures(
        _counted(eer, mated, between([of.eer for of in replicates], eer)),
        tuple(points.get(target) or _refused(target) for target in TARGETS),
    )


def _counted(rate: float, trials: int, drawn: Interval | None) -> Figure:
    """A share of errors among trials. Its interval is at least that of as many independent trials: where few errors were seen, drawing
    them again and again shows less than there is to know."""
    errors = math.ceil(rate * trials - 1e-6)
    counted = CountedRate(errors, trials)
    if counted.value is None:
        return Figure(None, None, counted.below, trials + 1)
    if drawn is None:
        return Figure(rate)
    low, high = counted.interval
    return Figure(rate, (min(low, drawn[0]), max(high, drawn[1])))


def _refused(target: float) -> OperatingPoint:
    nothing = Figure(None, needs=trials_needed(target))
    return OperatingPoint(target, nothing, nothing, nothing)
