"""Numba kernels that propose pairs of minutiae of two impressions and let them vote for each other.

They share one file because numba's cache is keyed by the file of the outermost kernel: a callee changed in another
file would go unnoticed. Each has a numpy twin in tests/matching/test_minutiae_votes.py, its oracle.

Units: pixels at 500 dpi, y up; radians; float32, C-contiguous. All loops over pairs are free of branches, so that LLVM
makes vector instructions of them, and sums run in one order, so that the same impressions give the same score.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

F4 = NDArray[np.float32]
I4 = NDArray[np.int32]
U8 = NDArray[np.uint64]

CANDIDATES_MAX = 112  # pairs that vote, a multiple of a vector's width; chosen on the corpus, no gain beyond
COMMON_CELLS_MIN = 17  # valid in both codes; fewer say nothing. A third of the cylinder's
NEIGHBOURHOOD_SHARE = 0.25  # how much of a minutia's mean similarity is taken off its own: common ones prove less
LEVELS = 2048  # of similarity when candidates are chosen
VOTES = 4

# Agreement of two candidate pairs: what skin distortion and extraction allow. Chosen on the corpus.
EDGE_LENGTH_PX = 6.0
EDGE_LENGTH_SHARE = 0.06
ROTATION_RAD = 0.5
EDGE_BEARING_RAD = 0.35
EDGE_BEARING_PX = 4.0  # sideways error of an edge's end: short edges have uncertain bearings

_ZERO, _HALF, _ONE, _TWO, _FOUR = (np.float32(value) for value in (0.0, 0.5, 1.0, 2.0, 4.0))
_SHARE = np.float32(NEIGHBOURHOOD_SHARE)
_LENGTH_PX, _LENGTH_SHARE = np.float32(EDGE_LENGTH_PX), np.float32(EDGE_LENGTH_SHARE)
_BEARING_RAD, _BEARING_PX = np.float32(EDGE_BEARING_RAD), np.float32(EDGE_BEARING_PX)
_ROTATION = np.float32(1.0 / ROTATION_RAD**2)
_TINY = np.float32(1e-6)
_LOWEST, _SCALE = np.float32(-NEIGHBOURHOOD_SHARE * 2.0), np.float32(LEVELS / (1.0 + 2.0 * NEIGHBOURHOOD_SHARE))


@njit(cache=True, error_model="numpy", nogil=True)
def propose(a: F4, code_a: U8, mask_a: U8, b: F4, code_b: U8, mask_b: U8) -> tuple[I4, I4, F4, F4]:
    """at, to, standing, agreement of the CANDIDATES_MAX most similar pairs, fewer if there are fewer.

    a, b: (3, n) and (3, m) x, y, angle. at, to, standing: (p,), minutia of a and of b, and in [0, 1] how well the pair
    stands after the vote. agreement: (p, p).
    """
    similarity = code_similarity(code_a, mask_a, code_b, mask_b)
    at, to, start = choose(similarity)
    agreement = compatibility(a, b, at, to)
    return at, to, relax(agreement, start), agreement


@njit(cache=True, error_model="numpy", nogil=True)
def count_ones(word: np.uint64) -> np.uint64:
    """Set bits of a 64-bit word; LLVM makes one instruction of it."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@njit(cache=True, error_model="numpy", nogil=True)
def code_similarity(code_a: U8, mask_a: U8, code_b: U8, mask_b: U8) -> F4:
    """(n, m) similarity of cylinder codes in [0, 1], over the cells valid in both; 0 where too few are.

    code: (layers, n), mask: (n,). 1 - sqrt(bits that differ / twice the bits set in either): 0.29 where none is common.
    """
    layers, n, m = len(code_a), len(mask_a), len(mask_b)
    similarity = np.empty((n, m), np.float32)
    differ, ones, common = np.empty(m, np.uint64), np.empty(m, np.uint64), np.empty(m, np.uint64)
    for i in range(n):
        differ[:] = np.uint64(0)
        ones[:] = np.uint64(0)
        for j in range(m):
            common[j] = count_ones(mask_a[i] & mask_b[j])
        for layer in range(layers):
            word = code_a[layer, i]
            for j in range(m):
                one, other = word & mask_b[j], code_b[layer, j] & mask_a[i]
                differ[j] += count_ones(one ^ other)
                ones[j] += count_ones(one) + count_ones(other)
        for j in range(m):
            share = np.float32(differ[j]) / (_TWO * np.float32(ones[j]) + _TINY)
            usable = common[j] >= COMMON_CELLS_MIN and ones[j] > 0
            similarity[i, j] = _ONE - np.float32(math.sqrt(share)) if usable else _ZERO
    return similarity


