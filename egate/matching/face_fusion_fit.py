"""Fits a face fusion on mated and non-mated comparisons: logistic regression, the same numbers on every run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from egate.matching.face_fusion import CENTRE_SCALE, COSINE_MAX, Centre, FaceFusion, Floats, ModelFusion

NEUTRAL = 0.5  # prior of a mated comparison at which one model's calibration is fitted
# Of the fusion: low, so that the weights serve low FMRs. Measured on pairs_lfw (20 splits): see the card of face-fused.
PRIOR = 0.01
RIDGE = 1e-6  # on standardised cosines: keeps the slope finite where the data are separated wholly
STEPS_MAX, STEP_MAX, CONVERGED = 60, 3.0, 1e-7  # Newton's method: steps, length of one, its length at the end

Array = NDArray[np.float64]


def fit_fusion(
    mated: Mapping[str, Floats], non_mated: Mapping[str, Floats], centres: Mapping[str, Centre] | None = None
) -> FaceFusion:
    """The fusion of the models whose cosines mated, (m,), and non_mated, (n,), hold; the same comparisons in the same order.

    Comparisons without a number in every model are left out. centres: those already subtracted, kept with the fusion.
    Deterministic. A model that only worsens the others gets weight 0.
    Raises ValueError if the models differ, no comparison is left, or a model's cosines are not larger between mated images.
    Time: some ten passes over the data; 10^7 comparisons of two models take about 10 s.
    """
    if not mated or list(mated) != list(non_mated):
        raise ValueError("mated and non-mated comparisons are not of the same models")
    ids = list(mated)
    same, different = _columns(mated), _columns(non_mated)
    if not len(same) or not len(different):
        raise ValueError("a fusion needs mated and non-mated comparisons")
    maps = [_logistic(same[:, [k]], different[:, [k]], NEUTRAL) for k in range(len(ids))]
    for model, (slope, _) in zip(ids, maps, strict=True):
        if not slope > 0.0:
            raise ValueError(f"cosines of {model} are not larger between images of one person")
    slopes, offsets = np.array(maps).T
    weights, offset = _weights(same * slopes + offsets, different * slopes + offsets)
    rows = zip(ids, slopes, offsets, weights, strict=True)
    return FaceFusion(
        {model: ModelFusion(float(s), float(o), float(w), (centres or {}).get(model, ())) for model, s, o, w in rows},
        float(offset),
    )


def centre_of(embeddings: Floats) -> Centre:
    """The mean of (n, d) L2-normalised rows, NaN rows left out, as ModelFusion keeps it. Raises ValueError if no row is left."""
    rows = embeddings[np.isfinite(embeddings).all(axis=1)]
    if not len(rows):
        raise ValueError("no embeddings to take a centre of")
    return tuple(int(value) for value in np.rint(rows.mean(axis=0, dtype=np.float64) * CENTRE_SCALE))


def _columns(cosines: Mapping[str, Floats]) -> Array:
    """(n, models) float64 of the comparisons that have a number in each."""
    table = np.stack([np.asarray(values, np.float64) for values in cosines.values()], axis=1)
    return table[(np.abs(table) <= COSINE_MAX).all(axis=1)]


def _weights(mated: Array, non_mated: Array) -> tuple[Array, float]:
    """Weight of each model's LLR, none negative, and the offset."""
    used = np.ones(mated.shape[1], bool)
    while True:
        *fitted, offset = _logistic(mated[:, used], non_mated[:, used], PRIOR)
        weights = np.zeros(len(used))
        weights[used] = fitted
        if (weights[used] > 0.0).all():
            return weights, offset
        used[int(np.argmin(np.where(used, weights, np.inf)))] = False  # at least one stays: alone its slope is positive


def _logistic(mated: Array, non_mated: Array, prior: float) -> tuple[float, ...]:
    """(slopes ..., offset) of the LLR that minimises the cross-entropy of (m, k) against (n, k) at a prior of mated comparisons."""
    count = len(mated) + len(non_mated)
    middle = (mated.sum(axis=0) + non_mated.sum(axis=0)) / count
    spread = np.sqrt((((mated - middle) ** 2).sum(axis=0) + ((non_mated - middle) ** 2).sum(axis=0)) / count)
    spread[spread == 0.0] = 1.0
    sides = [((mated - middle) / spread, prior / len(mated), 1.0)]
    sides.append(((non_mated - middle) / spread, (1.0 - prior) / len(non_mated), 0.0))
    log_odds = float(np.log(prior) - np.log1p(-prior))
    theta = np.zeros(mated.shape[1] + 1)
    for _ in range(STEPS_MAX):
        step = _newton(sides, theta, log_odds)
        longest = float(np.abs(step).max())
        theta -= step * min(1.0, STEP_MAX / max(longest, STEP_MAX))
        if longest < CONVERGED:
            break
    slopes = theta[:-1] / spread
    return (*(float(slope) for slope in slopes), float(theta[-1] - slopes @ middle))


def _newton(sides: list[tuple[Array, float, float]], theta: Array, log_odds: float) -> Array:
    """Newton's step: gradient through Hessian of the weighted cross-entropy, summed over blocks that fit the cache."""
    k = len(theta) - 1
    gradient, hessian = RIDGE * theta, RIDGE * np.eye(k + 1)
    for table, weight, truth in sides:
        for start in range(0, len(table), 1 << 16):
            block = table[start : start + (1 << 16)]
            odds = np.clip(block @ theta[:-1] + (theta[-1] + log_odds), -700.0, 700.0)
            probability = 1.0 / (1.0 + np.exp(-odds))
            error, curve = weight * (probability - truth), weight * probability * (1.0 - probability)
            curved = block * curve[:, np.newaxis]
            gradient[:k] += error @ block
            gradient[k] += error.sum()
            hessian[:k, :k] += block.T @ curved
            hessian[:k, k] += curved.sum(axis=0)
            hessian[k, k] += curve.sum()
    hessian[k, :k] = hessian[:k, k]
    return np.asarray(np.linalg.solve(hessian, gradient), np.float64)
