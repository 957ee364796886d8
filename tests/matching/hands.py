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


REFERENCE = 1_000  # first number of a reference's impression, so that one knows whose an impression is
APART = -9.0  # score of two impressions of one side, unless `within` says otherwise

Within = Callable[[int, int], float]


def apart(_: int, __: int) -> float:
    return APART


def compared(
    probes: Sequence[Finger[int]],
    references: Sequence[Finger[int]],
    table: NDArray[np.float64],
    within: tuple[Within, Within] = (apart, apart),
) -> FingerSetComparison:
    """table: scores by the numbers of a probe's and of a reference's impression. within: scores of the probes', of the references'."""

    def score(a: int, b: int) -> float:
        low, high = sorted((a, b))
        if high < REFERENCE:
            return within[0](low, high)
        return within[1](low - REFERENCE, high - REFERENCE) if low >= REFERENCE else float(table[low][high - REFERENCE])

    return compare_hands(probes, [_as_reference(finger) for finger in references], score, known_scale())


def _as_reference(finger: Finger[int]) -> Finger[int]:
    return Finger(finger.position, tuple(REFERENCE + impression for impression in finger.impressions))


def refused(comparison: FingerSetComparison) -> bool:
    return all(math.isnan(number) for number in (comparison.value, comparison.fmr, comparison.score))
