"""Which impressions are of one finger, seen from their scores alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def core(matches: NDArray[np.bool_], members: Sequence[int]) -> tuple[int, ...]:
    """The members that are one finger: more than half of them, each matching at least half of the rest; empty if there is no such majority.

    matches: (n, n) symmetric. One impression is its own majority. It starts from the one that matches most; order does not matter
    unless two have the same matches.
    """
    count = matches[np.ix_(members, members)]
    count[np.diag_indices(len(members))] = False
    centre = int(np.argmax(count.sum(axis=1)))
    near = np.append(np.flatnonzero(count[centre]), centre)
    kept = [i for i in range(len(members)) if i == centre or 2 * count[i, near].sum() >= len(near) - (i in near)]
    return tuple(members[i] for i in kept) if 2 * len(kept) > len(members) else ()


def alike(matches: NDArray[np.bool_], left: Sequence[int], right: Sequence[int]) -> bool:
    """At least a third of the pairs between two groups match: they are of one finger.

    A third because impressions of one finger that show different parts of it do not match (bench/finger/bench_enrolment.py).
    """
    return bool(3 * matches[np.ix_(left, right)].sum() >= len(left) * len(right) > 0)
