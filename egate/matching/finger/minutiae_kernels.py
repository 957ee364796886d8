"""Numba kernels that align two impressions, from candidate pairs to a log-likelihood ratio.

They share one file because numba's cache is keyed by the file of the outermost kernel: a callee changed in another
file would go unnoticed. Each kernel has a numpy twin in tests/matching/test_minutiae_kernels.py, its oracle.

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

HYPOTHESES_MAX = 5  # alignments tried; 10 find no more mated pairs, and raise non-mated scores
SEED_SUPPORT_MIN = 0.05
SEED_PAIRS_MIN = 3  # a rigid motion from fewer pairs is a guess
REACH_RIGID_PX = (20.0, 18.0)
REACH_RIGID_RAD = 0.6
REACH_LOCAL_PX = 11.0
REACH_LOCAL_RAD = 0.45
DISTORTION_PRIOR = 0.7  # weight of "not displaced", in neighbours
ACCURACY_PX = 5.0
ACCURACY_RAD = 0.2
OVERLAP_MARGIN_PX = 8.0
OVERLAP_PRIOR = 12.0  # minutiae; a full match of a tiny overlap is not a full match

# Close pairs are weighed against all neighbours of like direction: where ridges flow alike in both prints, and where
# minutiae are dense, pairs come about by chance. Without it a threshold set on three of the corpus's sets had between a
# tenth and five times its FMR on the others; with it, 0.7 to 1.2 times. The wider the window, the better the EER and the
# worse the agreement between sets: 30, 40, 60 px have been tried.
NEIGHBOUR_PX = 40.0
NEIGHBOUR_RAD = 0.45
NEIGHBOUR_PRIOR = 12.0  # neighbours

# A small print fits into many places of another one: without this handicap parts of prints (4 to 20 minutiae) matched other
# fingers 1.2 to 1.6 times as often as whole prints at the threshold of FMR 1e-2. In units of the log-likelihood ratio;
# chosen on the corpus, see models/finger-minutiae/CARD.md.
COUNT_ENOUGH, COUNT_SMALL, COUNT_HANDICAP = 26.0, 20.0, 0.5

# What `gather_evidence` yields, by index.
PAIRS, CLOSE_PAIRS, OVERLAP, NEIGHBOURS, SAME_TYPE, SMALLER = range(6)
EVIDENCE_SIZE = 6

TURN = 2.0 * math.pi
COST_BITS, INDEX_BITS = 30, 7  # of a pair's key when pairs are sorted
INDEX_MASK = (1 << INDEX_BITS) - 1
GAPS = (701, 301, 132, 57, 23, 10, 4, 1)  # M. Ciura, Best Increments for the Average Case of Shellsort, 2001


@njit(cache=True, error_model="numpy", nogil=True)
def best_alignment(
    a: F4, ending_a: B1, near_a: F4, hull_a: F4, b: F4, ending_b: B1, hull_b: F4, first_b: I4,
    at: I4, to: I4, standing: F4, agreement: F4, weights: F8,
) -> tuple[float, F8]:  # fmt: skip
    """Largest log-likelihood ratio over alignments grown from the best-standing seeds, and its evidence.

    a, b: (3, n), (3, m). at, to, standing: (p,) candidate pairs; agreement: (p, p). Pairs that an earlier alignment took up
    are no seeds. (-inf, zeros) if no seed leads to SEED_PAIRS_MIN pairs.
    """
    n, m = a.shape[1], b.shape[1]
    best, best_evidence = -np.inf, np.zeros(EVIDENCE_SIZE)
    moved, bent, back = np.empty((3, n), np.float32), np.empty((3, n), np.float32), np.empty((3, m), np.float32)
    key, pairs, weight = (
        np.empty(n * m, np.int64),
        np.empty((2, min(n, m)), np.int32),
        np.empty(max(len(at), n), np.float32),
    )
    taken, support = np.empty((2, max(n, m)), np.bool_), np.empty((2, len(at)), np.int32)
    is_seed = np.ones(len(at), np.bool_)
    tried = 0
    while tried < HYPOTHESES_MAX:
        seed = best_seed(standing, is_seed)
        if seed < 0:
            break
        is_seed[seed] = False
        count = gather_support(seed, at, to, standing, agreement, support, weight)
        if count < SEED_PAIRS_MIN:
            continue
        tried += 1
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
        found = gather_evidence(bent, ending_a, b, ending_b, pairs[:, :count])
        if log_likelihood_ratio(found, weights) > best:  # overlap and neighbours, not counted yet, can only lower it
            move_back(b, motion, back)
            found[NEIGHBOURS] = count_neighbours(bent, b)
            found[OVERLAP] = count_overlap(bent, hull_b, pairs[0, :count]) + count_overlap(
                back, hull_a, pairs[1, :count]
            )
            ratio = log_likelihood_ratio(found, weights)
            if ratio > best:
                best, best_evidence = ratio, found
        for p in range(count):
            for k in range(len(at)):
                if pairs[0, p] == at[k] and pairs[1, p] == to[k]:
                    is_seed[k] = False
    return best, best_evidence


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
def fit_rigid(a: F4, b: F4, pairs: I4, weight: F4) -> tuple[float, float, float]:
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
def move(points: F4, motion: tuple[float, float, float], moved: F4) -> None:
    """Rotates about the origin, then translates; into moved."""
    cos, sin = np.float32(math.cos(motion[0])), np.float32(math.sin(motion[0]))
    turn, dx, dy = np.float32(motion[0]), np.float32(motion[1]), np.float32(motion[2])
    for k in range(points.shape[1]):
        moved[0, k] = cos * points[0, k] - sin * points[1, k] + dx
        moved[1, k] = sin * points[0, k] + cos * points[1, k] + dy
        moved[2, k] = points[2, k] + turn


@njit(cache=True, error_model="numpy", nogil=True)
def move_back(points: F4, motion: tuple[float, float, float], moved: F4) -> None:
    """Undoes `move` for x and y; into moved."""
    cos, sin = np.float32(math.cos(motion[0])), np.float32(math.sin(motion[0]))
    dx, dy = np.float32(motion[1]), np.float32(motion[2])
    for k in range(points.shape[1]):
        x, y = points[0, k] - dx, points[1, k] - dy
        moved[0, k], moved[1, k] = cos * x + sin * y, cos * y - sin * x


@njit(cache=True, error_model="numpy", nogil=True)
def pair_greedily(moved: F4, b: F4, first: I4, reach_px: float, reach_rad: float, key: I8, taken: B1, pairs: I4) -> int:
    """One-to-one pairs of moved minutiae of a with those of b, nearest first (position and angle together); into pairs.

    first: index of b over x (see minutiae_codes). key, taken: room for what is compared. Returns how many there are.
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
    """Ascending, in place. Shellsort: a dozen keys are usual, a few thousand possible, and none may be allocated for."""
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


