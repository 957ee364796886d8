"""Error rates of comparisons whose subjects have weights: what one replicate of the bootstrap computes.

With weights of one the rates are those of accuracy.measure_accuracy. The comparisons are sorted once; a replicate is two gathers,
a running sum and a few binary searches.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.matching.rates.calibration import Scores
from egate.matching.rates.comparisons import Comparisons


class TopTooShort(ValueError):
    """A rate lies below the non-mated scores that were kept: keep more."""


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """At k FMR targets. threshold, fnmr: (k,) of the smallest threshold that reaches the target. fmr: (k,) of thresholds that were given.
    eer: where FMR and FNMR are closest. NaN where the weight of the mated or of the non-mated comparisons is 0."""

    threshold: NDArray[np.float64]
    fnmr: NDArray[np.float64]
    fmr: NDArray[np.float64]
    eer: float


class WeightedRates:
    """Raises ValueError if there are no mated or no non-mated scores."""

    def __init__(self, comparisons: Comparisons) -> None:
        if len(comparisons.mated) == 0 or len(comparisons.top) == 0:
            raise ValueError("rates need mated and non-mated scores")
        self._comparisons = comparisons
        self._mated, order = _sorted(comparisons.mated)
        self._mated_subject = comparisons.mated_subject[order]
        self._top, order = _sorted(comparisons.top)
        falling = order[::-1]
        self._left, self._right = comparisons.top_left[falling], comparisons.top_right[falling]
        # At or below it, scores that were not kept would match too.
        self._floor = -np.inf if len(self._top) == comparisons.non_mated() else float(self._top[0])
        scores = np.unique(np.concatenate([self._mated, self._top]))
        candidates = np.append(scores, np.nextafter(scores[-1], np.inf))
        if self._floor > -np.inf:
            candidates = candidates[candidates > self._floor]
        self._matching = self._count_matching(candidates)
        self._refused = np.searchsorted(self._mated, candidates, side="left")

    def rates(
        self, weight: NDArray[np.int64], targets: Sequence[float], thresholds: Sequence[float] | None = None
    ) -> Rates:
        """weight: (p,) by subject, not negative; integers, so that no sum is rounded. thresholds: those whose FMR is wanted, by target; the
        replicate's own if None. Raises TopTooShort."""
        top_until = _running(weight[self._left] * weight[self._right])
        mated_until = _running(weight[self._mated_subject])
        non_mated, mated = self._comparisons.non_mated(weight), int(mated_until[-1])
        if non_mated == 0 or mated == 0:
            nothing = np.full(len(targets), np.nan)
            return Rates(nothing, nothing, nothing, np.nan)
        own = np.array([self._threshold(top_until, target * non_mated) for target in targets], np.float64)
        given = own if thresholds is None else np.array(thresholds, np.float64)
        return Rates(
            threshold=own,
            fnmr=mated_until[np.searchsorted(self._mated, own, side="left")] / mated,
            fmr=top_until[self._count_matching(given)] / non_mated,
            eer=self._equal_error_rate(top_until, non_mated, mated_until, mated),
        )

    def _threshold(self, top_until: NDArray[np.int64], allowed: float) -> float:
        """Just above the first score, from the top, with which more than the allowed weight would match."""
        first = (
            int(np.searchsorted(top_until, allowed + 1e-6, side="right")) - 1
        )  # rounded as allowed_false_matches does
        if first < len(self._top):
            return float(np.nextafter(self._top[-1 - first], np.inf))
        if self._floor > -np.inf:
            raise TopTooShort("a threshold lies below the scores that were kept")
        return -np.inf

    def _equal_error_rate(
        self, top_until: NDArray[np.int64], non_mated: int, mated_until: NDArray[np.int64], mated: int
    ) -> float:
        """FNMR - FMR rises with the threshold: the candidate where its sign changes or the one before, whichever is closer to 0."""

        def rates(index: int) -> tuple[float, float]:
            return int(top_until[self._matching[index]]) / non_mated, int(mated_until[self._refused[index]]) / mated

        last = len(self._matching) - 1
        found = bisect_left(range(last), True, key=lambda index: rates(index)[1] >= rates(index)[0])
        if found == 0 and self._floor > -np.inf:
            raise TopTooShort("the equal error rate lies below the scores that were kept")
        near = [rates(index) for index in (max(found - 1, 0), found)]
        fmr, fnmr = min(near, key=lambda pair: abs(pair[0] - pair[1]))
        return (fmr + fnmr) / 2.0

    def _count_matching(self, thresholds: NDArray[np.float64]) -> NDArray[np.intp]:
        """(k,) kept non-mated scores at or above each threshold."""
        return np.asarray(len(self._top) - np.searchsorted(self._top, thresholds, side="left"), np.intp)


def _sorted(scores: Scores) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Ascending, NaN as -inf, and the places they had."""
    values = np.where(np.isnan(scores), -np.inf, np.asarray(scores, np.float64))
    order = np.argsort(values, kind="stable")
    return values[order], order


def _running(weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n + 1,) weight of the first 0 to n."""
    until = np.zeros(len(weights) + 1, np.int64)
    np.cumsum(weights, out=until[1:])
    return until
