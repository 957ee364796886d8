"""Thresholds of finger sets applied to other sets: every split, each figure recounted here from the definition."""

from __future__ import annotations

import numpy as np
import pytest

from egate.commands.bench.finger_splits import Sides, measure_splits, splits_json, splits_table


def sets(shifts: dict[str, float], non_mated: int = 1000) -> Sides:
    rng = np.random.default_rng(7)
    return {
        name: (rng.normal(4.0, 1.0, 100), rng.normal(shift, 1.0, non_mated))
        for name, shift in shifts.items()
    }  # fmt: skip


def test_five_sets_give_ten_splits_that_cover_each_other() -> None:
    splits = measure_splits(sets(dict.fromkeys("abcde", 0.0)))
    assert len({split.fitted for split in splits}) == 10
    assert all(sorted(split.fitted + split.judged) == list("abcde") and len(split.judged) == 2 for split in splits)


@pytest.mark.parametrize("target", [0.01, 0.001])
def test_figures_are_those_of_the_judged_sets_at_the_fitted_threshold(target: float) -> None:
    sides = sets({"a": 0.0, "b": 0.3, "c": -0.2})
    for split in measure_splits({name: (m, np.repeat(n, 3)) for name, (m, n) in sides.items()}):
        fitted = np.sort(np.concatenate([np.repeat(sides[name][1], 3) for name in split.fitted]))
        threshold = next(t for t in np.nextafter(fitted, np.inf) if (fitted >= t).mean() <= target)
        (judged,) = split.judged
        assert split.fmr[target] == (sides[judged][1] >= threshold).mean()
        assert split.fnmr[target] == (sides[judged][0] < threshold).mean()


def test_a_set_of_another_sensor_shows_in_the_span() -> None:
    alike = splits_json(measure_splits(sets(dict.fromkeys("abcde", 0.0), 20_000)))
    apart = splits_json(measure_splits(sets({**dict.fromkeys("abcd", 0.0), "e": 1.0})))
    assert alike is not None and apart is not None
    low, high = alike["realised_fmr_in_targets"]["0.01"]  # type: ignore[index]
    assert 0.5 < low <= high < 2.0
    assert apart["realised_fmr_in_targets"]["0.01"][1] > 3.0  # type: ignore[index]


def test_too_few_comparisons_or_sets_have_no_figure() -> None:
    splits = measure_splits(sets(dict.fromkeys("abc", 0.0), non_mated=200))
    assert all(split.fmr[0.01] is not None and split.fmr[0.001] is None for split in splits)
    assert "FMR 0.001: no figure" in splits_table(splits)
    assert measure_splits(sets({"a": 0.0, "b": 0.0})) == ()
    assert splits_json(()) is None


def test_failed_comparisons_are_non_matches() -> None:
    sides = dict(sets(dict.fromkeys("abc", 0.0)))
    nothing = (np.full(10, np.nan), np.full(1000, np.nan))
    judged = [split for split in measure_splits({**sides, "c": nothing}) if split.judged == ("c",)]
    assert [(split.fmr[0.01], split.fnmr[0.01]) for split in judged] == [(0.0, 1.0)]
