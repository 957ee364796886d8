"""Minutiae from a print by the LEADER network (weights: pyfing, MIT; see models/leader/CARD.md)."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate, Image

STRIDE = 32  # the network halves the image five times
ENDING_MIN = 0.5
ROW, COLUMN, DIRECTION_X, DIRECTION_Y, TYPE, QUALITY = range(6)  # columns of the output
TURN = np.float32(2.0 * np.pi)
KEPT_PIXELS = (
    448 * 448
)  # images up to this size leave their 0.1 GB of working memory to the next; covers FVC's but 640 x 480


def extract(session: onnxruntime.InferenceSession, image: Image, position: int) -> FingerTemplate:
    """All minutiae of quality >= 0.6 of a grey 500 dpi image (h, w) uint8, at most 255, by falling quality. Thread-safe.

    The network suppresses non-maxima and lists what is left (checked on 12,600 minutiae: none closer than 5.8 px to another). Where a
    print is cut by the image's border it may see one in the padding: 11 of those 12,600, up to 3 px outside. They are kept, since the
    threshold was measured with them; the record formats leave them out.
    """
    padded, top, left = _pad(image)
    found = _run(session, padded)
    height, width = image.shape
    angle = np.arctan2(found[:, DIRECTION_Y], found[:, DIRECTION_X])
    return FingerTemplate(
        x=_float32(found[:, COLUMN] - left),
        y=_float32(found[:, ROW] - top),
        angle=_float32(np.mod(angle, TURN) % TURN),  # twice: of -1e-9 the first leaves the whole turn
        ending=np.ascontiguousarray(found[:, TYPE] >= ENDING_MIN),
        quality=_float32(np.clip(found[:, QUALITY], 0.0, 1.0)),
        width=width,
        height=height,
        position=position,
    )


def _pad(image: Image) -> tuple[Image, int, int]:
    """The image in the middle of one whose sides are multiples of STRIDE, filled with its first pixel; top, left."""
    height, width = image.shape
    rows, columns = -height % STRIDE, -width % STRIDE
    top, left = rows // 2, columns // 2
    margins = ((top, rows - top), (left, columns - left))
    return np.pad(image, margins, constant_values=image[0, 0]), top, left


def _run(session: onnxruntime.InferenceSession, padded: Image) -> NDArray[np.float32]:
    """(n, 6) output of the network."""
    options = onnxruntime.RunOptions()
    if padded.size > KEPT_PIXELS:
        # Else the arena keeps the largest image's memory, 0.2 GB, for ever. Costs a sixth of the run: fresh pages.
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    tensor = padded[None, :, :, None].astype(np.float32)
    found: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: tensor}, options)[0]
    return found


def _float32(values: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32)
