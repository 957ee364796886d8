from __future__ import annotations

import cv2
import numpy as np
import pytest

from egate.domain.biometric import Image
from egate.matching.face_quality import face_quality

FRONTAL = np.array([(60, 60), (140, 60), (100, 110), (68, 150), (132, 150)], np.float32)


@pytest.fixture
def chip() -> Image:
    rng = np.random.default_rng(1)
    coarse = np.repeat(rng.integers(40, 230, (30, 30, 1)), 3, axis=2).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (150, 150), interpolation=cv2.INTER_CUBIC), np.uint8)


def test_good_frontal_chip_has_full_marks(chip: Image) -> None:
    quality = face_quality(FRONTAL, chip)
    assert quality.unified == min(quality.components.values()) == 100.0


def test_blur_lowers_sharpness_only(chip: Image) -> None:
    quality = face_quality(FRONTAL, np.asarray(cv2.GaussianBlur(chip, (0, 0), 4), np.uint8))
    assert quality.components["sharpness"] < 30
    assert quality.components["under_exposure"] == 100


def test_dark_and_bright_are_told_apart(chip: Image) -> None:
    dark = face_quality(FRONTAL, (chip // 6).astype(np.uint8))
    assert dark.components["under_exposure"] < 30 < dark.components["over_exposure"]
    bright = face_quality(FRONTAL, np.maximum(chip, 240).astype(np.uint8))
    assert bright.components["over_exposure"] < 30 < bright.components["under_exposure"]


def test_turned_head_lowers_yaw(chip: Image) -> None:
    turned = FRONTAL.copy()
    turned[2, 0] += 40
    assert face_quality(turned, chip).components["head_pose_yaw"] < 50


def test_tilted_head_lowers_roll_and_not_yaw(chip: Image) -> None:
    c, s = np.cos(np.radians(40)), np.sin(np.radians(40))
    tilted = ((FRONTAL - 100) @ np.array([[c, s], [-s, c]]) + 100).astype(np.float32)
    components = face_quality(tilted, chip).components
    assert components["head_pose_roll"] < 30
    assert components["head_pose_yaw"] > 95


def test_points_that_are_not_numbers_give_the_worst_score(chip: Image) -> None:
    quality = face_quality(np.full((5, 2), np.nan, np.float32), chip)
    assert quality.unified == 0.0
