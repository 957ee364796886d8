"""Fusion of face comparisons: each model's cosine becomes a log-likelihood ratio by its own calibration, their weighted sum is the score.

A log-likelihood ratio (LLR, natural logarithm) says how much likelier a score is between images of one person than of two. Both steps
are affine, so that they rise everywhere, also beyond the data they were fitted on. Fitted by prior-weighted logistic regression
(Brümmer and du Preez, Application-independent evaluation of speaker detection, 2006, sections 5 and 8).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.errors import ModelError

COSINE_MAX = 1.001  # 1 plus float32 rounding; beyond it an embedding was not normalised and its score means nothing
CENTRE_SCALE = 10_000  # a centre is kept in units of 1e-4: a hundredth of an element's deviation
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Floats = NDArray[np.floating]
Centre = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelFusion:
    """llr = slope * cosine + offset, slope > 0. weight >= 0: the LLR's in the fused score.

    centre: (d,) in units of 1e-4, subtracted from the embeddings before their cosine is taken; empty for none.
    """

    slope: float
    offset: float
    weight: float
    centre: Centre = ()


@dataclass(frozen=True, slots=True)
class FaceFusion:
    """By model id, at least one. offset: of the fused score, which is an LLR too.

    Raises ModelError unless every number is finite, every slope positive, no weight negative and one positive.
    """

    models: Mapping[str, ModelFusion]
    offset: float

    def __post_init__(self) -> None:
        rows = self.models.values()
        finite = all(math.isfinite(value) for row in rows for value in (row.slope, row.offset, row.weight))
        rising = all(row.slope > 0.0 and row.weight >= 0.0 for row in rows) and any(row.weight > 0.0 for row in rows)
        if not (finite and math.isfinite(self.offset) and rising):
            raise ModelError("face fusion: slopes must be positive, weights not negative, all finite")

    def llr(self, model: str, cosine: Floats) -> Floats:
        """LLR of a model's cosines, of their shape and type; NaN where |cosine| > COSINE_MAX. Raises KeyError for another model."""
        row = self.models[model]
        with np.errstate(invalid="ignore", over="ignore"):
            sound = np.abs(cosine) <= COSINE_MAX
            return np.where(sound, cosine * cosine.dtype.type(row.slope) + cosine.dtype.type(row.offset), np.nan)

    def fuse(self, parts: Mapping[str, Floats]) -> Floats:
        """Scores from each model's LLRs, arrays of one shape; NaN where one is NaN. Raises KeyError unless all models are there."""
        if set(parts) != set(self.models):
            raise KeyError("parts are not those of the fusion's models")
        total: Floats | None = None
        for model, row in self.models.items():
            part = parts[model] * parts[model].dtype.type(row.weight)
            total = part if total is None else np.add(total, part, out=total)
        assert total is not None
        return np.add(total, total.dtype.type(self.offset), out=total)

    def centre(self, model: str) -> NDArray[np.float32] | None:
        """(d,) of a model's embeddings, None if they are compared as they are."""
        return centre_array(self.models[model].centre)


def centre_array(centre: Centre) -> NDArray[np.float32] | None:
    """(d,) float32, None for an empty centre."""
    return np.array(centre, np.float32) / np.float32(CENTRE_SCALE) if centre else None


def format_fusion(fusion: FaceFusion) -> str:
    """One line: offset=O id=slope,offset,weight[:centre,centre,...] ...; parse_fusion gives the same values back."""
    words = [f"offset={fusion.offset!r}"]
    for model, row in fusion.models.items():
        word = f"{model}={row.slope!r},{row.offset!r},{row.weight!r}"
        words.append(word + (":" + ",".join(map(str, row.centre)) if row.centre else ""))
    return " ".join(words)


def parse_fusion(text: str) -> FaceFusion:
    """Raises ModelError unless text is a line of format_fusion."""
    head, *words = text.split(" ")
    if not head.startswith("offset=") or not words:
        raise ModelError("face fusion: malformed line")
    models: dict[str, ModelFusion] = {}
    try:
        for word in words:
            model, _, values = word.partition("=")
            numbers, colon, centre = values.partition(":")
            slope, offset, weight = (float(value) for value in numbers.split(","))
            if not MODEL.fullmatch(model) or model in models:
                raise ValueError(model)
            models[model] = ModelFusion(
                slope, offset, weight, tuple(int(value) for value in centre.split(",")) if colon else ()
            )
        fusion = FaceFusion(models, float(head.removeprefix("offset=")))
    except ValueError:
        raise ModelError("face fusion: malformed line") from None
    if format_fusion(fusion) != text:  # float() also takes blanks, underscores and other spellings
        raise ModelError("face fusion: malformed line")
    return fusion
