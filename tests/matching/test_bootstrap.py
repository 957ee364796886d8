"""Goal: the intervals hold the truth as often as they say where people differ, and the fast path is exact.

Method: populations whose true error rates follow from their definition; seeded measurements, counted. Drawing comparisons
instead of people, the fault to avoid, is done once to see that the counting would tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.matching.rates.accuracy import measure_accuracy
from egate.matching.rates.bootstrap import Replicates, bootstrap, interval
from egate.matching.rates.comparisons import Comparisons, top_places
from egate.matching.rates.weighted_rates import TopTooShort, WeightedRates
from tests.matching.populations import Population, comparisons_of

FMR = 0.01
PEOPLE = Population(subjects=60, images=2, mated_each=4, mean=3.0)
MANY = Population(subjects=120, images=2, mated_each=4, mean=3.0, alike=0.4)


def brute_force(part: Comparisons, weight: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each comparison written down as often as it weighs. Only where all scores were kept."""
    mated = np.repeat(part.mated, weight[part.mated_subject])
    top = np.repeat(part.top, weight[part.top_left] * weight[part.top_right])
    return mated.astype(np.float64), top.astype(np.float64)


@pytest.mark.parametrize("share", [1.0, 0.2])
def test_kept_top_gives_the_rates_of_all_comparisons_written_down(share: float) -> None:
    rng = np.random.default_rng(11)
    for seed in range(20):
        whole = PEOPLE.draw(np.random.default_rng(seed))
        kept = WeightedRates(PEOPLE.draw(np.random.default_rng(seed), share))
        weight = np.bincount(rng.integers(0, PEOPLE.subjects, PEOPLE.subjects), minlength=PEOPLE.subjects)
        expected = measure_accuracy(*brute_force(whole, weight))
        found = kept.rates(weight, [0.01, 0.001])
        assert found.threshold.tolist() == [expected.thresholds[0.01], expected.thresholds[0.001]]
        assert found.fnmr.tolist() == [expected.fnmr[0.01], expected.fnmr[0.001]]
        assert found.eer == expected.eer


def test_weight_of_all_comparisons_is_that_of_those_written_down_with_sets_and_excluded_pairs() -> None:
    rng = np.random.default_rng(12)
    images, group = rng.integers(1, 5, 30), np.repeat([0, 1, 2], 10)
    excluded = np.array([[0, 3], [7, 2], [11, 19]])
    owner = np.repeat(np.arange(30), images)
    left, right = (owner[side] for side in np.triu_indices(len(owner), 1))
    barred = {frozenset(pair) for pair in excluded.tolist()}
    compared = np.array(
        [i != j and group[i] == group[j] and {i, j} not in barred for i, j in zip(left, right, strict=True)]
    )
    part = replace(PEOPLE.draw(rng), images=images, group=group, excluded=excluded)
    assert part.non_mated() == np.count_nonzero(compared)
    weight = rng.integers(0, 4, 30)
    assert part.non_mated(weight) == np.sum((weight[left] * weight[right])[compared])


def test_ties_and_nan_count_as_in_the_accuracy_of_the_same_scores() -> None:
    whole = PEOPLE.draw(np.random.default_rng(3))
    mated, top = np.round(whole.mated, 1), np.round(whole.top, 1)
    mated[:3], top[:40] = np.nan, np.nan
    part = replace(whole, mated=mated, top=top)
    weight = np.random.default_rng(4).integers(0, 3, PEOPLE.subjects)
    expected, found = measure_accuracy(*brute_force(part, weight)), WeightedRates(part).rates(weight, [0.01])
    assert (found.threshold[0], found.fnmr[0], found.eer) == (
        expected.thresholds[0.01],
        expected.fnmr[0.01],
        expected.eer,
    )
    lower = np.nextafter(found.threshold[0], -np.inf)
    again = WeightedRates(part).rates(weight, [0.01], [lower])
    assert again.fmr[0] == np.mean(brute_force(part, weight)[1] >= lower) > 0.01


def test_highest_scores_are_kept_and_nan_is_lowest() -> None:
    scores = np.array([np.nan, 3.0, 1.0, np.nan, 2.0])
    assert sorted(top_places(scores, 0.4).tolist()) == [1, 4]
    assert sorted(top_places(scores, 1.0).tolist()) == [0, 1, 2, 3, 4]
    assert top_places(scores, 1e-9).tolist() == [1]


def test_a_rate_below_what_was_kept_is_told_never_guessed() -> None:
    short = PEOPLE.draw(np.random.default_rng(1), share=0.012)
    with pytest.raises(TopTooShort):
        bootstrap(short, [FMR], np.random.default_rng(2), 50)
    near = Population(subjects=20, images=2, mated_each=2, mean=0.5).draw(np.random.default_rng(1), share=0.1)
    with pytest.raises(TopTooShort, match="equal error"):
        WeightedRates(near).rates(np.ones(20, np.int64), [])


