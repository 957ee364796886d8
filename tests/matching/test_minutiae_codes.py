"""Kernels that make an impression ready, each against its numpy twin, on random and on degenerate impressions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from egate.matching.finger import minutiae_codes as codes
from egate.matching.finger.minutiae import Minutiae, prepare
from egate.matching.finger.minutiae_hull import convex_hull
from tests.matching.finger_samples import couple, empty, finger

F8 = NDArray[np.float64]
TURN = 2.0 * np.pi


def hull_lines(x: F8, y: F8) -> F8:
    """(k, 3) nx, ny, d; from the corners."""
    corners = convex_hull(x, y)
    if len(corners) < 3:
        return np.empty((0, 3))
    edge = np.roll(corners, -1, axis=0) - corners
    normal = np.stack([edge[:, 1], -edge[:, 0]]) / np.hypot(*edge.T)
    return np.column_stack([*normal, (normal * corners.T).sum(axis=0)])


def levels(m: Minutiae) -> tuple[F8, NDArray[np.bool_]]:
    """(n, cells, layers) contributions, without the kernel's tables, and (n, cells) whether a cell was captured."""
    x, y, angle = m.points.astype(np.float64)
    sigma = codes.CYLINDER_SIGMA_PX
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    cx = x[:, None] + cos * codes.CELL_X - sin * codes.CELL_Y
    cy = y[:, None] + sin * codes.CELL_X + cos * codes.CELL_Y
    square = (cx[:, None] - x[None, :, None]) ** 2 + (cy[:, None] - y[None, :, None]) ** 2
    near = np.where(square < 9 * sigma**2, np.exp(-0.5 * square / sigma**2), 0.0) / (sigma * np.sqrt(TURN))
    near[np.arange(len(x)), np.arange(len(x))] = 0.0
    layer = (np.arange(codes.CYLINDER_LAYERS) + 0.5) * TURN / codes.CYLINDER_LAYERS - np.pi
    off = layer - (angle[:, None] - angle[None, :])[..., None]
    off -= TURN * np.rint(off / TURN)
    level = np.einsum("ikc,ikl->icl", near, np.exp(-0.5 * (off / codes.CYLINDER_SIGMA_RAD) ** 2))
    nx, ny, d = hull_lines(x, y).T
    beyond = (cx[..., None] * nx + cy[..., None] * ny - d).max(axis=-1)
    return level, (beyond <= codes.HULL_MARGIN_PX) & codes.CELL_INSIDE


def bits(words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(..., 64), low bits first."""
    return (words[..., None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)).astype(np.bool_)


@pytest.mark.parametrize("seed", range(6))
def test_cylinder_codes(seed: int) -> None:
    """Exact but for contributions within 2 % of the level that sets a bit: the kernel looks them up in tables."""
    for m in couple(seed):
        level, seen = levels(m)
        assert (bits(m.mask) == seen).all()
        code = bits(m.code).transpose(1, 2, 0)
        clear = np.abs(level / codes.CYLINDER_BIT_LEVEL - 1.0) > 0.02
        expected = (level > codes.CYLINDER_BIT_LEVEL) & seen[..., None]
        assert (code == expected)[clear].all()
        assert clear.mean() > 0.99
        assert 0 < code.sum() < 0.5 * code.size


@pytest.mark.parametrize("seed", range(6))
def test_hull_and_nearness(seed: int) -> None:
    for m in couple(seed):
        x, y, _ = m.points.astype(np.float64)
        np.testing.assert_allclose(m.hull, hull_lines(x, y), rtol=1e-4, atol=1e-3)
        distance = np.hypot(x[:, None] - x, y[:, None] - y)
        near = np.exp(-0.5 * (distance / codes.DISTORTION_RANGE_PX) ** 2)
        np.testing.assert_allclose(m.near, near - np.eye(len(x)), atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_points_are_sorted_and_found_by_their_place(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 12, 40).astype(np.float32) for _ in range(2))  # many equal ones
    order = codes.sort_points(x, y)
    assert order.tolist() == np.lexsort((np.arange(40), y, x)).tolist()
    x = x[order]
    first = codes.index_by_x(x)
    edges = x[0] + np.arange(codes.BUCKETS + 1) * ((x[-1] - x[0]) / codes.BUCKETS)
    assert first.tolist() == np.searchsorted(x, edges.astype(np.float32), side="left").tolist()


def test_grid_of_whole_pixels_has_the_hull_of_its_corners() -> None:
    """Many minutiae in one line and in one place: the sides must not be cut up."""
    x, y = (grid.ravel().astype(np.float32) for grid in np.meshgrid([0, 0, 10, 20, 30], [5, 5, 15, 25]))
    order = codes.sort_points(x, y)
    lines = codes.hull_lines(x[order], y[order])
    assert sorted(map(tuple, lines.tolist())) == [
        (-1.0, 0.0, 0.0),
        (0.0, -1.0, -5.0),
        (0.0, 1.0, 25.0),
        (1.0, 0.0, 30.0),
    ]


def test_none_and_one_line_enclose_nothing() -> None:
    assert prepare(empty()).hull.shape == (0, 3)
    line = np.arange(5, dtype=np.float32)
    assert codes.hull_lines(line, 2 * line).shape == (0, 3)
    assert codes.hull_lines(0 * line, line).shape == (0, 3)
    assert codes.index_by_x(line[:0]).tolist() == [0] * (codes.BUCKETS + 1)


def test_kernels_change_no_template() -> None:
    whole = finger(1)
    before = [column.copy() for column in (whole.x, whole.y, whole.angle, whole.ending)]
    prepare(whole)
    assert all((a == b).all() for a, b in zip(before, (whole.x, whole.y, whole.angle, whole.ending), strict=True))
