"""The log-likelihood ratio of a finger score: rising, bounded, and as good as it is said to be."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.matching.finger.llr import LLR_MAX, LLR_MIN, OFFSET, SLOPE, llr
from egate.matching.finger.minutiae import score

RATIOS = st.floats(-40.0, 60.0)


@given(RATIOS, RATIOS)
def test_more_alike_is_never_less_evidence(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert LLR_MIN <= llr(score(low)) <= llr(score(high)) <= LLR_MAX


@pytest.mark.parametrize("ratio", [-2.0, -0.5, 0.0, 1.3, 4.0, 8.0])
def test_between_the_bounds_it_is_the_line_of_the_fit(ratio: float) -> None:
    assert llr(score(ratio)) == pytest.approx(SLOPE * ratio + OFFSET, abs=1e-9)


@pytest.mark.parametrize("score, expected", [(0.0, LLR_MIN), (5e-324, LLR_MIN), (1e9, LLR_MAX), (math.inf, LLR_MAX)])
def test_beyond_the_data_evidence_does_not_grow(score: float, expected: float) -> None:
    assert llr(score) == expected


def test_a_failed_comparison_is_no_evidence() -> None:
    assert math.isnan(llr(math.nan))
    with pytest.raises(ValueError):
        llr(-0.1)
