"""Kernels of the alignment, each against its numpy twin: same inputs, same result to float32's accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.matching.finger import minutiae_alignment as kernels
from egate.matching.finger import minutiae_votes as votes
from egate.matching.finger.minutiae import Minutiae, prepare
from tests.matching.finger_samples import couple, template

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


def align(a: Minutiae, b: Minutiae, at: Any, to: Any, standing: F8, agreement: F8) -> list[tuple[F8, Pairs, Motion]]:
    """Bent points, pairs and rigid motion of each alignment."""
    free, tries, found = np.ones(len(at), np.bool_), kernels.HYPOTHESES_MAX, []
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
        found.append((follow_distortion(moved, pb, np.array(pairs).T, a.near), pairs, motion))
        free &= np.array([pair not in pairs for pair in zip(at.tolist(), to.tolist(), strict=True)])
    return found


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
    key, taken = np.empty(kernels.REACHED_MAX, np.int64), np.empty((2, max(n, m)), np.bool_)
    pairs = np.empty((2, min(n, m)), np.int32)
    return pairs[:, : kernels.pair_greedily(moved, b.points, b.first, reach, turn, key, taken, pairs)]


@pytest.mark.parametrize("seed", SEEDS)
def test_rigid_fit_and_move(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = couple(seed)
    pairs = np.stack([rng.permutation(20)[:8].astype(np.int32) for _ in range(2)])
    weight = rng.uniform(0.1, 1.0, 8).astype(np.float32)
    motion = kernels.fit_rigid(a.points, b.points, pairs, weight)
    np.testing.assert_allclose(motion, fit_rigid(a, b, pairs, weight.astype(float)), atol=TOLERANCE)
    moved = np.empty_like(a.points)
    kernels.move(a.points, motion, moved)
    np.testing.assert_allclose(moved, move(a.points.astype(float), motion), atol=TOLERANCE)


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


@pytest.mark.parametrize("side, count", [(22, 22), (23, 0)])
def test_a_crowd_is_not_paired(side: int, count: int) -> None:
    """22 * 22 pairs within reach have room in REACHED_MAX; of 23 * 23 none is taken rather than some."""
    assert 22**2 <= kernels.REACHED_MAX < 23**2
    place = np.arange(side, dtype=np.float32) / 8
    ones = np.ones(side)
    crowd = prepare(template(100 + place, 100 + place**2 / 8, 0 * place, ones > 0, ones))
    assert pairs_of(crowd.points, crowd, 20.0, 0.6).shape[1] == count


@pytest.mark.parametrize("seed", SEEDS)
def test_distortion(seed: int) -> None:
    a, b, moved = aligned(seed)
    pairs = pairs_of(moved, b, 40.0, 2.0)
    bent = np.empty_like(moved)
    kernels.follow_distortion(moved, b.points, pairs, a.near, bent)
    twin = follow_distortion(moved.astype(float), b.points.astype(float), pairs, a.near)
    np.testing.assert_allclose(bent, twin, atol=TOLERANCE)
    assert np.abs(bent - moved).max() > 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_alignments(seed: int) -> None:
    a, b = couple(seed)
    at, to, standing, agreement = votes.propose(a.points, a.code, a.mask, b.points, b.code, b.mask)
    found = kernels.align(a.points, a.near, b.points, b.first, at, to, standing, agreement)
    twins = align(a, b, at, to, standing, agreement)
    assert 1 <= len(twins) == len(found[2])
    for bent, pairs, count, motion, twin in zip(*found, twins, strict=True):
        assert [tuple(pair) for pair in pairs[:, :count].T.tolist()] == twin[1]
        np.testing.assert_allclose(bent, twin[0], atol=1e-2)
        np.testing.assert_allclose(motion, twin[2], atol=1e-2)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 60, 3000])
def test_sort(count: int) -> None:
    key = np.random.default_rng(count).integers(0, 1 << 44, count)
    expected = np.sort(key)
    kernels.sort_keys(key)
    assert (key == expected).all()
