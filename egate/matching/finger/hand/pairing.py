"""Which finger is compared with which, and how many trials each contribution is the best of.

Fingers of equal known position are compared with each other. What is of unknown position tries everything that is left over on
the other side; a finger counts once at most, under however many positions it was offered.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from egate.domain.finger import FingerPair, FingerPosition
from egate.matching.finger.hand.assignment import assign
from egate.matching.finger.hand.fingers import Finger, T
from egate.matching.finger.hand.same_finger import Groups, connected

UNKNOWN = FingerPosition.UNKNOWN


@dataclass(frozen=True, slots=True)
class Pairing:
    """pairs: those that contribute; trials of each: everything that its finger was tried against.

    ways, once: the same trials seen otherwise. There were so many ways to assign the fingers of unknown position, each of them a sum of
    the best of `once` trials a finger. Either count bounds what a non-mate can gain from them.
    """

    pairs: tuple[FingerPair, ...]
    once: tuple[int, ...]
    ways: int = 1


def pair_fingers(
    probes: Groups[T], references: Groups[T], best: Callable[[Finger[T], Finger[T]], FingerPair]
) -> Pairing:
    """Groups of fingers that are one finger. best: of all impressions of two fingers. No pairs where no positions meet."""
    at = {finger.position: (j, finger) for j, finger in _numbered(references) if finger.position is not UNKNOWN}
    meeting = [(i, probe, *at[probe.position]) for i, probe in _numbered(probes) if probe.position in at]
    labelled = _once_each([(i, j, best(probe, reference)) for i, probe, j, reference in meeting])
    # A finger that has met its own position is spent: under another one, or none, it is nothing new.
    left = [group for i, group in enumerate(probes) if i not in {i for i, *_ in meeting}]
    right = [group for j, group in enumerate(references) if j not in {j for _, _, j, _ in meeting}]
    table = [[_joined(cell) for cell in (_cell(row, column, best) for column in right) if cell] for row in left]
    table = [row for row in table if row]
    trials = tuple(pair.trials for pair in labelled)
    if not table:
        return Pairing(labelled, trials)
    # Two unknown fingers of one side may be one finger, whose scores go together. They are different where the other side's are.
    apart = not (_any_unknown(left) and _any_unknown(right))
    tried = _one_to_one(table) if apart else _best_of_all(table)
    return Pairing((*labelled, *tried.pairs), (*trials, *tried.once), tried.ways)


def _numbered(groups: Groups[T]) -> Iterator[tuple[int, Finger[T]]]:
    return ((index, finger) for index, group in enumerate(groups) for finger in group)


def _any_unknown(groups: Groups[T]) -> bool:
    return any(finger.position is UNKNOWN for _, finger in _numbered(groups))


def _cell(
    row: list[Finger[T]], column: list[Finger[T]], best: Callable[[Finger[T], Finger[T]], FingerPair]
) -> list[FingerPair]:
    return [best(a, b) for a in row for b in column if UNKNOWN in (a.position, b.position)]


def _once_each(pairs: Sequence[tuple[int, int, FingerPair]]) -> tuple[FingerPair, ...]:
    """(group of the probe, of the reference, pair) of each: those that share a group, directly or through others, contribute once.

    Not more than their sum: a person does not gain from having offered one finger as several.
    """
    links = [
        (a, b)
        for a, b in itertools.combinations(range(len(pairs)), 2)
        if pairs[a][0] == pairs[b][0] or pairs[a][1] == pairs[b][1]
    ]
    return tuple(_one_finger([pairs[i][2] for i in group]) for group in connected(len(pairs), links))


def _one_finger(pairs: Sequence[FingerPair]) -> FingerPair:
    best = _joined(pairs)
    return replace(best, llr=min(best.llr, math.fsum(pair.llr for pair in pairs)))


def _joined(pairs: Sequence[FingerPair]) -> FingerPair:
    """The best of several, with the trials of all; of equal ones that of the lowest positions, so that order does not matter."""
    best = max(pairs, key=lambda pair: (pair.llr, -pair.probe, -pair.reference))
    return replace(best, trials=sum(pair.trials for pair in pairs))


def _one_to_one(table: list[list[FingerPair]]) -> Pairing:
    """Each finger of the smaller side with another one of the larger: at most the sum of each row's best, in m! / (m - n)! ways."""
    columns = [list(column) for column in zip(*table, strict=True)]
    rows = min((of for of in (table, columns) if len(of) <= len(of[0])), key=_trials)
    chosen = assign([[pair.llr for pair in row] for row in rows])
    once, _ = _trials(rows)
    pairs = tuple(
        replace(row[at], trials=sum(pair.trials for pair in row)) for row, at in zip(rows, chosen, strict=True)
    )
    return Pairing(pairs, once, math.perm(len(rows[0]), len(rows)))


def _trials(rows: list[list[FingerPair]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of each row: its largest count and all together, both sorted. Where both sides could be rows, the smaller one is a tighter bound."""
    counts = [[pair.trials for pair in row] for row in rows]
    return tuple(sorted(max(row) for row in counts)), tuple(sorted(sum(row) for row in counts))


def _best_of_all(table: list[list[FingerPair]]) -> Pairing:
    best = _joined([pair for row in table for pair in row])
    return Pairing((best,), (best.trials,))
