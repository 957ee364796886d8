"""Eyes visible, ISO/IEC 29794-5, as far as dark glasses hide them: the eyes' surroundings against the cheeks.

Not measured: reflections on clear glasses and closed eyes. Bright spots in the eye region and the height of its dark part were tried on
pairs_lfw: of the 60 most conspicuous faces fewer than one in ten had what was looked for.
"""

from __future__ import annotations

import numpy as np

from egate.matching.face.quality.ramp import ramp
from egate.matching.face.quality.view import Grey

EYES = (np.s_[33:56, 34:60], np.s_[33:56, 88:114])  # of the chip
CHEEKS = (np.s_[66:90, 32:52], np.s_[66:90, 98:118])
# Ratio of the medians. Measured: of the 22 nearly frontal faces of pairs_lfw below 0.21 all but three wear dark glasses, and of the next
# 50 one in five; the median is 0.71.
DARKNESS = (0.12, 0.42)
LEVELS_MIN = 8.0  # grey levels added below: a black image has no ratio


def eyes_visible(chip: Grey) -> float:
    return ramp(eyes_to_cheeks(chip), DARKNESS)


def eyes_to_cheeks(chip: Grey) -> float:
    eyes, cheeks = (sum(float(np.median(chip[part])) for part in parts) for parts in (EYES, CHEEKS))
    return eyes / (cheeks + LEVELS_MIN)
