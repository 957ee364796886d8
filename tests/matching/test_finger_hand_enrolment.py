"""Goal: what is enrolled is the finger it is said to be, and what is not is named.

A sample's only feature is which finger it truly is (its template's width; its height tells impressions apart); the comparison is a
lookup, or the real matcher on synthetic prints.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

from egate.domain.biometric import FingerSample, FingerTemplate, Guidance, QualityScore
from egate.domain.finger import AbsenceReason, Enrolment, EnrolmentFinding, EnrolmentFindingKind, FingerPosition
from egate.errors import TemplateError
from egate.matching.finger import minutiae
from egate.matching.finger.hand.consistency import alike, core
from egate.matching.finger.hand.enrolment import EnrolmentRules, enrol
from egate.matching.finger.hand.scale import comparison_scale
from egate.matching.finger.llr import llr
from egate.matching.rates.calibration import measure
from tests.matching.finger_samples import empty, finger, impression
from tests.matching.hands import known_scale

Kind = EnrolmentFindingKind
THUMB, INDEX, MIDDLE = FingerPosition.RIGHT_THUMB, FingerPosition.RIGHT_INDEX, FingerPosition.RIGHT_MIDDLE
MATCH, NON_MATCH = 7.0, -4.0
HEIGHTS = itertools.count(1)  # no two samples are the same impression


def sample(position: int, truly: int, quality: float = 80.0, guidance: tuple[Guidance, ...] = ()) -> FingerSample:
    template = dataclasses.replace(empty(), position=position, width=truly, height=next(HEIGHTS))
    return FingerSample(
        template, QualityScore(quality, {"minutiae_weight": quality}), np.zeros((1, 1), np.uint8), guidance
    )


def samples(*fingers: tuple[int, int]) -> list[FingerSample]:
    """(position, true finger) of each."""
    return [sample(position, truly) for position, truly in fingers]


def truth(probe: FingerTemplate, reference: FingerTemplate) -> float:
    return MATCH if probe.width == reference.width else NON_MATCH


def enrolled(offered: list[FingerSample], **options: object) -> Enrolment:
    return enrol(offered, lambda template: template, truth, known_scale(), **options)  # type: ignore[arg-type]


def kinds(enrolment: Enrolment) -> set[tuple[Kind, int, int | None, int | None]]:
    return {(one.kind, int(one.position), one.impression, one.other) for one in enrolment.findings}


def test_honest_hands_are_enrolled_whole_in_435_comparisons() -> None:
    offered = samples(*((position, position) for position in range(1, 11) for _ in range(3)))
    found = enrolled(offered, expected=list(FingerPosition)[1:])
    assert found.complete
    assert found.findings == ()
    assert found.comparisons == 435
    assert {int(position): len(kept) for position, kept in found.fingers.items()} == dict.fromkeys(range(1, 11), 3)


def test_a_wrong_finger_among_siblings_is_named_and_left_out() -> None:
    offered = samples((2, 2), (2, 2), (2, 3), (3, 3), (3, 3))
    found = enrolled(offered)
    assert kinds(found) == {(Kind.DIFFERS_FROM_SIBLINGS, 2, 2, 3)}
    assert all(one.template.width == int(position) for position, kept in found.fingers.items() for one in kept)
    assert found.complete  # two impressions of each are left


def test_a_strangers_finger_is_named_without_an_owner() -> None:
    assert kinds(enrolled(samples((2, 2), (2, 2), (2, 99)))) == {(Kind.DIFFERS_FROM_SIBLINGS, 2, 2, None)}


def test_without_a_majority_nothing_is_enrolled() -> None:
    for fingers in ([(2, 2), (2, 3)], [(2, 2), (2, 2), (2, 3), (2, 3)], [(2, 2), (2, 3), (2, 4)]):
        found = enrolled(samples(*fingers))
        assert not found.fingers
        assert {one.kind for one in found.findings} == {Kind.NO_MAJORITY}
        assert [one.position for one in found.recapture] == [INDEX]
        assert found.recapture[0].guidance == (Guidance.PLACE_FINGER,)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_finger_under_two_positions_is_enrolled_under_neither(count: int) -> None:
    offered = samples(*([(1, 1)] * 2 + [(2, 2)] * count + [(3, 2)] * count))
    found = enrolled(offered)
    assert set(found.fingers) == {THUMB}
    assert {(2, 3), (3, 2)} == {(int(a), b) for kind, a, _, b in kinds(found) if kind is Kind.SAME_FINGER_TWICE}
    assert {one.position for one in found.recapture} == {INDEX, MIDDLE}


def test_low_quality_and_no_number_are_refused_and_guided() -> None:
    offered = [
        sample(2, 2, 10.0, (Guidance.CLEAN_SENSOR,)), sample(2, 2, math.nan), sample(2, 2), sample(3, 3), sample(3, 3),
    ]  # fmt: skip
    found = enrolled(offered)
    assert kinds(found) == {
        (Kind.LOW_QUALITY, 2, 0, None), (Kind.LOW_QUALITY, 2, 1, None), (Kind.UNCONFIRMED, 2, 2, None),
    }  # fmt: skip
    assert found.recapture[0].guidance == (Guidance.CLEAN_SENSOR, Guidance.PRESS_HARDER, Guidance.PLACE_FINGER)
    assert [len(kept) for kept in found.fingers.values()] == [1, 2]


@pytest.mark.parametrize("times", [2, 3])
def test_an_impression_does_not_confirm_itself(times: int) -> None:
    found = enrolled([sample(2, 2)] * times)
    assert kinds(found) == {(Kind.UNCONFIRMED, 2, 0, None), *((Kind.REPEATED, 2, i, None) for i in range(1, times))}
    assert [one.because for one in found.recapture] == [(Kind.REPEATED, Kind.UNCONFIRMED)]
    assert [len(kept) for kept in found.fingers.values()] == [1]
    assert found.comparisons == 0


def test_a_repeated_impression_does_not_outvote_the_others() -> None:
    """Twice the wrong finger by one image, once the right one, twice more: the majority is that of the captures."""
    wrong = sample(2, 3)
    found = enrolled([wrong, wrong, wrong, *samples((2, 2), (2, 2))])
    assert {(Kind.REPEATED, 2, 1, None), (Kind.REPEATED, 2, 2, None)} < kinds(found)
    assert [one.template.width for one in found.fingers[INDEX]] == [2, 2]
    assert found.complete


def test_one_image_under_two_positions_is_one_finger_twice() -> None:
    one = sample(2, 2)
    other = dataclasses.replace(one, template=dataclasses.replace(one.template, position=3))
    assert {kind for kind, *_ in kinds(enrolled([one, other]))} == {Kind.SAME_FINGER_TWICE}


def test_absent_fingers_are_kept_with_their_reason_and_not_asked_for() -> None:
    absent = {THUMB: AbsenceReason.AMPUTATED, MIDDLE: AbsenceReason.BANDAGED}
    found = enrolled(samples((2, 2), (2, 2), (3, 3)), expected=(THUMB, INDEX, MIDDLE), absent=absent)
    assert found.absent == absent
    assert kinds(found) == {(Kind.ABSENT_BUT_PRESENTED, 3, 2, None)}
    assert set(found.fingers) == {INDEX}
    assert found.complete


def test_what_was_not_presented_or_has_no_position_is_named() -> None:
    found = enrolled(samples((0, 5), (2, 2), (2, 2)), expected=(INDEX, MIDDLE))
    assert kinds(found) == {(Kind.POSITION_UNKNOWN, 0, 0, None), (Kind.NOT_PRESENTED, 3, None, None)}
    assert [one.position for one in found.recapture] == [MIDDLE]
    assert not found.complete


def test_nothing_offered_is_not_complete() -> None:
    assert not enrolled([]).complete
    assert enrolled([]).comparisons == 0


def test_the_best_are_kept_by_agreement_then_quality() -> None:
    scores = {(0, 1): 7.0, (0, 2): 7.0, (1, 2): 7.0, (0, 3): 5.0, (1, 3): 5.0, (2, 3): 5.0}

    def compare(probe: FingerTemplate, reference: FingerTemplate) -> float:
        a, b = sorted((probe.width, reference.width))
        return scores[a, b]

    offered = [sample(2, index, quality) for index, quality in enumerate((60.0, 90.0, 70.0, 99.0))]
    for order in itertools.permutations(offered):
        found = enrol(order, lambda template: template, compare, known_scale(), rules=EnrolmentRules(keep=2))
        assert [one.quality.unified for one in found.fingers[INDEX]] == [90.0, 70.0]


@pytest.mark.parametrize(
    ("fingers", "error"),
    [([(2, 2)] * 11, "FINGER_IMPRESSIONS"), ([(14, 2)], "FINGER_POSITION_SLAP"), ([(11, 2)], "FINGER_POSITION")],
)
def test_too_much_and_wrong_codes_are_refused_by_name(fingers: list[tuple[int, int]], error: str) -> None:
    with pytest.raises(TemplateError) as refusal:
        enrolled(samples(*fingers))
    assert refusal.value.code == error


def test_a_failed_comparison_is_no_match() -> None:
    found = enrol(samples((2, 2), (2, 2)), lambda template: template, lambda a, b: math.nan, known_scale())
    assert not found.fingers


def test_core_and_alike_need_half() -> None:
    matches = np.zeros((6, 6), bool)
    for a, b in ((0, 1), (0, 2), (1, 2), (3, 4), (2, 3)):
        matches[a, b] = matches[b, a] = True
    assert core(matches, (0, 1, 2, 3, 4)) == (0, 1, 2)  # 2 matches 3 by accident
    assert core(matches, (0, 1, 3, 4)) == ()
    assert core(matches, (5,)) == (5,)
    assert alike(matches, (0, 1), (2,))
    assert not alike(matches, (0, 1), (3, 4))
    assert not alike(matches, (), (1,))


def test_real_matcher_finds_exchanged_labels_among_synthetic_prints() -> None:
    fingers = [finger(seed) for seed in (11, 12)]
    labels = ((2, 0), (2, 0), (2, 1), (3, 1), (3, 1))
    offered = [
        dataclasses.replace(
            sample(position, 0),
            template=dataclasses.replace(
                impression(fingers[truly], seed, rotation=0.2, noise=1.5, lost=6, false=4), position=position
            ),
        )
        for seed, (position, truly) in enumerate(labels)
    ]
    random = np.random.default_rng(1)
    calibration = measure(random.uniform(5.0, 30.0, 1_000), random.exponential(0.2, 20_000), id="synthetic")
    found = enrol(offered, minutiae.prepare, minutiae.compare, comparison_scale(llr, calibration))
    assert found.findings == (EnrolmentFinding(Kind.DIFFERS_FROM_SIBLINGS, INDEX, 2, MIDDLE),)


def test_repr_shows_counts_only() -> None:
    assert repr(enrolled(samples((2, 2), (2, 2)))) == "Enrolment(fingers=1, findings=0, redacted)"
