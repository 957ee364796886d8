"""Comparison of faces: cosine of each model's embeddings, brought to one scale and averaged.

A model's cosine becomes standard deviations above the mean of two different people, so 0 is an average stranger and neither
model's scale dominates. Means and deviations are constants of the models, measured once on pairs_lfw.csv
(`python -m bench.fit_face_fusion`); what a fused score means is the calibration's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.errors import TemplateError

COSINE_MAX = 1.001  # 1 plus float32 rounding; beyond it an embedding was not normalised and its score means nothing

Embeddings = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation of a model's cosine over non-mated comparisons."""

    mean: float
    deviation: float


SCALES: Mapping[str, Scale] = {
    "dlib-resnet29": Scale(mean=0.8394, deviation=0.0344),
    "sface": Scale(mean=0.0952, deviation=0.0877),
}


def scores(probes: Embeddings, references: Embeddings) -> NDArray[np.float32]:
    """Fused comparison scores of n probes against m references.

    probes, references: by model id (n, d) and (m, d) float32 with L2-normalised rows; both hold exactly the models of SCALES.
    Returns (n, m) float32, larger means more alike; NaN where an embedding is not finite or not normalised.
    Raises TemplateError if a model is missing, unknown, or of another dimension. Time: O(n·m·d) per model.
    """
    if set(probes) != set(SCALES) or set(references) != set(SCALES):
        raise TemplateError("face templates do not hold the embeddings of this engine's models")
    total: NDArray[np.float32] | None = None
    for model, scale in SCALES.items():
        left, right = probes[model], references[model]
        if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[1]:
            raise TemplateError(f"face embeddings of {model} have different dimensions")
        with np.errstate(invalid="ignore", over="ignore"):
            cosine = left @ right.T
            cosine[~(np.abs(cosine) <= COSINE_MAX)] = np.nan
        cosine -= np.float32(scale.mean)
        cosine /= np.float32(scale.deviation * len(SCALES))
        total = cosine if total is None else total + cosine
    assert total is not None
    return total


def normalised(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """(d,) float32 of length 1, C-contiguous; all NaN if the length is zero or not finite."""
    length = float(np.linalg.norm(embedding.astype(np.float64)))
    if not 0.0 < length < np.inf:
        return np.full(embedding.shape, np.nan, np.float32)
    return np.ascontiguousarray(embedding / length, np.float32)
