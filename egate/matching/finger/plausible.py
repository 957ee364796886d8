"""Could a template from a stranger stem from a finger? Minutiae of skin lie at random, those of crafted lattices at regular steps.

A lattice with steps of a few ridges fits into many prints: nine parallel minutiae, 30 px apart, matched 3 % of strangers at a
threshold of FMR 5e-4. Only what comes as a template needs this; our own extraction sees an image.

Measured (python -m bench.finger.bench_plausible): of 400 prints in four formats and of 400 templates of a third party none is
refused, of parts of prints with 8 to 20 minutiae 0.6 %. Of 240 lattices all are; of those moved at random by 2 px 96 %, by 4 px 44 %,
and what is left of them matches as many strangers as prints do. So does who climbs from there, away from lattices: not stopped here.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate
from egate.matching.finger.minutiae import MINUTIAE_MAX, MINUTIAE_MIN

# Spread of the distances to the nearest neighbour, as a share of their mean. Prints have 0.21 and more, parts of prints with 20
# minutiae seldom less than 0.16, smaller ones seldom less than 0.08. A lattice has 0, moved by 2 px 0.03 to 0.14.
SPREAD_MIN, SPREAD_MIN_FEW = 0.16, 0.08
COUNT_FEW = 20  # minutiae; below that the spread itself is known badly

# Repeats of the commonest step from one minutia to another, per square root of the steps: a lattice's 0.5 and more. Minutiae
# added at random hide a lattice's spread, but not its steps, so the wider the spread, the more repeats may be. Prints have
# repeats of 0.32 more than 0.3 spreads at most.
REPEATS_MAX, REPEATS_PER_SPREAD = 0.36, 0.3
STEP_REACH_PX = 100.0  # chosen: three ridges of minutiae about each
STEP_CELL_PX = 4.0  # steps are alike within two cells
STEP_CELLS = int(2.0 * STEP_REACH_PX / STEP_CELL_PX) + 2
STEP_TURNS = 8  # cells of the turn between the two; alike within two

TURN = 2.0 * math.pi


def plausible(template: FingerTemplate) -> bool:
    """False if its best minutiae lie in a lattice, or a number is none; True if there are too few of them to be compared.

    Turned or shifted it is the same but for what falls into another cell. Time: 0.1 ms for 40 minutiae, 0.3 ms for 120.
    """
    x, y, angle = (np.asarray(column[:MINUTIAE_MAX], np.float64) for column in (template.x, template.y, template.angle))
    if not np.isfinite([x, y, angle]).all():
        return False
    if len(x) < MINUTIAE_MIN:
        return True
    dx, dy, turn = x - x[:, None], y - y[:, None], angle - angle[:, None]
    square = dx * dx + dy * dy
    np.fill_diagonal(square, np.inf)
    nearest = np.sqrt(square.min(axis=1))
    spread = float(nearest.std() / max(nearest.mean(), 1e-9))  # all in one place: 0
    if not spread > (SPREAD_MIN_FEW if len(x) < COUNT_FEW else SPREAD_MIN):
        return False
    near = square <= STEP_REACH_PX**2
    return repeats(dx[near], dy[near], turn[near]) <= REPEATS_MAX + REPEATS_PER_SPREAD * spread


def repeats(dx: NDArray[np.float64], dy: NDArray[np.float64], turn: NDArray[np.float64]) -> float:
    """How often the commonest step occurs, in square roots of all steps.

    dx, dy, turn: (n,) steps of at most STEP_REACH_PX, radians. Counted in cells that overlap by half, so that no edge cuts a heap.
    """
    column, row = (((step + STEP_REACH_PX) / STEP_CELL_PX).astype(np.intp) for step in (dx, dy))
    layer = np.floor(turn * (STEP_TURNS / TURN)).astype(np.intp) % STEP_TURNS
    cell = (layer * STEP_CELLS + row) * STEP_CELLS + column
    shape = (STEP_TURNS, STEP_CELLS, STEP_CELLS)
    counts = np.bincount(cell, minlength=math.prod(shape)).reshape(shape)
    counts = counts + np.roll(counts, 1, axis=0)
    counts = counts[:, 1:] + counts[:, :-1]
    counts = counts[:, :, 1:] + counts[:, :, :-1]
    return float(counts.max()) / math.sqrt(len(cell) + 1)
