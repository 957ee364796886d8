"""Percentiles are observed values, and intervals cover what they promise to cover."""

from __future__ import annotations

import random

import pytest

from bench.stats import interval, percentile, summary_ms, verdict

VALUES = [float(value) for value in range(1, 101)]


def test_percentile_is_the_nearest_rank() -> None:
    assert percentile(VALUES, 0.5) == 50.0
    assert percentile(VALUES, 0.99) == 99.0
    assert percentile(VALUES, 0.999) == 100.0
    assert percentile([7.0], 0.5) == 7.0


def test_one_stall_in_a_thousand_is_seen_in_the_tail_only() -> None:
    stalled = [0.001] * 999 + [10.0]
    assert summary_ms(stalled) == {"p50": 1.0, "p99": 1.0, "p99.9": 1.0, "max": 10_000.0, "n": 1000}


@pytest.mark.parametrize(("values", "share"), [([], 0.5), (VALUES, 0.0), (VALUES, 1.1), (VALUES, float("nan"))])
def test_no_values_or_an_impossible_share_are_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        percentile(values, share)
    with pytest.raises(ValueError, match="share"):
        interval(values, share)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_interval_covers_the_true_percentile_about_95_times_in_100(share: float) -> None:
    draw = random.Random(5)
    covered = 0
    for _ in range(1000):
        low, high = interval([draw.random() for _ in range(200)], share)
        covered += low <= share <= high
    assert 930 <= covered <= 990


def test_interval_of_a_small_sample_is_all_of_it() -> None:
    assert interval([3.0, 1.0, 2.0], 0.99) == (2.0, 3.0)
    assert interval([3.0], 0.5) == (3.0, 3.0)


def test_only_intervals_that_do_not_meet_differ() -> None:
    assert verdict((1.0, 2.0), (3.0, 4.0)) == "faster"
    assert verdict((3.0, 4.0), (1.0, 2.0)) == "slower"
    assert verdict((1.0, 3.0), (3.0, 4.0)) == "same"
