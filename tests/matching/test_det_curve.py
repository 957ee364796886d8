"""Goal: the DET curve is the one a hand count gives."""

from __future__ import annotations

import numpy as np
import pytest

from egate.matching.rates.det_curve import det_curve, fnmr_at, mean_curve, probit


def test_hand_counted_curve() -> None:
    curve = det_curve(np.array([1.0, 3.0, 5.0, 7.0]), np.array([0.0, 2.0, 4.0, 6.0]))
    # thresholds at or below 0; above 0, 2, 4, 6
    assert curve.fmr.tolist() == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert curve.fnmr.tolist() == [0.0, 0.0, 0.25, 0.5, 0.75]


def test_a_mated_score_equal_to_the_refused_one_is_refused_too() -> None:
    curve = det_curve(np.array([2.0, 3.0]), np.array([1.0, 2.0, 2.0]))
    assert curve.fmr.tolist() == [1.0, 2 / 3, 0.0]  # the tie of two cannot be split
    assert curve.fnmr.tolist() == [0.0, 0.0, 0.5]


def test_separated_scores_have_no_error_and_reversed_ones_only_errors() -> None:
    assert det_curve(np.ones(3), np.zeros(3)).fnmr.tolist() == [0.0, 0.0]
    assert det_curve(np.zeros(3), np.ones(3)).fnmr.tolist() == [0.0, 1.0]


def test_nan_never_matches_at_any_threshold() -> None:
    curve = det_curve(np.array([np.nan, 1.0]), np.array([np.nan, 0.0, 0.0, 2.0]))
    assert curve.fmr.tolist() == [0.75, 0.25, 0.0]
    assert curve.fnmr.tolist() == [0.5, 0.5, 1.0]
    nothing = det_curve(np.ones(2), np.full(2, np.nan))
    assert (nothing.fmr.tolist(), nothing.fnmr.tolist()) == ([0.0], [0.0])


def test_many_scores_give_the_rates_of_a_direct_count() -> None:
    rng = np.random.default_rng(7)
    mated, non_mated = rng.normal(2, 1, 3_000), rng.normal(0, 1, 200_000)
    curve = det_curve(mated, non_mated)
    assert (np.diff(curve.fmr) < 0).all()
    assert (np.diff(curve.fnmr) >= 0).all()
    assert len(curve.fmr) < 200
    for fmr, fnmr in zip(curve.fmr[::9], curve.fnmr[::9], strict=True):
        threshold = np.sort(non_mated)[len(non_mated) - round(fmr * len(non_mated)) - 1] if fmr < 1 else -np.inf
        assert np.mean(non_mated > threshold) == fmr
        assert np.mean(mated <= threshold) == fnmr


def test_rate_between_two_points_is_the_stricter_one() -> None:
    curve = det_curve(np.array([1.0, 3.0, 5.0, 7.0]), np.array([0.0, 2.0, 4.0, 6.0]))
    assert fnmr_at(curve, np.array([0.0, 0.1, 0.25, 0.3, 1.0])).tolist() == [0.75, 0.75, 0.5, 0.5, 0.0]


def test_mean_of_two_curves() -> None:
    good = det_curve(np.array([9.0, 9.0]), np.array([0.0, 1.0]))
    poor = det_curve(np.array([0.5, 9.0]), np.array([0.0, 1.0]))
    mean = mean_curve([good, poor], np.array([0.0, 0.5, 1.0]))
    assert mean.fmr.tolist() == [1.0, 0.5, 0.0]
    assert mean.fnmr.tolist() == [0.0, 0.0, 0.25]


def test_probit_is_the_normal_quantile() -> None:
    rates = np.array([[1e-6, 0.01], [0.5, 0.975]])
    published = [[-4.753424, -2.326348], [0.0, 1.959964]]  # six digits, as tables of the normal distribution print them
    np.testing.assert_allclose(probit(rates), published, atol=5e-7)
    assert np.isnan(probit(np.array([0.0, 1.0, np.nan]))).all()


def test_empty_input_is_refused() -> None:
    with pytest.raises(ValueError, match="needs"):
        det_curve(np.array([]), np.ones(3))
    with pytest.raises(ValueError, match="needs"):
        det_curve(np.ones(3), np.array([]))
    with pytest.raises(ValueError, match="no curves"):
        mean_curve([], np.ones(3))
