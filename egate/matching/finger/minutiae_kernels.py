"""Numba kernels of the minutiae matcher, from cylinder codes to the best alignment of two impressions.

They share one file because numba's cache is keyed by the file of the outermost kernel: a callee changed in another
file would go unnoticed. Each kernel has a numpy twin in tests/matching/test_minutiae_kernels.py, its oracle.

Units everywhere: pixels at 500 dpi, y up; radians; float64, C-contiguous. NaN must not come in (see minutiae.prepare).
Release the GIL: lanes compare in parallel.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I4 = NDArray[np.int32]
B1 = NDArray[np.bool_]
U8 = NDArray[np.uint64]

TURN = 2.0 * math.pi

# Cylinder codes, after Cappelli, Ferrara, Maltoni: Minutia Cylinder-Code (IEEE PAMI 32(12), 2010), table 1: R, Ns, Nd, sigmas.
CYLINDER_RADIUS_PX = 70.0
CYLINDER_CELLS = 8  # along the diameter
CYLINDER_LAYERS = 6  # of direction difference
CYLINDER_SIGMA_PX = 28.0 / 3.0
CYLINDER_SIGMA_RAD = TURN / 9.0
CYLINDER_BIT_LEVEL = 0.008  # contribution that sets a bit; chosen on the corpus, flat between 0.006 and 0.012
HULL_MARGIN_PX = 50.0  # a cell further outside the minutiae's hull was probably not captured
COMMON_CELLS_MIN = 100  # bits valid in both codes; fewer say nothing

# Agreement of two candidate pairs: what skin distortion and extraction allow. Chosen on the corpus.
EDGE_LENGTH_PX = 6.0
EDGE_LENGTH_SHARE = 0.06
ROTATION_RAD = 0.5
EDGE_BEARING_RAD = 0.35
EDGE_BEARING_PX = 4.0  # sideways error of an edge's end: short edges have uncertain bearings

# From a seed to the paired minutiae.
SEED_SUPPORT_MIN = 0.05
SEED_PAIRS_MIN = 3  # a rigid motion from fewer pairs is a guess
REACH_RIGID_PX = (20.0, 18.0)
REACH_RIGID_RAD = 0.6
REACH_LOCAL_PX = 11.0
REACH_LOCAL_RAD = 0.45
DISTORTION_RANGE_PX = 45.0  # over which neighbours are displaced alike
DISTORTION_PRIOR = 0.7  # weight of "not displaced", in neighbours
ACCURACY_PX = 5.0
ACCURACY_RAD = 0.2
OVERLAP_MARGIN_PX = 8.0
OVERLAP_PRIOR = 12.0  # minutiae; a full match of a tiny overlap is not a full match

# A small print fits into many places of another one. Without these handicaps parts of prints (4 to 20 minutiae) matched
# other fingers 10 to 40 times as often as whole prints at the same threshold; with them, about as `partial` of
# bench/calibrate_finger.py reports. In units of the log-likelihood ratio; chosen on the corpus.
PAIRS_ENOUGH, PAIRS_FEWEST, PAIRS_HANDICAP = 9.0, 3.0, 2.0
COUNT_ENOUGH, COUNT_SMALL, COUNT_HANDICAP = 26.0, 20.0, 1.0

# What `gather_evidence` yields, by index.
PAIRS, CLOSE_PAIRS, OVERLAP, SAME_TYPE, ANGLE_ERROR, SMALLER = range(6)
EVIDENCE_SIZE = 6


@njit(cache=True, error_model="numpy", nogil=True)
def wrap(angle: float) -> float:
    """angle in [-pi, pi]."""
    return float(angle - TURN * np.rint(angle / TURN))


@njit(cache=True, error_model="numpy", nogil=True)
def outside(x: float, y: float, hull: F8) -> float:
    """Distance of a point beyond the furthest edge line of a convex polygon; negative inside.

    hull: (k, 2) vertices counter-clockwise. Fewer than three vertices enclose nothing: +inf.
    """
    if len(hull) < 3:
        return np.inf
    furthest = -np.inf
    for k in range(len(hull)):
        after = (k + 1) % len(hull)
        ex, ey = hull[after, 0] - hull[k, 0], hull[after, 1] - hull[k, 1]
        furthest = max(furthest, ((x - hull[k, 0]) * ey - (y - hull[k, 1]) * ex) / math.sqrt(ex * ex + ey * ey))
    return furthest


@njit(cache=True, error_model="numpy", nogil=True)
def cylinder_codes(x: F8, y: F8, angle: F8, hull: F8, cells: F8, words: int) -> tuple[U8, U8]:
    """Binary neighbourhood descriptions of n minutiae.

    cells: (c, 2) cell centres relative to a minutia that points east. words: >= c * CYLINDER_LAYERS / 64.
    Returns code and mask, both (n, words) uint64: bit c * CYLINDER_LAYERS + layer, low bits first.
    """
    n, c = len(x), len(cells)
    code = np.zeros((n, words), np.uint64)
    mask = np.zeros((n, words), np.uint64)
    level = np.zeros((c, CYLINDER_LAYERS))
    layer_weight = np.zeros(CYLINDER_LAYERS)
    reach = 3.0 * CYLINDER_SIGMA_PX
    for i in range(n):
        cos, sin = math.cos(angle[i]), math.sin(angle[i])
        level[:] = 0.0
        for k in range(n):
            dx, dy = x[k] - x[i], y[k] - y[i]
            u, v = cos * dx + sin * dy, cos * dy - sin * dx
            if k == i or u * u + v * v > (CYLINDER_RADIUS_PX + reach) ** 2:
                continue
            turn = wrap(angle[i] - angle[k])
            for layer in range(CYLINDER_LAYERS):
                off = wrap((layer + 0.5) * TURN / CYLINDER_LAYERS - math.pi - turn) / CYLINDER_SIGMA_RAD
                layer_weight[layer] = math.exp(-0.5 * off * off) / (CYLINDER_SIGMA_PX * math.sqrt(TURN))
            for cell in range(c):
                square = (u - cells[cell, 0]) ** 2 + (v - cells[cell, 1]) ** 2
                if square <= reach * reach:
                    near = math.exp(-0.5 * square / CYLINDER_SIGMA_PX**2)
                    for layer in range(CYLINDER_LAYERS):
                        level[cell, layer] += near * layer_weight[layer]
        for cell in range(c):
            px = x[i] + cos * cells[cell, 0] - sin * cells[cell, 1]
            py = y[i] + sin * cells[cell, 0] + cos * cells[cell, 1]
            if outside(px, py, hull) > HULL_MARGIN_PX:
                continue
            for layer in range(CYLINDER_LAYERS):
                bit = cell * CYLINDER_LAYERS + layer
                one = np.uint64(1) << np.uint64(bit % 64)
                mask[i, bit // 64] |= one
                if level[cell, layer] > CYLINDER_BIT_LEVEL:
                    code[i, bit // 64] |= one
    return code, mask


@njit(cache=True, error_model="numpy", nogil=True)
def count_ones(word: np.uint64) -> np.uint64:
    """Set bits of a 64-bit word; LLVM makes one instruction of it."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@njit(cache=True, error_model="numpy", nogil=True)
