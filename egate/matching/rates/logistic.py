"""Prior-weighted logistic regression: what calibrates and fuses comparison scores. The same numbers on every run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RIDGE = 1e-6  # on standardised scores: keeps the slopes finite where the data are separated wholly
STEPS_MAX, STEP_MAX, CONVERGED = 60, 3.0, 1e-7  # Newton's method: steps, length of one, its length at the end
BLOCK_ROWS = 1 << 16  # of the data at a time: their products stay in the cache
ODDS_MAX = 700.0  # its exponential is still finite

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """scores: (n, k) float64, finite. weight: (n,) that each row stands for."""

    scores: Array
    weight: Array


@dataclass(frozen=True, slots=True)
class Logistic:
    """LLR = slopes @ scores + offset. loss: cross-entropy at the prior, in nats; that of knowing nothing is the prior's entropy."""

    slopes: tuple[float, ...]
    offset: float
    loss: float


def fit_logistic(mated: Rows, non_mated: Rows, prior: float) -> Logistic:
    """The affine LLR of least cross-entropy, where mated comparisons have this prior, 0 < prior < 1. Both sides hold a row or more."""
    middle, spread = _standard(mated, non_mated)
    sides = [
        ((side.scores - middle) / spread, side.weight * (share / float(side.weight.sum())), truth)
        for side, share, truth in ((mated, prior, 1.0), (non_mated, 1.0 - prior, 0.0))
    ]
    log_odds = float(np.log(prior) - np.log1p(-prior))
    theta = np.zeros(mated.scores.shape[1] + 1)
    for _ in range(STEPS_MAX):
        step = _newton(sides, theta, log_odds)
        longest = float(np.abs(step).max())
        theta -= step * (STEP_MAX / max(longest, STEP_MAX))
        if longest < CONVERGED:
            break
    slopes = theta[:-1] / spread
    loss = sum(_loss(table, weight, truth, theta, log_odds) for table, weight, truth in sides)
    return Logistic(tuple(float(slope) for slope in slopes), float(theta[-1] - slopes @ middle), loss)


def _standard(mated: Rows, non_mated: Rows) -> tuple[Array, Array]:
    """Mean and standard deviation of each score over all rows; a deviation of 0 counts as 1."""
    total = float(mated.weight.sum() + non_mated.weight.sum())
    middle = (mated.weight @ mated.scores + non_mated.weight @ non_mated.scores) / total
    square = sum(side.weight @ (side.scores - middle) ** 2 for side in (mated, non_mated))
    spread = np.sqrt(np.asarray(square) / total)
    return middle, np.where(spread > 0.0, spread, 1.0)


def _newton(sides: list[tuple[Array, Array, float]], theta: Array, log_odds: float) -> Array:
    """Newton's step: gradient through Hessian of the cross-entropy, summed over blocks."""
    k = len(theta) - 1
    gradient, hessian = RIDGE * theta, RIDGE * np.eye(k + 1)
    for table, weights, truth in sides:
        for start in range(0, len(table), BLOCK_ROWS):
            block, weight = table[start : start + BLOCK_ROWS], weights[start : start + BLOCK_ROWS]
            probability = 1.0 / (1.0 + np.exp(-_odds(block, theta, log_odds)))
            error, curve = weight * (probability - truth), weight * probability * (1.0 - probability)
            curved = block * curve[:, np.newaxis]
            gradient[:k] += error @ block
            gradient[k] += error.sum()
            hessian[:k, :k] += block.T @ curved
            hessian[:k, k] += curved.sum(axis=0)
            hessian[k, k] += curve.sum()
    hessian[k, :k] = hessian[:k, k]
    return np.asarray(np.linalg.solve(hessian, gradient), np.float64)


def _odds(table: Array, theta: Array, log_odds: float) -> Array:
    return np.asarray(np.clip(table @ theta[:-1] + (theta[-1] + log_odds), -ODDS_MAX, ODDS_MAX), np.float64)


def _loss(table: Array, weight: Array, truth: float, theta: Array, log_odds: float) -> float:
    odds = _odds(table, theta, log_odds)
    return float(weight @ np.logaddexp(0.0, -odds if truth else odds))
