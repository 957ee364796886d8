from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from egate.matching.face.align import similarity

POINTS = np.array([(46.9, 43.7), (100.7, 43.5), (75.6, 78.9), (50.0, 102.9), (98.0, 102.4)], np.float32)


def by_svd(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The oracle: Umeyama 1991 as published, with its singular value decomposition."""
    x, y = source - source.mean(0), target - target.mean(0)
    u, d, vt = np.linalg.svd(y.T @ x)
    sign = np.diag([1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ sign @ vt
    scale = np.trace(np.diag(d) @ sign) / (x**2).sum()
    return np.column_stack([scale * rotation, target.mean(0) - scale * rotation @ source.mean(0)])


@given(st.floats(-3.1, 3.1), st.floats(0.05, 20), st.floats(-500, 500), st.floats(-500, 500))
def test_exact_similarity_is_recovered(angle: float, scale: float, x: float, y: float) -> None:
    matrix = np.array(
        [[scale * np.cos(angle), -scale * np.sin(angle), x], [scale * np.sin(angle), scale * np.cos(angle), y]]
    )
    target = (POINTS @ matrix[:, :2].T + matrix[:, 2]).astype(np.float64)
    np.testing.assert_allclose(similarity(POINTS, target.astype(np.float32)), matrix, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("seed", range(20))
def test_noisy_points_agree_with_the_published_algorithm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = (POINTS * 2 + rng.normal(0, 12, POINTS.shape)).astype(np.float32)
    expected = by_svd(source.astype(np.float64), POINTS.astype(np.float64))
    np.testing.assert_allclose(similarity(source, POINTS), expected, rtol=1e-6, atol=1e-6)


def test_mirrored_points_are_not_reflected() -> None:
    mirrored = POINTS * np.array([-1, 1], np.float32)
    assert np.linalg.det(similarity(mirrored, POINTS)[:, :2]) >= 0


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.full((5, 2), np.inf)])
def test_points_that_fix_nothing_are_refused(bad: NDArray[np.float64]) -> None:
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="similarity"):
        similarity(bad.astype(np.float32), POINTS)


def test_target_that_is_not_finite_is_refused() -> None:
    target = POINTS.copy()
    target[0, 0] = np.nan
    with pytest.raises(ValueError, match="similarity"):
        similarity(POINTS, target)
