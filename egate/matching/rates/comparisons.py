"""The comparisons of a measurement, whose they are, and the few non-mated ones among which thresholds lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.matching.rates.calibration import Scores


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """mated: (m,) scores; mated_subject: (m,) subject numbers, 0 to p - 1. top: (t,) the highest non-mated scores, in any order;
    top_left, top_right: (t,) their subjects. images: (p,) images of each subject. group: (p,) the set of each subject.

    All images of two subjects of one set were compared, once, except those of the subject pairs in excluded, (e, 2), each of which
    stands there once. So the number of non-mated comparisons is known without them. NaN is a non-match.
    """

    mated: Scores
    mated_subject: NDArray[np.integer]
    top: Scores
    top_left: NDArray[np.integer]
    top_right: NDArray[np.integer]
    images: NDArray[np.integer]
    group: NDArray[np.integer]
    excluded: NDArray[np.integer]

    @property
    def subjects(self) -> int:
        return len(self.images)

    @property
    def mated_subjects(self) -> int:
        return len(np.unique(self.mated_subject))

    def non_mated(self, weight: NDArray[np.int64] | None = None) -> int:
        """Count of all non-mated comparisons; with a weight per subject, (p,), the sum of weight[left] * weight[right] over them."""
        images = self.images if weight is None else weight * self.images
        pairs = sum(_pairs(images[self.group == name]) for name in np.unique(self.group))
        left, right = self.excluded.reshape(-1, 2).T
        return pairs - int(images[left] @ images[right])


def top_places(non_mated: Scores, share: float) -> NDArray[np.intp]:
    """Places of the highest share of (n,) scores, at least one; NaN counts as lowest. Raises ValueError if there is none."""
    if len(non_mated) == 0:
        raise ValueError("there are no non-mated scores")
    keep = min(len(non_mated), max(1, round(share * len(non_mated))))
    if keep == len(non_mated):
        return np.arange(keep)
    lowest_first = np.where(np.isnan(non_mated), -np.inf, non_mated)
    return np.argpartition(lowest_first, len(non_mated) - keep)[-keep:]


def _pairs(images: NDArray[np.integer]) -> int:
    """Comparisons of all images with those of other subjects, once each."""
    return (int(images.sum()) ** 2 - int(images @ images)) // 2
