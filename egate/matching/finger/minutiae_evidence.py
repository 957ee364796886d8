"""Numba kernels that weigh alignments: from paired minutiae to a log-likelihood ratio.

They share one file because numba's cache is keyed by the file of the outermost kernel: a callee changed in another
file would go unnoticed. Each has a numpy twin in tests/matching/test_minutiae_evidence.py, its oracle.

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
B1 = NDArray[np.bool_]

ACCURACY_PX = 5.0
ACCURACY_RAD = 0.2
OVERLAP_MARGIN_PX = 8.0
OVERLAP_PRIOR = 12.0  # minutiae; a full match of a tiny overlap is not a full match

# Close pairs are weighed against all neighbours of like direction: where ridges flow alike in both prints, and where
# minutiae are dense, pairs come about by chance. Without it a threshold set on three of the corpus's sets had between a
# tenth and five times its FMR on the others; with it, 0.76 to 1.30 times. The wider the window, the better the EER and the
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


@njit(cache=True, error_model="numpy", nogil=True)
def weigh(
    bents: F4,
    pairs: I4,
    counts: I4,
    motions: F8,
    ending_a: B1,
    hull_a: F4,
    b: F4,
    ending_b: B1,
    hull_b: F4,
    weights: F8,
) -> tuple[float, F8]:
    """Largest log-likelihood ratio of the alignments, and its evidence; (-inf, zeros) if there is none.

    bents, pairs, counts, motions: see minutiae_alignment.align.
    """
    best, best_evidence = -np.inf, np.zeros(EVIDENCE_SIZE)
    back = np.empty_like(b)
    for t in range(len(counts)):
        bent, paired = bents[t], pairs[t, :, : counts[t]]
        found = gather_evidence(bent, ending_a, b, ending_b, paired)
        if log_likelihood_ratio(found, weights) <= best:  # overlap and neighbours, not counted yet, can only lower it
            continue
        move_back(b, motions[t], back)
        found[NEIGHBOURS] = count_neighbours(bent, b)
        found[OVERLAP] = count_overlap(bent, hull_b, paired[0]) + count_overlap(back, hull_a, paired[1])
        ratio = log_likelihood_ratio(found, weights)
        if ratio > best:
            best, best_evidence = ratio, found
    return best, best_evidence


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
def move_back(points: F4, motion: F8, moved: F4) -> None:
    """Undoes a rotation about the origin by motion[0], then a translation by its rest, for x and y; into moved."""
    cos, sin = np.float32(math.cos(motion[0])), np.float32(math.sin(motion[0]))
    dx, dy = np.float32(motion[1]), np.float32(motion[2])
    for k in range(points.shape[1]):
        x, y = points[0, k] - dx, points[1, k] - dy
        moved[0, k], moved[1, k] = cos * x + sin * y, cos * y - sin * x


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
