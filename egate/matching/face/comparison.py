"""Comparison of faces: cosine of each model's embeddings, as log-likelihood ratios fused into one score (face_fusion).

What a fused score means as a false match rate is the calibration's business.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from egate.errors import TemplateError
from egate.matching.face.fusion import COSINE_MAX, FaceFusion

Embeddings = Mapping[str, NDArray[np.float32]]
Scores = NDArray[np.float32]


def scores(fusion: FaceFusion, probes: Embeddings, references: Embeddings) -> Scores:
    """Fused comparison scores of n probes against m references, (n, m) float32; larger means more alike. As llrs()."""
    return np.asarray(fusion.fuse(llrs(fusion, probes, references)), np.float32)


def llrs(fusion: FaceFusion, probes: Embeddings, references: Embeddings) -> dict[str, Scores]:
    """Log-likelihood ratios of n probes against m references, (n, m) float32 by model.

    probes, references: by model id (n, d) and (m, d) float32 with L2-normalised rows; both hold exactly the fusion's models.
    NaN where an embedding is not finite or not normalised. Raises TemplateError if a model is missing, unknown, or of another
    dimension. Time: O(n·m·d) per model.
    """
    if set(probes) != set(fusion.models) or set(references) != set(fusion.models):
        raise TemplateError("face templates do not hold the embeddings of this engine's models")
    found: dict[str, Scores] = {}
    for model in fusion.models:
        cosine = cosines(probes[model], references[model], fusion.centre(model))
        found[model] = np.asarray(fusion.llr(model, cosine), np.float32)
    return found


def cosines(probes: NDArray[np.float32], references: NDArray[np.float32], centre: NDArray[np.float32] | None) -> Scores:
    """Cosines of (n, d) against (m, d) L2-normalised rows, (n, m) float32, between them as seen from centre, (d,).

    NaN where a row is not finite or not normalised. Raises TemplateError if d differs.
    """
    if probes.ndim != 2 or references.ndim != 2 or probes.shape[1] != references.shape[1]:
        raise TemplateError("face embeddings have different dimensions")
    if centre is not None and centre.shape != probes.shape[1:]:
        raise TemplateError("face embeddings have another dimension than the calibration's centre")
    with np.errstate(invalid="ignore", over="ignore"):
        return seen_from(centre, probes) @ seen_from(centre, references).T


def seen_from(centre: NDArray[np.float32] | None, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, d) directions from centre to L2-normalised rows, of length 1; a row of NaN where one was not normalised or is the centre."""
    with np.errstate(invalid="ignore", over="ignore"):
        length = np.sqrt(np.einsum("nd,nd->n", rows, rows))
        sound = (length <= COSINE_MAX) & (length >= 2.0 - COSINE_MAX)
        if centre is not None:
            rows = rows - centre
            length = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, np.newaxis]
            rows = np.divide(rows, length, out=np.full_like(rows, np.nan), where=length > 0.0)
        return np.where(sound[:, np.newaxis], rows, np.float32(np.nan))


def normalised(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """(d,) float32 of length 1, C-contiguous; all NaN if the length is zero or not finite."""
    length = float(np.linalg.norm(embedding.astype(np.float64)))
    if not 0.0 < length < np.inf:
        return np.full(embedding.shape, np.nan, np.float32)
    return np.ascontiguousarray(embedding / length, np.float32)
