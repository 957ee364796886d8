"""Whether the head is wholly in the frame and not too large for it, ISO/IEC 29794-5: crop, margins, head size.

Measured on the detector's box, which ends at the chin and above the eyebrows: a margin of nothing still cuts the hair, not the face.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from egate.matching.face_quality.ramp import ramp

# Distance of the box from the frame's edge, in box widths or heights. Measured: pairs_lfw shifted over the edge loses 0.2 standard
# deviations of the score where a tenth of the box is outside, 0.7 where it is a third. Best: chosen, hair and ears are inside.
MARGIN = (-0.3, 0.1)
CROP_COMPONENTS = (
    "leftward_crop_of_the_face_image",
    "rightward_crop_of_the_face_image",
    "margin_above_of_the_face_image",
    "margin_below_of_the_face_image",
)
HEAD_SIZE = (0.86, 0.7)  # box height in frame heights; chosen: above it there is no room for the head to move


def crop(box: NDArray[np.float32], height: int, width: int) -> Mapping[str, float]:
    """box: x, y, width, height in a frame of height x width pixels. Left and right are those of the image."""
    x, y, box_width, box_height = (float(value) for value in box)
    right, below = width - x - box_width, height - y - box_height
    margins = ((x, box_width), (right, box_width), (y, box_height), (below, box_height))
    return {
        "head_size": ramp(box_height / height, HEAD_SIZE),
        **{name: _margin(*margin) for name, margin in zip(CROP_COMPONENTS, margins, strict=True)},
    }


def _margin(distance: float, length: float) -> float:
    return ramp(distance / length, MARGIN) if length > 0.0 else 0.0