@njit(cache=True, error_model="numpy", nogil=True)
def choose(similarity: F4) -> tuple[I4, I4, F4]:
    """The CANDIDATES_MAX most similar pairs, each minutia's own average taken off, and their similarity.

    Row by row. Of those on the lowest level taken, the first ones: LEVELS of them are fine enough not to need a sort.
    """
    n, m = similarity.shape
    usual_a, usual_b = np.zeros(n, np.float32), np.zeros(m, np.float32)
    for i in range(n):
        total = _ZERO
        for j in range(m):
            total += similarity[i, j]
            usual_b[j] += similarity[i, j]
        usual_a[i] = _SHARE * total / np.float32(m)
    for j in range(m):
        usual_b[j] *= _SHARE / np.float32(n)
    level, counts = np.empty((n, m), np.int32), np.zeros(LEVELS + 1, np.int32)
    for i in range(n):
        for j in range(m):
            level[i, j] = np.int32((similarity[i, j] - usual_a[i] - usual_b[j] - _LOWEST) * _SCALE)
        for j in range(m):
            counts[level[i, j]] += 1
    room = min(CANDIDATES_MAX, n * m)
    lowest, above = LEVELS, 0
    while above + counts[lowest] < room:
        above += counts[lowest]
        lowest -= 1
    at, to, start = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.float32)
    found, spare = 0, room - above
    for i in range(n):
        for j in range(m):
            if level[i, j] >= lowest:
                if level[i, j] == lowest:
                    if spare == 0:
                        continue
                    spare -= 1
                at[found], to[found], start[found] = i, j, similarity[i, j]
                found += 1
    return at, to, start


@njit(cache=True, error_model="numpy", nogil=True)
def compatibility(a: F4, b: F4, at: I4, to: I4) -> F4:
    """(p, p) agreement in [0, 1] of candidate pairs: can both stem from one motion of the finger?

    Zero on the diagonal and for pairs that share a minutia or a place. Angles are compared by sine and cosine of half
    of them: a pair's turn is kept as its half, h; two pairs turn by the square of the product of theirs in the mean.
    """
    count = len(at)
    ax, ay, half_cos = np.empty(count, np.float32), np.empty(count, np.float32), np.empty(count, np.float32)
    bx, by, half_sin = np.empty(count, np.float32), np.empty(count, np.float32), np.empty(count, np.float32)
    for p in range(count):
        ax[p], ay[p], bx[p], by[p] = a[0, at[p]], a[1, at[p]], b[0, to[p]], b[1, to[p]]
        half = _HALF * (b[2, to[p]] - a[2, at[p]])
        half_cos[p], half_sin[p] = math.cos(half), math.sin(half)
    agreement = np.empty((count, count), np.float32)
    for p in range(count):
        for q in range(count):
            ux, uy, vx, vy = ax[q] - ax[p], ay[q] - ay[p], bx[q] - bx[p], by[q] - by[p]
            length_a, length_b = np.float32(math.sqrt(ux * ux + uy * uy)), np.float32(math.sqrt(vx * vx + vy * vy))
            length, product = _HALF * (length_a + length_b), length_a * length_b
            # Three terms 1 - (x / limit)², as numerators and denominators: one division.
            stretch, stretch_max = length_a - length_b, _LENGTH_PX + _LENGTH_SHARE * length
            # half the twist: its square is (twist / 2)² to 2 % within ROTATION_RAD, whichever way round the halves were
            sine = half_cos[p] * half_sin[q] - half_sin[p] * half_cos[q]
            cosine = half_cos[p] * half_cos[q] + half_sin[p] * half_sin[q]
            turn_cos = half_cos[p] * half_cos[q] - half_sin[p] * half_sin[q]
            turn_sin = half_cos[p] * half_sin[q] + half_sin[p] * half_cos[q]
            dot = (turn_cos * ux - turn_sin * uy) * vx + (turn_sin * ux + turn_cos * uy) * vy
            dot = dot if cosine > _ZERO else -dot
            # the square of the swing, by its cosine, 8 % less than it is at 1 rad; its limit is times the length, as it is
            swing, swing_max = _TWO * length * length * (product - dot), _BEARING_RAD * length + _BEARING_PX
            below = product * swing_max * swing_max
            value = max(stretch_max * stretch_max - stretch * stretch, _ZERO) * max(below - swing, _ZERO)
            value *= max(_ONE - _FOUR * sine * sine * _ROTATION, _ZERO)
            value /= stretch_max * stretch_max * below + _TINY
            agreement[p, q] = value if product > _ZERO else _ZERO
    return agreement


@njit(cache=True, error_model="numpy", nogil=True)
def relax(agreement: F4, start: F4) -> F4:
    """(p,) standing of each pair in [0, 1] after its compatible pairs have voted for it VOTES times."""
    count = len(start)
    standing, voted = start.copy(), np.empty(count, np.float32)
    share = _TWO / np.float32(count)
    for _ in range(VOTES):
        for p in range(count):
            voted[p] = _HALF * standing[p]
        for q in range(count):
            vote = share * standing[q]
            for p in range(count):  # agreement is symmetric: by row, so that the sum is a vector's
                voted[p] += agreement[q, p] * vote
        most = np.float32(1e-9)
        for p in range(count):
            most = max(most, voted[p])
        for p in range(count):
            standing[p] = voted[p] / most
    return standing
