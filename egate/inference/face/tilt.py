"""The points of a tilted head.

The detector draws the points of a tilted head upright, the more so the smaller it sees the face. Measured on 60 faces of pairs_lfw turned
by 10, 20 and 30 degrees: the second look of the search, which is the best one for upright heads, sees 1, 3 and 4 degrees; at SIDE_PX it
sees 9, 18 and 23. So the tilt is looked for there, the face is turned upright by it, and the points are searched again. That costs two to
four looks, so it is done for faces that the networks find poor.
"""

from __future__ import annotations

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from egate.domain.biometric import Image
from egate.inference.face.chip import cut
from egate.inference.face.search import REFINE_BOXES, REFINE_SIDE_PX, SCORE_LENIENT, crop_points
from egate.inference.face.yunet import Floats, detect

SIDE_PX = 320
BOXES = 1.5  # side of the crop in box sides: the face has 210 px
TURNS_MAX = 3  # each finds about three quarters of what is left
TILT_RAD_MIN = np.radians(6.0)  # measured: 93 % of the untouched images of pairs_lfw are below


def tilted_points(session: onnxruntime.InferenceSession, image: Image, box: Floats) -> Floats | None:
    """(5, 2) points of the face in box, in pixels of the image; None if it is not tilted or not found again."""
    angle = 0.0
    for _ in range(TURNS_MAX):
        seen = _look(session, _crop(image, box, angle, SIDE_PX, BOXES))
        if seen is None:
            break
        across = seen[1] - seen[0]  # in the turned crop
        found = float(np.arctan2(across[1], across[0]))
        if not abs(found) >= TILT_RAD_MIN:
            break
        angle += found
    if angle == 0.0:
        return None
    looks = crop_points(session, _crop(image, box, angle, REFINE_SIDE_PX, REFINE_BOXES))
    if not looks:
        return None
    back = cv2.invertAffineTransform(_turn(box, angle, REFINE_SIDE_PX, REFINE_BOXES))
    return np.asarray(np.mean(looks, axis=0) @ back[:, :2].T + back[:, 2], np.float32)


def _look(session: onnxruntime.InferenceSession, crop: Image) -> Floats | None:
    """Points of the face in the middle of the crop, in its pixels."""
    found = detect(session, crop, SIDE_PX, SCORE_LENIENT)
    if not len(found):
        return None
    off = found.box[:, :2] + found.box[:, 2:] / 2 - SIDE_PX / 2
    return np.asarray(found.points[int(np.argmin(np.abs(off).max(axis=1)))], np.float32)


def _crop(image: Image, box: Floats, angle: float, side_px: int, boxes: float) -> Image:
    """The box and what is around it, turned back by angle."""
    return cut(image, _turn(box, angle, side_px, boxes), side_px, side_px)


def _turn(box: Floats, angle: float, side_px: int, boxes: float) -> NDArray[np.float64]:
    """(2, 3) transform of the image that brings the box to the middle of a crop, turned back by angle."""
    scale = side_px / (float(max(box[2:])) * boxes)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[c, s], [-s, c]])
    return np.column_stack([linear, side_px / 2 - linear @ (box[:2] + box[2:] / 2)])
