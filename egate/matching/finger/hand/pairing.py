"""Which finger is compared with which, and how many trials each contribution is the best of.

Fingers of equal known position are compared with each other. What is of unknown position tries everything that is left over on
the other side; a finger counts once at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from egate.domain.finger import FingerPair, FingerPosition
from egate.matching.finger.hand.assignment import assign
from egate.matching.finger.hand.fingers import Finger, T

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
    probes: Sequence[Finger[T]],
    references: Sequence[Finger[T]],
    best: Callable[[Finger[T], Finger[T]], FingerPair],
) -> Pairing:
    """best: of all impressions of two fingers. No pairs where no positions meet."""
    at = {finger.position: finger for finger in references if finger.position is not UNKNOWN}
    labelled = tuple(best(probe, at[probe.position]) for probe in probes if probe.position in at)
    shared = {pair.probe for pair in labelled}
    left = [finger for finger in probes if finger.position not in shared]
    right = [finger for finger in references if finger.position not in shared]
    table = [[best(a, b) for b in right if UNKNOWN in (a.position, b.position)] for a in left]
    table = [row for row in table if row]
    trials = tuple(pair.trials for pair in labelled)
    if not table:
        return Pairing(labelled, trials)
    # Two unknown fingers of one side may be one finger, whose scores go together. They are different where the other side's are.
    apart = not (_any_unknown(left) and _any_unknown(right))
    tried = _one_to_one(table) if apart else _best_of_all(table)
    return Pairing((*labelled, *tried.pairs), (*trials, *tried.once), tried.ways)


def _any_unknown(fingers: Sequence[Finger[T]]) -> bool:
    return any(finger.position is UNKNOWN for finger in fingers)


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
    every = [pair for row in table for pair in row]
    trials = sum(pair.trials for pair in every)
    return Pairing((replace(max(every, key=lambda pair: pair.llr), trials=trials),), (trials,))
