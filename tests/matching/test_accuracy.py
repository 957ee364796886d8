from __future__ import annotations

import json
import time

import numpy as np
import pytest

from egate.matching.rates.accuracy import mean_accuracy, measure_accuracy

TARGETS = ["0.01", "0.001", "0.0005", "0.0001"]


def test_json_has_exactly_the_form_scripts_read() -> None:
    rng = np.random.default_rng(2)
    report = measure_accuracy(rng.normal(3, 1, 500), rng.normal(0, 1, 5_000), 2).to_json()
    again = json.loads(json.dumps(report))
    assert list(again) == ["eer", "fnmr", "mated", "non_mated", "failures_to_enrol", "thresholds"]
    assert list(again["fnmr"]) == list(again["thresholds"]) == TARGETS
    assert (again["mated"], again["non_mated"], again["failures_to_enrol"]) == (500, 5_000, 2)
    # 0.0005 * 5000 = 2.5 and 0.0001 * 5000 = 0.5: too few to say anything
    assert again["fnmr"]["0.0005"] is None
    assert again["thresholds"]["0.0001"] is None
    assert again["fnmr"]["0.001"] is not None


def test_three_expected_false_matches_are_enough_although_binary_fractions_are_inexact() -> None:
    report = measure_accuracy(np.ones(10), np.linspace(-1, 0, 30_000))
    assert report.fnmr[0.0001] == 0.0


def test_hand_counted_rates() -> None:
    non_mated = np.arange(1000) / 1000.0  # FMR 0.01 lets ten match: 0.990 to 0.999
    mated = np.array([0.5, 0.989, 0.9895, 0.99, 2.0])
    report = measure_accuracy(mated, non_mated)
    assert report.fnmr[0.01] == pytest.approx(0.4)  # 0.5 and 0.989, which ties with the largest refused score
    threshold = report.thresholds[0.01]
    assert threshold is not None
    assert np.mean(non_mated >= threshold) == 0.01


def test_equal_error_rate_of_two_normal_distributions() -> None:
    rng = np.random.default_rng(3)
    report = measure_accuracy(rng.normal(2, 1, 200_000), rng.normal(-2, 1, 200_000))
    assert report.eer == pytest.approx(0.02275, abs=1e-3)  # Phi(-2)


@pytest.mark.parametrize(("mated", "non_mated", "eer"), [(1.0, 0.0, 0.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.5)])
def test_equal_error_rate_at_the_extremes(mated: float, non_mated: float, eer: float) -> None:
    assert measure_accuracy(np.full(10, mated), np.full(10, non_mated)).eer == eer


def test_nan_is_a_non_match() -> None:
    mated = np.array([1.0, 1.0, np.nan, np.nan])
    report = measure_accuracy(mated, np.zeros(1000))
    assert report.fnmr[0.01] == 0.5


def test_mean_has_no_rate_where_a_set_has_none() -> None:
    small = measure_accuracy(np.ones(10), np.zeros(400))
    large = measure_accuracy(np.array([0.0, 1.0]), np.zeros(40_000))
    mean = mean_accuracy([small, large])
    assert mean.fnmr[0.01] == 0.25
    assert mean.fnmr[0.001] is None
    assert mean.eer == pytest.approx((small.eer + large.eer) / 2)
    assert (mean.mated, mean.non_mated) == (12, 40_400)


def test_empty_input_is_refused() -> None:
    with pytest.raises(ValueError, match="needs"):
        measure_accuracy(np.array([]), np.zeros(3))


def test_ten_million_scores_take_seconds() -> None:
    scores = np.random.default_rng(4).standard_normal(10_000_000, dtype=np.float32)
    start = time.perf_counter()
    measure_accuracy(scores[:2000] + 3, scores)
    assert time.perf_counter() - start < 30
