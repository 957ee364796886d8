"""Mouth closed, ISO/IEC 29794-5: an opened mouth is dark below the line of its corners, where a moustache is not."""

from __future__ import annotations

import numpy as np

from egate.matching.face.quality.eyes_visible import CHEEKS
from egate.matching.face.quality.ramp import ramp
from egate.matching.face.quality.view import Grey

MOUTH = np.s_[99:114, 62:89]  # of the chip: between the corners, a little below them
# Darkest quarter of the mouth against the cheeks. Measured: of the 36 nearly frontal faces of pairs_lfw below 0.12, 31 have the mouth open
# and two hold something before it; the median is 0.62.
DARKNESS = (0.05, 0.28)
LEVELS_MIN = 4.0


def mouth_closed(chip: Grey) -> float:
    return ramp(mouth_to_cheeks(chip), DARKNESS)


def mouth_to_cheeks(chip: Grey) -> float:
    values = chip[MOUTH].ravel()
    dark = float(np.partition(values, len(values) // 4)[len(values) // 4])
    cheeks = sum(float(np.median(chip[part])) for part in CHEEKS) / len(CHEEKS)
    return dark / (cheeks + LEVELS_MIN)
