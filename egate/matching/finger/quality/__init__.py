"""Quality of a fingerprint: the score of NFIQ 2 (ISO/IEC 29794-4), its components, guidance, and what may be compared."""

from __future__ import annotations

import numpy as np

from egate.domain.biometric import FingerTemplate, Image, QualityScore
from egate.matching.finger.quality.components import measure_components
from egate.matching.finger.quality.features import measure_features
from egate.matching.finger.quality.forest import Forest, votes
from egate.matching.finger.quality.guidance import guidance
from egate.matching.finger.quality.usable import USABLE_QUALITY, usable

__all__ = ["USABLE_QUALITY", "Forest", "finger_quality", "guidance", "usable", "warm_up"]


def finger_quality(image: Image, template: FingerTemplate, forest: Forest) -> QualityScore:
    """Of a grey image (h, w) uint8 at 500 dpi and its minutiae: NFIQ 2's score, NaN if the print is too small for it, and components."""
    features = measure_features(image, template)
    return QualityScore(votes(forest, features.native), measure_components(features, template))


def warm_up(forest: Forest) -> None:
    """Compiles every kernel, so that the first traveller does not wait for it."""
    ridges = np.tile(np.arange(160) % 9 // 5 * np.uint8(255), (160, 1)).astype(np.uint8)
    middle = np.full(1, 80.0, np.float32)
    template = FingerTemplate(middle, middle, middle * 0, np.ones(1, np.bool_), np.ones(1, np.float32), 160, 160)
    finger_quality(ridges, template, forest)
