"""Each numba kernel against its numpy twin: same inputs, same result to 1e-9, on random and on degenerate impressions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.matching.finger import minutiae
from egate.matching.finger import minutiae_kernels as kernels
from egate.matching.finger.minutiae import CELLS, WORDS, Minutiae, prepare
from egate.matching.finger.minutiae_weights import WEIGHTS
from tests.matching.finger_samples import empty, finger, impression

F8 = NDArray[np.float64]
TOLERANCE = 1e-9


def wrap(angle: Any) -> Any:
    return angle - 2 * np.pi * np.rint(angle / (2 * np.pi))


def outside(x: F8, y: F8, hull: F8) -> F8:
    if len(hull) < 3:
        return np.full(np.shape(x), np.inf)
    edge = np.roll(hull, -1, axis=0) - hull
    normal = np.stack([edge[:, 1], -edge[:, 0]]) / np.hypot(*edge.T)
    beyond: F8 = (x[..., None] - hull[:, 0]) * normal[0] + (y[..., None] - hull[:, 1]) * normal[1]
    return np.asarray(beyond.max(axis=-1))


def cylinder_bits(x: F8, y: F8, angle: F8, hull: F8) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Code and mask as (n, 64 * WORDS) bool."""
    n, sigma = len(x), kernels.CYLINDER_SIGMA_PX
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    cx, cy = x[:, None] + cos * CELLS[:, 0] - sin * CELLS[:, 1], y[:, None] + sin * CELLS[:, 0] + cos * CELLS[:, 1]
    square = (cx[:, None] - x[None, :, None]) ** 2 + (cy[:, None] - y[None, :, None]) ** 2
    near = np.where(square <= 9 * sigma**2, np.exp(-0.5 * square / sigma**2), 0.0) / (sigma * np.sqrt(2 * np.pi))
    near[np.arange(n), np.arange(n)] = 0.0
    layer = (np.arange(kernels.CYLINDER_LAYERS) + 0.5) * 2 * np.pi / kernels.CYLINDER_LAYERS - np.pi
    off = wrap(layer - wrap(angle[:, None] - angle[None, :])[..., None])
    level = np.einsum("ikc,ikl->icl", near, np.exp(-0.5 * (off / kernels.CYLINDER_SIGMA_RAD) ** 2))
    valid = np.repeat(outside(cx, cy, hull) <= kernels.HULL_MARGIN_PX, kernels.CYLINDER_LAYERS, axis=1)
    code, mask = np.zeros((2, n, 64 * WORDS), np.bool_)
    mask[:, : valid.shape[1]] = valid
    code[:, : valid.shape[1]] = valid & (level.reshape(n, -1) > kernels.CYLINDER_BIT_LEVEL)
    return code, mask


