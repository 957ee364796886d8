"""Numba kernels that align two impressions: from candidate pairs to paired minutiae, the skin's distortion followed.

They share one file because numba's cache is keyed by the file of the outermost kernel: a callee changed in another
file would go unnoticed. Each has a numpy twin in tests/matching/test_minutiae_alignment.py, its oracle.

Units: pixels at 500 dpi, y up; radians; float32, C-contiguous; rows of minutiae are x, y, angle, sorted by x. NaN must not
come in (see minutiae.prepare). Release the GIL: lanes compare in parallel.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

F4 = NDArray[np.float32]
F8 = NDArray[np.float64]
I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
B1 = NDArray[np.bool_]
Motion = tuple[float, float, float]  # angle, dx, dy

HYPOTHESES_MAX = 5  # alignments tried; 10 find no more mated pairs, and raise non-mated scores
SEED_SUPPORT_MIN = 0.05
SEED_PAIRS_MIN = 3  # a rigid motion from fewer pairs is a guess
REACH_RIGID_PX = (20.0, 18.0)
REACH_RIGID_RAD = 0.6
REACH_LOCAL_PX = 11.0
REACH_LOCAL_RAD = 0.45
DISTORTION_PRIOR = 0.7  # weight of "not displaced", in neighbours

# Pairs within reach of one alignment, most of them to be refused as not one-to-one: 175 at most among 400 prints of the
# corpus and a third party's templates of them (85 minutiae). 120 minutiae crowded into a few pixels have 14,400, which took
# 20 to 180 ms to sort; nothing that crowded is a print, so an alignment with more pairs than this has none.
REACHED_MAX = 512

TURN = 2.0 * math.pi
COST_BITS, INDEX_BITS = 30, 7  # of a pair's key when pairs are sorted
INDEX_MASK = (1 << INDEX_BITS) - 1
GAPS = (701, 301, 132, 57, 23, 10, 4, 1)  # M. Ciura, Best Increments for the Average Case of Shellsort, 2001


@njit(cache=True, error_model="numpy", nogil=True)
def align(a: F4, near_a: F4, b: F4, first_b: I4, at: I4, to: I4, standing: F4, agreement: F4) -> tuple[F4, I4, I4, F8]:
    """Alignments grown from the best-standing seeds, h of them, at most HYPOTHESES_MAX.

    a, b: (3, n), (3, m). at, to, standing: (p,) candidate pairs; agreement: (p, p). Returns bent (h, 3, n), a's minutiae
    where they come to lie; pairs (h, 2, .) and counts (h,) of them, SEED_PAIRS_MIN or more; motion (h, 3), the rigid part.
    Pairs that an earlier alignment took up are no seeds.
    """
    n, m = a.shape[1], b.shape[1]
    bents, motions = np.empty((HYPOTHESES_MAX, 3, n), np.float32), np.empty((HYPOTHESES_MAX, 3))
    all_pairs, counts = np.empty((HYPOTHESES_MAX, 2, min(n, m)), np.int32), np.empty(HYPOTHESES_MAX, np.int32)
    moved, weight = np.empty((3, n), np.float32), np.empty(max(len(at), n), np.float32)
    key, taken = np.empty(REACHED_MAX, np.int64), np.empty((2, max(n, m)), np.bool_)
    support, is_seed = np.empty((2, len(at)), np.int32), np.ones(len(at), np.bool_)
    tried, found = 0, 0
    while tried < HYPOTHESES_MAX:
        seed = best_seed(standing, is_seed)
        if seed < 0:
            break
        is_seed[seed] = False
        count = gather_support(seed, at, to, standing, agreement, support, weight)
        if count < SEED_PAIRS_MIN:
            continue
        tried += 1
        bent, pairs = bents[found], all_pairs[found]
        motion = fit_rigid(a, b, support[:, :count], weight)
        for reach in REACH_RIGID_PX:
            move(a, motion, moved)
            count = pair_greedily(moved, b, first_b, reach, REACH_RIGID_RAD, key, taken, pairs)
            if count < SEED_PAIRS_MIN:
                break
            weight[:count] = np.float32(1.0)
            motion = fit_rigid(a, b, pairs[:, :count], weight)
        move(a, motion, moved)
        for _ in range(2):
            follow_distortion(moved, b, pairs[:, :count], near_a, bent)
            count = pair_greedily(bent, b, first_b, REACH_LOCAL_PX, REACH_LOCAL_RAD, key, taken, pairs)
        if count < SEED_PAIRS_MIN:
            continue
        follow_distortion(moved, b, pairs[:, :count], near_a, bent)
        counts[found], motions[found, 0], motions[found, 1], motions[found, 2] = count, motion[0], motion[1], motion[2]
        found += 1
        for p in range(count):
            for k in range(len(at)):
                if pairs[0, p] == at[k] and pairs[1, p] == to[k]:
                    is_seed[k] = False
    return bents[:found], all_pairs[:found], counts[:found], motions[:found]


@njit(cache=True, error_model="numpy", nogil=True)
def best_seed(standing: F4, is_seed: B1) -> int:
    """The best-standing pair that may be a seed, the first of equals; -1 if none is left."""
    best, most = -1, np.float32(-1.0)
    for k in range(len(standing)):
        if is_seed[k] and standing[k] > most:
            best, most = k, standing[k]
    return best


@njit(cache=True, error_model="numpy", nogil=True)
def gather_support(seed: int, at: I4, to: I4, standing: F4, agreement: F4, support: I4, weight: F4) -> int:
    """How many pairs stand with the seed, itself included; they come into support (2, ...), their weights into weight."""
    count = 0
    for k in range(len(at)):
        value = agreement[seed, k] * standing[k]
        if k == seed:
            value = np.float32(1.0)
        if value > SEED_SUPPORT_MIN:
            support[0, count], support[1, count], weight[count] = at[k], to[k], value
            count += 1
    return count


@njit(cache=True, error_model="numpy", nogil=True)
def fit_rigid(a: F4, b: F4, pairs: I4, weight: F4) -> Motion:
    """Rotation and translation that move a's minutiae onto b's with least weighted squares: angle, dx, dy."""
    total, amx, amy, bmx, bmy = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(pairs.shape[1]):
        i, j, share = pairs[0, k], pairs[1, k], np.float64(weight[k])
        total += share
        amx += share * a[0, i]
        amy += share * a[1, i]
        bmx += share * b[0, j]
        bmy += share * b[1, j]
    amx, amy, bmx, bmy = amx / total, amy / total, bmx / total, bmy / total
    along, across = 0.0, 0.0
    for k in range(pairs.shape[1]):
        i, j = pairs[0, k], pairs[1, k]
        px, py, qx, qy = a[0, i] - amx, a[1, i] - amy, b[0, j] - bmx, b[1, j] - bmy
        along += weight[k] * (px * qx + py * qy)
        across += weight[k] * (px * qy - py * qx)
    angle = math.atan2(across, along)
    cos, sin = math.cos(angle), math.sin(angle)
    return angle, bmx - (cos * amx - sin * amy), bmy - (sin * amx + cos * amy)


@njit(cache=True, error_model="numpy", nogil=True)
def move(points: F4, motion: Motion, moved: F4) -> None:
    """Rotates about the origin, then translates; into moved."""
    cos, sin = np.float32(math.cos(motion[0])), np.float32(math.sin(motion[0]))
    turn, dx, dy = np.float32(motion[0]), np.float32(motion[1]), np.float32(motion[2])
    for k in range(points.shape[1]):
        moved[0, k] = cos * points[0, k] - sin * points[1, k] + dx
        moved[1, k] = sin * points[0, k] + cos * points[1, k] + dy
        moved[2, k] = points[2, k] + turn


@njit(cache=True, error_model="numpy", nogil=True)
def pair_greedily(moved: F4, b: F4, first: I4, reach_px: float, reach_rad: float, key: I8, taken: B1, pairs: I4) -> int:
    """One-to-one pairs of moved minutiae of a with those of b, nearest first (position and angle together); into pairs.

    first: index of b over x (see minutiae_codes). key, taken: room for what is compared. Returns how many there are; none if
    more are within reach than key has room for.
    """
    n, m, buckets = moved.shape[1], b.shape[1], len(first) - 1
    reach, turn, square_max = np.float32(reach_px), np.float32(reach_rad), np.float32(reach_px * reach_px)
    per_square, per_turn = np.float32(1.0 / reach_px**2), np.float32(1.0 / reach_rad**2)
    left, right = b[0, 0], b[0, m - 1]
    per_px = np.float32(buckets) / (right - left) if right > left else np.float32(0.0)
    whole, per_whole, scale = np.float32(TURN), np.float32(1.0 / TURN), np.float32(1 << COST_BITS - 1)
    found = 0
    for i in range(n):
        x, y, angle = moved[0, i], moved[1, i], moved[2, i]
        if x - reach > right or x + reach < left:
            continue
        bucket = int(max((x - reach - left) * per_px - np.float32(1.0), np.float32(0.0)))  # one early: rounding
        for j in range(first[min(bucket, buckets)], m):
            dx, dy = b[0, j] - x, b[1, j] - y
            if dx > reach:
                break
            square = dx * dx + dy * dy
            if square > square_max:
                continue
            off = b[2, j] - angle
            off = abs(off - whole * np.rint(off * per_whole))
            if off <= turn:
                if found == len(key):
                    return 0
                cost = square * per_square + off * off * per_turn
                key[found] = np.int64(cost * scale) << 2 * INDEX_BITS | i << INDEX_BITS | j
                found += 1
    sort_keys(key[:found])
    taken[:] = False
    count = 0
    for k in range(found):
        i, j = (key[k] >> INDEX_BITS) & INDEX_MASK, key[k] & INDEX_MASK
        if not (taken[0, i] or taken[1, j]):
            taken[0, i] = taken[1, j] = True
            pairs[0, count], pairs[1, count] = i, j
            count += 1
    return count


@njit(cache=True, error_model="numpy", nogil=True)
def sort_keys(key: I8) -> None:
    """Ascending, in place. Shellsort: a hundred keys are usual, REACHED_MAX possible, and none may be allocated for."""
    for gap in GAPS:
        for k in range(gap, len(key)):
            value, at = key[k], k
            while at >= gap and key[at - gap] > value:
                key[at] = key[at - gap]
                at -= gap
            key[at] = value


@njit(cache=True, error_model="numpy", nogil=True)
def follow_distortion(moved: F4, b: F4, pairs: I4, near: F4, bent: F4) -> None:
    """Moved minutiae of a, displaced further as their paired neighbours are, into bent; a minutia never votes for itself.

    near: (n, n) weight of a neighbour's displacement, zero on the diagonal.
    """
    n = moved.shape[1]
    whole, per_whole = np.float32(TURN), np.float32(1.0 / TURN)
    total = np.full(n, np.float32(DISTORTION_PRIOR))
    bent[:] = np.float32(0.0)
    for k in range(pairs.shape[1]):
        i, j = pairs[0, k], pairs[1, k]
        dx, dy, turn = b[0, j] - moved[0, i], b[1, j] - moved[1, i], b[2, j] - moved[2, i]
        turn -= whole * np.rint(turn * per_whole)
        for p in range(n):
            weight = near[i, p]
            bent[0, p] += weight * dx
            bent[1, p] += weight * dy
            bent[2, p] += weight * turn
            total[p] += weight
    for row in range(3):
        for p in range(n):
            bent[row, p] = moved[row, p] + bent[row, p] / total[p]
