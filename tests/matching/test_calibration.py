from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.errors import ConfigurationError, ModelError
from egate.matching.rates.calibration import Calibration, format_calibration, measure, parse_calibration

RNG = np.random.default_rng(1)
MATED = RNG.normal(0.7, 0.1, 2_000)
NON_MATED = RNG.normal(0.1, 0.1, 50_000)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return measure(MATED, NON_MATED, id="toy", dataset="normal scores", command="pytest")


@pytest.mark.parametrize("fmr", [0.5, 0.01, 0.001, 0.0005, 0.0001])
def test_threshold_keeps_the_false_match_rate_on_the_data(calibration: Calibration, fmr: float) -> None:
    threshold = calibration.threshold(fmr)
    observed = float(np.mean(threshold <= NON_MATED))
    assert 0.9 * fmr <= observed <= fmr
    assert calibration.fmr(threshold) <= fmr


@pytest.mark.parametrize("score", [-0.3, 0.0, 0.2, 0.35, 0.45])
def test_fmr_of_a_score_is_never_below_the_data(calibration: Calibration, score: float) -> None:
    observed = float(np.mean(score <= NON_MATED))
    assert observed <= calibration.fmr(score) <= observed * 1.06 + 3 / len(NON_MATED)


def test_fmr_beyond_the_data_is_the_rule_of_three_and_never_zero(calibration: Calibration) -> None:
    for score in (float(NON_MATED.max()) + 0.01, 10.0, math.inf):
        assert calibration.fmr(score) == pytest.approx(3 / 50_000)


def test_fmr_below_the_data_is_one(calibration: Calibration) -> None:
    assert calibration.fmr(-5.0) == calibration.fmr(-math.inf) == 1.0


def test_nan_in_gives_nan_out(calibration: Calibration) -> None:
    assert math.isnan(calibration.fmr(math.nan))
    assert math.isnan(calibration.fnmr(math.nan))


def test_fnmr_is_never_below_the_data(calibration: Calibration) -> None:
    threshold = calibration.threshold(0.001)
    assert calibration.fnmr(threshold) == float(np.mean(threshold > MATED))


@pytest.mark.parametrize("fmr", [2.9 / 50_000, 1e-9, 0.0, -1.0, 1.0, math.nan])
def test_threshold_the_data_cannot_support_is_refused(calibration: Calibration, fmr: float) -> None:
    with pytest.raises(ConfigurationError):
        calibration.threshold(fmr)


def test_nan_scores_count_as_non_matches() -> None:
    whole = measure(MATED, NON_MATED, id="toy")
    holed = measure(np.append(MATED, [np.nan] * 100), np.append(NON_MATED, [np.nan] * 100), id="toy")
    threshold = whole.threshold(0.01)
    assert holed.non_mated == 50_100
    assert holed.fnmr(threshold) > whole.fnmr(threshold)


def test_parse_gives_back_what_format_wrote(calibration: Calibration) -> None:
    again = parse_calibration(format_calibration(calibration))
    for column in ("score", "fmr_at", "fnmr_at"):
        np.testing.assert_array_equal(getattr(again, column), getattr(calibration, column))
    assert (again.id, again.mated, again.non_mated) == ("toy", 2_000, 50_000)
    assert (again.dataset, again.command) == ("normal scores", "pytest")


def test_table_that_is_not_monotone_is_refused(calibration: Calibration) -> None:
    for column in ("score", "fmr_at", "fnmr_at"):
        values = getattr(calibration, column).copy()
        values[[0, -1]] = values[[-1, 0]]
        with pytest.raises(ModelError):
            parse_calibration(format_calibration(replace(calibration, **{column: values})))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "score,fmr,fnmr\n0,1,0\n",
        "# egate calibration 1\n",
        "# egate calibration 1\n# id: a\n# mated: 1\n# non_mated: 9\nscore,fmr,fnmr\n0,1\n",
        "# egate calibration 1\n# id: a\n# mated: 1\n# non_mated: 0\nscore,fmr,fnmr\n0,1,0\n1,0,0\n",
        "# egate calibration 1\n# id: a\n# mated: 1\n# non_mated: 9\nscore,fmr,fnmr\n0,1,0\nnan,0,0\n",
        "# egate calibration 1\n# id: a\n# mated: 1\n# non_mated: 9\nscore,fmr,fnmr\n0,1,0\n1,0.5,0\n",
    ],
)
def test_malformed_text_is_refused_by_name(text: str) -> None:
    with pytest.raises(ModelError):
        parse_calibration(text)


# Quantised scores: many ties, as a finger matcher gives.
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=30, max_size=200),
    st.lists(st.integers(0, 9), min_size=1, max_size=50),
    st.sampled_from([0.1, 0.2, 0.5]),
)
def test_ties_never_push_the_false_match_rate_above_the_target(non: list[int], mated: list[int], fmr: float) -> None:
    calibration = measure(np.array(mated, float), np.array(non, float), id="ties")
    assert np.mean(np.array(non) >= calibration.threshold(fmr)) <= fmr


def test_fusion_stands_in_the_head_and_only_where_something_is_fused(calibration: Calibration) -> None:
    line = "offset=0.5 one=40.0,-35.0,0.5 two=30.0,-9.0,1.5:-12,0,3401"
    fused = measure(MATED, NON_MATED, id="toy", fusion=line)
    assert f"\n# fusion: {line}\n" in format_calibration(fused)
    assert parse_calibration(format_calibration(fused)).fusion == line
    assert "fusion" not in format_calibration(calibration)
    assert parse_calibration(format_calibration(calibration)).fusion == ""
