"""May this print be compared at all? A floor under the minutiae it has, because NFIQ 2 does not refuse parts of prints.

Measured on the five FVC sets at FMR 5e-4 (`egate bench quality finger`): FNMR is 2.6 %; with this floor, which one print in fourteen
does not reach, 0.9 %, with a floor of 12 under NFIQ 2's score 1.5 %. On top of this one that floor would refuse 45 comparisons of which
none fails.
"""

from __future__ import annotations

import math

from egate.domain.biometric import QualityScore

COMPONENT = "minutiae_weight"
USABLE_QUALITY = 31.0  # of COMPONENT, which 40 certain minutiae fill: twelve are not enough


def usable(score: QualityScore) -> bool:
    """False if the unified score could not be computed, or the print holds too few minutiae, or nobody counted them."""
    return not math.isnan(score.unified) and score.components.get(COMPONENT, 0.0) >= USABLE_QUALITY
