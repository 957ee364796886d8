"""Fits a face fusion on mated and non-mated comparisons. The same numbers on every run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from egate.matching.face.fusion import CENTRE_SCALE, COSINE_MAX, Centre, FaceFusion, Floats, ModelFusion
from egate.matching.rates.logistic import Array, Rows, fit_logistic

# Prior of a mated comparison at which everything is fitted: LLRs then serve thresholds at FMRs as low. Measured on pairs_lfw, mean
# of 20 splits: at priors 0.5, 0.1, 0.01, 0.003, 0.001 EER is 0.41, 0.42, 0.40, 0.38, 0.36 %, FNMR at FMR 1e-4 1.66 to 1.54 %.
PRIOR = 0.001
# The non-mated comparisons most like mated ones all count, of the others every THINNED-th for as many: they carry hardly anything.
TOP_ROWS = 200_000
THINNED = 16


def fit_fusion(
    mated: Mapping[str, Floats], non_mated: Mapping[str, Floats], centres: Mapping[str, Centre] | None = None
) -> FaceFusion:
    """The fusion of the models whose cosines mated, (m,), and non_mated, (n,), hold; the same comparisons in the same order.

    Comparisons without a number in every model are left out. centres: those already subtracted, kept with the fusion.
    A model that only worsens the others gets weight 0. Time: 10^7 comparisons of two models take about 3 s.
    Raises ValueError if the models differ, no comparison is left, or a model's cosines are not larger between images of one person.
    """
    if not mated or list(mated) != list(non_mated):
        raise ValueError("mated and non-mated comparisons are not of the same models")
    same, different = _all(_table(mated)), _thinned(_table(non_mated))
    alone = [fit_logistic(_column(same, k), _column(different, k), PRIOR) for k in range(len(mated))]
    for model, fitted in zip(mated, alone, strict=True):
        if not fitted.slopes[0] > 0.0:
            raise ValueError(f"cosines of {model} are not larger between images of one person")
    slopes = np.array([fitted.slopes[0] for fitted in alone])
    offsets = np.array([fitted.offset for fitted in alone])
    weights, offset = _weights(*(Rows(side.scores * slopes + offsets, side.weight) for side in (same, different)))
    rows = zip(mated, slopes, offsets, weights, strict=True)
    models = {id: ModelFusion(float(s), float(o), float(w), (centres or {}).get(id, ())) for id, s, o, w in rows}
    return FaceFusion(models, offset)


def loss_alone(mated: Floats, non_mated: Floats) -> float:
    """Cross-entropy at PRIOR of one model's (m,) and (n,) cosines, calibrated: smaller tells people apart better.

    Raises ValueError if no number is left on one side.
    """
    return fit_logistic(_all(_table({"": mated})), _thinned(_table({"": non_mated})), PRIOR).loss


def centre_of(embeddings: Floats) -> Centre:
    """The mean of (n, d) L2-normalised rows, NaN rows left out, as ModelFusion keeps it. Raises ValueError if no row is left."""
    rows = embeddings[np.isfinite(embeddings).all(axis=1)]
    if not len(rows):
        raise ValueError("no embeddings to take a centre of")
    return tuple(int(value) for value in np.rint(rows.mean(axis=0, dtype=np.float64) * CENTRE_SCALE))


def _table(cosines: Mapping[str, Floats]) -> Array:
    """(n, models) float64 of the comparisons that have a number in each."""
    table = np.stack([np.asarray(values, np.float64) for values in cosines.values()], axis=1)
    table = table[(np.abs(table) <= COSINE_MAX).all(axis=1)]
    if not len(table):
        raise ValueError("a fusion needs mated and non-mated comparisons")
    return table


def _all(table: Array) -> Rows:
    return Rows(table, np.ones(len(table)))


def _column(rows: Rows, index: int) -> Rows:
    return Rows(rows.scores[:, [index]], rows.weight)


def _thinned(table: Array) -> Rows:
    """The TOP_ROWS rows of the highest sum of standardised scores, and every THINNED-th of the others."""
    rest = len(table) - TOP_ROWS
    if rest <= 0:
        return _all(table)
    deviation = table.std(axis=0)
    order: NDArray[np.intp] = np.argpartition(table @ (1.0 / np.where(deviation > 0.0, deviation, 1.0)), rest)
    some = np.sort(order[:rest])[
        ::THINNED
    ]  # in the order of the data: what argpartition does inside is nobody's promise
    top = np.sort(order[rest:])
    weight = np.concatenate([np.full(len(some), rest / len(some)), np.ones(len(top))])
    return Rows(table[np.concatenate([some, top])], weight)


def _weights(mated: Rows, non_mated: Rows) -> tuple[Array, float]:
    """Weight of each model's LLR, none negative, and the offset."""
    used = np.ones(mated.scores.shape[1], bool)
    while True:
        same, different = (Rows(side.scores[:, used], side.weight) for side in (mated, non_mated))
        fitted = fit_logistic(same, different, PRIOR)
        weights = np.zeros(len(used))
        weights[used] = fitted.slopes
        if (weights[used] > 0.0).all():
            return weights, fitted.offset
        used[int(np.argmin(np.where(used, weights, np.inf)))] = False  # one stays: alone its slope is positive
