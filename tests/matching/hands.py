"""Hands whose impressions are numbers, compared by a table, and a population of scores whose error rates are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from egate.domain.finger import FingerPosition, FingerSetComparison
from egate.matching.finger.hand.comparison import compare_hands
from egate.matching.finger.hand.fingers import Finger
from egate.matching.finger.hand.scale import ComparisonScale, comparison_scale
from egate.matching.rates.calibration import measure

SPREAD = 2.0  # non-mated N(-2, 2), mated N(2, 2): the score is its own log-likelihood ratio


@cache
def known_scale(correlation: float = 0.0) -> ComparisonScale:
    random = np.random.default_rng(1)
    mated, non_mated = random.normal(2.0, SPREAD, 5_000), random.normal(-2.0, SPREAD, 200_000)
    scale = comparison_scale(float, measure(mated, non_mated, id="known"))
    return ComparisonScale(scale.llr, scale.calibration, scale.llr_at, scale.fmr_at, correlation)


def hand(*fingers: tuple[int, int], first: int = 0) -> list[Finger[int]]:
    """Fingers of (position, how many impressions); the impressions are numbered on from `first`."""
    made = []
    for position, count in fingers:
        made.append(Finger(FingerPosition(position), tuple(range(first, first + count))))
        first += count
    return made


def by_table(table: NDArray[np.float64] | Sequence[Sequence[float]]) -> Callable[[int, int], float]:
    return lambda probe, reference: float(table[probe][reference])


def compared(
    probes: Sequence[Finger[int]], references: Sequence[Finger[int]], table: NDArray[np.float64]
) -> FingerSetComparison:
    return compare_hands(probes, references, by_table(table), known_scale())


def refused(comparison: FingerSetComparison) -> bool:
    return all(math.isnan(number) for number in (comparison.value, comparison.fmr, comparison.score))
