"""Unified quality score, ISO/IEC 29794-1: what a component takes away is what it takes away from the comparison score.

100 minus the weighted defects (100 - component). Weights: `bench/face/fit_quality.py`, least squares with weights >= 0 of mated scores
on the defects of both images, over one half of the people of pairs_lfw and the same images blurred, darkened, compressed and so on;
fitted again after the points had become better, none moved by more than 0.04. A component without a weight only guides the traveller:
with the others known, it does not predict errors there.

The length of an embedding before it is normalised says most: networks trained with a softmax give long vectors to faces they know how to
tell apart, short ones to blurred, hidden and odd ones; the unified score of the standard's reference implementation rests on such a
network too. Components alone predict the errors of pairs_lfw hardly better than chance, whose images have none of a gate's defects.
"""

from __future__ import annotations

from collections.abc import Mapping

from egate.domain.biometric import QualityScore
from egate.matching.face.quality.ramp import Limits, ramp

MAGNITUDE = "embedding_magnitude"  # our component, by networks below
# By model id: length of the raw embedding. Measured on pairs_lfw: 9.5 at 1 %, 12.5 in the middle, 14.8 at 99 %; about 5 where degraded
# images are not recognised. In integers the lengths are the same on average (80 images, sharp and blurred: correlation 0.998).
MAGNITUDE_LIMITS: Mapping[str, Limits] = {"sface": (4.0, 14.0), "sface-int8": (4.0, 14.0)}

WEIGHTS_WITH_MAGNITUDE: Mapping[str, float] = {
    MAGNITUDE: 1.0,
    "inter_eye_distance": 0.01,
    "head_pose_yaw": 0.09,
    "sharpness": 0.15,
    "over_exposure_prevention": 0.28,
    "dynamic_range": 0.09,
    "illumination_uniformity": 0.06,
    "compression_artifacts": 0.31,
    "eyes_visible": 0.20,
    "mouth_closed": 0.03,
}
WEIGHTS_WITHOUT: Mapping[str, float] = {
    "inter_eye_distance": 0.06,
    "head_pose_yaw": 0.21,
    "sharpness": 0.36,
    "over_exposure_prevention": 0.46,
    "dynamic_range": 0.47,
    "illumination_uniformity": 0.14,
    "compression_artifacts": 0.73,
    "eyes_visible": 0.37,
    "mouth_closed": 0.02,
}

# Measured by bench/face/fit_quality.py: images of half of the people of pairs_lfw, and 2,753 comparisons of worse ones with good ones.
# A frame at or above it is compared at once: 95 % of the images reach it and 44 % of those made worse, of which then 0.2 % fail at FMR
# 1e-3 and 1e-4; of those below 29 and 38 % fail.
FACE_QUALITY_MIN_GOOD = 65.0
# A frame below it is not compared while better ones may come: 0.2 % of the images, 31 % of those made worse, of which 55 % fail at FMR
# 1e-3 and 69 % at 1e-4; above it 2 and 4 % do.
FACE_QUALITY_MIN_USABLE = 40.0


def unified(components: Mapping[str, float]) -> float:
    """Unified score of components that are each 0 to 100. NaN counts as worst."""
    weights = WEIGHTS_WITH_MAGNITUDE if MAGNITUDE in components else WEIGHTS_WITHOUT
    score = 100.0 - sum(weight * (100.0 - components[name]) for name, weight in weights.items())
    return score if score > 0.0 else 0.0


def with_magnitude(quality: QualityScore, magnitudes: Mapping[str, float]) -> QualityScore:
    """quality with the length of the face's embeddings; unchanged if none is of a model whose lengths are known.

    magnitudes: length by model id, before normalisation.
    """
    shares = [ramp(magnitudes[model], limits) for model, limits in MAGNITUDE_LIMITS.items() if model in magnitudes]
    if not shares:
        return quality
    components = {**quality.components, MAGNITUDE: min(shares)}
    return QualityScore(unified(components), components)
