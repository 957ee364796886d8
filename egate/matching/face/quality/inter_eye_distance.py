"""Inter-eye distance, ISO/IEC 29794-5: how many pixels the face has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from egate.matching.face.quality.ramp import ramp

# Measured: pairs_lfw reduced to 36, 25 and 14 px loses 0.01, 0.04 and 0.37 of a score whose standard deviation among strangers is 1.
IOD_PX = (8.0, 32.0)


def inter_eye_distance_px(points: NDArray[np.float32]) -> float:
    return float(np.hypot(*(points[1].astype(np.float64) - points[0])))


def inter_eye_distance(points: NDArray[np.float32]) -> float:
    return ramp(inter_eye_distance_px(points), IOD_PX)
