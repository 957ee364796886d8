"""Goal: the regression finds what made the data, at any prior, whatever the units, and stays finite where the data are separated."""

from __future__ import annotations

import numpy as np
import pytest

from egate.matching.rates.logistic import Rows, fit_logistic


def rows(scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Rows:
    return Rows(scores.reshape(len(scores), -1), np.ones(len(scores)))


def normal(count: int, means: list[float], seed: int) -> Rows:
    return rows(np.random.default_rng(seed).standard_normal((count, len(means))) + means)


@pytest.mark.parametrize("prior", [0.5, 0.1, 0.01])
def test_llr_of_two_normal_distributions(prior: float) -> None:
    """Means m apart at deviation 1: LLR = m * (x - m / 2), at every prior."""
    mated, non_mated = normal(40_000, [2.0], 1), normal(400_000, [0.0], 2)
    fitted = fit_logistic(mated, non_mated, prior)
    assert fitted.slopes[0] == pytest.approx(2.0, abs=0.06)
    assert fitted.offset == pytest.approx(-2.0, abs=0.06)


def test_each_score_gets_the_slope_it_earns() -> None:
    fitted = fit_logistic(normal(40_000, [2.0, 1.0, 0.0], 3), normal(200_000, [0.0, 0.0, 0.0], 4), 0.1)
    assert fitted.slopes == pytest.approx([2.0, 1.0, 0.0], abs=0.06)


def test_units_do_not_matter() -> None:
    mated, non_mated = normal(500, [2.0, 1.0], 5), normal(5_000, [0.0, 0.0], 6)
    scale, shift = np.array([0.01, 300.0]), np.array([0.9, -5.0])
    plain = fit_logistic(mated, non_mated, 0.1)
    moved = fit_logistic(rows(mated.scores * scale + shift), rows(non_mated.scores * scale + shift), 0.1)
    assert np.array(moved.slopes) * scale == pytest.approx(plain.slopes, rel=1e-6)
    assert moved.offset + np.dot(moved.slopes, shift) == pytest.approx(plain.offset, abs=1e-6)
    assert moved.loss == pytest.approx(plain.loss, rel=1e-9)


def test_weight_stands_for_so_many_rows() -> None:
    mated, non_mated = normal(300, [2.0], 7), normal(400, [0.0], 8)
    twice = Rows(non_mated.scores, np.where(np.arange(400) < 100, 2.0, 1.0))
    repeated = rows(np.concatenate([non_mated.scores, non_mated.scores[:100]]))
    assert fit_logistic(mated, twice, 0.1).slopes == pytest.approx(fit_logistic(mated, repeated, 0.1).slopes, rel=1e-9)


@pytest.mark.parametrize("prior", [0.5, 0.01, 1e-4])
def test_separated_and_constant_scores_stay_finite(prior: float) -> None:
    mated, non_mated = np.array([[3.0, 7.0], [4.0, 7.0]]), np.array([[-1.0, 7.0], [0.0, 7.0], [1.0, 7.0]])
    fitted = fit_logistic(rows(mated), rows(non_mated), prior)
    assert np.isfinite([*fitted.slopes, fitted.offset, fitted.loss]).all()
    assert fitted.slopes[0] > 0.0
    assert fitted.slopes[1] == 0.0


def test_loss_falls_with_what_is_known() -> None:
    mated, non_mated = normal(2_000, [2.0, 1.0], 9), normal(20_000, [0.0, 0.0], 10)
    both = fit_logistic(mated, non_mated, 0.1).loss
    one, nothing = (fit_logistic(rows(mated.scores[:, k]), rows(non_mated.scores[:, k]), 0.1).loss for k in (0, 1))
    assert both < one < nothing < -(0.1 * np.log(0.1) + 0.9 * np.log(0.9))
