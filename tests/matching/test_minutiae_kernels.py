"""Kernels of the alignment, each against its numpy twin: same inputs, same result to float32's accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.matching.finger import minutiae_kernels as kernels
from egate.matching.finger import minutiae_votes as votes
from egate.matching.finger.minutiae import Minutiae
from egate.matching.finger.minutiae_weights import WEIGHTS
from tests.matching.finger_samples import couple

F8 = NDArray[np.floating]
F4 = NDArray[np.float32]
Motion = tuple[float, float, float]
Pairs = list[tuple[int, int]]
TOLERANCE = 1e-3  # px and rad


def wrap(angle: Any) -> Any:
    return angle - 2 * np.pi * np.rint(angle / (2 * np.pi))


def fit_rigid(a: Minutiae, b: Minutiae, pairs: Any, weight: F8) -> Motion:
    za, zb = (m.points[0][k] + 1j * m.points[1][k].astype(float) for m, k in ((a, pairs[0]), (b, pairs[1])))
    share = weight / weight.sum()
    ma, mb = share @ za, share @ zb
    angle = float(np.angle(weight @ ((zb - mb) * np.conj(za - ma))))
    shift = mb - np.exp(1j * angle) * ma
    return angle, float(shift.real), float(shift.imag)


def move(points: F8, motion: Motion) -> F8:
    z = (points[0] + 1j * points[1]) * np.exp(1j * motion[0]) + complex(*motion[1:])
    return np.array([z.real, z.imag, points[2] + motion[0]])


def pair_greedily(moved: F8, b: F8, reach: float, turn: float) -> Pairs:
    square = (moved[0][:, None] - b[0]) ** 2 + (moved[1][:, None] - b[1]) ** 2
    off = np.abs(wrap(b[2] - moved[2][:, None]))
    cost = np.where((square <= reach**2) & (off <= turn), square / reach**2 + off**2 / turn**2, np.inf)
    pairs = []
    while np.isfinite(cost).any():
        i, j = np.unravel_index(np.argmin(cost), cost.shape)
        pairs.append((int(i), int(j)))
        cost[i, :] = cost[:, j] = np.inf
    return pairs


def follow_distortion(moved: F8, b: F8, pairs: Any, near: F8) -> F8:
    at, to = pairs
    displaced = b[:, to] - moved[:, at]
    displaced[2] = wrap(displaced[2])
    weight = near[at]
    return np.asarray(moved + displaced @ weight / (weight.sum(axis=0) + kernels.DISTORTION_PRIOR))


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


def best_alignment(a: Minutiae, b: Minutiae, at: Any, to: Any, standing: F8, agreement: F8) -> float:
    """Without the kernel's short cuts: every hypothesis is weighed, overlap and neighbours included."""
    free, best, tries = np.ones(len(at), np.bool_), -np.inf, kernels.HYPOTHESES_MAX
    pa, pb = a.points.astype(float), b.points.astype(float)
    for seed in np.argsort(-standing, kind="stable"):
        weight = agreement[seed] * standing
        weight[seed] = 1.0
        support = weight > kernels.SEED_SUPPORT_MIN
        if tries == 0 or not free[seed] or support.sum() < kernels.SEED_PAIRS_MIN:
            continue
        tries -= 1
        motion = fit_rigid(a, b, (at[support], to[support]), weight[support].astype(float))
        for reach in kernels.REACH_RIGID_PX:
            pairs = pair_greedily(move(pa, motion), pb, reach, kernels.REACH_RIGID_RAD)
            if len(pairs) < kernels.SEED_PAIRS_MIN:
                break
            motion = fit_rigid(a, b, np.array(pairs).T, np.ones(len(pairs)))
        moved = move(pa, motion)
        for _ in range(2):
            bent = follow_distortion(moved, pb, np.array(pairs, np.intp).reshape(-1, 2).T, a.near)
            pairs = pair_greedily(bent, pb, kernels.REACH_LOCAL_PX, kernels.REACH_LOCAL_RAD)
        if len(pairs) < kernels.SEED_PAIRS_MIN:
            continue
        index = np.array(pairs).T
        bent = follow_distortion(moved, pb, index, a.near)
        back = move(pb - np.array([[motion[1]], [motion[2]], [0.0]]), (-motion[0], 0.0, 0.0))
        overlap = overlap_of(bent, b.hull, index[0]) + overlap_of(back, a.hull, index[1])
        best = max(best, ratio_of(evidence_of(bent, a, b, index), overlap, neighbours_of(bent, pb)))
        free &= np.array([pair not in pairs for pair in zip(at.tolist(), to.tolist(), strict=True)])
    return best


SEEDS = range(6)
TURN, PUSH = 0.4, (9.0, -14.0)


def aligned(seed: int) -> tuple[Minutiae, Minutiae, F4]:
    """A couple and the first's points moved so that they lie on the second's, roughly."""
    a, b = couple(seed)
    moved = move(a.points.astype(float), (TURN * seed, 0.0, 0.0))
    moved[:2] += (b.points[:2].mean(axis=1) - moved[:2].mean(axis=1))[:, None]
    return a, b, moved.astype(np.float32)


