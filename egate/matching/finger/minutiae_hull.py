"""Convex hull of minutiae: where an impression certainly has captured skin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def convex_hull(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, 2) corners, counter-clockwise with y up, no three in a line; k < 3 if all points are in one line.

    Andrew's monotone chain (Information Processing Letters 9(5), 1979).
    """
    points = sorted(set(zip(x.tolist(), y.tolist(), strict=True)))
    corners = points if len(points) < 3 else _chain(points) + _chain(points[::-1])
    return np.array(corners, np.float64).reshape(-1, 2)


def area(hull: NDArray[np.float64]) -> float:
    """Enclosed area in square units of the corners; 0 for fewer than three."""
    if len(hull) < 3:
        return 0.0
    x, y = hull.T
    return 0.5 * float(np.abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def _chain(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The lower side of the hull, without its last corner."""
    chain: list[tuple[float, float]] = []
    for point in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0.0:
            chain.pop()
        chain.append(point)
    return chain[:-1]


def _turn(o: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])
