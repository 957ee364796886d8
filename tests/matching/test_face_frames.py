"""Whoever stands in the lane chooses the frames: what is kept of them must not depend on it to his advantage.

Faces are points: an embedding near a person's own direction. Two frames are of one person if they are near each other.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.domain.biometric import FaceTemplate
from egate.errors import TemplateError
from egate.matching.face.comparison import normalised
from egate.matching.face.frames import (
    ATTEMPT_SHARES,
    FRAMES_MAX,
    Frame,
    Frames,
    attempt_fmr,
    fused,
    keep,
    pad_scores,
)

BOX = (10.0, 10.0, 80.0, 100.0)
ALICE, MALLORY = 1, 2


def template(person: int, frame: int = 0, spread: float = 0.05) -> FaceTemplate:
    centre = np.random.default_rng(person).standard_normal((2, 32))
    values = centre + spread * np.random.default_rng([person, frame]).standard_normal((2, 32))
    return FaceTemplate(
        {name: normalised(row.astype(np.float32)) for name, row in zip(("a", "b"), values, strict=True)}
    )


def near(left: FaceTemplate, right: FaceTemplate) -> bool:
    return bool(float(left.embeddings["a"] @ right.embeddings["a"]) >= 0.8)


def frame(
    person: int = ALICE, number: int = 0, quality: float = 50.0, pad: float | None = 2.0, track: int = 7
) -> Frame:
    return Frame(track, template(person, number), quality, BOX, pad)


def stream(*frames: Frame) -> Frames:
    return reduce(lambda kept, one: keep(kept, one, near), frames, Frames())


def mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


qualities = st.lists(st.tuples(st.integers(0, 100), st.floats(-9, 9)), min_size=1, max_size=9)


@given(qualities, st.randoms(use_true_random=False))
def test_order_of_one_persons_frames_does_not_matter(drawn, random) -> None:  # type: ignore[no-untyped-def]
    frames = [frame(number=number, quality=quality, pad=pad) for number, (quality, pad) in enumerate(drawn)]
    shuffled = random.sample(frames, len(frames))
    one, other = stream(*frames), stream(*shuffled)
    assert one.kept == other.kept
    for model in ("a", "b"):
        np.testing.assert_array_equal(fused(one).embeddings[model], fused(other).embeddings[model])
    assert pad_scores(one) == pytest.approx(pad_scores(other), abs=1e-9)


@given(qualities)
def test_the_best_are_kept_best_first_and_never_more_than_the_limit(drawn: list[tuple[int, float]]) -> None:
    kept = stream(*(frame(number=number, quality=quality) for number, (quality, _) in enumerate(drawn))).kept
    best = sorted((quality for quality, _ in drawn), reverse=True)[:FRAMES_MAX]
    assert [one.quality for one in kept] == best


@given(qualities)
def test_reported_attack_detection_is_at_most_the_mean_of_the_kept_and_of_all(drawn: list[tuple[int, float]]) -> None:
    frames = [frame(number=number, quality=quality, pad=pad) for number, (quality, pad) in enumerate(drawn)]
    kept = stream(*frames)
    scores = pad_scores(kept)
    assert len(scores) == len(kept.kept)
    assert mean(scores) <= mean(tuple(pad for _, pad in drawn)) + 1e-9
    assert mean(scores) <= mean(tuple(one.pad for one in kept.kept if one.pad is not None)) + 1e-9


def test_own_face_for_attack_detection_and_a_photograph_for_the_comparison_is_no_way_in() -> None:
    own = [frame(MALLORY, number, quality=90, pad=9.0) for number in range(5)]
    photograph = frame(ALICE, quality=40, pad=-6.0)
    kept = stream(*own, photograph)
    assert kept.kept == (photograph,)
    assert pad_scores(kept) == (-6.0,)
    np.testing.assert_allclose(fused(kept).embeddings["a"], photograph.template.embeddings["a"], atol=1e-6)
    assert kept.changes == 1


def test_photograph_first_and_own_face_after_it_leaves_nothing_of_the_photograph() -> None:
    own = frame(MALLORY, quality=10, pad=5.0)
    kept = stream(frame(ALICE, quality=90, pad=-6.0), own)
    assert kept.kept == (own,)
    assert pad_scores(kept) == (5.0,)


def test_another_track_starts_alone_even_with_the_same_face() -> None:
    new = frame(number=2, track=8, pad=1.0)
    kept = stream(frame(number=1), new)
    assert kept.kept == (new,)
    assert pad_scores(kept) == (1.0,)
    assert kept.changes == 0  # the same face: a gate with few frames a second has a track for each


def test_every_return_to_the_start_is_counted() -> None:
    turns = [frame(person, number) for number, person in enumerate((ALICE, MALLORY) * 3)]
    assert stream(*turns).changes == 5


def test_face_that_drifts_into_another_starts_anew_though_each_step_is_small() -> None:
    own, other = template(MALLORY).embeddings, template(ALICE).embeddings
    steps = [
        FaceTemplate({m: normalised((1 - share) * own[m] + share * other[m]) for m in own})
        for share in np.linspace(0, 1, 40)
    ]
    assert all(near(left, right) for left, right in pairwise(steps))
    kept = stream(*(Frame(7, step, 50.0 + number, BOX, 1.0) for number, step in enumerate(steps)))
    assert kept.changes >= 1
    assert kept.first is not None
    assert not near(kept.first, steps[0])


def test_attack_frames_made_poor_still_count() -> None:
    good = [frame(number=number, quality=90, pad=3.0) for number in range(3)]
    poor = [frame(number=number, quality=5, pad=-8.0) for number in range(3, 12)]
    for frames in ((*good, *poor), (*poor, *good)):
        kept = stream(*frames)
        assert all(one.quality == 90 for one in kept.kept)
        assert mean(pad_scores(kept)) == pytest.approx((3 * 3.0 + 9 * -8.0) / 12)


def test_good_frames_that_are_dropped_do_not_hide_bad_ones_that_are_compared() -> None:
    good = [frame(number=number, quality=5, pad=8.0) for number in range(50)]
    bad = [frame(number=number, quality=90, pad=-3.0) for number in range(50, 53)]
    assert pad_scores(stream(*good, *bad)) == (-3.0, -3.0, -3.0)


def test_not_performed_on_any_frame_is_no_score() -> None:
    assert pad_scores(stream(frame(pad=None), frame(number=1, pad=None))) == ()
    assert pad_scores(Frames()) == ()


def test_compared_frame_without_attack_detection_is_not_a_number_where_others_have_it() -> None:
    assert any(math.isnan(score) for score in pad_scores(stream(frame(pad=5.0), frame(number=1, pad=None))))
    dropped = [frame(number=number, quality=1, pad=5.0) for number in range(9)]
    only_dropped = stream(*dropped, *(frame(number=9 + n, quality=90, pad=None) for n in range(FRAMES_MAX)))
    assert all(math.isnan(score) for score in pad_scores(only_dropped))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("quality", [1.0, 99.0])
def test_attack_detection_that_failed_on_one_frame_fails_the_track(bad: float, quality: float) -> None:
    frames = [frame(number=number) for number in range(4)]
    for order in permutations([*frames, frame(number=9, quality=quality, pad=bad)], 5):
        assert all(not score >= 0.0 for score in pad_scores(stream(*order)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0, 100.5])
def test_frame_of_no_quality_is_not_kept_nor_what_was_before_it(bad: float) -> None:
    kept = stream(frame(), frame(number=1, quality=bad))
    assert kept.kept == ()
    assert pad_scores(kept) == ()
    assert kept.changes == 1


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_template_that_is_not_finite_is_never_kept(bad: float) -> None:
    broken = template(ALICE, 1)
    broken.embeddings["b"][3] = bad
    for frames in ((frame(), replace(frame(), template=broken)), (replace(frame(), template=broken),)):
        assert stream(*frames).kept == ()


def test_first_frame_is_never_compared_and_each_other_with_all_kept() -> None:
    asked = []

    def same(left: FaceTemplate, right: FaceTemplate) -> bool:
        asked.append((left, right))
        return True

    frames = Frames()
    for number in range(3):
        before = len(asked)
        known = [one.template for one in frames.kept]
        new = frame(number=number)
        frames = keep(frames, new, same)
        partners = [right for _, right in asked[before:]]
        assert all(any(right is template for right in partners) for template in known)
    assert asked


def test_fused_is_between_and_of_length_one_and_nearer_to_the_better_frame() -> None:
    good, poor = frame(number=1, quality=100), frame(number=2, quality=0)
    result = fused(stream(good, poor)).embeddings["a"]
    assert np.linalg.norm(result) == pytest.approx(1.0, abs=1e-6)
    assert result.dtype == np.float32
    assert result @ good.template.embeddings["a"] > result @ poor.template.embeddings["a"]


def test_nothing_kept_has_no_template() -> None:
    with pytest.raises(ValueError, match="no frame"):
        fused(Frames())


def test_frames_of_different_models_are_not_fused() -> None:
    other = replace(frame(number=1), template=FaceTemplate({"a": template(ALICE, 1).embeddings["a"]}))
    with pytest.raises(TemplateError):
        fused(stream(frame(), other))


def test_all_attempts_together_ask_for_less_than_the_target() -> None:
    targets = [attempt_fmr(1e-3, attempt) for attempt in range(1, len(ATTEMPT_SHARES) + 1)]
    assert targets == sorted(targets, reverse=True)
    assert sum(targets) < 1e-3
    for attempt in (0, len(ATTEMPT_SHARES) + 1):
        with pytest.raises(ValueError, match="comparisons"):
            attempt_fmr(1e-3, attempt)


def test_repr_shows_no_template() -> None:
    text = f"{frame()!r} {stream(frame())!r}"
    assert "array" not in text
    assert "embedding" not in text
