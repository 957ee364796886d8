"""Goal: every component is 0 to 100 whatever it is shown, moves only with its own defect, and a defect has its guidance."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from egate.domain.biometric import Guidance, Image, QualityScore
from egate.matching.face.quality import (
    CHIP_POINTS,
    CHIP_SIDE_PX,
    FACE_QUALITY_MIN_GOOD,
    FaceView,
    face_quality,
    guidance,
    view_face,
    with_magnitude,
)
from egate.matching.face.quality.components import COMPONENTS
from egate.matching.face.quality.guidance import CODES_MAX
from egate.matching.face.quality.head_pose import SHAPE, head_pose
from egate.matching.face.quality.unified import MAGNITUDE, WEIGHTS_WITH_MAGNITUDE, WEIGHTS_WITHOUT, unified

BOX = np.array([30, 15, 90, 120], np.float32)
MARGIN_PX = 75
PORTRAIT_SCALE = 200 / (120 * 1.6)


@pytest.fixture
def chip() -> Image:
    """Round like a head and finely structured."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[-1:1:150j, -1:1:150j]
    head = 200 - 90 * np.hypot(x, y)
    fine = cv2.GaussianBlur(rng.normal(0, 60, (CHIP_SIDE_PX, CHIP_SIDE_PX)), (0, 0), 1.2)
    return np.repeat(np.clip(head + fine, 0, 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def view(chip: Image, points: np.ndarray = CHIP_POINTS, box: np.ndarray = BOX) -> FaceView:
    """The chip in the middle of a larger frame."""
    frame = np.pad(chip, ((MARGIN_PX, MARGIN_PX), (MARGIN_PX, MARGIN_PX), (0, 0)), "edge")
    portrait = np.asarray(cv2.resize(chip, (160, 200)), np.uint8)
    at = (box + np.array([MARGIN_PX, MARGIN_PX, 0, 0])).astype(np.float32)
    return view_face(frame, (points + MARGIN_PX).astype(np.float32), at, chip, portrait, PORTRAIT_SCALE)


def components(chip: Image, points: np.ndarray = CHIP_POINTS) -> dict[str, float]:
    return dict(face_quality(view(chip, points)).components)


def turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The average face's points under a pose in degrees, seen from far away."""
    a, b, c = np.radians([-yaw, -pitch, roll])
    y = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    x = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    points: np.ndarray = (SHAPE @ (z @ y @ x).T)[:, :2] * 60 + 200
    return points.astype(np.float32)


def test_even_light_and_fine_structure_have_full_marks(chip: Image) -> None:
    assert min(components(chip).values()) > 95


def test_components_have_the_same_names_whatever_the_face(chip: Image) -> None:
    assert tuple(components(chip)) == tuple(components(chip, np.full((5, 2), np.nan, np.float32))) == COMPONENTS


def test_blur_lowers_sharpness_and_not_exposure(chip: Image) -> None:
    found = components(np.asarray(cv2.GaussianBlur(chip, (0, 0), 4), np.uint8))
    assert found["sharpness"] < 30
    assert found["under_exposure_prevention"] == found["over_exposure_prevention"] == 100


def test_dark_and_bright_are_told_apart(chip: Image) -> None:
    dark = components((chip // 9).astype(np.uint8))
    assert dark["under_exposure_prevention"] < 30 < dark["over_exposure_prevention"]
    bright = components(np.maximum(chip, 250).astype(np.uint8))
    assert bright["over_exposure_prevention"] < 30 < bright["under_exposure_prevention"]


@pytest.mark.parametrize("yaw", [-40.0, -15.0, 0.0, 25.0])
@pytest.mark.parametrize("pitch", [-20.0, 0.0, 15.0])
@pytest.mark.parametrize("roll", [-30.0, 0.0, 10.0])
def test_pose_of_the_average_face_is_exact(yaw: float, pitch: float, roll: float) -> None:
    pose = head_pose(turned(yaw, pitch, roll))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((yaw, pitch, roll), abs=0.3)


def test_nose_to_the_right_is_a_positive_yaw_and_up_a_positive_pitch() -> None:
    right, up = turned(0, 0, 0), turned(0, 0, 0)
    right[2, 0] += 10
    up[2, 1] -= 10
    assert head_pose(right).yaw > 5
    assert head_pose(up).pitch > 5


def test_pose_falls_with_the_angle_and_on_its_own_axis(chip: Image) -> None:
    for axis, name in enumerate(("head_pose_yaw", "head_pose_pitch", "head_pose_roll")):
        marks = [components(chip, turned(*np.eye(3)[axis] * angle)) for angle in (0, 15, 30, 45)]
        values = [mark[name] for mark in marks]
        assert values == sorted(values, reverse=True)
        assert values[0] > 99.9
        assert values[-1] == pytest.approx(50, abs=2)
        others = {"head_pose_yaw", "head_pose_pitch", "head_pose_roll"} - {name}
        assert all(marks[-1][other] > 99 for other in others)


def test_points_or_a_box_that_are_no_numbers_are_worst(chip: Image) -> None:
    bad = [
        view(chip, np.full((5, 2), np.nan, np.float32)),
        view(chip, np.where(np.eye(5, 2) > 0, np.inf, CHIP_POINTS).astype(np.float32)),
        view(chip, box=np.array([0, 0, np.nan, 50], np.float32)),
    ]
    for each in bad:
        quality = face_quality(each)
        assert quality.unified == 0.0
        assert not any(quality.components.values())
        assert Guidance.GO_AHEAD not in guidance(quality, math.nan, 1)


def test_magnitude_that_is_no_number_is_worst(chip: Image) -> None:
    quality = with_magnitude(face_quality(view(chip)), {"sface": math.nan})
    assert quality.components[MAGNITUDE] == 0.0
    assert quality.unified == 0.0


@pytest.mark.parametrize("model", ["sface", "sface-int8"])
def test_longer_embedding_is_a_better_face(chip: Image, model: str) -> None:
    plain = face_quality(view(chip))
    scores = [with_magnitude(plain, {model: length}).unified for length in (3.0, 6.0, 9.0, 12.0, 15.0)]
    assert scores == sorted(scores)
    assert scores[0] == 0.0
    assert scores[-1] > 90


def test_model_of_unknown_lengths_changes_nothing(chip: Image) -> None:
    plain = face_quality(view(chip))
    assert with_magnitude(plain, {"another": 3.0}) is plain


@given(
    chip=hnp.arrays(np.uint8, (CHIP_SIDE_PX, CHIP_SIDE_PX, 3)),
    points=hnp.arrays(np.float32, (5, 2), elements=st.floats(width=32)),
    box=hnp.arrays(np.float32, 4, elements=st.floats(width=32)),
    magnitude=st.floats(),
    count=st.integers(0, 20),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("error")
def test_marks_are_within_0_and_100_whatever_the_face(
    chip: Image, points: np.ndarray, box: np.ndarray, magnitude: float, count: int
) -> None:
    quality = with_magnitude(face_quality(view(chip, points, box)), {"sface": magnitude})
    assert 0.0 <= quality.unified <= 100.0
    assert all(0.0 <= value <= 100.0 for value in quality.components.values())
    assert 1 <= len(guidance(quality, 50.0, count)) <= CODES_MAX


@given(
    marks=st.fixed_dictionaries({name: st.floats(0, 100) for name in {**WEIGHTS_WITH_MAGNITUDE, **WEIGHTS_WITHOUT}}),
    name=st.sampled_from(sorted({**WEIGHTS_WITH_MAGNITUDE, **WEIGHTS_WITHOUT})),
    loss=st.floats(0, 100),
)
def test_unified_score_never_rises_when_a_component_falls(marks: dict[str, float], name: str, loss: float) -> None:
    worse = {**marks, name: max(0.0, marks[name] - loss)}
    assert unified(worse) <= unified(marks)
    without = {key: value for key, value in marks.items() if key != MAGNITUDE}
    worse.pop(MAGNITUDE)
    assert unified(worse) <= unified(without)


def test_two_people_come_first_and_at_most_three_codes() -> None:
    marks = dict.fromkeys(face_quality(view(np.zeros((150, 150, 3), np.uint8))).components, 0.0)
    codes = guidance(QualityScore(0.0, marks), 10.0, 2)
    assert codes[:2] == (Guidance.ONE_PERSON_ONLY, Guidance.MOVE_TO_CENTRE)
    assert len(codes) == CODES_MAX
    perfect = dict.fromkeys(marks, 100.0)
    assert guidance(QualityScore(100.0, perfect), 60.0, 1) == (Guidance.GO_AHEAD,)
    for score in (FACE_QUALITY_MIN_GOOD - 0.1, math.nan):
        assert guidance(QualityScore(score, perfect), 60.0, 1) == (Guidance.LOOK_AT_CAMERA,)
