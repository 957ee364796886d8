"""Fits what the networks' log odds mean together: ridge-regularised logistic regression, both classes equally heavy.

With equal weight of the classes its log odds are log-likelihood ratios. The ridge matters: networks that separate the training data without
an error would otherwise get weights, and ratios, without limit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from egate.matching.pad.combination import LOG_ODDS_MAX, Floats, PadFusion, fused

RIDGE = 0.01  # of the squared standardised weights. Chosen in leave-one-person-out on NUAA 0001-0004: 0.001 to 0.1 make no error
NEWTON_STEPS = 50  # it is convex and takes 8

Flags = NDArray[np.bool_]


def fit_fusion(odds: Floats, bona_fide: Flags, models: Sequence[str]) -> PadFusion:
    """Fusion from (n, models) log odds and (n,) whether the presentation was bona fide; rows that are not finite are left out.

    A model whose weight would be negative says the contrary of what it is for: it gets the weight 0.
    Raises ValueError if a class has no row, or no model tells the classes apart.
    """
    usable = np.isfinite(odds).all(axis=1)
    clipped, is_bona_fide = np.clip(odds[usable], -LOG_ODDS_MAX, LOG_ODDS_MAX), bona_fide[usable]
    if not is_bona_fide.any() or is_bona_fide.all():
        raise ValueError("a fusion needs bona fide and attack presentations")
    kept = [column for column in range(len(models)) if clipped[:, column].std() > 0.0]
    while kept:
        weights, bias = _regression(clipped[:, kept], is_bona_fide)
        if weights.min() > 0.0:
            every = np.zeros(len(models))
            every[kept] = weights
            return PadFusion(tuple(models), tuple(map(float, every)), bias)
        del kept[int(np.argmin(weights))]
    raise ValueError("no model tells bona fide and attack presentations apart")


def cross_fitted(odds: Floats, bona_fide: Flags, subject: Sequence[str], models: Sequence[str]) -> Floats:
    """(n,) log-likelihood ratios of each person's presentations by the fusion that was fitted without that person.

    What a fusion says of its own training data flatters it. Raises ValueError as fit_fusion, also if all of a class are one person's.
    """
    people = np.array(subject)
    ratios = np.full(len(odds), np.nan)
    for person in sorted(set(subject)):
        of_person = people == person
        ratios[of_person] = fused(fit_fusion(odds[~of_person], bona_fide[~of_person], models), odds[of_person])
    return ratios


def _regression(values: Floats, is_bona_fide: Flags) -> tuple[Floats, float]:
    """Weights and bias by Newton's method on standardised values."""
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    design = np.column_stack([(values - mean) / deviation, np.ones(len(values))])
    heavy = np.where(is_bona_fide, 0.5 / np.count_nonzero(is_bona_fide), 0.5 / np.count_nonzero(~is_bona_fide))
    ridge = np.diag([RIDGE] * values.shape[1] + [0.0])
    weights = np.zeros(design.shape[1])
    for _ in range(NEWTON_STEPS):
        chance = 1.0 / (1.0 + np.exp(-design @ weights))
        gradient = design.T @ (heavy * (chance - is_bona_fide)) + ridge @ weights
        curvature = (design * (heavy * chance * (1.0 - chance))[:, np.newaxis]).T @ design + ridge
        weights -= np.linalg.solve(curvature, gradient)
    slopes = weights[:-1] / deviation
    return slopes, float(weights[-1] - slopes @ mean)
