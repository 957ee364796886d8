"""What the traveller can do about a print: one code for each fault that a component measures."""

from __future__ import annotations

import math

from egate.domain.biometric import FingerTemplate, Guidance, QualityScore
from egate.matching.finger.quality.components import hull_mm2
from egate.matching.finger.quality.usable import usable

COMPONENT_MIN = 50.0  # where the components' limits put a fault
USABLE_AREA_MM2 = 40.0  # of the minutiae's hull: a quarter of a finger
CODES_MAX = 2  # chosen: nobody follows more at once


def guidance(template: FingerTemplate, score: QualityScore) -> tuple[Guidance, ...]:
    """At most CODES_MAX codes, what helps most first; empty if the print is good enough.

    A print too small or too poor without a fault that a component names was laid down too lightly; so was one without a unified score,
    whose components say nothing.
    """
    if not len(template.x):
        return (Guidance.PLACE_FINGER,)
    if math.isnan(score.unified):
        return (Guidance.PRESS_HARDER,)

    def poor(name: str) -> bool:
        return not score.components[name] >= COMPONENT_MIN

    advice = (
        (poor("centring"), Guidance.CENTRE_FINGER),
        (poor("wetness_prevention"), Guidance.PRESS_LIGHTER),
        (poor("contrast") or poor("dryness_prevention"), Guidance.PRESS_HARDER),
        (poor("background_cleanliness"), Guidance.CLEAN_SENSOR),
    )
    codes = tuple(code for applies, code in advice if applies)[:CODES_MAX]
    small = not hull_mm2(template) >= USABLE_AREA_MM2
    return codes or ((Guidance.PRESS_HARDER,) if small or not usable(score) else ())
