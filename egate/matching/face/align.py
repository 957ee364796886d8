"""Similarity transform between two sets of corresponding points: how a face is brought into a network's frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPREAD_MIN = 1e-6  # px²: points nearer to each other than that fix no scale or rotation


def similarity(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """Least-squares rotation, uniform scale and translation that takes source to target, without reflection.

    source, target: (n, 2) pixels, n >= 2. Returns (2, 3) float64 M with target ~ M[:, :2] @ source + M[:, 2].
    Umeyama, IEEE PAMI 13(4), 1991, eq. 40-42; in the plane it is one complex quotient instead of an SVD.
    Raises ValueError if the source points coincide or a coordinate is not finite.
    """
    z = source[:, 0].astype(np.float64) + 1j * source[:, 1].astype(np.float64)
    w = target[:, 0].astype(np.float64) + 1j * target[:, 1].astype(np.float64)
    z_mean, w_mean = z.mean(), w.mean()
    z, w = z - z_mean, w - w_mean
    spread = float(np.sum(z.real**2 + z.imag**2))
    if not spread > SPREAD_MIN or not np.isfinite(w).all():
        raise ValueError("points do not fix a similarity transform")
    factor = np.sum(np.conj(z) * w) / spread
    shift = w_mean - factor * z_mean
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])