def code_similarity(code_a: U8, mask_a: U8, code_b: U8, mask_b: U8) -> F8:
    """(n, m) similarity of cylinder codes in [0, 1], over the bits valid in both; 0 where too few are."""
    n, m, words = len(code_a), len(code_b), code_a.shape[1]
    similarity = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            differ, ones_a, ones_b, common = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
            for k in range(words):
                valid = mask_a[i, k] & mask_b[j, k]
                a, b = code_a[i, k] & valid, code_b[j, k] & valid
                differ += count_ones(a ^ b)
                ones_a += count_ones(a)
                ones_b += count_ones(b)
                common += count_ones(valid)
            if common >= COMMON_CELLS_MIN and ones_a > 0 and ones_b > 0:
                both = math.sqrt(float(ones_a)) + math.sqrt(float(ones_b))
                similarity[i, j] = 1.0 - math.sqrt(float(differ)) / both
    return similarity


@njit(cache=True, error_model="numpy", nogil=True)
def compatibility(
    at: I4, to: I4, angle_a: F8, angle_b: F8, length_a: F8, length_b: F8, bearing_a: F8, bearing_b: F8
) -> F8:
    """(p, p) agreement in [0, 1] of candidate pairs: can both stem from one motion of the finger?

    at, to: (p,) minutia of a and of b that form a pair. length, bearing: (n, n) of the edge from row to column.
    Symmetric, zero diagonal; zero for pairs that share a minutia.
    """
    count = len(at)
    agreement = np.zeros((count, count))
    for p in range(count):
        i, j = at[p], to[p]
        rotation_p = wrap(angle_b[j] - angle_a[i])
        for q in range(p):
            k, m = at[q], to[q]
            if i == k or j == m:
                continue
            length = 0.5 * (length_a[i, k] + length_b[j, m])
            stretch = abs(length_a[i, k] - length_b[j, m]) / (EDGE_LENGTH_PX + EDGE_LENGTH_SHARE * length)
            if not stretch < 1.0:
                continue
            twist = wrap(wrap(angle_b[m] - angle_a[k]) - rotation_p)
            if not abs(twist) < ROTATION_RAD:
                continue
            swing = abs(wrap(bearing_b[j, m] - bearing_a[i, k] - rotation_p - 0.5 * twist))
            swing /= EDGE_BEARING_RAD + EDGE_BEARING_PX / (length + 1e-3)
            if not swing < 1.0:
                continue
            value = (1.0 - stretch * stretch) * (1.0 - (twist / ROTATION_RAD) ** 2) * (1.0 - swing * swing)
            agreement[p, q] = value
            agreement[q, p] = value
    return agreement


