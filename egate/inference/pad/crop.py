"""Cuts out of a frame what an attack detection network looks at: the face and what is around it, where a print has its edges.

The crop is a square around the middle of the face's box. Where it would reach beyond the frame it is shifted inside, and where it would
be larger than the frame's shorter side it is that: as the networks were trained (Silent-Face-Anti-Spoofing, CropImage), and a
traveller near the camera is no attack: in all live frames of NUAA a crop of 2.7 boxes does not fit. Nothing is padded.
"""

from __future__ import annotations

import cv2
import numpy as np

from egate.domain.biometric import Image

Box = tuple[float, float, float, float]

# Side of the crops that were measured: the height of NUAA's frames. Linear interpolation, as in training, looks at single pixels and keeps
# a print's fine grain; of a larger crop they would be ever fewer and noisier. So as many pixels are averaged first as brings it nearest to
# this. A whole number: 0.3 ms at 1080 px, a fraction of it takes 5.8 ms.
MEASURED_PX = 480


def square(image: Image, box: Box, margin: float, side_px: int) -> Image:
    """(side_px, side_px, 3) uint8 of image (h, w, 3): margin times the larger side of box (x, y, width, height in pixels)."""
    height, width = image.shape[:2]
    side = min(margin * max(box[2], box[3]), width - 1, height - 1)
    left = _inside(box[0] + box[2] / 2.0 - side / 2.0, side, width)
    top = _inside(box[1] + box[3] / 2.0 - side / 2.0, side, height)
    averaged = max(1, round(side / MEASURED_PX))
    length = max(1, int(side) // averaged)
    part = image[top : top + length * averaged, left : left + length * averaged]
    if averaged > 1:
        part = np.asarray(cv2.resize(part, (length, length), interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(part, (side_px, side_px), interpolation=cv2.INTER_LINEAR), np.uint8)


def visible(image: Image, box: Box) -> float:
    """Share of the box's area that is inside the image; 0 if the box is none."""
    height, width = image.shape[:2]
    x, y, columns, rows = box
    if not (np.isfinite(box).all() and columns > 0.0 and rows > 0.0):
        return 0.0
    seen_columns = min(x + columns, width) - max(x, 0.0)
    seen_rows = min(y + rows, height) - max(y, 0.0)
    return float(max(0.0, seen_columns) * max(0.0, seen_rows) / (columns * rows))


def _inside(start: float, length: float, limit: int) -> int:
    return int(max(0.0, min(start, limit - length)))
