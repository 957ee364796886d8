"""Impressions under a position that is not theirs, found by comparing across positions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from egate.domain.finger import EnrolmentFinding, EnrolmentFindingKind, FingerPosition
from egate.matching.finger.hand.consistency import alike

Kind = EnrolmentFindingKind


def outliers(
    offered: Mapping[FingerPosition, Sequence[int]],
    fingers: Mapping[FingerPosition, Sequence[int]],
    matches: NDArray[np.bool_],
) -> Iterator[EnrolmentFinding]:
    """Impressions that are not of the finger their position holds, or have no majority at all, and whose finger they are if it is there."""
    for position, members in offered.items():
        kind = Kind.DIFFERS_FROM_SIBLINGS if fingers[position] else Kind.NO_MAJORITY
        for index in sorted(set(members) - set(fingers[position])):
            others = (at for at, group in fingers.items() if at is not position and alike(matches, [index], group))
            yield EnrolmentFinding(kind, position, index, next(others, None))


def same_finger_twice(
    fingers: Mapping[FingerPosition, Sequence[int]], matches: NDArray[np.bool_]
) -> list[EnrolmentFinding]:
    """One finding for each of two positions that hold one finger: nobody knows which label is right."""
    return [
        EnrolmentFinding(Kind.SAME_FINGER_TWICE, position, None, other)
        for a, b in itertools.combinations(sorted(fingers), 2)
        if alike(matches, fingers[a], fingers[b])
        for position, other in ((a, b), (b, a))
    ]
