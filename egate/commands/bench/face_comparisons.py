"""Whose each comparison of `egate bench accuracy face` is, and the intervals that follow from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from egate.commands.bench import face_trials
from egate.commands.bench.face_trials import Trials
from egate.matching.rates.calibration import Scores
from egate.matching.rates.comparisons import Comparisons, top_places


def face_comparisons(trials: Trials, mated: Scores, non_mated: Scores, share: float) -> Comparisons:
    """Subjects are the people of trials. mated, non_mated: as face_trials.compare returns them; the highest share of non_mated is kept.

    People that are excluded as one person under two names stay two subjects.
    """
    places = np.sort(top_places(non_mated, share))
    left, right = _images_at(trials, places)
    pairs = {(min(pair), max(pair)) for pair in trials.excluded if pair[0] != pair[1]}
    images = np.bincount(trials.person)
    comparisons = Comparisons(
        mated=mated,
        mated_subject=trials.person[trials.mated[:, 0]],
        top=non_mated[places],
        top_left=trials.person[left],
        top_right=trials.person[right],
        images=images,
        group=np.zeros(len(images), np.int64),
        excluded=np.array(sorted(pairs), np.int64).reshape(-1, 2),
    )
    assert comparisons.non_mated() == len(non_mated)
    return comparisons


def _images_at(trials: Trials, places: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The two images of the non-mated comparisons at these places, rising, of what face_trials.compare returns."""
    n, done = len(trials.paths), 0
    left, right = [], []
    for start in range(0, n, face_trials.BLOCK_ROWS):
        compared = face_trials.non_mated_pairs(trials, slice(start, min(start + face_trials.BLOCK_ROWS, n)))
        flat = np.flatnonzero(compared)
        here = places[np.searchsorted(places, done) : np.searchsorted(places, done + len(flat))] - done
        rows, columns = np.divmod(flat[here], n)
        left.append(rows + start)
        right.append(columns)
        done += len(flat)
    return np.concatenate(left), np.concatenate(right)
