"""How often non-mates reach a sum over several fingers, where the fingers have something in common.

Fingers of one person are captured by one sensor, from one skin: their non-mated scores are high or low together. One common factor says
so (a Gaussian copula): given the factor z, each finger's X_i is independent of the others with
P(X_i >= x | z) = Phi((sqrt(r) z - a_i(x)) / sqrt(1 - r)), a_i(x) = Phi^-1(1 - P(X_i >= x)),
which leaves each finger's own distribution as it is. r = 0: independent; r = 1: one finger says it all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

NODES = (
    24  # of the factor, Gauss-Hermite; at FMR 1e-4 within 1 % of 64 nodes (tests/matching/test_finger_hand_scale.py)
)

F8 = NDArray[np.float64]


def tail_of_sum(reached: Sequence[F8], correlation: float) -> F8:
    """(k (m - 1) + 1,) P(sum of the k fingers' bins >= i), from (m,) P(X_i >= bin) of each, falling, the first 1, the last near 0.

    What lies between two bins is moved up to the upper one: never too small. correlation in [0, 1). Accurate to 1e-14, not below.
    Time: some ms for ten fingers; equal arrays (the same object) cost once.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    size = len(reached) * (len(reached[0]) - 1) + 1
    spectra: dict[int, NDArray[np.complex128]] = {}
    product = np.ones((NODES, size // 2 + 1), np.complex128)
    for one in reached:
        if id(one) not in spectra:
            mass = np.zeros((NODES, len(one)))
            mass[:, 1:] = -np.diff(_given(one, nodes, correlation))
            spectra[id(one)] = np.fft.rfft(mass, size)
        product *= spectra[id(one)]
    mass = np.fft.irfft((weights / weights.sum()) @ product, size)
    return np.clip(np.cumsum(mass[::-1])[::-1], 0.0, 1.0)


def _given(reached: F8, nodes: F8, correlation: float) -> F8:
    """(nodes, m) P(X >= bin | z); 1 at the first bin, 0 past the last, whose mass is below all that counts."""
    normal = NormalDist()
    limit = np.array([-normal.inv_cdf(p) if 0.0 < p < 1.0 else math.copysign(math.inf, 0.5 - p) for p in reached])
    away = (limit[None, :] - math.sqrt(correlation) * nodes[:, None]) / math.sqrt(2.0 * (1.0 - correlation))
    given = 0.5 * np.array([math.erfc(value) for value in away.ravel()]).reshape(away.shape)
    given[:, 0] = 1.0
    return given
