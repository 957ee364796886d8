"""Quality of a face image, 0 (worst) to 100, in components named after ISO/IEC 29794-5. First, simple measures.

Each component rises linearly between a value at which recognition visibly suffers and one at which more does not help.
The unified score is the worst component: the one that guidance can do something about. Limits: chosen, no source.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Image, QualityScore

IOD_PX = (16.0, 60.0)  # inter-eye distance
SHARPNESS = (2.0, 12.0)  # standard deviation of the Laplacian of the 150 px chip, grey levels
BRIGHTNESS_LOW = (30.0, 80.0)  # mean grey level of the chip
BRIGHTNESS_HIGH = (245.0, 200.0)
CONTRAST = (8.0, 35.0)  # standard deviation of the grey level
YAW = (0.55, 0.2)  # |nose off the middle of the eyes| / inter-eye distance: 0 frontal, about 0.5 at 45 degrees
ROLL_DEG = (45.0, 15.0)
GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601 luma


def face_quality(points: NDArray[np.float32], chip: Image) -> QualityScore:
    """Quality from (5, 2) points in pixels of the source image and the aligned RGB chip (h, w, 3)."""
    grey = chip.astype(np.float32) @ GREY_WEIGHTS
    eye_line = points[1] - points[0]
    iod_px = float(np.hypot(*eye_line))
    roll = float(np.degrees(np.arctan2(eye_line[1], eye_line[0])))
    brightness = float(grey.mean())
    components = {
        "inter_eye_distance": _ramp(iod_px, *IOD_PX),
        "sharpness": _ramp(float(_laplacian(grey).std()), *SHARPNESS),
        "under_exposure": _ramp(brightness, *BRIGHTNESS_LOW),
        "over_exposure": _ramp(brightness, *BRIGHTNESS_HIGH),
        "contrast": _ramp(float(grey.std()), *CONTRAST),
        "head_pose_yaw": _ramp(_nose_offset(points, iod_px), *YAW),
        "head_pose_roll": _ramp(abs(roll), *ROLL_DEG),
    }
    return QualityScore(min(components.values()), components)


def _ramp(value: float, worst: float, best: float) -> float:
    """0 at or beyond worst, 100 at or beyond best, linear between. NaN counts as worst."""
    share = (value - worst) / (best - worst)
    return 100.0 * min(share, 1.0) if share > 0.0 else 0.0


def _laplacian(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    centre = grey[1:-1, 1:-1]
    return np.asarray(grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * centre, np.float32)


def _nose_offset(points: NDArray[np.float32], iod_px: float) -> float:
    """Distance of the nose from the perpendicular through the middle of the eyes, in inter-eye distances."""
    if not iod_px > 0.0:
        return float("nan")
    axis = (points[1] - points[0]) / iod_px
    return abs(float((points[2] - (points[0] + points[1]) / 2) @ axis)) / iod_px
