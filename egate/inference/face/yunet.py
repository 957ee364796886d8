"""YuNet face detection: image to boxes and five points each.

Input "input": (n, 3, h, w) float32 BGR 0-255, h and w multiples of 32. Per stride s of 8, 16, 32 the network gives for
each cell class and object probability, box (centre offset and log size in cells) and five points (offsets in cells).
Score = sqrt(class * object). Source: libfacedetection.train, YuNet head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from egate.domain.biometric import Image

STRIDES = (8, 16, 32)
SIZE_MULTIPLE = 32
OUTPUTS = [f"{head}_{stride}" for stride in STRIDES for head in ("cls", "obj", "bbox", "kps")]
OVERLAP_MAX = 0.3  # intersection over union above which two boxes are one face; libfacedetection's default

Floats = NDArray[np.float32]
NO_FACES = (np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Detections:
    """n faces by falling score. box: (n, 4) x, y, w, h. points: (n, 5, 2). score: (n,) in [0, 1]. Pixels of the image."""

    box: Floats
    points: Floats
    score: Floats

    def __len__(self) -> int:
        return len(self.score)


def detect(session: onnxruntime.InferenceSession, image: Image, side_px: int, score_min: float) -> Detections:
    """Faces in an RGB image that is looked at with its longer side resampled to side_px. Thread-safe."""
    height, width = image.shape[:2]
    scale = side_px / max(height, width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    shrink = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR  # linear skips pixels below one half
    small = image if scale == 1.0 else cv2.resize(image, (columns, rows), interpolation=shrink)
    (found,) = detect_all(session, np.asarray(small, np.uint8)[np.newaxis], score_min)
    factor = np.array([width / columns, height / rows], np.float32)
    return Detections(found.box * np.tile(factor, 2), found.points * factor, found.score)


def detect_all(session: onnxruntime.InferenceSession, images: Image, score_min: float) -> list[Detections]:
    """Faces in each of n RGB images (n, h, w, 3) uint8, looked at in one run as large as they are. Thread-safe."""
    rows, columns = images.shape[1:3]
    padded_rows, padded_columns = (-(-size // SIZE_MULTIPLE) * SIZE_MULTIPLE for size in (rows, columns))
    blob = np.zeros((len(images), 3, padded_rows, padded_columns), np.float32)
    blob[:, :, :rows, :columns] = images[..., ::-1].transpose(0, 3, 1, 2)
    outputs = session.run(OUTPUTS, {"input": blob})
    found = []
    for index in range(len(images)):
        heads = [
            _decode(
                [output[index] for output in outputs[4 * place : 4 * place + 4]],
                stride,
                padded_columns // stride,
                score_min,
            )
            for place, stride in enumerate(STRIDES)
        ]
        box, points, score = (np.concatenate(parts) for parts in zip(*heads, strict=True))
        keep = _suppress(box, score)
        found.append(Detections(box[keep], points[keep], score[keep]))
    return found


def _decode(head: Sequence[Floats], stride: int, columns: int, score_min: float) -> tuple[Floats, Floats, Floats]:
    """One image's boxes, points and scores of one stride that reach score_min. NaN does not."""
    cls, obj, bbox, kps = head
    score = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
    index = np.flatnonzero(score >= score_min)
    if not len(index):
        return NO_FACES
    cell = np.stack([index % columns, index // columns], axis=1).astype(np.float32)
    centre = (cell + bbox[index, :2]) * stride
    size = np.exp(np.minimum(bbox[index, 2:], 10.0)) * stride  # the bound keeps a corrupt net from overflowing
    points = (kps[index].reshape(-1, 5, 2) + cell[:, None, :]) * stride
    return np.concatenate([centre - size / 2, size], axis=1), points, score[index]


def _suppress(box: Floats, score: Floats) -> NDArray[np.intp]:
    """Indices of the faces, by falling score, without boxes that overlap a better one."""
    order = np.argsort(-score, kind="stable")
    kept: list[int] = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        order = order[_overlap(box[best], box[order]) <= OVERLAP_MAX]
    return np.array(kept, np.intp)


def _overlap(one: Floats, many: Floats) -> Floats:
    """Intersection over union of one box with (n, 4) boxes."""
    low = np.maximum(one[:2], many[:, :2])
    high = np.minimum(one[:2] + one[2:], many[:, :2] + many[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = np.prod(one[2:]) + np.prod(many[:, 2:], axis=1) - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float32)
