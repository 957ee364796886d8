"""Goal: one finger is one finger's evidence, under however many positions it is offered.

Non-mated scores are drawn from a known population. Without merging, what is stated as TARGET is reached more than twice as often.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.domain.biometric import FingerTemplate
from egate.domain.finger import SIDE_IMPRESSIONS_MAX, FingerSetComparison
from egate.errors import TemplateError
from egate.matching.finger import minutiae
from egate.matching.finger.hand.comparison import compare_hands
from egate.matching.finger.hand.fingers import Finger, fingers_of
from egate.matching.finger.hand.same_finger import connected, same_fingers
from egate.matching.finger.hand.scale import comparison_scale
from egate.matching.finger.llr import llr
from egate.matching.rates.calibration import measure
from tests.matching.finger_samples import finger as synthetic
from tests.matching.finger_samples import impression
from tests.matching.hands import SPREAD, Within, apart, compared, hand, known_scale, refused

DRAWS = 1_000
TARGET = 0.01
ALIKE = 9.0

Links = frozenset[tuple[int, int]]


def alike(_: int, __: int) -> float:
    return ALIKE


def linked(links: Links) -> Within:
    return lambda a, b: ALIKE if (a, b) in links else -9.0


def same(count: int, known: bool) -> list[Finger[int]]:
    return hand(*((i + 1 if known else 0, 1) for i in range(count)))


@pytest.mark.parametrize("count", [2, 3, 5, 10])
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_copies_reach_the_stated_fmr_no_more_often(count: int, known: bool) -> None:
    """One frame under k positions (or none) against one template labelled k times: all k x k scores are one score."""
    random = np.random.default_rng(11)
    probes, references = same(count, known), same(count, True)
    found = [
        compared(probes, references, np.full((count, count), score), (alike, alike))
        for score in random.normal(-2.0, SPREAD, DRAWS)
    ]
    assert sum(one.fmr <= TARGET for one in found) / DRAWS <= 2.0 * TARGET


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize("within", [(apart, alike), (alike, apart)], ids=["template twice", "frames of one finger"])
def test_it_is_enough_that_one_side_is_alike(known: bool, within: tuple[Within, Within]) -> None:
    """Frames that are not alike against one template labelled k times, and the other way."""
    score = known_scale().calibration.threshold(0.05)
    found = compared(same(5, known), same(5, True), np.full((5, 5), score), within)
    assert len(found.pairs) == 1
    assert found.fmr >= 0.05
    alone = compared(same(5, known), same(5, True), np.full((5, 5), score))
    assert alone.fmr < 0.02  # what five different fingers are worth


def test_different_fingers_keep_their_worth() -> None:
    """Only what is alike is merged: two of four, 1.0 and 6.0 under two positions, are the better one of two trials."""
    table = np.diag([1.0, 6.0, 2.0, 3.0]) - 20.0 * (1 - np.eye(4))
    found = compared(same(4, True), same(4, True), table, (linked(frozenset({(0, 1)})), apart))
    assert {(int(pair.probe), pair.llr, pair.trials) for pair in found.pairs} == {(2, 6.0, 2), (3, 2.0, 1), (4, 3.0, 1)}
    assert found.value == pytest.approx(11.0 - math.log(2))


def test_through_others_and_through_both_sides() -> None:
    """Probes 1 and 2 are alike, and references 2 and 3: all three pairs are one finger's."""
    table = np.diag([5.0, 4.0, 3.0])
    within = linked(frozenset({(0, 1)})), linked(frozenset({(1, 2)}))
    (pair,) = compared(same(3, True), same(3, True), table, within).pairs
    assert (pair.llr, pair.trials) == (5.0, 3)
    assert connected(5, [(3, 4), (0, 3), (1, 2)]) == [[0, 3, 4], [1, 2]]


def test_merging_never_gains() -> None:
    """A finger offered under two positions, one of which it does not match: not above what both said apart."""
    table = np.array([[9.0, 0.0], [0.0, -7.0]])
    one, two = (compared(same(2, True), same(2, True), table, (within, apart)) for within in (alike, apart))
    assert one.value <= two.value
    assert one.fmr >= two.fmr


def test_frames_of_one_unknown_finger_help_its_holder() -> None:
    """Three frames of unknown position against ten fingers: they are one finger, not three of which two do not match."""
    table = np.full((3, 10), -3.0)
    table[:, 4] = (6.0, 7.0, 5.0)
    (pair,) = compared(same(3, False), same(10, True), table, (alike, apart)).pairs
    assert (int(pair.reference), pair.llr, pair.trials) == (5, 7.0, 30)


def test_what_met_its_own_position_is_spent() -> None:
    """A second frame of unknown position of a finger already compared is nothing new, nor is a second label of the reference."""
    probes, references = hand((1, 1), (0, 1)), hand((1, 1), (2, 1))
    for within in ((alike, apart), (apart, alike)):
        (pair,) = compared(probes, references, np.full((2, 2), 5.0), within).pairs
        assert (int(pair.probe), int(pair.reference), pair.trials) == (1, 1, 1)


