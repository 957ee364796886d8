"""Presentation attack detection as numbers (ISO/IEC 30107-3): the networks' outputs to one log-likelihood ratio, frames to one verdict.

Everything is a natural logarithm of a ratio: of bona fide against attack, larger is more like a bona fide presentation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOG_ODDS_MAX = 15.0  # chosen: NUAA's live frames reach 11, its prints -30; beyond it a network only says "very"
# One frame says at most this much: with a few hundred presentations measured, a likelihood ratio beyond about 150 is extrapolation.
LLR_MAX = 5.0
# A verdict over frames is at most this far above its worst frame. Chosen on NUAA: nine of ten attack frames make the verdict an attack's,
# whatever is beside them, and no bona fide frame is more than 1.4 below the mean of its sequence.
ABOVE_WORST_MAX = 3.0


@dataclass(frozen=True, slots=True)
class PadFusion:
    """Log-likelihood ratio = bias + sum of weight * log odds over models, by model id. Weights are not negative."""

    models: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float

    def __post_init__(self) -> None:
        """Raises ValueError unless there is one finite weight >= 0 for each model, not all 0, and a finite bias."""
        sound = all(math.isfinite(weight) and weight >= 0.0 for weight in self.weights) and math.isfinite(self.bias)
        if not sound or len(self.models) != len(self.weights) or not any(self.weights):
            raise ValueError("a fusion needs a weight for each model, none negative, not all 0")


def log_odds(outputs: NDArray[np.float32], bona_fide: int) -> Floats:
    """(n,) log odds of the class bona_fide from (n, classes) logits or log-probabilities; NaN where an output is not finite.

    Computed from logits because probabilities in float32 are 1 from odds of 2**24 on.
    """
    values = outputs.astype(np.float64)
    others = np.delete(values, bona_fide, axis=1)
    with np.errstate(invalid="ignore"):
        highest = others.max(axis=1)
        odds = values[:, bona_fide] - highest - np.log(np.exp(others - highest[:, np.newaxis]).sum(axis=1))
    return np.where(np.isfinite(values).all(axis=1), odds, np.nan)


def fused(fusion: PadFusion, odds: Floats) -> Floats:
    """(n,) log-likelihood ratios from (n, models) log odds in the order of fusion.models; NaN where one is not finite."""
    clipped = np.clip(odds, -LOG_ODDS_MAX, LOG_ODDS_MAX)
    ratios = clipped @ np.array(fusion.weights, np.float64) + fusion.bias
    return np.where(np.isfinite(odds).all(axis=1), ratios, np.nan)


def combined(scores: Sequence[float]) -> float:
    """One log-likelihood ratio over the frames of one track: the mean of the clipped ones, at most ABOVE_WORST_MAX above the worst.

    scores: of every frame that was compared with the document, no other. NaN if one is not finite. Raises ValueError if empty.

    Whoever stands in the lane chooses the frames, and can mix his own living face with somebody's photograph:
    - a frame that makes the detection fail makes the verdict fail; leaving frames out is the caller's to prevent (face_frames);
    - a frame that looks bona fide adds at most LLR_MAX / n, so none buys others free without limit;
    - no number of bona fide frames lifts the verdict more than ABOVE_WORST_MAX above an attack frame among them: each frame has to
      look nearly bona fide by itself, and then more frames of the same attack only bring the mean nearer to what it is.
    """
    if len(scores) == 0:
        raise ValueError("no frame to combine")
    values = np.array(scores, np.float64)
    if not np.isfinite(values).all():
        return math.nan
    clipped = np.clip(values, -LLR_MAX, LLR_MAX)
    return float(min(clipped.mean(), clipped.min() + ABOVE_WORST_MAX))
