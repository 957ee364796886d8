"""Goal: several fingers and impressions are more evidence, never a lower bar. Scores come from tables, so each outcome is known."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from egate.domain.finger import FINGERS_MAX, IMPRESSIONS_MAX, FingerPosition, finger_position
from egate.errors import TemplateError
from egate.matching.finger.hand.assignment import assign
from egate.matching.finger.hand.fingers import Finger, fingers_of
from tests.matching.finger_samples import finger as synthetic
from tests.matching.hands import compared, hand, known_scale, refused

NAN = math.nan
POSITIONS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 2)), min_size=1, max_size=3).map(
    lambda fingers: [one for i, one in enumerate(fingers) if one[0] == 0 or one[0] not in [p for p, _ in fingers[:i]]]
)


def random_table(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0.0, 3.0, (12, 12))


def test_positions_are_those_of_the_standard() -> None:
    assert [finger_position(code) for code in range(11)] == list(FingerPosition)
    assert finger_position(2) is FingerPosition.RIGHT_INDEX
    assert finger_position(10) is FingerPosition.LEFT_LITTLE


@pytest.mark.parametrize(
    ("code", "error"),
    [(13, "FINGER_POSITION_SLAP"), (14, "FINGER_POSITION_SLAP"), (15, "FINGER_POSITION_SLAP")]
    + [(code, "FINGER_POSITION") for code in (-1, 11, 12, 16, 255)],
)
def test_what_is_not_one_finger_is_refused_by_name(code: int, error: str) -> None:
    with pytest.raises(TemplateError) as refusal:
        finger_position(code)
    assert refusal.value.code == error


def test_templates_are_grouped_by_position_and_unknown_ones_stay_apart() -> None:
    templates = [dataclasses.replace(synthetic(i), position=p) for i, p in enumerate((2, 0, 7, 2, 0))]
    found = fingers_of(templates, lambda template: id(template))
    assert [int(one.position) for one in found] == [2, 0, 7, 0]
    assert [one.impressions for one in found] == [
        tuple(id(templates[i]) for i in group) for group in ((0, 3), (1,), (2,), (4,))
    ]


@pytest.mark.parametrize(
    ("positions", "error"),
    [
        ([0] * (FINGERS_MAX + 1), "FINGER_COUNT"),
        ([2] * (IMPRESSIONS_MAX + 1), "FINGER_IMPRESSIONS"),
        ([2, 13], "FINGER_POSITION_SLAP"),
    ],
)
def test_more_than_ten_is_refused_by_name(positions: list[int], error: str) -> None:
    templates = [dataclasses.replace(synthetic(0), position=position) for position in positions]
    with pytest.raises(TemplateError) as refusal:
        fingers_of(templates, lambda template: template)
    assert refusal.value.code == error


def test_a_position_twice_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="twice"):
        compared(hand((2, 1), (2, 1)), hand((2, 1)), random_table(0))


def test_one_impression_against_one_is_what_the_calibration_says() -> None:
    calibration = known_scale().calibration
    for score in (-3.0, 0.0, 2.5, 3.7, 5.0):
        found = compared(hand((2, 1)), hand((2, 1)), np.array([[score]]))
        assert found.value == score
        assert found.fmr == calibration.fmr(score)


@pytest.mark.parametrize("target", [1e-2, 1e-3, 1e-4])
def test_score_passes_the_engines_threshold_only_where_the_fmr_does(target: float) -> None:
    """The grid of the calibration may refuse what is within 5 % of the target."""
    threshold = known_scale().calibration.threshold(target)
    passed = 0
    for score in np.linspace(0.0, 9.0, 200):
        found = compared(hand((0, 1)), hand((2, 1), (7, 2)), np.full((1, 3), score))
        assert found.fmr <= target or not found.score >= threshold
        assert found.score >= threshold or not found.fmr <= 0.95 * target
        passed += found.score >= threshold
    assert 0 < passed < 200


def test_only_equal_positions_are_compared_where_all_are_known() -> None:
    table = np.array([[9.0, -1.0], [2.0, 9.0]])
    found = compared(hand((2, 1), (7, 1)), hand((7, 1), (2, 1)), table)
    assert {(int(pair.probe), int(pair.reference), pair.llr) for pair in found.pairs} == {(2, 2, -1.0), (7, 7, 2.0)}
    assert found.value == 1.0
    assert found.comparisons == 2
    assert refused(compared(hand((2, 1)), hand((7, 1)), table))


def test_unknown_position_tries_all_and_pays_for_it() -> None:
    table = np.array([[1.0, 6.0, 0.0, 2.0]])
    found = compared(hand((0, 1)), hand((2, 1), (7, 2), (4, 1)), table)
    assert [(int(pair.reference), pair.trials) for pair in found.pairs] == [(7, 4)]
    assert found.value == pytest.approx(6.0 - math.log(4))
    single = compared(hand((7, 1)), hand((7, 1)), np.array([[6.0]]))
    assert found.fmr == pytest.approx(4 * single.fmr, rel=0.3)


def test_unknown_positions_are_different_fingers_of_the_other_side() -> None:
    """Both probes look like the first reference; a finger counts once."""
    table = np.array([[8.0, -3.0], [7.0, -2.0]])
    found = compared(hand((0, 1), (0, 1)), hand((2, 1), (7, 1)), table)
    assert found.value == pytest.approx(6.0 - math.log(2))
    assert found.comparisons == 4


def test_unknown_against_unknown_counts_as_one_finger() -> None:
    """Nobody knows that they are not the same finger twice, so their scores must not be added."""
    found = compared(hand((0, 1), (0, 1)), hand((0, 1), (0, 1)), np.array([[5.0, 4.0], [4.0, 5.0]]))
    assert len(found.pairs) == 1
    assert found.value == pytest.approx(5.0 - math.log(4))


@given(POSITIONS, POSITIONS, st.integers(0, 1000), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_and_side_do_not_matter(
    left: list[tuple[int, int]], right: list[tuple[int, int]], seed: int, random: object
) -> None:
    table = random_table(seed)
    probes, references = hand(*left), hand(*right)
    found = compared(probes, references, table)
    shuffle = random.shuffle  # type: ignore[attr-defined]
    others = [Finger(one.position, tuple(reversed(one.impressions))) for one in probes]
    shuffle(others)
    shuffle(references)
    for again in (compared(others, references, table), compared(references, others, table.T)):
        assert again.value == pytest.approx(found.value, nan_ok=True)
        assert again.fmr == pytest.approx(found.fmr, nan_ok=True)
        assert again.comparisons == found.comparisons


@given(POSITIONS, POSITIONS, st.integers(0, 1000), st.integers(0, 11), st.integers(0, 11))
@settings(max_examples=40, deadline=None)
def test_a_better_score_is_never_worse_and_nan_never_better(
    left: list[tuple[int, int]], right: list[tuple[int, int]], seed: int, row: int, column: int
) -> None:
    table = random_table(seed)
    raised, broken = table.copy(), table.copy()
    raised[row, column] += 2.0
    broken[row, column] = NAN
    probes, references = hand(*left), hand(*right)
    found, better, nan = (compared(probes, references, one) for one in (table, raised, broken))
    if refused(found):
        assert refused(better)
        assert refused(nan)
        return
    assert better.value >= found.value - 1e-9
    assert better.fmr <= found.fmr
    assert better.score >= found.score
    assert refused(nan) or (nan.value <= found.value + 1e-9 and nan.fmr >= found.fmr)


@given(POSITIONS, POSITIONS, st.integers(0, 1000), st.integers(0, 10))
@settings(max_examples=40, deadline=None)
def test_one_more_reference_that_does_not_match_never_lowers_the_fmr(
    left: list[tuple[int, int]], right: list[tuple[int, int]], seed: int, position: int
) -> None:
    if position and position in {at for at, _ in (*left, *right)}:
        return
    table = random_table(seed)
    table = np.hstack([table, np.full((12, 1), -40.0)])
    references = hand(*right)
    before = compared(hand(*left), references, table)
    after = compared(hand(*left), [*references, Finger(FingerPosition(position), (12,))], table)
    assert refused(before) or refused(after) or after.fmr >= before.fmr


def test_a_finger_without_any_number_refuses_the_whole() -> None:
    table = np.array([[9.0, 0.0], [0.0, NAN]])
    assert refused(compared(hand((2, 1), (7, 1)), hand((2, 1), (7, 1)), table))
    assert refused(compared(hand((0, 1)), hand((2, 1)), np.array([[NAN]])))
    assert not refused(compared(hand((0, 1)), hand((2, 1), (7, 1)), np.array([[NAN, 9.0]])))


def test_assignment_is_the_best_of_all() -> None:
    random = np.random.default_rng(3)
    for rows, columns in ((1, 4), (3, 3), (3, 5), (5, 5)):
        table = np.round(random.normal(size=(rows, columns)), 1)  # with ties
        table[random.random(table.shape) < 0.1] = -math.inf
        sums = [
            sum(table[i, c] for i, c in enumerate(chosen)) for chosen in itertools.permutations(range(columns), rows)
        ]
        assert sum(table[i, c] for i, c in enumerate(assign(table.tolist()))) == pytest.approx(max(sums))
