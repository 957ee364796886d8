"""Goal: log odds, fusion and combination are what they say, and nobody gains by mixing frames or by making the detection fail."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from egate.matching.pad.combination import ABOVE_WORST_MAX, LLR_MAX, LOG_ODDS_MAX, PadFusion, combined, fused, log_odds

RATIOS = st.floats(-40.0, 40.0)


def test_log_odds_of_two_and_three_classes() -> None:
    assert log_odds(np.array([[2.0, -1.0]], np.float32), 0)[0] == pytest.approx(3.0)
    assert log_odds(np.array([[2.0, -1.0]], np.float32), 1)[0] == pytest.approx(-3.0)
    # p = (1/4, 1/2, 1/4): odds of the middle class 1
    assert log_odds(np.log(np.array([[0.25, 0.5, 0.25]], np.float32)), 1)[0] == pytest.approx(0.0, abs=1e-6)


@given(st.lists(st.floats(-80.0, 80.0, width=32), min_size=2, max_size=5), st.floats(-50.0, 50.0, width=32))
def test_log_odds_do_not_depend_on_a_common_summand(logits: list[float], summand: float) -> None:
    values = np.array([logits], np.float64)
    plain = log_odds(values.astype(np.float32), 0)[0]
    shifted = log_odds((values + summand).astype(np.float32), 0)[0]
    assert shifted == pytest.approx(plain, abs=1e-3)


def test_log_odds_tell_apart_what_probabilities_in_float32_do_not() -> None:
    far, farther = log_odds(np.array([[30.0, 0.0], [60.0, 0.0]], np.float32), 0)
    assert (far, farther) == (30.0, 60.0)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 1])
def test_output_that_is_no_number_gives_none(broken: float, place: int) -> None:
    outputs = np.array([[0.5, -0.5], [0.5, -0.5]], np.float32)
    outputs[0, place] = broken
    odds = log_odds(outputs, 0)
    assert math.isnan(odds[0])
    assert odds[1] == 1.0
    both = np.array([[odds[0], 3.0], [1.0, 3.0]])
    ratios = fused(PadFusion(("a", "b"), (1.0, 0.0), 0.0), both)
    assert math.isnan(ratios[0])  # also where the other model's weight is 0 and the fused sum would not need it
    assert ratios[1] == 1.0


def test_fusion_is_a_weighted_sum_of_clipped_log_odds() -> None:
    fusion = PadFusion(("a", "b"), (0.5, 2.0), -1.0)
    assert fused(fusion, np.array([[2.0, 3.0], [1e6, -1e6]])).tolist() == [6.0, -1.0 + (0.5 - 2.0) * LOG_ODDS_MAX]


@pytest.mark.parametrize(
    ("weights", "bias"),
    [((1.0,), 0.0), ((1.0, -0.1), 0.0), ((0.0, 0.0), 0.0), ((1.0, math.nan), 0.0), ((1.0, 1.0), math.inf)],
)
def test_fusion_that_is_none_is_refused(weights: tuple[float, ...], bias: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        PadFusion(("a", "b"), weights, bias)


def test_one_frame_is_itself_within_the_limit() -> None:
    assert combined([1.25]) == 1.25
    assert combined([1e9]) == LLR_MAX
    assert combined([-1e9]) == -LLR_MAX


def test_frames_are_averaged() -> None:
    assert combined([1.0, 2.0, 3.0]) == 2.0


@given(st.lists(RATIOS, min_size=1, max_size=20), st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(0, 20))
def test_a_frame_without_a_number_leaves_the_verdict_without_one(
    scores: list[float], broken: float, place: int
) -> None:
    scores.insert(place, broken)
    assert math.isnan(combined(scores))


def test_no_frames_have_no_verdict() -> None:
    with pytest.raises(ValueError, match="no frame"):
        combined([])


@given(st.lists(RATIOS, min_size=1, max_size=30))
def test_no_frame_is_lifted_further_than_the_bound(scores: list[float]) -> None:
    assert combined(scores) <= max(min(scores), -LLR_MAX) + ABOVE_WORST_MAX
    assert combined(scores) <= np.clip(scores, -LLR_MAX, LLR_MAX).mean() + 1e-12


def test_an_attack_frame_among_any_number_of_living_ones_stays_an_attack() -> None:
    """The threshold on NUAA is 0.1, its prints have -4.4 in the median: the mean alone would pass from the eleventh living frame on."""
    attack, living = -4.4, 5.0
    scores = [attack, *[living] * 50]
    assert np.mean(scores) > 4.0
    assert combined(scores) < 0.0


@given(st.lists(RATIOS, min_size=1, max_size=10), st.integers(0, 9), st.floats(0.0, 10.0))
def test_a_frame_that_looks_more_like_an_attack_never_helps(scores: list[float], place: int, less: float) -> None:
    assume(place < len(scores))
    worse = list(scores)
    worse[place] -= less
    assert combined(worse) <= combined(scores) + 1e-12


@given(st.lists(RATIOS, min_size=1, max_size=10))
def test_order_does_not_matter(scores: list[float]) -> None:
    assert combined(scores) == pytest.approx(combined(scores[::-1]))
