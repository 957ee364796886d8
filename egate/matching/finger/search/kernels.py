"""Numba kernels of the finger search: binary codes of minutiae, and the scan of a gallery of them.

They share one file because numba's cache is keyed by the file of the outermost kernel. Each has a numpy twin in
tests/matching/test_finger_search_kernels.py, its oracle. They release the GIL: a gallery is scanned in parts on several threads.

Units: pixels at 500 dpi, y up; angles in radians or, where uint8, in 256ths of a turn. NaN must not come in (see stored.py).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

F4 = NDArray[np.float32]
F8 = NDArray[np.float64]
U1 = NDArray[np.uint8]
U2 = NDArray[np.uint16]
U8 = NDArray[np.uint64]

TURN = 2.0 * math.pi

# Codes after Cappelli, Ferrara, Maltoni: Minutia Cylinder-Code (IEEE PAMI 32(12), 2010), one word for each layer of direction,
# one bit for each cell, without its mask of what was not captured. On the corpus (0.3 % of the non-mates shortlisted, three
# impressions enrolled) the mate is lost in 1.7 % of the probes; with 6 layers 2.0 %, with a radius of 60 px 2.4 %, of 90 px 3.2 %.
RADIUS_PX = 70.0
CELLS_ACROSS = 8
LAYERS = 4
SIGMA_PX = 28.0 / 3.0
SIGMA_RAD = 0.8
BIT_LEVEL = 0.19  # 1 = a neighbour exactly in the middle of the cell and layer; chosen on the corpus, flat to 0.3

# Votes: two minutiae with like codes say how the finger was turned and moved; the best agreed motion is the score.
SIMILARITY_MIN = (
    0.48  # of codes that may vote: 1 in 150 of the pairs of non-mates; chosen on the corpus, flat from 0.45 to 0.5
)
ROTATIONS = 16  # bins of a turn; each vote goes to two, so that a motion between two bins is seen whole
CELL_PX = 20.0  # bins of a shift; each vote goes to two by two
CELLS = 32  # along a side: shifts of the minutiae's centres up to 320 px, more than any single-finger sensor
FINE_ROTATIONS = 64  # a probe is turned beforehand by each of so many angles: 2.8 degrees off is 7 px at 150 px
QUARTER_PX = 0.25  # unit of stored positions


@njit(cache=True, error_model="numpy", nogil=True)
def neighbourhood_codes(x: F8, y: F8, angle: F8, cells: F8) -> U8:
    """(n, LAYERS) uint64: bit c of word k is set if neighbours of direction layer k lie about cell c.

    x, y, angle: (n,). cells: (c, 2), c <= 64, centres relative to a minutia at the origin that points east.
    """
    n, count = len(x), len(cells)
    codes = np.zeros((n, LAYERS), np.uint64)
    level = np.empty((LAYERS, count))
    reach = 3.0 * SIGMA_PX
    for i in range(n):
        cos, sin = math.cos(angle[i]), math.sin(angle[i])
        level[:] = 0.0
        for k in range(n):
            dx, dy = x[k] - x[i], y[k] - y[i]
            u, v = cos * dx + sin * dy, cos * dy - sin * dx
            if k == i or u * u + v * v > (RADIUS_PX + reach) ** 2:
                continue
            for cell in range(count):
                square = (u - cells[cell, 0]) ** 2 + (v - cells[cell, 1]) ** 2
                if square > reach * reach:
                    continue
                near = math.exp(-0.5 * square / SIGMA_PX**2)
                for layer in range(LAYERS):
                    off = (layer + 0.5) * TURN / LAYERS - (angle[k] - angle[i])
                    off -= TURN * np.rint(off / TURN)
                    level[layer, cell] += near * math.exp(-0.5 * (off / SIGMA_RAD) ** 2)
        for layer in range(LAYERS):
            for cell in range(count):
                if level[layer, cell] > BIT_LEVEL:
                    codes[i, layer] |= np.uint64(1) << np.uint64(cell)
    return codes


@njit(cache=True, error_model="numpy", nogil=True)
def count_ones(word: np.uint64) -> np.uint64:
    """Set bits of a 64-bit word. LLVM recognises this form and, in a loop over words, counts eight at once where the CPU can."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@njit(cache=True, error_model="numpy", nogil=True)
