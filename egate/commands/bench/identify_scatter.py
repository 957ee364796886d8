"""Where the minutiae of a synthetic finger lie: a numba kernel, because ten thousand fingers are tried a million places."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

C16 = NDArray[np.complex128]
F8 = NDArray[np.float64]


@njit(cache=True, error_model="numpy", nogil=True)
def scatter(tried: C16, across: C16, luck: F8, period: float, hard: float, soft: float, wanted: int) -> C16:
    """Up to `wanted` of the tried places (m,), each first moved a whole number of ridges from the nearest taken before it.

    across: (m,) unit normals of the ridges. luck: (m,) >= 0; a place at distance d from the nearest is taken if d >= hard and
    luck < 1 - exp(-((d - hard) / soft)^2). period, hard, soft: pixels.
    """
    places = np.empty(wanted, np.complex128)
    count = 0
    for k in range(len(tried)):
        if count == wanted:
            break
        place, nearest = tried[k], -1
        apart = np.inf
        for other in range(count):
            distance = abs(places[other] - place)
            if distance < apart:
                apart, nearest = distance, other
        if nearest >= 0:
            offset = ((place - places[nearest]) * across[k].conjugate()).real
            place += (period * np.rint(offset / period) - offset) * across[k]
            apart = np.inf
            for other in range(count):
                apart = min(apart, abs(places[other] - place))
        if apart >= hard and luck[k] < 1.0 - math.exp(-(((apart - hard) / soft) ** 2)):
            places[count] = place
            count += 1
    return places[:count].copy()
