"""Goal: a network sees the square around the face that it was trained on, from inside the frame, whatever the frame's size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.domain.biometric import Image
from egate.inference.pad.crop import square, visible


def ramp(width: int, height: int) -> Image:
    """Red is the column, green the row."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(width)[np.newaxis] % 256
    image[..., 1] = np.arange(height)[:, np.newaxis] % 256
    return image


def centre(crop: Image) -> tuple[float, float]:
    return float(crop[..., 0].mean()), float(crop[..., 1].mean())


def test_square_is_around_the_middle_of_the_box() -> None:
    crop = square(ramp(200, 200), (90.0, 95.0, 20.0, 10.0), 3.0, 60)
    assert crop.shape == (60, 60, 3)
    assert crop[0, 0, :2].tolist() == [70, 70]
    assert crop[-1, -1, :2].tolist() == [129, 129]


def test_crop_that_would_leave_the_frame_is_shifted_inside_with_its_size() -> None:
    crop = square(ramp(200, 200), (0.0, 180.0, 20.0, 20.0), 3.0, 60)
    assert crop[0, 0, :2].tolist() == [0, 140]
    assert crop[-1, -1, :2].tolist() == [59, 199]


def test_crop_larger_than_the_frame_is_the_shorter_side() -> None:
    crop = square(ramp(200, 100), (90.0, 40.0, 40.0, 40.0), 4.0, 99)
    assert crop[0, 0, 1] == 1
    assert crop[-1, -1, 1] == 99
    assert centre(crop)[0] == pytest.approx(109.0, abs=1.0)


def test_larger_frame_of_the_same_scene_gives_nearly_the_same_crop() -> None:
    """Linear interpolation alone would look at single pixels of a crop of 1080 px, with all their noise."""
    rng = np.random.default_rng(2)
    scene: Image = np.kron(rng.integers(60, 200, (24, 32, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    noise = rng.normal(0.0, 40.0, (1440, 1920, 3))
    large: Image = np.clip(np.kron(scene, np.ones((3, 3, 1))) + noise, 0, 255).astype(np.uint8)
    small_crop = square(scene, (220.0, 140.0, 200.0, 200.0), 2.4, 80).astype(float)
    large_crop = square(large, (660.0, 420.0, 600.0, 600.0), 2.4, 80).astype(float)
    assert np.abs(large_crop - small_crop).mean() < 12.0  # single pixels: 21


@given(
    st.tuples(st.integers(16, 300), st.integers(16, 300)),
    st.tuples(st.floats(-400, 400), st.floats(-400, 400), st.floats(0.1, 600), st.floats(0.1, 600)),
    st.floats(0.1, 16.0),
)
def test_any_box_gives_a_crop(size: tuple[int, int], box: tuple[float, float, float, float], margin: float) -> None:
    assert square(ramp(*size), box, margin, 32).shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("box", "share"),
    [
        ((10.0, 10.0, 50.0, 50.0), 1.0),
        ((-25.0, 10.0, 50.0, 50.0), 0.5),
        ((80.0, 80.0, 40.0, 40.0), 0.25),
        ((200.0, 10.0, 50.0, 50.0), 0.0),
        ((-50.0, -50.0, 200.0, 200.0), 0.25),
        ((10.0, 10.0, 0.0, 50.0), 0.0),
        ((10.0, 10.0, -5.0, -5.0), 0.0),
        ((float("nan"), 10.0, 50.0, 50.0), 0.0),
        ((10.0, 10.0, float("inf"), 50.0), 0.0),
    ],
)
def test_share_of_the_box_in_the_frame(box: tuple[float, float, float, float], share: float) -> None:
    assert visible(ramp(100, 100), box) == pytest.approx(share)
