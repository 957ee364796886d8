"""Exposure of the face, ISO/IEC 29794-5: under- and over-exposure prevention, dynamic range."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from egate.matching.face.quality.ramp import ramp
from egate.matching.face.quality.view import FACE, Grey

DARK_LEVEL, BRIGHT_LEVEL = 25, 247  # at or beyond them a pixel shows nothing; the levels of ISO/IEC 29794-5
# Shares of the face. Measured on pairs_lfw made darker and brighter: 11 % dark cost 0.15 standard deviations of the score, 94 % cost
# 0.8; 27 % bright cost 0.6, 80 % cost 2.5. Of the untouched images 1 % has more than 15 % dark and more than 2.5 % bright.
DARK_SHARE = (0.80, 0.25)
BRIGHT_SHARE = (0.50, 0.03)
ENTROPY_BITS = (3.5, 6.2)  # measured: less contrast costs 0.1 at 6.2 bits, 0.9 at 4.9; 1 % of pairs_lfw is below 6.26


def exposure(chip: Grey) -> Mapping[str, float]:
    shares = np.bincount(chip[FACE].ravel(), minlength=256) / chip[FACE].size
    present = shares[shares > 0.0]
    return {
        "under_exposure_prevention": ramp(float(shares[: DARK_LEVEL + 1].sum()), DARK_SHARE),
        "over_exposure_prevention": ramp(float(shares[BRIGHT_LEVEL:].sum()), BRIGHT_SHARE),
        "dynamic_range": ramp(float(-(present * np.log2(present)).sum()), ENTROPY_BITS),
    }
