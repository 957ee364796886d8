"""Goal: the fusion is the log-likelihood ratio of a population it can be computed for, and cannot be turned around or without limit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from egate.matching.pad import fit as pad_fit
from egate.matching.pad.combination import Floats, fused
from egate.matching.pad.fit import Flags, cross_fitted, fit_fusion

MODELS = ("a", "b")


def population(count: int) -> tuple[Floats, Flags]:
    """Two independent models with unit variance, means +-1 and +-0.5: the log-likelihood ratio is 2*a + 1*b."""
    rng = np.random.default_rng(1)
    bona_fide = np.arange(count) % 3 > 0  # twice as many: the classes count the same all the same
    means = np.where(bona_fide[:, np.newaxis], [1.0, 0.5], [-1.0, -0.5])
    return means + rng.standard_normal((count, 2)), bona_fide


def test_weights_are_those_of_the_log_likelihood_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pad_fit, "RIDGE", 1e-9)
    fusion = fit_fusion(*population(60_000), MODELS)
    assert fusion.weights == pytest.approx((2.0, 1.0), abs=0.05)
    assert fusion.bias == pytest.approx(0.0, abs=0.05)


def test_ridge_keeps_separable_data_from_unlimited_ratios() -> None:
    odds = np.array([[-8.0], [-7.0], [7.0], [8.0]])
    fusion = fit_fusion(odds, np.array([False, False, True, True]), ("a",))
    assert 1.0 < fused(fusion, odds)[3] < 8.0


def test_model_that_says_the_contrary_counts_nothing() -> None:
    odds, bona_fide = population(3_000)
    turned = odds * [1.0, -1.0]
    fusion = fit_fusion(turned, bona_fide, MODELS)
    assert fusion.weights[0] > 1.0
    assert fusion.weights[1] == 0.0


def test_constant_model_counts_nothing() -> None:
    odds, bona_fide = population(3_000)
    odds[:, 1] = 4.0
    assert fit_fusion(odds, bona_fide, MODELS).weights[1] == 0.0


def test_rows_without_a_number_are_left_out() -> None:
    odds, bona_fide = population(3_000)
    expected = fit_fusion(odds, bona_fide, MODELS)
    holed = np.vstack([odds, [[math.nan, 9.0], [math.inf, -9.0]]])
    assert fit_fusion(holed, np.append(bona_fide, [False, True]), MODELS) == expected


@pytest.mark.parametrize("kept", ["bona_fide", "attacks", "useless"])
def test_what_cannot_be_fitted_is_refused(kept: str) -> None:
    odds, bona_fide = population(300)
    if kept == "useless":
        odds = -odds
    else:
        rows = bona_fide if kept == "bona_fide" else ~bona_fide
        odds, bona_fide = odds[rows], bona_fide[rows]
    with pytest.raises(ValueError, match="presentations"):
        fit_fusion(odds, bona_fide, MODELS)


def test_cross_fitted_scores_are_of_a_fusion_without_that_person() -> None:
    odds, bona_fide = population(90)
    subject = [f"p{index // 30}" for index in range(90)]
    people = np.array(subject)
    ratios = cross_fitted(odds, bona_fide, subject, MODELS)
    for person in ("p0", "p1", "p2"):
        own = people == person
        without = fit_fusion(odds[~own], bona_fide[~own], MODELS)
        np.testing.assert_array_equal(ratios[own], fused(without, odds[own]))
        # Turning labels of a person around changes nothing of that person's scores, only the others'.
        turned = bona_fide.copy()
        turned[np.flatnonzero(own)[:5]] ^= True
        again = cross_fitted(odds, turned, subject, MODELS)
        np.testing.assert_array_equal(again[own], ratios[own])
        assert (again[~own] != ratios[~own]).all()


def test_class_of_one_person_is_refused() -> None:
    odds, bona_fide = population(90)
    with pytest.raises(ValueError, match="bona fide and attack"):
        cross_fitted(odds, bona_fide, [f"p{index % 3}" for index in range(90)], MODELS)
