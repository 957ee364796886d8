"""Goal: a report prints what the trials support, and says what it would need for the rest."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from egate.matching.rates.accuracy import measure_accuracy
from egate.matching.rates.bootstrap import bootstrap
from egate.matching.rates.comparisons import Comparisons
from egate.matching.rates.operating_point import Figure, Figures, figures, mean_figures, supported
from tests.matching.populations import Population, comparisons_of

PEOPLE = Population(subjects=80, images=2, mated_each=3, mean=3.0)  # 12,640 non-mated


def measured(part: Comparisons) -> Figures:
    return figures(part, bootstrap(part, supported(part.non_mated()), np.random.default_rng(1), 100))


def of_count(non_mated: int) -> Comparisons:
    """That many non-mated comparisons: of one subject with one image and one with all the others."""
    left, right = np.zeros(non_mated, int), np.ones(non_mated, int)
    return comparisons_of(
        np.ones(5), np.zeros(5, int), np.linspace(0, 0.9, non_mated), left, right, np.array([1, non_mated])
    )


def test_point_estimates_are_those_of_the_accuracy_and_lie_within_their_intervals() -> None:
    part = PEOPLE.draw(np.random.default_rng(2))
    found, expected = measured(part), measure_accuracy(part.mated, part.top)
    assert found.eer.value == expected.eer
    for point in found.points[:3]:
        assert point.threshold.value == expected.thresholds[point.target]
        assert point.fnmr.value == expected.fnmr[point.target]
        assert point.fmr.value == np.mean(part.top >= (point.threshold.value or np.nan))
        for figure in (point.threshold, point.fmr, point.fnmr):
            assert figure.value is not None
            assert figure.interval is not None
            assert figure.interval[0] < figure.value < figure.interval[1]


@pytest.mark.parametrize(("target", "needed"), [(0.01, 300), (0.001, 3_000), (0.0005, 6_000), (0.0001, 30_000)])
def test_a_target_is_refused_one_comparison_short_and_told_what_it_needs(target: float, needed: int) -> None:
    short, enough = (
        {point.target: point for point in measured(of_count(n)).points}[target] for n in (needed - 1, needed)
    )
    assert short.threshold == short.fmr == short.fnmr == Figure(None, None, None, needed)
    assert enough.threshold.value is not None
    assert enough.fmr.value == pytest.approx(target)


def test_no_false_non_match_is_a_bound_and_no_figure() -> None:
    part = of_count(300)
    fnmr = measured(part).points[0].fnmr
    assert fnmr == Figure(None, None, 3 / 5, 6)
    assert measured(part).eer == Figure(None, None, 3 / 5, 6)
    one_error = replace(part, mated=np.array([0.0, 1, 1, 1, 1]))
    assert measured(one_error).points[0].fnmr.value == 0.2


def test_scores_that_all_tie_have_no_false_match_and_say_so() -> None:
    part = of_count(400)
    tied = measured(replace(part, top=np.zeros(400))).points[0]
    assert tied.fmr == Figure(None, None, 3 / 400, 401)


def test_too_few_subjects_have_no_interval() -> None:
    point = measured(of_count(300)).points[0]
    assert point.threshold.value is not None
    assert point.threshold.interval is None
    few = PEOPLE.draw(np.random.default_rng(2))
    some = np.flatnonzero(few.mated_subject < 9)
    point = measured(replace(few, mated=few.mated[some] - 2, mated_subject=few.mated_subject[some])).points[0]
    assert point.threshold.interval is not None  # eighty subjects set it
    assert point.fnmr.value is not None
    assert point.fnmr.interval is None  # nine have mated comparisons


def test_one_error_has_at_least_the_interval_of_one_error() -> None:
    """Drawing 240 comparisons with one error shows 0 to 3 of them; one error in 240 trials leaves 5.57 / 240 possible."""
    part = PEOPLE.draw(np.random.default_rng(2))
    mated = np.full(len(part.mated), 99.0)
    mated[0] = -99.0
    figure = measured(replace(part, mated=mated)).points[0].fnmr
    assert figure.interval is not None
    assert figure.interval == pytest.approx((0.0, 5.53 / 240), abs=0.2 / 240)


def test_mean_of_sets_is_refused_where_one_set_is_too_small() -> None:
    large, small = PEOPLE, Population(subjects=20, images=4, mated_each=3, mean=3.0)  # 3,040 non-mated
    parts = [population.draw(np.random.default_rng(3)) for population in (large, small)]
    accuracies = [measure_accuracy(part.mated, part.top) for part in parts]
    drawn = [bootstrap(part, supported(part.non_mated()), np.random.default_rng(4), 100) for part in parts]
    mean = mean_figures(accuracies, drawn, 20)
    assert [point.fnmr.value is None for point in mean.points] == [False, False, True, True]
    for target, point in zip((0.01, 0.001), mean.points, strict=False):
        rates = [accuracy.fnmr[target] for accuracy in accuracies]
        assert point.fnmr.value == pytest.approx(np.mean(np.array(rates, float)))
        low, high = point.fnmr.interval or (np.nan, np.nan)
        assert low <= (point.fnmr.value or np.nan) <= high
        assert point.threshold == Figure(None)
    assert mean.points[2].fnmr.needs == 6_000
    assert mean.eer.value == pytest.approx(np.mean([accuracy.eer for accuracy in accuracies]))
    assert mean_figures(accuracies, drawn, 9).points[0].fnmr.interval is None
    with pytest.raises(ValueError, match="no sets"):
        mean_figures([], [], 0)


def test_json_has_the_same_keys_whether_or_not_there_is_a_figure() -> None:
    report = json.loads(json.dumps(measured(PEOPLE.draw(np.random.default_rng(2))).to_json(), allow_nan=False))
    assert list(report) == ["eer", "operating_points"]
    assert [point["fmr_target"] for point in report["operating_points"]] == [0.01, 0.001, 0.0005, 0.0001]
    for point in report["operating_points"]:
        assert list(point) == ["fmr_target", "threshold", "fmr", "fnmr"]
        for name in ("threshold", "fmr", "fnmr"):
            assert list(point[name]) == ["value", "interval", "below", "needs"]
    assert report["operating_points"][3]["fnmr"] == {"value": None, "interval": None, "below": None, "needs": 30_000}
