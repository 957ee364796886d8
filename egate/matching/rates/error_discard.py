"""Error-versus-discard curve, ISO/IEC 29794-1: does a quality score predict errors?

The mated comparisons of lowest quality are left out, share by share; what remains of the FNMR at a fixed threshold is the curve.
Quality that predicts nothing leaves it level, quality that knew the errors would take away exactly them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DISCARD_MAX = 0.2  # of the area; chosen: a gate that turns away more than every fifth frame is no gate
DISCARD_STEP = 0.005
DISCARDS = np.arange(0.0, DISCARD_MAX + DISCARD_STEP / 2, DISCARD_STEP)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ErrorDiscard:
    """discard: (k,) shares left out, rising from 0. fnmr, ideal: (k,) of what remains, by this quality and by one that knew the errors.

    area: mean of fnmr over discard, divided by the FNMR at discard 0: 1 is as good as chance, ideal_area as good as possible; NaN
    without errors. comparisons, errors: at discard 0.
    """

    discard: Floats
    fnmr: Floats
    ideal: Floats
    area: float
    ideal_area: float
    comparisons: int
    errors: int


def pair_quality(one: Floats, other: Floats) -> Floats:
    """(m,) quality of m comparisons: the worse of the two samples; NaN counts as worst."""
    return np.minimum(_worst_if_nan(one), _worst_if_nan(other))


def error_discard(quality: Floats, errors: NDArray[np.bool_], weights: Floats | None = None) -> ErrorDiscard:
    """The curve over (m,) qualities of mated comparisons, larger is better, and which of them are non-matches.

    weights: (m,) >= 0, how often each comparison counts (bootstrap); None: once. Comparisons of equal quality are left out in equal
    parts: the expectation over their order. Raises ValueError unless there is a comparison and the lengths agree.
    """
    weight = np.ones(len(quality)) if weights is None else weights
    if not len(quality) or not len(quality) == len(errors) == len(weight) or not weight.sum() > 0.0:
        raise ValueError("an error-versus-discard curve needs comparisons, each with a quality and an outcome")
    wrong = np.where(errors, weight, 0.0)
    fnmr = _remaining(_worst_if_nan(quality), weight, wrong)
    ideal = _remaining(np.where(errors, 0.0, 1.0), weight, wrong)
    start = float(fnmr[0])
    area, ideal_area = ((float(values.mean()) / start if start > 0.0 else float("nan")) for values in (fnmr, ideal))
    return ErrorDiscard(DISCARDS, fnmr, ideal, area, ideal_area, len(quality), int(np.count_nonzero(errors)))


def _remaining(quality: Floats, weight: Floats, wrong: Floats) -> Floats:
    """FNMR of what remains at each of DISCARDS."""
    levels, level = np.unique(quality, return_inverse=True)
    counted = np.concatenate([[0.0], np.cumsum(np.bincount(level, weight, len(levels)))])
    failed = np.concatenate([[0.0], np.cumsum(np.bincount(level, wrong, len(levels)))])
    total = counted[-1]
    gone = np.interp(DISCARDS * total, counted, failed)
    return np.asarray(np.maximum(failed[-1] - gone, 0.0) / (total * (1.0 - DISCARDS)), np.float64)


def _worst_if_nan(quality: Floats) -> Floats:
    return np.where(np.isnan(quality), -np.inf, quality)
