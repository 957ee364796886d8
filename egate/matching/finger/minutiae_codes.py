"""Numba kernels that make an impression ready: its hull, how near its minutiae are to each other, their neighbourhoods.

They share one file because numba's cache is keyed by the file of the outermost kernel: a callee changed in another
file would go unnoticed. Each has a numpy twin in tests/matching/test_minutiae_codes.py, its oracle.

Units everywhere: pixels at 500 dpi, y up; radians; float32, C-contiguous, minutiae sorted by x, then y. NaN must not
come in. The constants are float32 because float64 ones would halve the width of the vector instructions.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

F4 = NDArray[np.float32]
I4 = NDArray[np.int32]
U8 = NDArray[np.uint64]

TURN = 2.0 * math.pi

# Cylinder codes, after Cappelli, Ferrara, Maltoni: Minutia Cylinder-Code (IEEE PAMI 32(12), 2010), table 1: R, Ns, Nd, sigmas.
CYLINDER_RADIUS_PX = 70.0
CYLINDER_CELLS = 8  # along the diameter: a layer's cells are the bits of one word
CYLINDER_LAYERS = 6  # of direction difference
CYLINDER_SIGMA_PX = 28.0 / 3.0
CYLINDER_SIGMA_RAD = TURN / 9.0
CYLINDER_REACH_PX = 3.0 * CYLINDER_SIGMA_PX  # of a minutia's contribution
CYLINDER_BIT_LEVEL = 0.008  # contribution that sets a bit; chosen on the corpus, flat between 0.006 and 0.012
HULL_MARGIN_PX = 50.0  # a cell further outside the minutiae's hull was probably not captured
DISTORTION_RANGE_PX = 45.0  # over which neighbours are displaced alike; chosen on the corpus

BUCKETS = 64  # of the index over x
STEP_PX = 2.0 * CYLINDER_RADIUS_PX / CYLINDER_CELLS
LANES = 8  # the layers, filled up to the width of a vector

# Contributions are looked up: 0.7 degrees and 0.8 px² apart, a hundredth of a sigma where they change most.
TURN_STEPS = 512
SQUARE_STEPS = 1024


def _layer_table() -> F4:
    """(TURN_STEPS, LANES) contribution to each layer of a direction difference from -pi on."""
    turn = (np.arange(TURN_STEPS) + 0.5) * TURN / TURN_STEPS - math.pi
    layer = (np.arange(CYLINDER_LAYERS) + 0.5) * TURN / CYLINDER_LAYERS - math.pi
    off = layer - turn[:, None]
    off -= TURN * np.rint(off / TURN)
    table = np.zeros((TURN_STEPS, LANES), np.float32)
    table[:, :CYLINDER_LAYERS] = np.exp(-0.5 * (off / CYLINDER_SIGMA_RAD) ** 2)
    return table


def _square_table() -> F4:
    """(SQUARE_STEPS,) contribution by squared distance, from 0 to CYLINDER_REACH_PX squared."""
    square = (np.arange(SQUARE_STEPS) + 0.5) * CYLINDER_REACH_PX**2 / SQUARE_STEPS
    height = 1.0 / (CYLINDER_SIGMA_PX * math.sqrt(TURN))
    return np.asarray(height * np.exp(-0.5 * square / CYLINDER_SIGMA_PX**2), np.float32)


def _cell_centres() -> tuple[F4, F4, NDArray[np.bool_]]:
    """(64,) x and y of the cells relative to a minutia that points east, row by row, and whether each is in the cylinder."""
    line = (np.arange(CYLINDER_CELLS) - (CYLINDER_CELLS - 1) / 2) * STEP_PX
    x, y = (np.ascontiguousarray(grid.ravel(), np.float32) for grid in np.meshgrid(line, line))
    return x, y, x**2 + y**2 <= CYLINDER_RADIUS_PX**2


LAYER_TABLE = _layer_table()
SQUARE_TABLE = _square_table()
CELL_X, CELL_Y, CELL_INSIDE = _cell_centres()
CELLS = len(CELL_X)

_STEP, _MIDDLE, _REACH = np.float32(STEP_PX), np.float32((CYLINDER_CELLS - 1) / 2), np.float32(CYLINDER_REACH_PX)
_REACH_SQUARE = np.float32(CYLINDER_REACH_PX**2)
_SQUARE_SCALE = np.float32(SQUARE_STEPS / CYLINDER_REACH_PX**2)
_SIGHT_SQUARE = np.float32((CYLINDER_RADIUS_PX + CYLINDER_REACH_PX) ** 2)
_TURN_SCALE = np.float32(TURN_STEPS / TURN)
_LEVEL, _MARGIN = np.float32(CYLINDER_BIT_LEVEL), np.float32(HULL_MARGIN_PX)
_NEAR = np.float32(-0.5 / DISTORTION_RANGE_PX**2)
_ZERO = np.float32(0.0)


@njit(cache=True, error_model="numpy", nogil=True)
def ready(template: F4) -> tuple[I4, F4, F4, F4, U8, U8, I4]:
    """order, points, near, hull, code, mask, first of an impression; see `minutiae.Minutiae`.

    template: (3, n) x, y, angle. order: (n,) its columns as they are in points.
    """
    order = sort_points(template[0], template[1])
    points = np.empty(template.shape, np.float32)
    for row in range(len(template)):
        for k in range(len(order)):
            points[row, k] = template[row, order[k]]
    x, y, angle = points[0], points[1], points[2]
    hull = hull_lines(x, y)
    code, mask = cylinder_codes(x, y, angle, hull)
    return order, points, nearness(x, y), hull, code, mask, index_by_x(x)


@njit(cache=True, error_model="numpy", nogil=True)
def sort_points(x: F4, y: F4) -> I4:
    """(n,) indices by rising x, then y, then as they were. By insertion: n is small."""
    order = np.empty(len(x), np.int32)
    for k in range(len(x)):
        at = k
        while at > 0 and (x[order[at - 1]] > x[k] or (x[order[at - 1]] == x[k] and y[order[at - 1]] > y[k])):
            order[at] = order[at - 1]
            at -= 1
        order[at] = k
    return order


@njit(cache=True, error_model="numpy", nogil=True)
def hull_lines(x: F4, y: F4) -> F4:
    """(k, 3) sides nx, ny, d of the convex hull: nx * x + ny * y - d is the distance of a point beyond it, negative inside.

    x, y: (n,) sorted. Points in one line enclose nothing: (0, 3). Andrew's monotone chain (Information Processing
    Letters 9(5), 1979).
    """
    n = len(x)
    chain = np.empty(2 * n + 1, np.int32)
    count, fewest = 0, 1
    for step in range(2 * n - 1):  # to the right along the lower side, then back along the upper one
        k = step if step < n else 2 * n - 2 - step
        if step == n:
            fewest = count
        while count > fewest and cross(x, y, chain[count - 2], chain[count - 1], k) <= 0.0:
            count -= 1
        chain[count] = k
        count += 1
    lines = np.empty((max(count - 1, 0), 3), np.float32)
    if count < 4:
        return lines[:0]
    for k in range(count - 1):
        dx, dy = x[chain[k + 1]] - x[chain[k]], y[chain[k + 1]] - y[chain[k]]
        length = math.sqrt(dx * dx + dy * dy)
        lines[k, 0], lines[k, 1] = dy / length, -dx / length
        lines[k, 2] = lines[k, 0] * x[chain[k]] + lines[k, 1] * y[chain[k]]
    return lines


@njit(cache=True, error_model="numpy", nogil=True)
def cross(x: F4, y: F4, o: int, a: int, b: int) -> float:
    """Positive if the way from o over a to b turns left. In float64: exact for whole pixels."""
    ox, oy = np.float64(x[o]), np.float64(y[o])
    return float((x[a] - ox) * (y[b] - oy) - (y[a] - oy) * (x[b] - ox))


@njit(cache=True, error_model="numpy", nogil=True)
def nearness(x: F4, y: F4) -> F4:
    """(n, n) weight in [0, 1] with which one minutia's displacement tells of another's; the diagonal is 0."""
    n = len(x)
    near = np.zeros((n, n), np.float32)
    for i in range(n):
        for k in range(i):
            dx, dy = x[k] - x[i], y[k] - y[i]
            near[i, k] = near[k, i] = math.exp(_NEAR * (dx * dx + dy * dy))
    return near


@njit(cache=True, error_model="numpy", nogil=True)
def index_by_x(x: F4) -> I4:
    """(BUCKETS + 1,): the first minutia whose x is in this bucket or a later one, of as many equal ones over all x."""
    first = np.zeros(BUCKETS + 1, np.int32)
    if len(x) == 0:
        return first
    width = (x[-1] - x[0]) / BUCKETS
    at = 0
    for bucket in range(BUCKETS + 1):
        while at < len(x) and x[at] < x[0] + bucket * width:
            at += 1
        first[bucket] = at
    return first


@njit(cache=True, error_model="numpy", nogil=True)
def cylinder_codes(x: F4, y: F4, angle: F4, hull: F4) -> tuple[U8, U8]:
    """Binary neighbourhood descriptions of n minutiae: code (CYLINDER_LAYERS, n) and mask (n,), a bit for each cell.

    mask: the cells that are in the cylinder and were probably captured. code: those where minutiae of the layer's direction
    are near; only bits of the mask are set.
    """
    n = len(x)
    code, mask = np.zeros((CYLINDER_LAYERS, n), np.uint64), np.zeros(n, np.uint64)
    level, words, beyond = np.empty(CELLS * LANES, np.float32), np.empty(LANES, np.uint64), np.empty(CELLS, np.float32)
    for i in range(n):
        cos, sin = np.float32(math.cos(angle[i])), np.float32(math.sin(angle[i]))
        seen = captured(x[i], y[i], cos, sin, hull, beyond)
        if seen == 0:
            continue
        mask[i] = seen
        level[:] = _ZERO
        for k in range(n):
            dx, dy = x[k] - x[i], y[k] - y[i]
            if k != i and dx * dx + dy * dy <= _SIGHT_SQUARE:
                contribute(level, cos * dx + sin * dy, cos * dy - sin * dx, angle[i] - angle[k])
        words[:] = np.uint64(0)
        for cell in range(CELLS):
            bit = np.uint64(1) << np.uint64(cell)
            for lane in range(LANES):
                words[lane] |= bit if level[cell * LANES + lane] > _LEVEL else np.uint64(0)
        for layer in range(CYLINDER_LAYERS):
            code[layer, i] = words[layer] & seen
    return code, mask


@njit(cache=True, error_model="numpy", nogil=True)
def captured(x: np.float32, y: np.float32, cos: np.float32, sin: np.float32, hull: F4, beyond: F4) -> np.uint64:
    """The cells of a minutia's cylinder at most HULL_MARGIN_PX outside the hull. beyond: (CELLS,) is overwritten."""
    if len(hull) == 0:
        return np.uint64(0)
    beyond[:] = np.float32(-np.inf)
    for side in range(len(hull)):
        nx, ny = hull[side, 0], hull[side, 1]
        here, along, across = nx * x + ny * y - hull[side, 2], cos * nx + sin * ny, cos * ny - sin * nx
        for cell in range(CELLS):
            beyond[cell] = max(beyond[cell], here + along * CELL_X[cell] + across * CELL_Y[cell])
    seen = np.uint64(0)
    for cell in range(CELLS):
        if CELL_INSIDE[cell] and beyond[cell] <= _MARGIN:
            seen |= np.uint64(1) << np.uint64(cell)
    return seen


@njit(cache=True, error_model="numpy", nogil=True)
def contribute(level: F4, u: np.float32, v: np.float32, turn: np.float32) -> None:
    """Adds to level, cell by cell in LANES layers each, what a minutia at u, v of the cylinder does; turn: its direction's difference."""
    step = math.floor((turn + np.float32(math.pi)) * _TURN_SCALE) & (TURN_STEPS - 1)
    column, row = u / _STEP + _MIDDLE, v / _STEP + _MIDDLE
    reach = _REACH / _STEP
    left, right = max(math.ceil(column - reach), 0), min(math.floor(column + reach), CYLINDER_CELLS - 1)
    low, high = max(math.ceil(row - reach), 0), min(math.floor(row + reach), CYLINDER_CELLS - 1)
    for r in range(low, high + 1):
        for c in range(left, right + 1):
            cell = r * CYLINDER_CELLS + c
            dx, dy = u - CELL_X[cell], v - CELL_Y[cell]
            square = dx * dx + dy * dy
            if square < _REACH_SQUARE:
                near = SQUARE_TABLE[int(square * _SQUARE_SCALE)]
                for lane in range(LANES):
                    level[cell * LANES + lane] += near * LAYER_TABLE[step, lane]