@njit(cache=True, error_model="numpy", nogil=True)
def relax(agreement: F8, start: F8, rounds: int) -> F8:
    """(p,) standing of each pair in [0, 1] after its compatible pairs have voted for it `rounds` times."""
    count = len(start)
    standing, voted = start.copy(), np.empty(count)
    for _ in range(rounds):
        for p in range(count):
            support = 0.0
            for q in range(count):  # written out: numba's matrix product needs SciPy
                support += agreement[p, q] * standing[q]
            voted[p] = 0.5 * standing[p] + 2.0 / count * support
        standing[:] = voted / max(voted.max(), 1e-9)
    return standing


@njit(cache=True, error_model="numpy", nogil=True)
def fit_rigid(ax: F8, ay: F8, bx: F8, by: F8, at: I4, to: I4, weight: F8) -> tuple[float, float, float]:
    """Rotation and translation that move a's minutiae onto b's with least weighted squares: angle, dx, dy."""
    total = weight.sum()
    amx, amy, bmx, bmy = 0.0, 0.0, 0.0, 0.0
    for k in range(len(at)):
        share = weight[k] / total
        amx += share * ax[at[k]]
        amy += share * ay[at[k]]
        bmx += share * bx[to[k]]
        bmy += share * by[to[k]]
    along, across = 0.0, 0.0
    for k in range(len(at)):
        px, py, qx, qy = ax[at[k]] - amx, ay[at[k]] - amy, bx[to[k]] - bmx, by[to[k]] - bmy
        along += weight[k] * (px * qx + py * qy)
        across += weight[k] * (px * qy - py * qx)
    angle = math.atan2(across, along)
    cos, sin = math.cos(angle), math.sin(angle)
    return angle, bmx - (cos * amx - sin * amy), bmy - (sin * amx + cos * amy)


