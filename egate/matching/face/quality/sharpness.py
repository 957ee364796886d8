"""Sharpness of the aligned face, ISO/IEC 29794-5: fine structure as a share of all structure, so that light does not count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from egate.matching.face.quality.ramp import ramp
from egate.matching.face.quality.view import FACE, Grey

# Measured: pairs_lfw has 0.033 at 1 %, 0.065 in the middle; blurred to 0.035, 0.018 and 0.014 it loses 0.1, 0.8 and 2.0 standard
# deviations of the score, reduced to eyes 14 px apart (0.037) 0.4. Noise looks like structure: it is not noticed here.
SHARE = (0.010, 0.045)
NOISE_LEVELS = 2.0  # grey levels: what a dark camera image has without any structure


def sharpness(chip: Grey) -> float:
    return ramp(fine_share(chip), SHARE)


def fine_share(chip: Grey) -> float:
    """Standard deviation of what a 5x5 binomial filter takes away, in standard deviations of the face."""
    face = chip[FACE].astype(np.float32)
    fine = face[2:-2, 2:-2] - _binomial(_binomial(face).T).T
    return float(fine.std()) / (float(face.std()) + NOISE_LEVELS)


def _binomial(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows filtered by 1 4 6 4 1, two shorter on each side."""
    outer = values[:-4] + values[4:]
    outer += np.float32(4.0) * (values[1:-3] + values[3:-1])
    outer += np.float32(6.0) * values[2:-2]
    outer *= np.float32(1.0 / 16.0)
    return outer