def scan(
    probe_codes: U8, probe_roots: F4, turned_x: F4, turned_y: F4, probe_angle: U1,
    codes: U8, place: U2, angle: U1, count: U1, wanted: NDArray[np.bool_], score: F4,
) -> None:  # fmt: skip
    """Writes the stage-1 score of m stored impressions to score (m,) float32; -1 where not wanted.

    probe_codes: (LAYERS, p) uint64, a row for each layer so that p minutiae are compared at once; p may exceed the n minutiae in
    probe_angle (n,), by anything. probe_roots: (p,) root of each code's set bits, NaN for one that
    must not vote. turned_x, turned_y: (FINE_ROTATIONS, n)
    the probe's minutiae about their centre, turned by (k + 0.5) / FINE_ROTATIONS. codes: (m, c, LAYERS). place: (m, >= c, 2) x
    and y down in quarter pixels. angle: (m, >= c). count: (m,) coded minutiae. wanted: (m,).
    """
    padded, n = probe_codes.shape[1], len(probe_angle)
    differ, similarity = np.empty(padded, np.uint64), np.empty(padded, np.float32)
    votes = np.zeros((ROTATIONS, CELLS, CELLS), np.float32)
    voted = np.empty((n * codes.shape[1] * 8, 3), np.uint8)
    for t in range(len(count)):
        if not wanted[t]:
            score[t] = -1.0
            continue
        used, best = 0, np.float32(0.0)
        middle_x, middle_y = np.float32(0.0), np.float32(0.0)
        for j in range(count[t]):
            middle_x += np.float32(place[t, j, 0]) / np.float32(count[t])
            middle_y += np.float32(place[t, j, 1]) / np.float32(count[t])
        for j in range(count[t]):
            ones = np.uint64(0)
            differ[:] = 0
            for layer in range(LAYERS):
                word = codes[t, j, layer]
                ones += count_ones(word)
                for i in range(padded):
                    differ[i] += count_ones(probe_codes[layer, i] ^ word)
            root = np.float32(math.sqrt(float(ones)))
            for i in range(padded):
                similarity[i] = np.float32(1.0) - np.sqrt(np.float32(differ[i])) / (probe_roots[i] + root)
            for i in range(n):
                if not similarity[i] > np.float32(SIMILARITY_MIN):
                    continue
                turn = int(np.uint8(angle[t, j] - probe_angle[i]))
                fine = turn * FINE_ROTATIONS >> 8
                x = np.float32(QUARTER_PX) * (np.float32(place[t, j, 0]) - middle_x) - turned_x[fine, i]
                y = np.float32(QUARTER_PX) * (middle_y - np.float32(place[t, j, 1])) - turned_y[fine, i]
                column = math.floor(x / np.float32(CELL_PX)) + CELLS // 2
                row = math.floor(y / np.float32(CELL_PX)) + CELLS // 2
                if column < 0 or row < 0 or column > CELLS - 2 or row > CELLS - 2:
                    continue
                weight = similarity[i] - np.float32(SIMILARITY_MIN)
                first = turn * ROTATIONS >> 8
                for rotation in (first, (first + 1) % ROTATIONS):
                    for r in (row, row + 1):
                        for c in (column, column + 1):
                            total = votes[rotation, r, c] + weight
                            votes[rotation, r, c] = total
                            best = max(best, total)
                            voted[used, 0], voted[used, 1], voted[used, 2] = rotation, r, c
                            used += 1
        for k in range(used):
            votes[voted[k, 0], voted[k, 1], voted[k, 2]] = 0.0
        score[t] = best