@njit(cache=True, error_model="numpy", nogil=True)
def count_overlap(points: F4, hull: F4, paired: I4) -> float:
    """How many points lie where the other impression has its minutiae, or are paired. hull: see minutiae_codes.hull_lines."""
    n = points.shape[1]
    furthest = np.full(n, np.float32(-np.inf if len(hull) else np.inf))
    for side in range(len(hull)):
        nx, ny, d = hull[side, 0], hull[side, 1], hull[side, 2]
        for k in range(n):
            furthest[k] = max(furthest[k], nx * points[0, k] + ny * points[1, k] - d)
    for k in range(len(paired)):
        furthest[paired[k]] = np.float32(-np.inf)
    count = 0
    for k in range(n):
        count += furthest[k] < OVERLAP_MARGIN_PX
    return float(count)


@njit(cache=True, error_model="numpy", nogil=True)
def count_neighbours(bent: F4, b: F4) -> float:
    """Pairs within NEIGHBOUR_PX and NEIGHBOUR_RAD, each minutia in as many as there are."""
    whole, per_whole = np.float32(TURN), np.float32(1.0 / TURN)
    square_max, turn_max = np.float32(NEIGHBOUR_PX**2), np.float32(NEIGHBOUR_RAD)
    count = 0
    for i in range(bent.shape[1]):
        x, y, angle = bent[0, i], bent[1, i], bent[2, i]
        for j in range(b.shape[1]):
            dx, dy, off = b[0, j] - x, b[1, j] - y, b[2, j] - angle
            off = abs(off - whole * np.rint(off * per_whole))
            count += (dx * dx + dy * dy <= square_max) & (off <= turn_max)
    return float(count)


@njit(cache=True, error_model="numpy", nogil=True)
def gather_evidence(bent: F4, ending_a: B1, b: F4, ending_b: B1, pairs: I4) -> F8:
    """(EVIDENCE_SIZE,) of paired minutiae; a's are already moved. Overlap and neighbours are set to their least: the pairs."""
    count = pairs.shape[1]
    result = np.zeros(EVIDENCE_SIZE)
    result[PAIRS], result[SMALLER] = count, min(bent.shape[1], b.shape[1])
    result[OVERLAP], result[NEIGHBOURS] = 2.0 * count, count
    for k in range(count):
        i, j = pairs[0, k], pairs[1, k]
        dx, dy = np.float64(bent[0, i]) - b[0, j], np.float64(bent[1, i]) - b[1, j]
        off = np.float64(b[2, j]) - bent[2, i]
        off -= TURN * np.rint(off / TURN)
        result[CLOSE_PAIRS] += math.exp(-0.5 * ((dx * dx + dy * dy) / ACCURACY_PX**2 + (off / ACCURACY_RAD) ** 2))
        if ending_a[i] == ending_b[j]:
            result[SAME_TYPE] += 1.0
    return result


@njit(cache=True, error_model="numpy", nogil=True)
def log_likelihood_ratio(evidence: F8, weights: F8) -> float:
    """Logarithm of how much likelier the evidence is for mated impressions, less the handicap of small prints.

    weights: (4,) constant, then those of: share of the overlap that is paired closely, times the square root of the
    pairs; agreement of types; close pairs among neighbours.
    """
    pairs, close = evidence[PAIRS], evidence[CLOSE_PAIRS]
    small = min(max((COUNT_ENOUGH - evidence[SMALLER]) / (COUNT_ENOUGH - COUNT_SMALL), 0.0), 1.0)
    ratio = (
        weights[0]
        + weights[1] * 2.0 * close / (evidence[OVERLAP] + OVERLAP_PRIOR) * math.sqrt(pairs)
        + weights[2] * (evidence[SAME_TYPE] + 1.0) / (pairs + 2.0)
        + weights[3] * close / (evidence[NEIGHBOURS] + NEIGHBOUR_PRIOR)
    )
    return float(ratio - COUNT_HANDICAP * small)
