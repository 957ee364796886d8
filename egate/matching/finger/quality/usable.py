"""May this print be compared at all? A floor under the minutiae it has, because NFIQ 2 does not refuse parts of prints.

Measured on the five FVC sets at FMR 5e-4 (`egate bench quality finger`, `python -m bench.bench_finger_quality`):
NFIQ 2's score of the fingertips that make false matches, 4 to 12 minutiae, is 23 in the middle, that of whole prints of a capacitive
sensor the same. Its FNMR at a floor of 12 falls from 3.7 to 2.3 %, at the floor below to 1.1 %; a floor of NFIQ 2 on top of that refuses
only prints that match (none of 62 comparisons fails).
"""

from __future__ import annotations

import math

from egate.domain.biometric import QualityScore

COMPONENT = "minutiae_weight"
USABLE_QUALITY = (
    31.0  # of COMPONENT: 12 minutiae, however certain, are not enough; of 400 prints one in fifteen has less
)


def usable(score: QualityScore) -> bool:
    """False if the unified score could not be computed, or the print holds too few minutiae."""
    return not math.isnan(score.unified) and score.components[COMPONENT] >= USABLE_QUALITY
