"""Minutiae from a print by the LEADER network (weights: pyfing, MIT; see models/finger-minutiae/CARD.md)."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from egate.domain.biometric import FingerTemplate, Image

STRIDE = 32  # the network halves the image five times
QUALITY_MIN = 0.6  # as its authors use it; below, false minutiae outweigh true ones
ENDING_MIN = 0.5
ANGLE, TYPE, QUALITY = 1, 2, 3  # channels of the output; 0 is the position map before its non-maximum suppression
MINUTIAE_MAX = 255  # ISO/IEC 19794-2:2005, 7.4.1: the count is one byte; far above any finger


def extract(session: onnxruntime.InferenceSession, image: Image, position: int) -> FingerTemplate:
    """All minutiae of quality >= 0.6 of a grey 500 dpi image (h, w) uint8. Thread-safe.

    The network suppresses non-maxima itself: its quality channel is 0 beside each peak (checked on 12,600 minutiae:
    none closer than 5.8 px to another).
    """
    padded, top, left = _pad(image)
    maps = _run(session, padded)
    rows, columns = np.nonzero(maps[..., QUALITY] >= QUALITY_MIN)
    found = maps[rows, columns]
    best = np.argsort(-found[:, QUALITY], kind="stable")[:MINUTIAE_MAX]
    rows, columns, found = rows[best], columns[best], found[best]
    height, width = image.shape
    return FingerTemplate(
        x=_float32(columns - left),
        y=_float32(rows - top),
        angle=_float32(np.mod(found[:, ANGLE], np.float32(2 * np.pi)) % np.float32(2 * np.pi)),
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
    """(h, w, 4) output of the network."""
    options = onnxruntime.RunOptions()
    # Without it the arena keeps the largest image's 0.4 GB for ever; costs under 5 % of the run.
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    tensor = padded[None, :, :, None].astype(np.float32)
    maps: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: tensor}, options)[0][0]
    return maps


def _float32(values: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32)
