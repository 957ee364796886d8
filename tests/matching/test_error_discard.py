"""Goal: the curve falls for a quality that predicts errors, stays level for one that does not, and never for the order of ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from egate.matching.rates.error_discard import DISCARDS, error_discard, pair_quality

M = 20_000


@pytest.fixture
def trials() -> tuple[np.ndarray, np.ndarray]:
    """(M,) latent quality, uniform, and errors that become likelier as it falls: 2 % in all."""
    rng = np.random.default_rng(1)
    quality = rng.random(M)
    return quality, rng.random(M) < 0.2 * np.maximum(0.0, 1 - quality) ** 9


def test_quality_that_predicts_errors_lowers_the_curve(trials: tuple[np.ndarray, np.ndarray]) -> None:
    curve = error_discard(*trials)
    assert curve.fnmr[0] == pytest.approx(0.02, abs=0.003)
    assert (np.diff(curve.fnmr) < 0).all()
    assert curve.ideal_area < curve.area < 0.6


def test_noise_in_place_of_quality_leaves_the_curve_level(trials: tuple[np.ndarray, np.ndarray]) -> None:
    noise = np.random.default_rng(2).random(M)
    assert error_discard(noise, trials[1]).area == pytest.approx(1.0, abs=0.05)


def test_quality_turned_around_raises_the_curve(trials: tuple[np.ndarray, np.ndarray]) -> None:
    assert error_discard(-trials[0], trials[1]).area > 1.05


def test_exact_curve_of_ten_comparisons() -> None:
    quality = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], float)
    curve = error_discard(quality, quality == 1)
    at = dict(zip(np.round(DISCARDS, 3).tolist(), curve.fnmr.tolist(), strict=True))
    assert (at[0.0], at[0.1], at[0.15], at[0.2]) == pytest.approx((1 / 10, 1 / 9, 0.5 / 8.5, 0.0))
    assert curve.ideal[DISCARDS >= 0.1].max() == pytest.approx(0.0)
    assert (curve.comparisons, curve.errors) == (10, 1)


def test_equal_qualities_are_chance_whatever_their_order() -> None:
    errors = np.arange(100) < 5
    for order in (errors, errors[::-1]):
        assert error_discard(np.full(100, 50.0), order).area == pytest.approx(1.0)


def test_quality_that_is_no_number_is_discarded_first() -> None:
    quality, errors = np.full(100, 50.0), np.zeros(100, bool)
    quality[7], errors[7] = np.nan, True
    assert error_discard(quality, errors).fnmr[DISCARDS >= 0.01].max() == pytest.approx(0.0)
    assert pair_quality(np.array([np.nan, 3.0]), np.array([90.0, 4.0])).tolist() == [-np.inf, 3.0]


@given(
    quality=hnp.arrays(np.float64, 40, elements=st.floats(0, 100)),
    errors=hnp.arrays(np.bool_, 40),
    weights=hnp.arrays(np.int64, 40, elements=st.integers(0, 3)),
)
def test_weights_are_repetitions(quality: np.ndarray, errors: np.ndarray, weights: np.ndarray) -> None:
    if not weights.sum():
        with pytest.raises(ValueError, match="needs comparisons"):
            error_discard(quality, errors, weights.astype(float))
        return
    weighted = error_discard(quality, errors, weights.astype(float))
    repeated = error_discard(np.repeat(quality, weights), np.repeat(errors, weights))
    assert weighted.fnmr == pytest.approx(repeated.fnmr)
    assert weighted.ideal == pytest.approx(repeated.ideal)
    assert (weighted.fnmr >= weighted.ideal - 1e-12).all()


def test_no_comparisons_are_refused() -> None:
    with pytest.raises(ValueError, match="needs comparisons"):
        error_discard(np.array([]), np.array([], bool))


def test_no_errors_have_no_area() -> None:
    assert np.isnan(error_discard(np.arange(5.0), np.zeros(5, bool)).area)
