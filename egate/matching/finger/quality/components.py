"""Quality components of a print, by their names in ISO/IEC 29794-4 where it has them; each 0 (worst) to 100."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from egate.domain.biometric import FingerTemplate
from egate.matching.finger.minutiae_hull import area, convex_hull
from egate.matching.finger.quality.background import residue_mm2
from egate.matching.finger.quality.block_kernels import BLOCK, BORDER
from egate.matching.finger.quality.features import PrintFeatures
from egate.matching.finger.quality.region import Mask
from egate.matching.finger.quality.tone import measure_tone

GOOD_MINUTIAE = 40.0  # the upper quarter of the corpus
REGION_MIN_MM2 = 25.0  # chosen: half of the smallest print of the corpus
GOOD_AREA_MM2 = 150.0  # of the minutiae's hull; the upper tenth of the corpus
MM_PER_PX = 25.4 / 500.0

# Worst and best of what guidance acts on, so that a fault lies below 50. Measured by `python -m bench.finger.bench_quality`.
CONTRAST = (24.0, 84.0)  # grey levels; none of 400 prints of five sensors has less than 56
DRYNESS, WETNESS = (0.86, 0.65), (0.21, 0.60)  # lightness: 98 % of good prints lie from 0.40 to 0.74
OFF_CENTRE = (0.44, 0.0)  # of the image's side, from its middle to the print's; 98 % of good prints are below 0.21
RESIDUE_MM2 = (42.0, 0.0)  # 98 % of good prints are below 20

# Means of NFIQ 2's native measures, which lie in [0, 1], larger being better.
NATIVE = {
    "frequency_domain_analysis": "FDA_Bin10_Mean",
    "local_clarity": "LCS_Bin10_Mean",
    "orientation_certainty": "OCL_Bin10_Mean",
    "region_coherence": "OrientationMap_ROIFilter_CoherenceRel",
}
FLOW = "OF_Bin10_Mean"  # larger is worse

Limits = tuple[float, float]


def measure_components(features: PrintFeatures, template: FingerTemplate) -> Mapping[str, float]:
    """NaN for a component of NFIQ 2 if the print is too small to have it."""
    weight = float(template.quality.sum())
    region = print_region(features)
    tone = measure_tone(features.image, region)
    return {
        "minutiae_weight": _ramp(weight, (0.0, GOOD_MINUTIAE)),
        "minutiae_count": _ramp(float(len(template.x)), (0.0, GOOD_MINUTIAE)),
        "minutiae_quality": _ramp(weight / max(len(template.x), 1), (0.0, 1.0)),
        "area": _ramp(hull_mm2(template), (0.0, GOOD_AREA_MM2)),
        **{name: 100.0 * min(features.named(native), 1.0) for name, native in NATIVE.items()},
        "orientation_flow": 100.0 * (1.0 - min(features.named(FLOW), 1.0)),
        "contrast": _ramp(tone.contrast, CONTRAST),
        "dryness_prevention": _ramp(tone.lightness, DRYNESS),
        "wetness_prevention": _ramp(tone.lightness, WETNESS),
        "centring": _ramp(off_centre(features, region), OFF_CENTRE),
        "background_cleanliness": _ramp(residue_mm2(features), RESIDUE_MM2),
    }


def hull_mm2(template: FingerTemplate) -> float:
    return area(convex_hull(template.x.astype(np.float64), template.y.astype(np.float64))) * MM_PER_PX**2


def print_region(features: PrintFeatures) -> Mask:
    """(h, w) True where the print is: NFIQ 2's region, or every block with structure where that lost a pale print."""
    if np.count_nonzero(features.region) * MM_PER_PX**2 >= REGION_MIN_MM2:
        return features.region
    region = np.zeros(features.image.shape, np.bool_)
    blocks = np.kron(features.foreground, np.ones((BLOCK, BLOCK), np.bool_))
    region[BORDER : BORDER + blocks.shape[0], BORDER : BORDER + blocks.shape[1]] = blocks
    return region


def off_centre(features: PrintFeatures, region: Mask) -> float:
    """How far the print's middle is from the whole image's, as a share of its side, the larger of both axes; NaN without a print."""
    if not region.any():
        return math.nan
    distances = []
    for axis, start in ((0, features.top), (1, features.left)):
        pixels = region.sum(axis=1 - axis)  # of the print in each row or column
        middle = start + float(np.average(np.arange(len(pixels)) + 0.5, weights=pixels))
        distances.append(abs(middle / features.shape[axis] - 0.5))
    return max(distances)


def _ramp(value: float, limits: Limits) -> float:
    """0 at or beyond the first limit, 100 at or beyond the second, linear between. NaN counts as worst."""
    share = (value - limits[0]) / (limits[1] - limits[0])
    return 100.0 * min(share, 1.0) if share > 0.0 else 0.0