def pairs_of(moved: Any, b: Minutiae, reach: float, turn: float) -> NDArray[np.int32]:
    n, m = moved.shape[1], b.count
    key, taken = np.empty(n * m, np.int64), np.empty((2, max(n, m)), np.bool_)
    pairs = np.empty((2, min(n, m)), np.int32)
    return pairs[:, : kernels.pair_greedily(moved, b.points, b.first, reach, turn, key, taken, pairs)]


@pytest.mark.parametrize("seed", SEEDS)
def test_rigid_fit_there_and_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = couple(seed)
    pairs = np.stack([rng.permutation(20)[:8].astype(np.int32) for _ in range(2)])
    weight = rng.uniform(0.1, 1.0, 8).astype(np.float32)
    motion = kernels.fit_rigid(a.points, b.points, pairs, weight)
    np.testing.assert_allclose(motion, fit_rigid(a, b, pairs, weight.astype(float)), atol=TOLERANCE)
    moved, back = np.empty_like(a.points), np.empty_like(a.points)
    kernels.move(a.points, motion, moved)
    np.testing.assert_allclose(moved, move(a.points.astype(float), motion), atol=TOLERANCE)
    kernels.move_back(moved, motion, back)
    np.testing.assert_allclose(back[:2], a.points[:2], atol=TOLERANCE)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("reach, turn", [(40.0, 2.0), (11.0, 0.45)])
def test_pairing(seed: int, reach: float, turn: float) -> None:
    _, b, moved = aligned(seed)
    found = pairs_of(moved, b, reach, turn)
    assert [tuple(pair) for pair in found.T.tolist()] == pair_greedily(moved.astype(float), b.points, reach, turn)
    assert found.shape[1] >= 3 or reach < 40.0


def test_pairing_reaches_the_edge_of_the_index() -> None:
    """Points left of the first, right of the last, and beyond reach of either."""
    _, b, _ = aligned(0)
    left, right = b.points[:, 0], b.points[:, -1]
    moved = np.stack([left, right, left, right], axis=1)
    moved[0] += np.array([-9.0, 9.0, -30.0, 30.0], np.float32)
    assert sorted(pairs_of(moved, b, 10.0, 0.1).T.tolist()) == [[0, 0], [1, b.count - 1]]


@pytest.mark.parametrize("seed", SEEDS)
def test_distortion_overlap_neighbours_and_evidence(seed: int) -> None:
    a, b, moved = aligned(seed)
    pairs = pairs_of(moved, b, 40.0, 2.0)
    bent = np.empty_like(moved)
    kernels.follow_distortion(moved, b.points, pairs, a.near, bent)
    twin = follow_distortion(moved.astype(float), b.points.astype(float), pairs, a.near)
    np.testing.assert_allclose(bent, twin, atol=TOLERANCE)
    assert np.abs(bent - moved).max() > 1.0
    assert kernels.count_overlap(bent, b.hull, pairs[0]) == overlap_of(twin, b.hull, pairs[0])
    neighbours = kernels.count_neighbours(bent, b.points)
    assert neighbours == neighbours_of(twin, b.points)
    found = kernels.gather_evidence(bent, a.ending, b.points, b.ending, pairs)
    evidence = evidence_of(twin, a, b, pairs)
    kept = [kernels.PAIRS, kernels.CLOSE_PAIRS, kernels.SAME_TYPE, kernels.SMALLER]
    np.testing.assert_allclose(found[kept], evidence, rtol=1e-4, atol=1e-6)
    assert found[kernels.OVERLAP] == 2 * pairs.shape[1] and found[kernels.NEIGHBOURS] == pairs.shape[1]
    found[kernels.OVERLAP], found[kernels.NEIGHBOURS] = 2 * pairs.shape[1] + 3, neighbours
    expected = ratio_of(evidence, 2 * pairs.shape[1] + 3, neighbours)
    assert kernels.log_likelihood_ratio(found, WEIGHTS) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_best_alignment(seed: int) -> None:
    a, b = couple(seed)
    at, to, standing, agreement = votes.propose(a.points, a.code, a.mask, b.points, b.code, b.mask)
    ratio, evidence = kernels.best_alignment(
        a.points, a.ending, a.near, a.hull, b.points, b.ending, b.hull, b.first, at, to, standing, agreement, WEIGHTS
    )
    twin = best_alignment(a, b, at, to, standing, agreement)
    assert np.isfinite(twin)
    assert ratio == pytest.approx(twin, abs=1e-2)
    assert ratio == kernels.log_likelihood_ratio(evidence, WEIGHTS)


def test_more_overlap_or_neighbours_never_raise_the_ratio() -> None:
    """What lets the kernel drop a hypothesis before it counts them."""
    assert WEIGHTS[1] > 0.0 and WEIGHTS[3] > 0.0
    evidence = np.array([9.0, 5.0, 18.0, 9.0, 7.0, 40.0])
    for index in (kernels.OVERLAP, kernels.NEIGHBOURS):
        more = evidence.copy()
        more[index] += 5.0
        assert kernels.log_likelihood_ratio(more, WEIGHTS) < kernels.log_likelihood_ratio(evidence, WEIGHTS)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 60, 3000])
def test_sort(count: int) -> None:
    key = np.random.default_rng(count).integers(0, 1 << 44, count)
    expected = np.sort(key)
    kernels.sort_keys(key)
    assert (key == expected).all()