def bits(words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    octets = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
    return np.unpackbits(octets, axis=1, bitorder="little").astype(np.bool_)


def similarity_of(a: Minutiae, b: Minutiae) -> F8:
    valid = bits(a.mask)[:, None] & bits(b.mask)[None]
    one, two = bits(a.code)[:, None] & valid, bits(b.code)[None] & valid
    differ, ones_a, ones_b = ((v).sum(axis=2) for v in (one ^ two, one, two))
    usable = (valid.sum(axis=2) >= kernels.COMMON_CELLS_MIN) & (ones_a > 0) & (ones_b > 0)
    both = np.where(usable, np.sqrt(ones_a) + np.sqrt(ones_b), 1.0)
    return np.where(usable, 1.0 - np.sqrt(differ) / both, 0.0)


def compatibility(at: Any, to: Any, a: Minutiae, b: Minutiae) -> F8:
    la, lb = a.length[np.ix_(at, at)], b.length[np.ix_(to, to)]
    length = 0.5 * (la + lb)
    rotation = wrap(b.angle[to] - a.angle[at])
    twist = wrap(rotation[None, :] - rotation[:, None])
    swing = wrap(b.bearing[np.ix_(to, to)] - a.bearing[np.ix_(at, at)] - rotation[:, None] - 0.5 * twist)
    terms = (
        np.abs(la - lb) / (kernels.EDGE_LENGTH_PX + kernels.EDGE_LENGTH_SHARE * length),
        np.abs(twist) / kernels.ROTATION_RAD,
        np.abs(swing) / (kernels.EDGE_BEARING_RAD + kernels.EDGE_BEARING_PX / (length + 1e-3)),
    )
    value = np.prod([np.clip(1.0 - term**2, 0.0, None) for term in terms], axis=0)
    shared = (at[:, None] == at[None, :]) | (to[:, None] == to[None, :])
    lower: F8 = np.tril(np.where(shared, 0.0, value), -1)
    return lower + lower.T


def relax(agreement: F8, start: F8, rounds: int) -> F8:
    for _ in range(rounds):
        start = 0.5 * start + 2.0 / len(start) * (agreement @ start)
        start = start / max(start.max(), 1e-9)
    return start


def fit_rigid(a: F8, b: F8, weight: F8) -> tuple[float, float, float]:
    """a, b: complex positions of the pairs."""
    share = weight / weight.sum()
    ma, mb = share @ a, share @ b
    angle = float(np.angle(weight @ ((b - mb) * np.conj(a - ma))))
    shift = mb - np.exp(1j * angle) * ma
    return angle, float(shift.real), float(shift.imag)


def pair_greedily(x: F8, y: F8, t: F8, b: Minutiae, reach: float, turn: float) -> list[tuple[int, int]]:
    square = (x[:, None] - b.x) ** 2 + (y[:, None] - b.y) ** 2
    off = np.abs(wrap(b.angle - t[:, None]))
    cost = np.where((square <= reach**2) & (off <= turn), square / reach**2 + off**2 / turn**2, np.inf)
    pairs = []
    while np.isfinite(cost).any():
        i, j = np.unravel_index(np.argmin(cost), cost.shape)
        pairs.append((int(i), int(j)))
        cost[i, :] = cost[:, j] = np.inf
    return pairs


def follow_distortion(x: F8, y: F8, t: F8, b: Minutiae, at: Any, to: Any, length: F8) -> tuple[F8, F8, F8]:
    weight = np.exp(-0.5 * (length[:, at] / kernels.DISTORTION_RANGE_PX) ** 2)
    weight[np.arange(len(x))[:, None] == at[None, :]] = 0.0
    total = weight.sum(axis=1) + kernels.DISTORTION_PRIOR
    moves = (b.x[to] - x[at], b.y[to] - y[at], wrap(b.angle[to] - t[at]))
    dx, dy, dt = (weight @ move / total for move in moves)
    return x + dx, y + dy, t + dt


def gather_evidence(x: F8, y: F8, t: F8, a: Minutiae, b: Minutiae, at: Any, to: Any, overlap: float) -> F8:
    square = (x[at] - b.x[to]) ** 2 + (y[at] - b.y[to]) ** 2
    off = np.abs(wrap(b.angle[to] - t[at]))
    close = np.exp(-0.5 * (square / kernels.ACCURACY_PX**2 + (off / kernels.ACCURACY_RAD) ** 2)).sum()
    same = (a.ending[at] == b.ending[to]).sum()
    return np.array([len(at), close, overlap, same, off.mean(), min(len(x), len(b.x))])


def ratio_of(e: F8) -> float:
    share = 2 * e[1] / (e[2] + kernels.OVERLAP_PRIOR)
    terms = [1, share * np.sqrt(e[0]), (e[3] + 1) / (e[0] + 2), e[4], np.log1p(e[2] - 2 * e[0])]
    lacking, small = np.clip((9 - e[0]) / 6, 0, 1), np.clip((26 - e[5]) / 6, 0, 1)
    return float(WEIGHTS @ terms - 2 * lacking**2 - small)


def move(x: F8, y: F8, t: F8, rotation: float, dx: float, dy: float) -> tuple[F8, F8, F8]:
    z = (x + 1j * y) * np.exp(1j * rotation) + (dx + 1j * dy)
    return z.real, z.imag, t + rotation


def best_alignment(a: Minutiae, b: Minutiae, at: Any, to: Any, standing: F8, agreement: F8, tries: int) -> float:
    free, best = np.ones(len(at), np.bool_), -np.inf
    za, zb = a.x + 1j * a.y, b.x + 1j * b.y
    for seed in np.argsort(-standing, kind="stable"):
        weight = agreement[seed] * standing
        weight[seed] = 1.0
        support = weight > kernels.SEED_SUPPORT_MIN
        if tries == 0 or not free[seed] or support.sum() < kernels.SEED_PAIRS_MIN:
            continue
        tries -= 1
        motion = fit_rigid(za[at[support]], zb[to[support]], weight[support])
        for reach in kernels.REACH_RIGID_PX:
            pairs = pair_greedily(*move(a.x, a.y, a.angle, *motion), b, reach, kernels.REACH_RIGID_RAD)
            if len(pairs) < kernels.SEED_PAIRS_MIN:
                break
            i, j = np.array(pairs).T
            motion = fit_rigid(za[i], zb[j], np.ones(len(i)))
        x, y, t = move(a.x, a.y, a.angle, *motion)
        for _ in range(2):
            i, j = np.array(pairs, np.intp).reshape(-1, 2).T
            near = follow_distortion(x, y, t, b, i, j, a.length)
            pairs = pair_greedily(*near, b, kernels.REACH_LOCAL_PX, kernels.REACH_LOCAL_RAD)
        if len(pairs) < kernels.SEED_PAIRS_MIN:
            continue
        i, j = np.array(pairs).T
        near = follow_distortion(x, y, t, b, i, j, a.length)
        back = (zb - (motion[1] + 1j * motion[2])) * np.exp(-1j * motion[0])
        overlap = count_overlap(near[0], near[1], b.hull, i) + count_overlap(back.real, back.imag, a.hull, j)
        best = max(best, ratio_of(gather_evidence(*near, a, b, i, j, overlap)))
        free &= np.array([(p, q) not in set(pairs) for p, q in zip(at.tolist(), to.tolist(), strict=True)])
    return best


def count_overlap(x: F8, y: F8, hull: F8, paired: Any) -> float:
    inside = outside(x, y, hull) < kernels.OVERLAP_MARGIN_PX
    inside[paired] = True
    return float(inside.sum())


SEEDS = range(6)


def couple(seed: int) -> tuple[Minutiae, Minutiae]:
    """Mated for even seeds, non-mated for odd ones; sizes differ."""
    first = finger(seed, 25 + 3 * seed)
    other = first if seed % 2 == 0 else finger(seed + 100, 30)
    second = impression(other, seed, rotation=0.4 * seed, shift=(9, -14), noise=1.5, bend=4.0, lost=5, false=4)
    return prepare(first), prepare(second)


def candidates(a: Minutiae, b: Minutiae) -> tuple[F8, Any, Any, F8]:
    similarity = kernels.code_similarity(a.code, a.mask, b.code, b.mask)
    at, to = minutiae._candidates(similarity)
    agreement = kernels.compatibility(at, to, a.angle, b.angle, a.length, b.length, a.bearing, b.bearing)
    return similarity, at, to, agreement


@pytest.mark.parametrize("seed", SEEDS)
def test_cylinder_codes(seed: int) -> None:
    for m in couple(seed):
        code, mask = cylinder_bits(m.x, m.y, m.angle, m.hull)
        assert (bits(m.mask) == mask).all()
        assert (bits(m.code) == code).all()
        assert 0 < code.sum() < mask.sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_similarity_compatibility_and_votes(seed: int) -> None:
    a, b = couple(seed)
    similarity, at, to, agreement = candidates(a, b)
    np.testing.assert_allclose(similarity, similarity_of(a, b), atol=TOLERANCE)
    np.testing.assert_allclose(agreement, compatibility(at, to, a, b), atol=TOLERANCE)
    assert (agreement > 0).any()
    start = similarity[at, to]
    np.testing.assert_allclose(kernels.relax(agreement, start, 4), relax(agreement, start, 4), atol=TOLERANCE)


@pytest.mark.parametrize("seed", SEEDS)
def test_rigid_fit_and_move(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = couple(seed)
    at, to = (rng.permutation(20)[:8].astype(np.int32) for _ in range(2))
    weight = rng.uniform(0.1, 1.0, 8)
    motion = kernels.fit_rigid(a.x, a.y, b.x, b.y, at, to, weight)
    twin = fit_rigid((a.x + 1j * a.y)[at], (b.x + 1j * b.y)[to], weight)
    np.testing.assert_allclose(motion, twin, atol=1e-7)
    np.testing.assert_allclose(kernels.move(a.x, a.y, a.angle, *motion), move(a.x, a.y, a.angle, *motion), atol=1e-7)


@pytest.mark.parametrize("seed", SEEDS)
def test_pairing_distortion_overlap_and_evidence(seed: int) -> None:
    a, b = couple(seed)
    moved = kernels.move(a.x, a.y, a.angle, 0.4 * seed, 0.0, 0.0)
    x, y, t = moved[0] - moved[0].mean() + b.x.mean(), moved[1] - moved[1].mean() + b.y.mean(), moved[2]
    at, to = kernels.pair_greedily(x, y, t, b.x, b.y, b.angle, 40.0, 2.0)
    assert list(zip(at.tolist(), to.tolist(), strict=True)) == pair_greedily(x, y, t, b, 40.0, 2.0)
    assert len(at) >= 3
    near = kernels.follow_distortion(x, y, t, b.x, b.y, b.angle, at, to, a.length)
    np.testing.assert_allclose(near, follow_distortion(x, y, t, b, at, to, a.length), atol=TOLERANCE)
    assert kernels.count_overlap(x, y, b.hull, at) == count_overlap(x, y, b.hull, at)
    overlap = float(2 * len(at) + 3)
    evidence = kernels.gather_evidence(*near, a.ending, b.x, b.y, b.angle, b.ending, at, to, overlap)
    np.testing.assert_allclose(evidence, gather_evidence(*near, a, b, at, to, overlap), atol=TOLERANCE)
    assert kernels.log_likelihood_ratio(evidence, WEIGHTS) == pytest.approx(ratio_of(evidence), abs=TOLERANCE)


@pytest.mark.parametrize("seed", SEEDS)
def test_best_alignment(seed: int) -> None:
    a, b = couple(seed)
    similarity, at, to, agreement = candidates(a, b)
    standing = kernels.relax(agreement, similarity[at, to], minutiae.VOTES)
    ratio, _ = kernels.best_alignment(
        a.x, a.y, a.angle, a.ending, a.length, a.hull, b.x, b.y, b.angle, b.ending, b.hull,
        at, to, standing, agreement, WEIGHTS, minutiae.HYPOTHESES_MAX,
    )  # fmt: skip
    twin = best_alignment(a, b, at, to, standing, agreement, minutiae.HYPOTHESES_MAX)
    assert np.isfinite(twin)
    assert ratio == pytest.approx(twin, abs=1e-6)


def test_small_kernels() -> None:
    words = np.random.default_rng(1).integers(0, 2**64, 200, np.uint64)
    assert [int(kernels.count_ones(w)) for w in words] == [int(w).bit_count() for w in words]
    angles = np.random.default_rng(2).uniform(-20, 20, 200)
    np.testing.assert_allclose([kernels.wrap(t) for t in angles], wrap(angles), atol=TOLERANCE)
    hull = prepare(finger(3)).hull
    points = np.random.default_rng(3).uniform(-400, 400, (200, 2))
    expected = outside(points[:, 0], points[:, 1], hull)
    np.testing.assert_allclose([kernels.outside(x, y, hull) for x, y in points], expected, atol=TOLERANCE)
    assert (expected < 0).any() and (expected > 0).any()


def test_kernels_take_no_minutiae() -> None:
    none, some = prepare(empty()), prepare(finger(1))
    assert kernels.code_similarity(none.code, none.mask, some.code, some.mask).shape == (0, len(some.x))
    assert kernels.outside(0.0, 0.0, none.hull) == np.inf
