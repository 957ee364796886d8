"""The kernels of the finger search against their numpy twins, on fingers and on degenerate impressions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from egate.matching.finger.search import kernels, search, stored
from egate.matching.finger.search.gallery import FingerGallery, Snapshot
from tests.matching.finger_samples import finger, impression

F8 = NDArray[np.float64]


def code_bits(x: F8, y: F8, angle: F8) -> NDArray[np.bool_]:
    """(n, LAYERS, cells): twin of neighbourhood_codes."""
    turned = ((x[None, :] + 1j * y[None, :]) - (x + 1j * y)[:, None]) * np.exp(-1j * angle)[:, None]
    square = np.abs(turned[:, :, None] - (stored.CELLS[:, 0] + 1j * stored.CELLS[:, 1])) ** 2
    near = np.where(square <= 9 * kernels.SIGMA_PX**2, np.exp(-0.5 * square / kernels.SIGMA_PX**2), 0.0)
    near[np.arange(len(x)), np.arange(len(x))] = 0.0
    layer = (np.arange(kernels.LAYERS) + 0.5) * 2 * np.pi / kernels.LAYERS
    off = layer - (angle[None, :] - angle[:, None])[..., None]
    off -= 2 * np.pi * np.rint(off / (2 * np.pi))
    level = np.einsum("ikc,ikl->ilc", near, np.exp(-0.5 * (off / kernels.SIGMA_RAD) ** 2))
    bits: NDArray[np.bool_] = level > kernels.BIT_LEVEL
    return bits


def bits_of(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(..., 64) of words, bit by bit."""
    return (codes[..., None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)).astype(np.bool_)


def score_of(probe: FingerTemplate, gallery: Snapshot, row: int) -> float:
    """Twin of the scan, for one row; the votes as a dictionary."""
    count = min(int(gallery.stored.count[row]), stored.CODED_MAX)
    x, y, angle = (np.asarray(v, np.float64) for v in (probe.x, probe.y, probe.angle))
    coded = min(len(x), stored.CODED_MAX)
    one = bits_of(stored.codes(x, y, angle)).reshape(coded, -1)
    two = bits_of(gallery.stored.codes[row, :count]).reshape(count, -1)
    roots = np.sqrt(np.where(one.sum(axis=1) < search.CODE_ONES_MIN, np.nan, one.sum(axis=1)))
    differ = (one[:, None] ^ two[None]).sum(axis=2)
    similarity = 1.0 - np.sqrt(differ) / (roots[:, None] + np.sqrt(two.sum(axis=1)))
    place = gallery.stored.place[row, :count] * kernels.QUARTER_PX
    b = (place[:, 0] - place[:, 0].mean()) - 1j * (place[:, 1] - place[:, 1].mean())
    a = (x[:coded] - x[:coded].mean()) - 1j * (y[:coded] - y[:coded].mean())
    turn = (gallery.stored.angle[row, :count].astype(int) - stored.octets(angle[:coded])[:, None].astype(int)) % 256
    fine = (turn * kernels.FINE_ROTATIONS // 256 + 0.5) * 2 * np.pi / kernels.FINE_ROTATIONS
    shift = (b[None] - a[:, None] * np.exp(1j * fine)) / kernels.CELL_PX
    column, line = (np.floor(part).astype(int) + kernels.CELLS // 2 for part in (shift.real, shift.imag))
    votes: dict[Any, float] = {}
    for i, j in np.argwhere(similarity > kernels.SIMILARITY_MIN):
        if not (0 <= column[i, j] <= kernels.CELLS - 2 and 0 <= line[i, j] <= kernels.CELLS - 2):
            continue
        first = int(turn[i, j]) * kernels.ROTATIONS // 256
        for rotation in (first, (first + 1) % kernels.ROTATIONS):
            for r in (line[i, j], line[i, j] + 1):
                for c in (column[i, j], column[i, j] + 1):
                    votes[rotation, r, c] = votes.get((rotation, r, c), 0.0) + similarity[i, j] - kernels.SIMILARITY_MIN
    return max(votes.values(), default=0.0)


@pytest.mark.parametrize("seed", range(4))
def test_codes(seed: int) -> None:
    one = finger(seed, 15 + 10 * seed)
    x, y, angle = (np.asarray(v, np.float64) for v in (one.x, -one.y, one.angle))
    found = kernels.neighbourhood_codes(x, y, angle, stored.CELLS)
    expected = code_bits(x, y, angle)
    assert (bits_of(found)[..., : len(stored.CELLS)] == expected).all()
    assert not bits_of(found)[..., len(stored.CELLS) :].any()
    assert 0 < expected.sum() < expected.size / 2


def test_a_lonely_minutia_has_an_empty_code() -> None:
    far = np.array([0.0, 500.0])
    assert not kernels.neighbourhood_codes(far, far, far, stored.CELLS).any()


def test_ones_are_counted_in_every_bit() -> None:
    words = np.concatenate([np.uint64(1) << np.arange(64, dtype=np.uint64), np.array([0, 2**64 - 1], np.uint64)])
    words = np.concatenate([words, np.random.default_rng(1).integers(0, 2**63, 100).astype(np.uint64)])
    assert [int(kernels.count_ones(word)) for word in words] == np.bitwise_count(words).tolist()


def test_scan() -> None:
    fingers = [finger(seed, 8 + 9 * seed) for seed in range(6)]
    gallery = FingerGallery(20)
    for number, one in enumerate(fingers):
        gallery.add(str(number), one)
        turned = impression(one, number, rotation=1.1 * number, shift=(12, -30), noise=1.0, lost=2, false=3)
        gallery.add(str(number), turned)
    shown = gallery.snapshot()
    for probe in fingers[1:]:
        found = search.scan(shown, probe, shown.wanted(0))
        expected = [score_of(probe, shown, row) for row in range(len(found))]
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert found.max() > 2.0


def test_a_turned_and_moved_print_scores_like_itself() -> None:
    one = finger(3, 40)
    gallery = FingerGallery(10)
    for turn in range(10):
        gallery.add("A", impression(one, 0, rotation=0.63 * turn, shift=(4.0 * turn, 0), noise=0.0))
    shown = gallery.snapshot()
    scores = search.scan(shown, one, shown.wanted(0))
    assert scores.min() > 0.8 * scores.max()
