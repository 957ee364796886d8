"""Synthetic finger impressions for tests: minutiae scattered with a minimum distance, moved, distorted, dropped, added."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from egate.matching.finger.minutiae import Minutiae, prepare

SIDE = 400
TURN = 2.0 * np.pi


def finger(seed: int, count: int = 40) -> FingerTemplate:
    """A finger: minutiae at least 12 px apart in the middle of a 400 px image, angles of a loose whorl."""
    rng = np.random.default_rng(seed)
    points: list[NDArray[np.float64]] = []
    for _ in range(100 * count):
        point = rng.uniform(80.0, SIDE - 80.0, 2)
        if len(points) < count and all(np.hypot(*(point - other)) >= 12.0 for other in points):
            points.append(point)
    xy = np.array(points).reshape(-1, 2)
    flow = np.arctan2(-(xy[:, 1] - SIDE / 2), xy[:, 0] - SIDE / 2) + np.pi / 2
    angle = flow + rng.normal(0.0, 0.5, len(xy)) + np.pi * rng.integers(0, 2, len(xy))
    return template(xy[:, 0], xy[:, 1], angle, rng.random(len(xy)) < 0.5, np.sort(rng.uniform(0.6, 1.0, len(xy)))[::-1])


def impression(
    of: FingerTemplate,
    seed: int,
    *,
    rotation: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    noise: float = 1.0,
    bend: float = 0.0,
    lost: int = 0,
    false: int = 0,
) -> FingerTemplate:
    """Another impression of the same finger: noise in px (and as many 0.03 rad), bend in px of smooth distortion."""
    rng = np.random.default_rng(seed)
    x, y, angle = (np.asarray(a, np.float64) for a in (of.x, of.y, of.angle))
    x, y = x + bend * np.sin(y / 60.0), y + bend * np.cos(x / 70.0)
    centre = SIDE / 2
    cos, sin = np.cos(rotation), np.sin(rotation)
    # y points down in templates, so a counter-clockwise turn has the sine's sign changed
    u, v = x - centre, y - centre
    x, y, angle = cos * u + sin * v + centre + shift[0], -sin * u + cos * v + centre + shift[1], angle + rotation
    x, y = x + rng.normal(0, noise, len(x)), y + rng.normal(0, noise, len(y))
    angle = angle + rng.normal(0, 0.03 * noise, len(x)) if noise else angle
    keep = np.sort(rng.permutation(len(x))[lost:])
    x = np.append(x[keep], rng.uniform(80, SIDE - 80, false))
    y = np.append(y[keep], rng.uniform(80, SIDE - 80, false))
    angle = np.append(angle[keep], rng.uniform(0, TURN, false))
    ending = np.append(of.ending[keep], rng.random(false) < 0.5)
    quality = np.append(of.quality[keep], np.full(false, 0.6))
    return template(x, y, angle, ending, quality)


def template(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    angle: NDArray[np.floating],
    ending: NDArray[np.bool_],
    quality: NDArray[np.floating],
) -> FingerTemplate:
    def f4(values: NDArray[np.floating]) -> NDArray[np.float32]:
        return np.ascontiguousarray(values, np.float32)

    wrapped = np.mod(f4(angle), np.float32(TURN)) % np.float32(TURN)
    return FingerTemplate(f4(x), f4(y), wrapped, np.ascontiguousarray(ending, np.bool_), f4(quality), SIDE, SIDE)


def empty() -> FingerTemplate:
    none = np.zeros(0)
    return template(none, none, none, np.zeros(0, np.bool_), none)


def couple(seed: int) -> tuple[Minutiae, Minutiae]:
    """Made ready: mated for even seeds, non-mated for odd ones; the first has fewer minutiae, so comparing starts from it."""
    first = finger(seed, 25 + 2 * seed)
    other = finger(seed + 100, 40) if seed % 2 else first
    second = impression(other, seed, rotation=0.4 * seed, shift=(9, -14), noise=1.5, bend=4.0, lost=1, false=6)
    return prepare(first), prepare(second)
