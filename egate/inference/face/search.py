"""Finds the faces of a frame, the traveller's first, and its five points.

The first look has about as many pixels as 320x240 whatever the frame: a face whose eyes are 60 px apart in 1080p has them 12 px
apart there, and from 10 px on the detector finds 99 % (8 px: 96 %, 6 px: 79 %, 5 px: 48 %; faces of pairs_lfw on plain ground).
If it finds none, larger and more lenient looks follow before the traveller is told that there is no face: somebody further away
is found, and an empty lane costs three looks. The points of the chosen face are the mean of two more looks at a crop in which it
always has the same size, plain and mirrored: the detector's sideways errors there are opposite. Against one plain look at 160 px
that lowers FNMR from 1.06 to 0.90 % at FMR 1e-3 and from 2.06 to 1.84 % at 1e-4 (pairs_lfw, 20 splits, same fusion), and costs 1.9 ms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime

from egate.domain.biometric import FaceBox, Image
from egate.inference.face.chip import cut
from egate.inference.face.shrink import shrunk
from egate.inference.face.yunet import SIZE_MULTIPLE, Detections, Floats, detect, detect_all


@dataclass(frozen=True, slots=True)
class Look:
    """side_px: longer side of a 4:3 frame as the detector sees it, border included: added around, share of the longer side."""

    side_px: int
    border: float


LOOKS = (
    Look(320, 0.0),
    Look(640, 0.0),
    Look(320, 0.5),  # a face that fills the frame is found when there is something around it
)
ASPECT_MAX = 3.0  # chosen: wider than any camera; a strip is looked at with at most 1.5 times the longer side of 4:3
SCORE_MIN = 0.5  # a face, counted as a person; chosen: every face of pairs_lfw reaches it at the first look
SCORE_LENIENT = 0.3  # taken for the traveller's if no look finds a better one
# Points from a crop of 192 px lie nearest to the mean of all looks at 96 to 256 px: 4.4 % of the inter-eye distance, 160 px 4.9 %.
REFINE_SIDE_PX = 192
REFINE_BOXES = 2.0  # side of the crop in box sides: the face has 96 px
MIRRORED = [1, 0, 2, 4, 3]  # the points of a mirror image: what was right is left
COMPARABLE_WIDTH = 1.0 / 3.0  # a second face at least this wide against the widest is another person in the lane
CENTRE_SIDES = 0.25  # distance from the middle, in shorter image sides, that halves a face's prominence
FACES_MAX = (
    16  # reported of a frame, most prominent first; chosen: more than fit in a lane, bounds what tracking has to do
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FoundFace:
    """box: (4,) x, y, w, h. points: (5, 2). score in [0, 1]. Pixels of the image."""

    box: Floats
    points: Floats
    score: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FoundFaces:
    """traveller: the most prominent face, None if there is none. count: faces at least a third as wide as the widest.

    boxes: the most prominent FACES_MAX faces, the traveller's first.
    """

    traveller: FoundFace | None
    count: int
    boxes: tuple[FaceBox, ...]


def find_faces(session: onnxruntime.InferenceSession, image: Image) -> FoundFaces:
    """The faces of an RGB image (h, w, 3) uint8. Thread-safe."""
    detections = _search(session, image)
    if not len(detections):
        return FoundFaces(None, 0, ())
    order = np.argsort(-_prominence(detections, image), kind="stable")
    first = int(order[0])
    box, score = detections.box[first], float(detections.score[first])
    points = _refined(session, image, box, detections.points[first])
    boxes = tuple(_face_box(detections, int(index)) for index in order[:FACES_MAX])
    return FoundFaces(FoundFace(box, points, score), _comparable(detections), boxes)


def _search(session: onnxruntime.InferenceSession, image: Image) -> Detections:
    """The good faces of the first look that has any, else the doubtful ones of the first look that has those."""
    doubtful: Detections | None = None
    for look in LOOKS:
        found = _look(session, image, look)
        good = found.score >= SCORE_MIN
        if good.any():
            return Detections(found.box[good], found.points[good], found.score[good])
        doubtful = found if doubtful is None or not len(doubtful) else doubtful
    assert doubtful is not None
    return doubtful


def _look(session: onnxruntime.InferenceSession, image: Image, look: Look) -> Detections:
    small = shrunk(image, round(look_side_px(image, look.side_px) / (1.0 + 2.0 * look.border)))
    edge = round(max(small.shape[:2]) * look.border)
    framed = cv2.copyMakeBorder(small, edge, edge, edge, edge, cv2.BORDER_CONSTANT) if edge else small
    found = detect(session, np.asarray(framed, np.uint8), max(framed.shape[:2]), SCORE_LENIENT)
    factor = np.array([image.shape[1] / small.shape[1], image.shape[0] / small.shape[0]], np.float32)
    box = (found.box - np.array([edge, edge, 0, 0], np.float32)) * np.tile(factor, 2)
    return Detections(box, (found.points - np.float32(edge)) * factor, found.score)


def look_side_px(image: Image, side_px: int) -> int:
    """Longer side at which a frame has about the pixels of a 4:3 frame with side_px; not less than side_px."""
    height, width = image.shape[:2]
    aspect = min(max(height, width) / min(height, width), ASPECT_MAX)
    exact = side_px * math.sqrt(aspect * 3 / 4)
    return max(side_px, round(exact / SIZE_MULTIPLE) * SIZE_MULTIPLE)


def _prominence(detections: Detections, image: Image) -> Floats:
    """(n,) area of the face, discounted by its distance from the middle of the image."""
    height, width = image.shape[:2]
    area = detections.box[:, 2] * detections.box[:, 3]
    centre = detections.box[:, :2] + detections.box[:, 2:] / 2
    middle = np.array([width / 2, height / 2], np.float32)
    off = np.linalg.norm(centre - middle, axis=1) / (CENTRE_SIDES * min(height, width))
    return np.asarray(area / (1.0 + off**2), np.float32)


def _most_prominent(detections: Detections, image: Image) -> int:
    return int(np.argmax(_prominence(detections, image)))


def _comparable(detections: Detections) -> int:
    widths = detections.box[:, 2]
    return int(np.count_nonzero(widths >= COMPARABLE_WIDTH * widths.max()))


def _face_box(detections: Detections, index: int) -> FaceBox:
    x, y, width, height = (float(value) for value in detections.box[index])
    return FaceBox(x, y, width, height, float(detections.score[index]))


def _refined(session: onnxruntime.InferenceSession, image: Image, box: Floats, points: Floats) -> Floats:
    """Points of the face in box, the mean of a plain and a mirrored look at it; those given if neither sees that face."""
    side = float(max(box[2:])) * REFINE_BOXES
    scale = REFINE_SIDE_PX / side
    left_top = box[:2] + box[2:] / 2 - side / 2
    matrix = np.array([[scale, 0.0, -scale * left_top[0]], [0.0, scale, -scale * left_top[1]]])
    crop = cut(image, matrix, REFINE_SIDE_PX, REFINE_SIDE_PX)
    looks = [seen / scale + left_top for seen in crop_points(session, crop)]
    same_face = [seen for seen in looks if np.abs(seen - points).max() < max(box[2:]) / 4]
    return np.asarray(np.mean(same_face, axis=0) if same_face else points, np.float32)


def crop_points(session: onnxruntime.InferenceSession, crop: Image) -> list[Floats]:
    """(5, 2) points of a crop's most prominent face by a plain and a mirrored look, as many as see it. Sides: REFINE_SIDE_PX."""
    looks = detect_all(session, np.stack([crop, crop[:, ::-1]]), SCORE_LENIENT)
    plain, mirrored = (found.points[_most_prominent(found, crop)] if len(found) else None for found in looks)
    if mirrored is not None:
        mirrored = np.asarray((mirrored * [-1.0, 1.0] + [REFINE_SIDE_PX - 1.0, 0.0])[MIRRORED], np.float32)
    return [seen for seen in (plain, mirrored) if seen is not None]
