"""Goal: the parts of finger quality that need no model: features, forest, guidance, and what may be compared."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import cv2
import numpy as np
import pytest

from egate.domain.biometric import FingerTemplate, Guidance, QualityScore
from egate.matching.finger.quality import USABLE_QUALITY, Forest, finger_quality, guidance, usable
from egate.matching.finger.quality.features import FEATURES, measure_features
from egate.matching.finger.quality.forest import LEAF, TREES, votes
from egate.matching.finger.quality.histogram import CLARITY_LIMITS, histogram
from egate.matching.finger.quality.region import region_of_interest, without_frame
from egate.matching.finger.quality.wide_blur import wide_blur

GOOD = dict.fromkeys(
    ("minutiae_weight", "contrast", "dryness_prevention", "wetness_prevention", "centring", "background_cleanliness"),
    100.0,
)


def forest(**changes: np.ndarray) -> Forest:
    """TREES trees of five nodes: feature 0 at most 0.5 -> no; else feature 1 at most its own threshold -> no, else yes."""
    one: dict[str, list[float]] = {
        "feature": [0, LEAF, 1, LEAF, LEAF],
        "left": [1, LEAF, 3, LEAF, LEAF],
        "right": [2, LEAF, 4, LEAF, LEAF],
        "vote": [0, 0, 0, 0, 1],
    }
    columns = {name: np.tile(values, TREES).astype(np.int64) for name, values in one.items()}
    columns["vote"] = columns["vote"] == 1
    columns["threshold"] = np.repeat(np.arange(TREES), 5).astype(np.float32)
    columns["threshold"][::5] = 0.5
    columns["starts"] = np.arange(0, 5 * TREES, 5)
    return Forest(**{**columns, **changes}, features=2)


def template(count: int, spread_px: float = 200.0) -> FingerTemplate:
    place = np.random.default_rng(1).uniform(80, 80 + spread_px, (2, count)).astype(np.float32)
    zero = np.zeros(count, np.float32)
    return FingerTemplate(place[0], place[1], zero, zero > 1, zero + 1, 400, 400)


def score(components: Mapping[str, float], unified: float = 60.0) -> QualityScore:
    return QualityScore(unified, {**GOOD, **components})


def test_values_on_a_limit_belong_to_the_bin_above() -> None:
    found = histogram(np.array([0.0, 0.7, 0.69, 0.87, 5.0]), CLARITY_LIMITS)
    assert found[:10].tolist() == [0, 2, 1, 0, 0, 0, 0, 0, 0, 2]
    assert found[10:] == pytest.approx([1.452, math.sqrt(((np.array([0, 0.7, 0.69, 0.87, 5]) - 1.452) ** 2).mean())])
    assert histogram(np.empty(0), CLARITY_LIMITS).tolist() == [0.0] * 12


def test_white_frame_is_cut_and_nothing_else() -> None:
    image = np.full((50, 60), 255, np.uint8)
    image[10:20, 30:45] = 0
    inner, left, top = without_frame(image)
    assert (left, top, inner.shape) == (30, 10, (10, 15))
    assert not inner.any()
    blank, left, top = without_frame(np.full((50, 60), 255, np.uint8))
    assert (left, top, blank.shape) == (0, 0, (50, 60))


@pytest.mark.parametrize("shape", [(200, 180), (64, 300), (20, 70), (1, 50), (5, 3)])
@pytest.mark.parametrize("side_px", [41, 91])
def test_wide_blur_is_that_of_opencv(shape: tuple[int, int], side_px: int) -> None:
    random = np.random.default_rng(1)
    for image in (random.integers(0, 256, shape, np.uint8), random.integers(0, 2, shape, np.uint8) * np.uint8(255)):
        assert (wide_blur(image, side_px) == cv2.GaussianBlur(image, (side_px, side_px), 0.0)).all()
    assert (wide_blur(np.full(shape, 255, np.uint8), side_px) == 255).all()


def test_region_is_the_largest_dark_part_with_its_holes_closed() -> None:
    image = np.full((300, 300), 250, np.uint8)
    image[60:200, 60:200] = 40
    image[120:140, 120:140] = 250
    image[265:300, 265:300] = 40
    region = region_of_interest(image)
    assert region[130, 130] and region[100, 100]
    assert not region[290, 290] and not region[10, 10]


def test_an_even_image_has_no_region_or_all_of_it_and_no_score() -> None:
    for grey in (0, 128, 255):
        found = measure_features(np.full((200, 200), grey, np.uint8), template(0))
        assert np.isnan(found.native).all()
        assert found.region.all() or not found.region.any()


@pytest.mark.parametrize("shape", [(64, 64), (64, 300), (100, 100), (65, 97)])
def test_a_print_with_few_blocks_has_no_score_and_may_not_be_compared(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    found = finger_quality(noise, template(40, 60.0), _forest_of(len(FEATURES)))
    assert math.isnan(found.unified)
    assert not usable(found)


def test_minutiae_beside_the_image_count_at_its_edge() -> None:
    ridges = np.tile(np.arange(200) % 9 // 5 * 255, (200, 1)).astype(np.uint8)
    found = measure_features(ridges, template(30, 5000.0))
    assert np.isfinite(found.native).all()
    assert found.named("FingerJetFX_MinutiaeCount") == 30
    assert measure_features(ridges, template(0)).named("FJFXPos_Mu_MinutiaeQuality_2") == -1.0


def test_each_tree_has_one_vote() -> None:
    assert votes(forest(), np.array([0.5, 1e9])) == 0
    assert votes(forest(), np.array([0.6, 1e9])) == TREES
    assert votes(forest(), np.array([0.6, 29.5])) == 30
    assert votes(forest(), np.array([0.6, 30.0])) == 30


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_feature_that_is_no_number_has_no_score(value: float) -> None:
    assert math.isnan(votes(forest(), np.array([value, 1.0])))
    assert not usable(score({}, unified=math.nan))


@pytest.mark.parametrize(
    ("column", "node", "value"),
    [
        ("left", 0, 0),  # back to itself: a walk without end
        ("left", 2, 0),
        ("right", 2, 5),  # into the next tree
        ("right", 2, -1),
        ("right", 499 - 2, 10_000),
        ("feature", 2, 2),
        ("feature", 2, -2),
        ("threshold", 2, math.nan),
    ],
)
def test_a_forest_whose_walks_could_leave_a_tree_is_refused(column: str, node: int, value: float) -> None:
    values = getattr(forest(), column).copy()
    values[node] = value
    with pytest.raises(ValueError):
        forest(**{column: values})


def test_a_forest_of_unequal_columns_is_refused() -> None:
    with pytest.raises(ValueError):
        forest(vote=np.ones(3, np.bool_))
    with pytest.raises(ValueError):
        forest(starts=np.arange(0, 5 * (TREES - 1), 5))
    with pytest.raises(ValueError):
        forest(starts=np.full(TREES, 0))


@pytest.mark.parametrize(
    ("components", "code"),
    [
        ({"contrast": 49.0}, Guidance.PRESS_HARDER),
        ({"dryness_prevention": 0.0}, Guidance.PRESS_HARDER),
        ({"wetness_prevention": math.nan}, Guidance.PRESS_LIGHTER),
        ({"centring": 10.0}, Guidance.CENTRE_FINGER),
        ({"background_cleanliness": 0.0}, Guidance.CLEAN_SENSOR),
        ({"minutiae_weight": USABLE_QUALITY - 0.1}, Guidance.PRESS_HARDER),
    ],
)
def test_each_fault_has_its_code(components: dict[str, float], code: Guidance) -> None:
    assert guidance(template(40), score(components)) == (code,)


def test_good_prints_draw_no_advice_and_hopeless_ones_not_too_much() -> None:
    assert guidance(template(40), score({})) == ()
    assert guidance(template(0), score({})) == (Guidance.PLACE_FINGER,)
    assert guidance(template(40, 20.0), score({})) == (Guidance.PRESS_HARDER,)
    assert len(guidance(template(40), score(dict.fromkeys(GOOD, 0.0)))) == 2


def test_twelve_minutiae_are_not_enough_whatever_the_score() -> None:
    ridges = np.tile(np.arange(200) % 9 // 5 * 255, (200, 1)).astype(np.uint8)
    for count in range(4, 13):
        found = finger_quality(ridges, template(count, 100.0), _forest_of(len(FEATURES)))
        assert found.unified == 100.0
        assert not usable(found)
    assert usable(finger_quality(ridges, template(13, 100.0), _forest_of(len(FEATURES))))


def _forest_of(features: int) -> Forest:
    """Every tree a leaf that votes for."""
    leaf = np.full(TREES, LEAF)
    threshold, vote = np.zeros(TREES, np.float32), np.ones(TREES, np.bool_)
    return Forest(leaf, threshold, leaf, leaf, vote, np.arange(TREES), features)


def test_components_lie_between_0_and_100() -> None:
    random = np.random.default_rng(3)
    for image in (random.integers(0, 256, (200, 190), np.uint8), np.tile(np.array([0, 255], np.uint8), (200, 100))):
        found = finger_quality(image, dataclasses.replace(template(20), width=190), _forest_of(len(FEATURES)))
        assert all(0.0 <= value <= 100.0 for value in found.components.values()), found.components


@pytest.mark.filterwarnings("error")
def test_any_image_has_a_score_or_none() -> None:
    """Odd sizes, noise, stripes, dots, slopes, nothing; minutiae anywhere in it. A component is NaN only with the score."""
    random, forest = np.random.default_rng(5), _forest_of(len(FEATURES))
    known = 0
    for index in range(80):
        height, width = (int(side) for side in random.integers(1, 260, 2))
        kinds = (
            random.integers(0, 256, (height, width)),
            np.full((height, width), random.integers(256)),
            np.where(random.random((height, width)) > 0.999, 0, 255),
            np.add.outer(np.arange(height), np.arange(width)) % int(random.integers(2, 256)),
            np.tile(np.arange(width) % 9 // 5 * 255, (height, 1)),
        )
        place = (random.random((2, index)) * [[width], [height]]).astype(np.float32)
        found = dataclasses.replace(template(index), x=place[0], y=place[1], width=width, height=height)
        score = finger_quality(kinds[index % len(kinds)].astype(np.uint8), found, forest)
        guidance(found, score)
        known += not math.isnan(score.unified)
        for value in score.components.values():
            assert 0.0 <= value <= 100.0 or (math.isnan(value) and math.isnan(score.unified))
    assert 10 < known < 70