@njit(cache=True, error_model="numpy", nogil=True)
def pair_greedily(
    x: F8, y: F8, angle: F8, bx: F8, by: F8, bangle: F8, reach_px: float, reach_rad: float
) -> tuple[I4, I4]:
    """One-to-one pairs of moved minutiae of a with those of b, nearest first (position and angle together)."""
    n, m = len(x), len(bx)
    cost, at, to = np.empty(n * m), np.empty(n * m, np.int32), np.empty(n * m, np.int32)
    found = 0
    for i in range(n):
        for j in range(m):
            square = (x[i] - bx[j]) ** 2 + (y[i] - by[j]) ** 2
            if not square <= reach_px * reach_px:
                continue
            off = abs(wrap(bangle[j] - angle[i]))
            if not off <= reach_rad:
                continue
            cost[found] = square / (reach_px * reach_px) + off * off / (reach_rad * reach_rad)
            at[found], to[found] = i, j
            found += 1
    free_a, free_b = np.ones(n, np.bool_), np.ones(m, np.bool_)
    kept = 0
    pair_at, pair_to = np.empty(min(n, m), np.int32), np.empty(min(n, m), np.int32)
    for k in np.argsort(cost[:found], kind="mergesort"):
        if free_a[at[k]] and free_b[to[k]]:
            free_a[at[k]] = free_b[to[k]] = False
            pair_at[kept], pair_to[kept] = at[k], to[k]
            kept += 1
    return pair_at[:kept], pair_to[:kept]


@njit(cache=True, error_model="numpy", nogil=True)
def follow_distortion(
    x: F8, y: F8, angle: F8, bx: F8, by: F8, bangle: F8, at: I4, to: I4, length_a: F8
) -> tuple[F8, F8, F8]:
    """Moved minutiae of a, displaced further as their paired neighbours are; a minutia never votes for itself."""
    n = len(x)
    new_x, new_y, new_angle = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        dx, dy, turn, total = 0.0, 0.0, 0.0, DISTORTION_PRIOR
        for k in range(len(at)):
            a, b = at[k], to[k]
            if a == i:
                continue
            weight = math.exp(-0.5 * (length_a[i, a] / DISTORTION_RANGE_PX) ** 2)
            dx += weight * (bx[b] - x[a])
            dy += weight * (by[b] - y[a])
            turn += weight * wrap(bangle[b] - angle[a])
            total += weight
        new_x[i], new_y[i], new_angle[i] = x[i] + dx / total, y[i] + dy / total, angle[i] + turn / total
    return new_x, new_y, new_angle


@njit(cache=True, error_model="numpy", nogil=True)
def count_overlap(x: F8, y: F8, hull: F8, paired: I4) -> float:
    """How many points lie where the other impression has its minutiae, or are paired."""
    inside = np.zeros(len(x), np.bool_)
    for k in paired:
        inside[k] = True
    count = 0.0
    for i in range(len(x)):
        if inside[i] or outside(x[i], y[i], hull) < OVERLAP_MARGIN_PX:
            count += 1.0
    return count


@njit(cache=True, error_model="numpy", nogil=True)
def move(x: F8, y: F8, angle: F8, rotation: float, dx: float, dy: float) -> tuple[F8, F8, F8]:
    """Minutiae after a rotation about the origin and then a translation."""
    cos, sin = math.cos(rotation), math.sin(rotation)
    return cos * x - sin * y + dx, sin * x + cos * y + dy, angle + rotation


@njit(cache=True, error_model="numpy", nogil=True)
def gather_evidence(
    x: F8, y: F8, angle: F8, ending: B1, bx: F8, by: F8, bangle: F8, bending: B1, at: I4, to: I4, overlap: float
) -> F8:
    """(EVIDENCE_SIZE,) of paired minutiae; a's are already moved. overlap: minutiae of both in the common area."""
    result = np.zeros(EVIDENCE_SIZE)
    result[PAIRS], result[OVERLAP], result[SMALLER] = len(at), overlap, min(len(x), len(bx))
    for k in range(len(at)):
        i, j = at[k], to[k]
        square = (x[i] - bx[j]) ** 2 + (y[i] - by[j]) ** 2
        off = abs(wrap(bangle[j] - angle[i]))
        result[CLOSE_PAIRS] += math.exp(-0.5 * (square / ACCURACY_PX**2 + (off / ACCURACY_RAD) ** 2))
        result[ANGLE_ERROR] += off / len(at)
        if ending[i] == bending[j]:
            result[SAME_TYPE] += 1.0
    return result


