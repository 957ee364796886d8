"""Whose each comparison of `egate bench accuracy finger` is. The subject is the finger: FVC does not tell whose hand it is of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from egate.commands.bench.finger_trials import Set, SetScores
from egate.matching.rates.comparisons import Comparisons


def finger_comparisons(members: Set, scores: SetScores) -> Comparisons:
    """All comparisons of one set, in the order in which finger_trials.measure_sets makes them."""
    fingers, finger = np.unique([number for number, _ in members], return_inverse=True)
    left, right = (finger[side] for side in np.triu_indices(len(members), 1))
    same = left == right
    return Comparisons(
        mated=scores.mated,
        mated_subject=left[same],
        top=scores.non_mated,
        top_left=left[~same],
        top_right=right[~same],
        images=np.bincount(finger),
        group=np.zeros(len(fingers), np.int64),
        excluded=np.empty((0, 2), np.int64),
    )


def pool_comparisons(parts: Sequence[Comparisons]) -> Comparisons:
    """Of several sets of one group each, none of whose fingers was compared with another set's."""
    offsets = np.cumsum([0, *(part.subjects for part in parts[:-1])])
    shifted = list(zip(parts, offsets.tolist(), strict=True))
    return Comparisons(
        mated=np.concatenate([part.mated for part in parts]),
        mated_subject=np.concatenate([part.mated_subject + by for part, by in shifted]),
        top=np.concatenate([part.top for part in parts]),
        top_left=np.concatenate([part.top_left + by for part, by in shifted]),
        top_right=np.concatenate([part.top_right + by for part, by in shifted]),
        images=np.concatenate([part.images for part in parts]),
        group=np.repeat(np.arange(len(parts)), [part.subjects for part in parts]),
        excluded=np.concatenate([part.excluded + by for part, by in shifted]),
    )
