"""Goal: the rule of three refuses at its exact boundary, and a counted rate has the interval that tables print."""

from __future__ import annotations

import numpy as np
import pytest

from egate.matching.rates.accuracy import measure_accuracy
from egate.matching.rates.operating_point import supported
from egate.matching.rates.rates import CountedRate, trials_needed


@pytest.mark.parametrize(
    ("rate", "needed"),
    [(1.0, 3), (0.5, 6), (0.01, 300), (0.001, 3_000), (0.0005, 6_000), (0.0001, 30_000), (1e-6, 3_000_000)],
)
def test_trials_a_figure_needs(rate: float, needed: int) -> None:
    assert trials_needed(rate) == needed


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1, float("nan")])
def test_a_rate_beyond_its_range_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="not in"):
        trials_needed(rate)


@pytest.mark.parametrize(("target", "needed"), [(0.01, 300), (0.001, 3_000), (0.0005, 6_000), (0.0001, 30_000)])
def test_one_comparison_decides_whether_a_target_is_supported(target: float, needed: int) -> None:
    assert target in supported(needed)
    assert target not in supported(needed - 1)
    # the two places that refuse agree
    assert measure_accuracy(np.ones(5), np.linspace(0, 1, needed)).fnmr[target] is not None
    assert measure_accuracy(np.ones(5), np.linspace(0, 1, needed - 1)).fnmr[target] is None


def test_no_error_is_a_bound_and_no_rate() -> None:
    clean = CountedRate(0, 1_800)
    assert (clean.value, clean.below) == (None, 3 / 1_800)
    assert clean.interval[0] == 0.0
    assert CountedRate(0, 2).below == 1.0
    one = CountedRate(1, 1_800)
    assert (one.value, one.below) == (1 / 1_800, None)


# Clopper-Pearson limits, exact to the digits printed: 0 of 10 and 10 of 10 have the closed form 1 - 0.025 ** (1 / 10).
@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (10, 10, 0.6915, 1.0),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 100, 0.0490, 0.1762),
    ],
)
def test_interval_of_a_counted_rate(errors: int, trials: int, low: float, high: float) -> None:
    assert CountedRate(errors, trials).interval == pytest.approx((low, high), abs=5e-5)


def test_interval_ends_where_the_tails_hold_two_and_a_half_per_cent() -> None:
    rng = np.random.default_rng(5)
    low, high = CountedRate(19, 1_800).interval
    assert np.mean(rng.binomial(1_800, low, 200_000) >= 19) == pytest.approx(0.025, abs=0.002)
    assert np.mean(rng.binomial(1_800, high, 200_000) <= 19) == pytest.approx(0.025, abs=0.002)


@pytest.mark.parametrize(("errors", "trials"), [(0, 0), (-1, 3), (4, 3)])
def test_impossible_counts_are_refused(errors: int, trials: int) -> None:
    with pytest.raises(ValueError, match="errors in"):
        CountedRate(errors, trials)