def test_a_side_that_gives_no_number_refuses() -> None:
    nan: Within = lambda a, b: math.nan  # noqa: E731
    table = np.full((2, 2), 9.0)
    assert not refused(compared(same(2, True), same(2, True), table))
    for within in ((nan, apart), (apart, nan)):
        for known in (True, False):
            assert refused(compared(same(2, known), same(2, True), table, within))


SIDES = st.lists(st.integers(0, 4), min_size=1, max_size=5).map(
    lambda positions: [(at, 1 + i % 2) for i, at in enumerate(positions) if at == 0 or at not in positions[:i]]
)
LINKS = st.frozensets(st.sampled_from(list(itertools.combinations(range(10), 2))), max_size=4)


@given(SIDES, SIDES, LINKS, LINKS, st.integers(0, 1000), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_order_and_side_do_not_matter(
    left: list[tuple[int, int]], right: list[tuple[int, int]], a: Links, b: Links, seed: int, random: object
) -> None:
    table = np.random.default_rng(seed).normal(0.0, 3.0, (10, 10))
    probes, references, within = hand(*left), hand(*right), (linked(a), linked(b))
    found = compared(probes, references, table, within)
    others = [Finger(one.position, tuple(reversed(one.impressions))) for one in probes]
    random.shuffle(others)  # type: ignore[attr-defined]
    random.shuffle(references)  # type: ignore[attr-defined]
    for again in (
        compared(others, references, table, within),
        compared(references, others, table.T, (within[1], within[0])),
    ):
        assert again.value == pytest.approx(found.value, nan_ok=True)
        assert again.fmr == pytest.approx(found.fmr, nan_ok=True)
        assert again.comparisons == found.comparisons


@given(SIDES, SIDES, LINKS, LINKS, st.integers(0, 1000), st.integers(0, 9), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_a_better_score_is_never_worse(
    left: list[tuple[int, int]], right: list[tuple[int, int]], a: Links, b: Links, seed: int, row: int, column: int
) -> None:
    table = np.random.default_rng(seed).normal(0.0, 3.0, (10, 10))
    raised = table.copy()
    raised[row, column] += 2.0
    within = linked(a), linked(b)
    found, better = (compared(hand(*left), hand(*right), one, within) for one in (table, raised))
    if refused(found):
        assert refused(better)
        return
    assert better.value >= found.value - 1e-9
    assert better.fmr <= found.fmr


def test_one_finger_on_a_side_costs_no_more_comparisons() -> None:
    calls: list[tuple[int, int]] = []

    def score(a: int, b: int) -> float:
        calls.append((a, b))
        return 1.0

    ten = hand(*((position, 3) for position in range(1, 11)), first=10)
    for probes, expected in ((hand((0, 1)), 30), (hand((3, 3)), 9), (hand((3, 1), (4, 1)), 2 * 3 + 1 + 9)):
        calls.clear()
        compare_hands(probes, ten, score, known_scale())
        assert len(calls) == expected
    calls.clear()
    compare_hands(ten, ten, score, known_scale())
    assert len(calls) == 2 * 405 + 90  # all positions known: the bound stated


def hands_of(templates: list[FingerTemplate]) -> tuple[Finger[minutiae.Minutiae], ...]:
    labelled = [dataclasses.replace(one, position=i + 1) for i, one in enumerate(templates)]
    return fingers_of(labelled, minutiae.prepare)


@pytest.mark.parametrize("frames", [False, True], ids=["one template", "frames"])
def test_real_matcher_sees_that_labels_are_of_one_finger(frames: bool) -> None:
    """One print under five positions, or five frames of it, are one finger; five others are five."""
    holder = synthetic(21)

    def taken(of: FingerTemplate, seed: int) -> FingerTemplate:
        return impression(of, seed if frames else 0, rotation=0.1, noise=1.0, lost=3, false=2)

    random = np.random.default_rng(1)
    scale = comparison_scale(
        llr, measure(random.uniform(5.0, 30.0, 1_000), random.exponential(0.2, 20_000), id="synthetic")
    )
    probes = hands_of([taken(holder, seed) for seed in range(1, 6)])
    assert len(same_fingers(probes, minutiae.compare, scale) or ()) == 1
    others = hands_of([synthetic(seed) for seed in range(30, 35)])
    assert len(same_fingers(others, minutiae.compare, scale) or ()) == 5
    stored = hands_of([holder] * 5)
    found: FingerSetComparison = compare_hands(probes, stored, minutiae.compare, scale)
    assert [pair.trials for pair in found.pairs] == [5]


def test_nothing_is_prepared_of_too_much() -> None:
    prepared: list[int] = []

    def prepare(template: FingerTemplate) -> int:
        prepared.append(1)
        return len(prepared)

    at = [dataclasses.replace(synthetic(0), position=position) for position in range(11)]
    for templates in (at[1:] * 4, [at[2]] * 7_650, [at[0]] * 7_650, at[1:] + [at[10]] * 7_640):
        with pytest.raises(TemplateError) as refusal:
            fingers_of(templates, prepare)
        assert refusal.value.code in ("FINGER_IMPRESSIONS", "FINGER_COUNT")
    assert not prepared
    assert len(fingers_of(at[1:] * 3, prepare)) == 10
    assert len(prepared) == SIDE_IMPRESSIONS_MAX
