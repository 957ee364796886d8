"""Detection error trade-off: FMR against FNMR over all thresholds, ISO/IEC 19795-1."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from egate.matching.rates.calibration import Scores, sort_scores

POINTS_PER_DECADE = 25  # of false matches; chosen: a plot shows no finer step


@dataclass(frozen=True, slots=True, eq=False)
class DetCurve:
    """fmr: (n,) strictly falling to 0. fnmr: (n,) rising, at the smallest threshold with at most this FMR.

    The first point is that of the lowest threshold: (1, 0), less what never matches because it could not be compared.
    """

    fmr: NDArray[np.float64]
    fnmr: NDArray[np.float64]


def det_curve(mated: Scores, non_mated: Scores) -> DetCurve:
    """The curve of (m,) mated and (n,) non-mated scores, NaN non-matching. Raises ValueError if either is empty.

    Every false match up to POINTS_PER_DECADE has a point, from there on so many a decade. Time: one sort of each.
    """
    if len(mated) == 0 or len(non_mated) == 0:
        raise ValueError("a DET curve needs mated and non-mated scores")
    mated_sorted, non_mated_sorted = sort_scores(mated), sort_scores(non_mated)
    n = len(non_mated_sorted)
    ranks = np.array(_ranks(n))
    # The smallest threshold with at most `rank` false matches lies just above the (rank + 1)-th largest score.
    refused = np.append(non_mated_sorted[n - 1 - ranks], -np.inf)
    fmr = (n - np.searchsorted(non_mated_sorted, refused, side="right")) / n
    fnmr = np.searchsorted(mated_sorted, refused, side="right") / len(mated_sorted)
    distinct = np.unique(fmr, return_index=True)[1]  # ties of scores repeat a point
    return DetCurve(fmr[distinct][::-1].copy(), fnmr[distinct][::-1].copy())


def mean_curve(curves: list[DetCurve], points: NDArray[np.float64]) -> DetCurve:
    """Mean FNMR of several sets at each FMR of points, each set's at the largest FMR it has that is not above.

    Raises ValueError if curves is empty.
    """
    if not curves:
        raise ValueError("no curves to average")
    falling = np.sort(points)[::-1]
    return DetCurve(falling, np.mean([fnmr_at(curve, falling) for curve in curves], axis=0))


def fnmr_at(curve: DetCurve, fmr: NDArray[np.float64]) -> NDArray[np.float64]:
    """FNMR at each FMR in [0, 1]: that of the next point at or below it, so never too small."""
    rising = curve.fmr[::-1]
    index = np.searchsorted(rising, fmr, side="right") - 1
    return np.asarray(curve.fnmr[::-1][index], np.float64)


def probit(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard normal quantile: the axis on which the DET curve of two normal distributions is a straight line.

    rates: in [0, 1]. 0 and 1 have no quantile: NaN. NaN in, NaN out.
    """
    quantile = NormalDist().inv_cdf
    values = [quantile(rate) if 0.0 < rate < 1.0 else np.nan for rate in np.ravel(rates).tolist()]
    return np.array(values, np.float64).reshape(np.shape(rates))


def _ranks(non_mated: int) -> list[int]:
    """Counts of false matches, each below non_mated, rising."""
    decades = np.log10(non_mated)
    spread = np.logspace(0.0, decades, int(decades * POINTS_PER_DECADE) + 2)
    return [rank for rank in sorted({*range(POINTS_PER_DECADE), *(round(rank) for rank in spread)}) if rank < non_mated]
