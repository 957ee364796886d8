"""Whether the head is wholly in the frame and not too large for it, ISO/IEC 29794-5: crop, margins, head size.

The head is where the five points say: the detector's box ends at the frame's edge, however much of the face lies beyond.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from egate.matching.face.quality.ramp import ramp

CROP_COMPONENTS = (
    "leftward_crop_of_the_face_image",
    "rightward_crop_of_the_face_image",
    "margin_above_of_the_face_image",
    "margin_below_of_the_face_image",
)
# The head around its points, in the larger of the distances between the eyes and from eyes to mouth, 63 mm of an average adult: the one
# shrinks when the head turns or the frame cuts it at a side, the other when it cuts it above or below.
HALF_WIDTH, ABOVE_EYES, BELOW_EYES = 1.1, 1.3, 1.9
# Distance of the head from the frame's edge, in its widths. Measured: pairs_lfw shifted over the edge loses 0.2 standard deviations of
# the score where a tenth of the face is outside, 0.7 where it is a third.
MARGIN = (-0.3, 0.05)
HEAD_SIZE = (
    0.86,
    0.7,
)  # height of the detector's box in frame heights; chosen: above it there is no room for the head to move


def crop(points: NDArray[np.float32], box: NDArray[np.float32], height: int, width: int) -> Mapping[str, float]:
    """points, box: as in FaceView, of a frame of height x width pixels. Left and right are those of the image."""
    eyes, mouth = points[:2].astype(np.float64), points[3:].astype(np.float64)
    middle = (eyes.sum(axis=0) + mouth.sum(axis=0)) / 4
    eye_y = float(eyes[:, 1].mean())
    unit = max(float(np.hypot(*(eyes[1] - eyes[0]))), float(np.hypot(*(mouth.mean(axis=0) - eyes.mean(axis=0)))))
    distances = (
        middle[0] - HALF_WIDTH * unit,
        width - middle[0] - HALF_WIDTH * unit,
        eye_y - ABOVE_EYES * unit,
        height - eye_y - BELOW_EYES * unit,
    )
    head_width = 2.0 * HALF_WIDTH * unit
    return {
        "head_size": ramp(float(box[3]) / height, HEAD_SIZE),
        **{
            name: ramp(float(distance) / head_width, MARGIN) if head_width > 0.0 else 0.0
            for name, distance in zip(CROP_COMPONENTS, distances, strict=True)
        },
    }
