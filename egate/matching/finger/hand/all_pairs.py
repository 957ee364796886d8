"""Every impression offered against every other one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FingerSample, FingerTemplate
from egate.matching.finger.hand.fingers import T
from egate.matching.finger.hand.scale import ComparisonScale


@dataclass(frozen=True, slots=True, eq=False)
class AllPairs:
    """scores: (n, n) symmetric, NaN on the diagonal, where a comparison failed, and for samples that were not compared.

    comparisons: made. quality: (n,) unified.
    """

    scores: NDArray[np.float64]
    quality: NDArray[np.float64]
    scale: ComparisonScale
    comparisons: int

    def matches(self, fmr: float) -> NDArray[np.bool_]:
        """(n, n) at a threshold of that FMR; NaN is none. Raises ConfigurationError if the calibration does not support it."""
        found: NDArray[np.bool_] = self.scores >= self.scale.calibration.threshold(fmr)
        return found

    def ranked(self, members: Sequence[int]) -> tuple[int, ...]:
        """The best first: those that agree most with the others, by mean log-likelihood ratio, then by quality.

        Chosen: agreement first, because it speaks of the finger. Which three of six are kept makes no difference that the corpus could show
        (bench/finger/bench_enrolment.py: FNMR at FMR 1e-3 0.3 % by agreement, by quality, and as they came).
        """
        return tuple(sorted(members, key=lambda i: (-self._agreement(i, members), -self.quality[i], i)))

    def _agreement(self, index: int, members: Sequence[int]) -> float:
        ratios = [self.scale.llr_of(float(self.scores[index, other])) for other in members if other != index]
        numbers = [ratio for ratio in ratios if not math.isnan(ratio)]
        return round(math.fsum(numbers) / len(ratios), 6) if numbers else 0.0


def compare_all(
    samples: Mapping[int, FingerSample],
    count: int,
    prepare: Callable[[FingerTemplate], T],
    compare: Callable[[T, T], float],
    scale: ComparisonScale,
) -> AllPairs:
    """samples: by their index among `count`. Time: n (n - 1) / 2 comparisons."""
    ready = {index: prepare(sample.template) for index, sample in samples.items()}
    scores = np.full((count, count), math.nan)
    pairs = list(itertools.combinations(ready, 2))
    for a, b in pairs:
        scores[a, b] = scores[b, a] = compare(ready[a], ready[b])
    quality = np.full(count, math.nan)
    for index, sample in samples.items():
        quality[index] = sample.quality.unified
    return AllPairs(scores, quality, scale, len(pairs))
