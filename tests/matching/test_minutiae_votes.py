"""Kernels that propose pairs and let them vote, each against its numpy twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.matching.finger import minutiae_votes as votes
from egate.matching.finger.minutiae import Minutiae, prepare
from tests.matching.finger_samples import couple, empty, finger

F8 = NDArray[np.floating]
TOLERANCE = 2e-5  # float32 sums


def wrap(angle: Any) -> Any:
    return angle - 2 * np.pi * np.rint(angle / (2 * np.pi))


def ones(words: NDArray[np.uint64]) -> F8:
    return np.bitwise_count(words).astype(np.float64)


def similarity_of(a: Minutiae, b: Minutiae) -> F8:
    one = a.code[:, :, None] & b.mask
    two = b.code[:, None, :] & a.mask[:, None]
    differ, both = ones(one ^ two).sum(axis=0), (ones(one) + ones(two)).sum(axis=0)
    usable = (ones(a.mask[:, None] & b.mask) >= votes.COMMON_CELLS_MIN) & (both > 0)
    return np.where(usable, 1.0 - np.sqrt(differ / np.maximum(2.0 * both, 1.0)), 0.0)


def agreement_of(a: Minutiae, b: Minutiae, at: Any, to: Any) -> F8:
    """By angles, where the kernel has sines and cosines of their halves; so it is compared only loosely, see below."""
    za, zb = ((m.points[0] + 1j * m.points[1]).astype(complex)[k] for m, k in ((a, at), (b, to)))
    ea, eb = za[None, :] - za[:, None], zb[None, :] - zb[:, None]
    length = 0.5 * (abs(ea) + abs(eb))
    rotation = wrap(b.points[2][to].astype(float) - a.points[2][at])
    twist = wrap(rotation[None, :] - rotation[:, None])
    swing = wrap(np.angle(eb) - np.angle(ea) - rotation[:, None] - 0.5 * twist)
    limit = votes.EDGE_BEARING_RAD + votes.EDGE_BEARING_PX / np.maximum(length, 1e-3)
    terms = (
        (abs(ea) - abs(eb)) / (votes.EDGE_LENGTH_PX + votes.EDGE_LENGTH_SHARE * length),
        2.0 * np.sin(0.5 * twist) / votes.ROTATION_RAD,
        2.0 * np.sin(0.5 * swing) / limit,
    )
    value = np.prod([np.clip(1.0 - term**2, 0.0, None) for term in terms], axis=0)
    return np.where((abs(ea) == 0.0) | (abs(eb) == 0.0), 0.0, value)


def relaxed(agreement: F8, start: F8) -> F8:
    for _ in range(votes.VOTES):
        start = 0.5 * start + 2.0 / len(start) * (agreement @ start)
        start = start / start.max()
    return start


SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_similarity(seed: int) -> None:
    a, b = couple(seed)
    found = votes.code_similarity(a.code, a.mask, b.code, b.mask)
    np.testing.assert_allclose(found, similarity_of(a, b), atol=1e-6)
    assert found.max() > 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_chosen_pairs_are_the_most_distinct(seed: int) -> None:
    a, b = couple(seed)
    similarity = votes.code_similarity(a.code, a.mask, b.code, b.mask)
    at, to, start = votes.choose(similarity)
    assert (start == similarity[at, to]).all()
    assert len(set(zip(at.tolist(), to.tolist(), strict=True))) == votes.CANDIDATES_MAX
    usual = similarity.mean(axis=1, keepdims=True) + similarity.mean(axis=0, keepdims=True)
    distinct = similarity - votes.NEIGHBOURHOOD_SHARE * usual
    chosen = np.zeros(distinct.shape, np.bool_)
    chosen[at, to] = True
    assert distinct[chosen].min() > distinct[~chosen].max() - 2 * 1.5 / votes.LEVELS  # they may swap within a level


@pytest.mark.parametrize("seed", SEEDS)
def test_agreement_and_votes(seed: int) -> None:
    a, b = couple(seed)
    at, to, start = votes.choose(votes.code_similarity(a.code, a.mask, b.code, b.mask))
    agreement = votes.compatibility(a.points, b.points, at, to)
    np.testing.assert_allclose(agreement, agreement_of(a, b, at, to), atol=TOLERANCE)
    assert (agreement == agreement.T).all()
    assert 0.0 < agreement.max() <= 1.0 + 1e-6
    np.testing.assert_allclose(votes.relax(agreement, start), relaxed(agreement, start), atol=TOLERANCE)


@pytest.mark.parametrize("seed", SEEDS)
def test_proposal_is_what_its_kernels_make(seed: int) -> None:
    a, b = couple(seed)
    found = votes.propose(a.points, a.code, a.mask, b.points, b.code, b.mask)
    at, to, start = votes.choose(votes.code_similarity(a.code, a.mask, b.code, b.mask))
    agreement = votes.compatibility(a.points, b.points, at, to)
    for one, other in zip(found, (at, to, votes.relax(agreement, start), agreement), strict=True):
        assert (one == other).all()


def test_fewer_pairs_than_candidates_are_all_taken() -> None:
    similarity = np.random.default_rng(1).random((5, 7), np.float32)
    at, to, _ = votes.choose(similarity)
    assert list(zip(at.tolist(), to.tolist(), strict=True)) == [(i, j) for i in range(5) for j in range(7)]


def test_equal_similarities_fill_the_room() -> None:
    at, to, _ = votes.choose(np.full((20, 20), np.float32(0.5)))
    assert (20 * at + to).tolist() == list(range(votes.CANDIDATES_MAX))


def test_count_ones() -> None:
    words = np.random.default_rng(1).integers(0, 2**64, 200, np.uint64)
    assert [int(votes.count_ones(w)) for w in words] == [int(w).bit_count() for w in words]


def test_no_minutiae_have_no_similarity() -> None:
    none, some = prepare(empty()), prepare(finger(1))
    assert votes.code_similarity(none.code, none.mask, some.code, some.mask).shape == (0, some.count)
