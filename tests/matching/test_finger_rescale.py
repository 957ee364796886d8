"""Goal: a resize of the image is undone exactly, whatever its shape. The resize is done here on points, not by the formula under test."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egate.domain.biometric import FingerTemplate
from egate.matching.finger.format.rescale import rescale
from tests.matching.finger_samples import finger
from tests.matching.finger_templates import templates, turn


def resized(template: FingerTemplate, width: int, height: int) -> FingerTemplate:
    """Each minutia as two points of the image, a step apart along its direction, which the resize moves."""
    x, y, angle = (column.astype(np.float64) for column in (template.x, template.y, template.angle))
    ahead_x, ahead_y = x + np.cos(angle), y - np.sin(angle)
    across, down = width / template.width, height / template.height
    direction = np.arctan2(-(ahead_y * down - y * down), ahead_x * across - x * across) % math.tau
    return dataclasses.replace(
        template,
        x=(x * across).astype(np.float32),
        y=(y * down).astype(np.float32),
        angle=direction.astype(np.float32),
        width=width,
        height=height,
    )


@settings(max_examples=25, deadline=None)
@given(templates(60), st.integers(100, 900), st.integers(100, 900))
def test_a_resize_is_undone(template: FingerTemplate, width: int, height: int) -> None:
    back = rescale(resized(template, width, height), template.width, template.height)
    assert (back.width, back.height) == (template.width, template.height)
    assert np.abs(back.x - template.x).max(initial=0) < 1e-3
    assert np.abs(back.y - template.y).max(initial=0) < 1e-3
    assert turn(back.angle, template.angle).max(initial=0) < 1e-4
    assert ((back.angle >= 0) & (back.angle < math.tau)).all()
    assert (back.ending == template.ending).all() and (back.quality == template.quality).all()


def test_equal_factors_leave_angles_alone() -> None:
    one = finger(1)
    assert turn(rescale(one, 800, 800).angle, one.angle).max() < 1e-6


def test_a_diagonal_leans_to_the_longer_side() -> None:
    one = finger(1)
    diagonal = dataclasses.replace(one, angle=np.full(len(one.x), math.pi / 4, np.float32))
    assert rescale(diagonal, 400, 800).angle[0] == pytest.approx(math.atan(2.0))
    assert rescale(diagonal, 800, 400).angle[0] == pytest.approx(math.atan(0.5))


@pytest.mark.parametrize(("width", "height"), [(0, 400), (400, -1)])
def test_an_image_without_area_is_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="pixel"):
        rescale(finger(1), width, height)
