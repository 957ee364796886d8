"""Which fingers of one side are one and the same, whatever positions they were given.

A sum over fingers takes its terms for different fingers'. One print offered under k positions, or k frames of one finger, would be counted
k times: against one template under ten positions, up to 8 % of strangers were stated as FMR 5e-4. So nobody's labels are believed: the
fingers of a side are compared with each other.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from egate.matching.finger.hand.fingers import Finger, T
from egate.matching.finger.hand.scale import ComparisonScale

# FMR at which two impressions make two fingers one. Chosen: generous, as a wrong merge costs an honest person one finger's evidence and a
# missed one adds what is no evidence. With three impressions each, 2 % of honest persons of two fingers have two merged wrongly, 7 % of
# four, 39 % of ten; it costs them no FNMR that the corpus shows (bench/finger/bench_fusion.py).
ALIKE_FMR = 1e-3

Groups = list[list[Finger[T]]]


def same_fingers(
    fingers: Sequence[Finger[T]], compare: Callable[[T, T], float], scale: ComparisonScale
) -> Groups[T] | None:
    """The fingers in groups, each of which counts as one finger: alike in any pair of impressions, directly or through others.

    None if any comparison gives no number. The order of fingers and impressions changes only the order of groups. Time: a comparison
    for each two impressions of different fingers, at most 435 for the 30 that `check` lets a side have (25 ms).
    """
    enough = scale.score(ALIKE_FMR)
    alike = []
    for a, b in itertools.combinations(range(len(fingers)), 2):
        scores = [compare(one, other) for one in fingers[a].impressions for other in fingers[b].impressions]
        if any(math.isnan(score) for score in scores):
            return None
        alike += [(a, b)] if max(scores) >= enough else []
    return [[fingers[i] for i in group] for group in connected(len(fingers), alike)]


def connected(count: int, links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """0 to count - 1 in groups that are linked, directly or through others; all in ascending order."""
    group = list(range(count))
    for a, b in links:
        low, high = sorted((group[a], group[b]))
        group = [low if at == high else at for at in group]
    return [[i for i in range(count) if group[i] == at] for at in sorted(set(group))]
