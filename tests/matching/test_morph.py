from __future__ import annotations

import math
from itertools import permutations

import pytest

from egate.domain.biometric import ComparisonScore
from egate.matching.face.morph import morph_score


def score(value: float, *parts: float) -> float:
    return morph_score(ComparisonScore(value, 1e-4, "some", {f"m{i}": part for i, part in enumerate(parts)})).value


def test_weaker_agreement_is_more_morph_like() -> None:
    values = [score(llr, llr, llr + 1.0) for llr in (25.0, 15.0, 11.0, 7.0, 2.0)]
    assert values == sorted(values)
    assert values[0] < 0.0 < values[-1]


def test_disagreement_of_the_models_is_more_morph_like() -> None:
    values = [score(10.0, 8.0 - apart, 8.0 + apart) for apart in (0.0, 1.0, 2.0)]
    assert values == sorted(set(values))


def test_order_of_the_models_does_not_matter() -> None:
    assert len({score(9.0, *parts) for parts in permutations((3.0, 9.0, 4.0))}) == 1


def test_one_model_has_nobody_to_disagree_with() -> None:
    assert score(9.0, 6.0) == score(9.0, 9.0)


@pytest.mark.parametrize("parts", list(permutations((math.nan, 3.0, 9.0))))
def test_one_part_that_is_not_a_number_makes_the_score_none(parts: tuple[float, ...]) -> None:
    assert math.isnan(score(9.0, *parts))


def test_without_value_or_parts_there_is_no_score() -> None:
    assert math.isnan(score(math.nan, 1.0, 2.0))
    assert math.isnan(score(9.0))
    assert math.isnan(score(9.0, math.inf, math.inf))
