"""Synthetic populations in which people differ, with the error rates that hold for everybody, not only for those drawn."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from egate.matching.rates.comparisons import Comparisons, top_places


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """A non-mated score of i and j is alike[i] + alike[j] + noise, a mated one of i is mean + steady[i] + noise; all normal.

    alike and steady are drawn per subject: deviations of 0 make comparisons independent.
    """

    subjects: int
    images: int
    mated_each: int
    mean: float = 4.0
    alike: float = 0.5
    steady: float = 0.8
    noise: float = 0.6

    def threshold(self, fmr: float) -> float:
        return NormalDist(0.0, (2 * self.alike**2 + self.noise**2) ** 0.5).inv_cdf(1.0 - fmr)

    def fnmr(self, fmr: float) -> float:
        return NormalDist(self.mean, (self.steady**2 + self.noise**2) ** 0.5).cdf(self.threshold(fmr))

    def draw(self, random: np.random.Generator, share: float = 1.0) -> Comparisons:
        """One measurement; only the highest share of its non-mated scores is kept."""
        alike = random.normal(0, self.alike, self.subjects)
        steady = random.normal(0, self.steady, self.subjects)
        owner = np.repeat(np.arange(self.subjects), self.images)
        left, right = (owner[side] for side in np.triu_indices(len(owner), 1))
        different = left != right
        left, right = left[different], right[different]
        non_mated = alike[left] + alike[right] + random.normal(0, self.noise, len(left))
        mated_subject = np.repeat(np.arange(self.subjects), self.mated_each)
        mated = self.mean + steady[mated_subject] + random.normal(0, self.noise, len(mated_subject))
        kept = top_places(non_mated, share)
        return comparisons_of(
            mated, mated_subject, non_mated[kept], left[kept], right[kept], np.full(self.subjects, self.images)
        )


def comparisons_of(
    mated: NDArray[np.float64],
    mated_subject: NDArray[np.int64],
    top: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    images: NDArray[np.int64],
) -> Comparisons:
    """Of one set without excluded pairs."""
    one_set, none = np.zeros(len(images), np.int64), np.empty((0, 2), np.int64)
    return Comparisons(mated, mated_subject, top, left, right, images, one_set, none)
