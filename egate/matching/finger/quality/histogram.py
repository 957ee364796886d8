"""Twelve features of the values of an image's blocks: how many lie in each of ten bins, their mean and standard deviation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Lower bounds of the second to tenth bin, from NFIQ 2's headers (FDAHISTLIMITS and the like).
FREQUENCY_LIMITS = (0.268, 0.304, 0.33, 0.355, 0.38, 0.407, 0.44, 0.50, 1.0)
CLARITY_LIMITS = (0.0, 0.70, 0.74, 0.77, 0.79, 0.81, 0.83, 0.85, 0.87)
CERTAINTY_LIMITS = (0.337, 0.479, 0.579, 0.655, 0.716, 0.766, 0.81, 0.852, 0.898)
FLOW_LIMITS = (1.715e-2, 3.5e-2, 5.57e-2, 8.1e-2, 1.15e-1, 1.718e-1, 2.569e-1, 4.758e-1, 7.48e-1)
UNIFORMITY_LIMITS = (0.5, 0.667, 0.8, 1.0, 1.25, 1.5, 2.0, 24.0, 30.0)


def histogram(values: NDArray[np.float64], limits: Sequence[float]) -> NDArray[np.float64]:
    """(12,) counts of ten bins, mean, standard deviation of the finite values; mean and deviation 0 without any."""
    counts = np.bincount(np.searchsorted(limits, values, side="right"), minlength=len(limits) + 1)
    mean, deviation = (values.mean(), values.std()) if len(values) else (0.0, 0.0)
    return np.array([*counts, mean, deviation], np.float64)