def test_same_seed_same_replicates() -> None:
    part = PEOPLE.draw(np.random.default_rng(1))
    one, two, other = (bootstrap(part, [FMR], np.random.default_rng(seed), 20) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.threshold, two.threshold)
    assert (one.threshold != other.threshold).any()


def test_subjects_are_drawn_within_their_set() -> None:
    """Two sets of which one has all false non-matches: what each weighs never changes."""
    subject = np.arange(40)
    left, right = np.triu_indices(40, 1)
    scores = np.linspace(0, 1, len(left))
    part = comparisons_of(np.where(subject < 20, -9.0, 9.0), subject, scores, left, right, np.ones(40, int))
    inside = left // 20 == right // 20
    sets = replace(part, top=scores[inside], top_left=left[inside], top_right=right[inside], group=subject // 20)
    assert set(bootstrap(sets, [FMR], np.random.default_rng(1), 50).fnmr[:, 0]) == {0.5}
    assert len(set(bootstrap(part, [FMR], np.random.default_rng(1), 50).fnmr[:, 0])) > 5


def by_subject(part: Comparisons, random: np.random.Generator) -> tuple[Replicates, int]:
    return bootstrap(part, [FMR], random, 200), part.subjects


def by_comparison(part: Comparisons, random: np.random.Generator) -> tuple[Replicates, int]:
    """The fault: mated and non-mated comparisons drawn as if they were independent of each other."""
    rows = []
    for _ in range(60):
        drawn = measure_accuracy(random.choice(part.mated, len(part.mated)), random.choice(part.top, len(part.top)))
        rows.append((drawn.thresholds[FMR], drawn.fnmr[FMR]))
    threshold, fnmr = np.array(rows, np.float64).T
    return Replicates(threshold[:, np.newaxis], fnmr[:, np.newaxis], fnmr[:, np.newaxis], fnmr), len(part.mated)


Method = Callable[[Comparisons, np.random.Generator], tuple[Replicates, int]]


def coverage(method: Method, measurements: int, share: float) -> tuple[float, float]:
    """Share of measurements whose interval holds the true threshold, and the true FNMR."""
    hits = np.zeros(2)
    for seed in range(measurements):
        random = np.random.default_rng([91, seed])
        part = MANY.draw(random, share)
        drawn, independent = method(part, random)
        point = WeightedRates(part).rates(np.ones(part.subjects, np.int64), [FMR])
        truths = (drawn.threshold, point.threshold, MANY.threshold(FMR)), (drawn.fnmr, point.fnmr, MANY.fnmr(FMR))
        for place, (values, estimate, true) in enumerate(truths):
            bounds = interval(values[:, 0], float(estimate[0]), independent)
            assert bounds is not None
            hits[place] += bounds[0] <= true <= bounds[1]
    return float(hits[0] / measurements), float(hits[1] / measurements)


def test_intervals_hold_the_truth_where_people_differ() -> None:
    """Of 150 measurements a 95 % interval misses 7.5 on average; 17 (88.7 %) are 3.5 standard deviations more."""
    threshold, fnmr = coverage(by_subject, 150, 0.15)
    assert threshold >= 0.887
    assert fnmr >= 0.887


def test_drawing_comparisons_instead_of_people_would_be_seen() -> None:
    threshold, fnmr = coverage(by_comparison, 25, 1.0)
    assert threshold <= 0.7
    assert fnmr <= 0.8


def test_interval_holds_its_estimate_and_leaves_nan_out() -> None:
    assert interval(np.array([2.0, 3.0, np.nan]), 5.0, 100) == (2.0, 5.0)
    assert interval(np.array([2.0, 3.0]), 1.0, 100) == (1.0, 3.0)
    assert interval(np.array([np.nan]), 1.0, 100) is None
    assert interval(np.array([1.0]), np.nan, 100) is None


def test_fewer_subjects_a_wider_interval() -> None:
    """A quantile of Student's distribution (printed tables: 2.262 for ten subjects) times sqrt(p / (p - 1)), as a normal tail."""
    assert interval(np.arange(100_000.0), 5e4, 10**6) == pytest.approx((2_500, 97_499), abs=2)
    tail = 100_000 * NormalDist().cdf(-2.2622 * (10 / 9) ** 0.5)
    assert interval(np.arange(100_000.0), 5e4, 10) == pytest.approx((tail, 100_000 - tail), abs=3)


def test_empty_input_is_refused() -> None:
    part = PEOPLE.draw(np.random.default_rng(1))
    with pytest.raises(ValueError, match="need mated"):
        bootstrap(
            replace(part, mated=part.mated[:0], mated_subject=part.mated_subject[:0]), [FMR], np.random.default_rng(1)
        )
    with pytest.raises(ValueError, match="need mated"):
        bootstrap(replace(part, top=part.top[:0]), [FMR], np.random.default_rng(1))
    with pytest.raises(ValueError, match="no non-mated"):
        top_places(np.array([]), 0.5)
