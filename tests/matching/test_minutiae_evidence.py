"""Kernels that weigh alignments, each against its numpy twin: same inputs, same result to float32's accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.matching.finger import minutiae_alignment
from egate.matching.finger import minutiae_evidence as kernels
from egate.matching.finger import minutiae_votes as votes
from egate.matching.finger.minutiae import Minutiae
from egate.matching.finger.minutiae_weights import WEIGHTS
from tests.matching.finger_samples import couple

F8 = NDArray[np.floating]


def wrap(angle: Any) -> Any:
    return angle - 2 * np.pi * np.rint(angle / (2 * np.pi))


def move_back(points: F8, motion: F8) -> F8:
    z = (points[0] + 1j * points[1] - complex(*motion[1:])) * np.exp(-1j * motion[0])
    return np.array([z.real, z.imag])


def overlap_of(points: F8, hull: F8, paired: Any) -> int:
    beyond = (points[0][:, None] * hull[:, 0] + points[1][:, None] * hull[:, 1] - hull[:, 2]).max(axis=1)
    inside = beyond < kernels.OVERLAP_MARGIN_PX
    inside[paired] = True
    return int(inside.sum())


def neighbours_of(bent: F8, b: F8) -> int:
    square = (bent[0][:, None] - b[0]) ** 2 + (bent[1][:, None] - b[1]) ** 2
    off = np.abs(wrap(b[2] - bent[2][:, None]))
    return int(((square <= kernels.NEIGHBOUR_PX**2) & (off <= kernels.NEIGHBOUR_RAD)).sum())


def evidence_of(bent: F8, a: Minutiae, b: Minutiae, pairs: Any) -> F8:
    """Pairs, close pairs, same type; the smaller count."""
    at, to = pairs
    square = (bent[0][at] - b.points[0][to]) ** 2 + (bent[1][at] - b.points[1][to]) ** 2
    off = wrap(b.points[2][to] - bent[2][at])
    close = np.exp(-0.5 * (square / kernels.ACCURACY_PX**2 + (off / kernels.ACCURACY_RAD) ** 2)).sum()
    return np.array([len(at), close, (a.ending[at] == b.ending[to]).sum(), min(a.count, b.count)])


def ratio_of(evidence: F8, overlap: float, neighbours: float) -> float:
    pairs, close, same, smaller = evidence.tolist()
    terms = [1, 2 * close / (overlap + 12) * np.sqrt(pairs), (same + 1) / (pairs + 2), close / (neighbours + 12)]
    return float(WEIGHTS @ terms - 0.5 * np.clip((26 - smaller) / 6, 0, 1))


SEEDS = range(6)


def alignments(seed: int) -> tuple[Minutiae, Minutiae, Any]:
    a, b = couple(seed)
    proposed = votes.propose(a.points, a.code, a.mask, b.points, b.code, b.mask)
    return a, b, minutiae_alignment.align(a.points, a.near, b.points, b.first, *proposed)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_counted(seed: int) -> None:
    a, b, (bents, every, counts, motions) = alignments(seed)
    for bent, pairs, motion in zip(bents, (p[:, :c] for p, c in zip(every, counts, strict=True)), motions, strict=True):
        back = np.zeros_like(b.points)
        kernels.move_back(b.points, motion, back)
        np.testing.assert_allclose(back[:2], move_back(b.points, motion), atol=1e-3)
        assert kernels.count_overlap(back, a.hull, pairs[1]) == overlap_of(back, a.hull, pairs[1]) > 2
        assert kernels.count_neighbours(bent, b.points) == neighbours_of(bent, b.points) > 2
        found = kernels.gather_evidence(bent, a.ending, b.points, b.ending, pairs)
        kept = [kernels.PAIRS, kernels.CLOSE_PAIRS, kernels.SAME_TYPE, kernels.SMALLER]
        np.testing.assert_allclose(found[kept], evidence_of(bent, a, b, pairs), rtol=1e-4, atol=1e-6)
        assert found[kernels.OVERLAP] == 2 * pairs.shape[1] and found[kernels.NEIGHBOURS] == pairs.shape[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_alignment_is_weighed(seed: int) -> None:
    """The twin takes no short cut: overlap and neighbours of every alignment are counted."""
    a, b, found = alignments(seed)
    bents, every, counts, motions = found
    ratio, evidence = kernels.weigh(
        bents, every, counts, motions, a.ending, a.hull, b.points, b.ending, b.hull, WEIGHTS
    )
    best = -np.inf
    for bent, pairs, motion in zip(bents, (p[:, :c] for p, c in zip(every, counts, strict=True)), motions, strict=True):
        back = move_back(b.points, motion)
        overlap = overlap_of(bent, b.hull, pairs[0]) + overlap_of(back, a.hull, pairs[1])
        best = max(best, ratio_of(evidence_of(bent, a, b, pairs), overlap, neighbours_of(bent, b.points)))
    assert ratio == pytest.approx(best, abs=1e-3)
    assert ratio == kernels.log_likelihood_ratio(evidence, WEIGHTS)


def test_without_an_alignment_there_is_no_evidence() -> None:
    a, b, found = alignments(0)
    bents, pairs, counts, motions = (part[:0] for part in found)
    ratio, evidence = kernels.weigh(
        bents, pairs, counts, motions, a.ending, a.hull, b.points, b.ending, b.hull, WEIGHTS
    )
    assert ratio == -np.inf and not evidence.any()


def test_more_overlap_or_neighbours_never_raise_the_ratio() -> None:
    """What lets the kernel drop an alignment before it counts them."""
    assert WEIGHTS[1] > 0.0 and WEIGHTS[3] > 0.0
    evidence = np.array([9.0, 5.0, 18.0, 9.0, 7.0, 40.0])
    for index in (kernels.OVERLAP, kernels.NEIGHBOURS):
        more = evidence.copy()
        more[index] += 5.0
        assert kernels.log_likelihood_ratio(more, WEIGHTS) < kernels.log_likelihood_ratio(evidence, WEIGHTS)
