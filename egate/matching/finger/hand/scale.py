"""What the scores of several comparisons mean together: from one comparison's calibration to the FMR of their best and of their sum.

One comparison: P(llr >= t | non-mated) = S(t), from the calibration. The best of n: 1 - (1 - S(t))^n, as if all n were independent, which
they are nearly (bench/finger/bench_fusion.py: 3 impressions, 5 and 9 fingers tried). The sum over different fingers:
`non_mated_sum`, with what the fingers of one person have in common.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from egate.errors import ModelError
from egate.matching.finger.hand.non_mated_sum import tail_of_sum
from egate.matching.rates.calibration import Calibration

LLR_LIMIT = 30.0  # beyond, no trial could have told: a finger alone neither proves nor refutes more than e^30
BINS_PER_UNIT = 32  # of log-likelihood ratio; masses move up to the next bin: at most 3 % more FMR a finger
MASS_MIN = 1e-10  # tail of one comparison that is cut off: far below any FMR that a calibration supports
# Of the normal scores of one person's fingers when they are not mated. On persons made of the fingers of one FVC set, calibrated by all
# sets (bench/finger/bench_fusion.py), ten fingers realise 1.1 times the FMR stated with 0 (2.5 times in the worst set), 0.65 (1.0) with
# 0.01. A matcher whose scores shifted from sensor to sensor needed 0.05. What the fingers of a real person share beyond the sensor, these
# sets cannot tell, and it costs no mate: so not 0.
CORRELATION = 0.01
SHAPES_MAX = 64  # sums kept: one of four fingers takes 30 kB and 20 ms to make


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonScale:
    """llr: log-likelihood ratio (natural logarithm) of a score, not falling. calibration: of the same scores.

    llr_at: (n,) ascending; fmr_at: (n,) FMR of a threshold there, falling, the last one supported by the calibration's trials.
    Beyond it S falls as e^-llr, as a calibrated ratio's does: the non-mated density is e^-llr times the mated one.
    """

    llr: Callable[[float], float]
    calibration: Calibration
    llr_at: NDArray[np.float64]
    fmr_at: NDArray[np.float64]
    correlation: float = CORRELATION

    def llr_of(self, score: float) -> float:
        """Within +-LLR_LIMIT. NaN in, NaN out."""
        value = math.nan if math.isnan(score) else self.llr(score)
        return value if math.isnan(value) else min(max(value, -LLR_LIMIT), LLR_LIMIT)

    def rate(self, llr: float, trials: tuple[int, ...]) -> float:
        """Chance that non-mates reach llr, the sum over fingers of the best of each one's trials (>= 1). Also where nothing supports it."""
        if len(trials) == 1:
            return float(best_of(self.survival(np.array([llr])), trials[0])[0])
        low, tail = _sum_of(self, tuple(sorted(trials)))
        index = max(0, math.ceil((llr - low) * BINS_PER_UNIT))
        return float(tail[index]) if index < len(tail) else 0.0

    def supported(self, rate: float) -> float:
        """The FMR to state: not below calibration.fmr_min, since its trials could not have told, nor above 1."""
        return min(1.0, max(rate, self.calibration.fmr_min))

    def score(self, fmr: float) -> float:
        """Largest score in the calibration whose FMR is not below fmr: never above what a threshold for less demands."""
        at = self.calibration.fmr_at
        if fmr <= self.calibration.fmr_min:
            return float(self.calibration.score[int(np.argmax(at <= self.calibration.fmr_min))])
        return float(self.calibration.score[max(0, int(np.count_nonzero(at >= fmr)) - 1)])

    def survival(self, llr: NDArray[np.float64]) -> NDArray[np.float64]:
        """S: (n,) FMR of a threshold at each of (n,) ratios, one comparison; that of the grid point below, never too small."""
        index = np.searchsorted(self.llr_at, llr, side="right") - 1
        decay = np.exp(-np.maximum(llr - self.llr_at[-1], 0.0))
        reached: NDArray[np.float64] = np.where(index < 0, 1.0, self.fmr_at[index] * decay)
        return reached


def comparison_scale(llr: Callable[[float], float], calibration: Calibration) -> ComparisonScale:
    """Raises ModelError if llr falls anywhere on the calibration's scores or is no number there."""
    at = np.array([llr(float(score)) for score in calibration.score])
    if np.isnan(at).any() or (np.diff(at) < 0).any():
        raise ModelError(f"calibration {calibration.id}: the log-likelihood ratio must not fall with the score")
    supported = int(np.argmax(calibration.fmr_at <= calibration.fmr_min)) + 1
    # Scores of one ratio are one threshold, at which the lowest of them counts: unique() keeps the first.
    llr_at, first = np.unique(np.clip(at[:supported], -LLR_LIMIT, LLR_LIMIT), return_index=True)
    return ComparisonScale(llr, calibration, llr_at, np.maximum(calibration.fmr_at[first], calibration.fmr_min))


def best_of(survival: NDArray[np.float64], trials: int) -> NDArray[np.float64]:
    """1 - (1 - S)^trials, also where S is tiny."""
    with np.errstate(divide="ignore"):  # S = 1: log 0, and all matches
        reached: NDArray[np.float64] = -np.expm1(trials * np.log1p(-survival))
    return reached


@lru_cache(maxsize=SHAPES_MAX)
def _sum_of(scale: ComparisonScale, trials: tuple[int, ...]) -> tuple[float, NDArray[np.float64]]:
    """Lowest sum, and (m,) the chance that non-mates reach it plus i / BINS_PER_UNIT."""
    low = math.floor(scale.llr_at[0] * BINS_PER_UNIT) / BINS_PER_UNIT
    high = scale.llr_at[-1] + math.log(scale.fmr_at[-1] / MASS_MIN)
    at = low + np.arange(math.ceil((high - low) * BINS_PER_UNIT) + 1) / BINS_PER_UNIT
    single = scale.survival(at)
    by_trials = {count: best_of(single, count) for count in set(trials)}
    tail = tail_of_sum([by_trials[count] for count in trials], scale.correlation)
    tail.flags.writeable = False
    return low * len(trials), tail