@njit(cache=True, error_model="numpy", nogil=True)
def log_likelihood_ratio(evidence: F8, weights: F8) -> float:
    """Logarithm of how much likelier the evidence is for mated impressions, less the handicaps of small prints.

    weights: (5,) constant, then those of: share of the overlap that is paired closely, times the square root of the
    pairs; agreement of types; mean angle error; logarithm of the unpaired minutiae in the overlap.
    """
    pairs, overlap = evidence[PAIRS], evidence[OVERLAP]
    share = 2.0 * evidence[CLOSE_PAIRS] / (overlap + OVERLAP_PRIOR)
    lacking = min(max((PAIRS_ENOUGH - pairs) / (PAIRS_ENOUGH - PAIRS_FEWEST), 0.0), 1.0)
    small = min(max((COUNT_ENOUGH - evidence[SMALLER]) / (COUNT_ENOUGH - COUNT_SMALL), 0.0), 1.0)
    ratio = (
        weights[0]
        + weights[1] * share * math.sqrt(pairs)
        + weights[2] * (evidence[SAME_TYPE] + 1.0) / (pairs + 2.0)
        + weights[3] * evidence[ANGLE_ERROR]
        + weights[4] * math.log1p(overlap - 2.0 * pairs)
    )
    return float(ratio - PAIRS_HANDICAP * lacking * lacking - COUNT_HANDICAP * small)


@njit(cache=True, error_model="numpy", nogil=True)
def best_alignment(
    ax: F8, ay: F8, aangle: F8, aending: B1, alength: F8, ahull: F8,
    bx: F8, by: F8, bangle: F8, bending: B1, bhull: F8,
    at: I4, to: I4, standing: F8, agreement: F8, weights: F8, hypotheses: int,
) -> tuple[float, F8]:  # fmt: skip
    """Largest log-likelihood ratio over alignments grown from the best-standing seeds, and its evidence.

    at, to, standing: (p,) candidate pairs; agreement: (p, p). Pairs that an earlier alignment took up are no seeds.
    (-inf, zeros) if no seed leads to SEED_PAIRS_MIN pairs.
    """
    best, best_evidence = -np.inf, np.zeros(EVIDENCE_SIZE)
    is_seed = np.ones(len(at), np.bool_)
    tried = 0
    for seed in np.argsort(-standing, kind="mergesort"):
        if tried == hypotheses:
            break
        if not is_seed[seed]:
            continue
        is_seed[seed] = False
        weight = agreement[seed] * standing
        weight[seed] = 1.0
        support = np.nonzero(weight > SEED_SUPPORT_MIN)[0]
        if len(support) < SEED_PAIRS_MIN:
            continue
        tried += 1
        pair_at, pair_to = at[support], to[support]
        rotation, dx, dy = fit_rigid(ax, ay, bx, by, pair_at, pair_to, weight[support])
        for reach in REACH_RIGID_PX:
            x, y, angle = move(ax, ay, aangle, rotation, dx, dy)
            pair_at, pair_to = pair_greedily(x, y, angle, bx, by, bangle, reach, REACH_RIGID_RAD)
            if len(pair_at) < SEED_PAIRS_MIN:
                break
            rotation, dx, dy = fit_rigid(ax, ay, bx, by, pair_at, pair_to, np.ones(len(pair_at)))
        x, y, angle = move(ax, ay, aangle, rotation, dx, dy)
        for _ in range(2):
            near = follow_distortion(x, y, angle, bx, by, bangle, pair_at, pair_to, alength)
            pair_at, pair_to = pair_greedily(*near, bx, by, bangle, REACH_LOCAL_PX, REACH_LOCAL_RAD)
        if len(pair_at) < SEED_PAIRS_MIN:
            continue
        near = follow_distortion(x, y, angle, bx, by, bangle, pair_at, pair_to, alength)
        back_x, back_y, _ = move(bx - dx, by - dy, bangle, -rotation, 0.0, 0.0)
        overlap = count_overlap(near[0], near[1], bhull, pair_at) + count_overlap(back_x, back_y, ahull, pair_to)
        found = gather_evidence(*near, aending, bx, by, bangle, bending, pair_at, pair_to, overlap)
        ratio = log_likelihood_ratio(found, weights)
        if ratio > best:
            best, best_evidence = ratio, found
        for k in range(len(at)):
            for p in range(len(pair_at)):
                if pair_at[p] == at[k] and pair_to[p] == to[k]:
                    is_seed[k] = False
    return best, best_evidence
