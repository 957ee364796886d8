"""Any template a format may be asked to write, for Hypothesis; and how far two of them are apart."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from tests.matching.finger_samples import SIDE, template


def templates(count_max: int = 255) -> st.SearchStrategy[FingerTemplate]:
    """Templates of 400 x 400 pixels with 0 to count_max minutiae, by falling quality, of any finger."""
    return st.integers(0, count_max).flatmap(
        lambda count: st.builds(
            _template,
            st.lists(st.tuples(st.floats(0, SIDE - 1), st.floats(0, SIDE - 1)), min_size=count, max_size=count),
            st.lists(st.floats(0, 6.283), min_size=count, max_size=count),
            st.lists(st.booleans(), min_size=count, max_size=count),
            st.lists(st.floats(0, 1), min_size=count, max_size=count),
            st.integers(0, 10),
        )
    )


def _template(
    xy: list[tuple[float, float]], angle: list[float], ending: list[bool], quality: list[float], position: int
) -> FingerTemplate:
    points = np.array(xy, float).reshape(-1, 2)
    best = np.sort(np.array(quality, float))[::-1]
    made = template(points[:, 0], points[:, 1], np.array(angle, float), np.array(ending, bool), best)
    return dataclasses.replace(made, position=position)


def turn(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Absolute difference of two angles, radians."""
    apart = np.abs(one.astype(np.float64) - other)
    return np.minimum(apart, math.tau - apart)
