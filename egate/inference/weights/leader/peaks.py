"""The peaks of LEADER's position map as a list, and the windows around them.

A list may be empty, and no layer of onnxruntime need take an empty batch: one place more, the image's corner, goes through the windows and
is dropped at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from egate.inference.weights.leader.blocks import Planes
from egate.inference.weights.leader.nodes import Nodes
from egate.inference.weights.leader.weights import Layer

QUALITY_MIN = 0.6  # as its authors use it; below, false minutiae outweigh true ones
MINUTIAE_MAX = (
    255  # ISO/IEC 19794-2:2005, 7.4.1: the count is one byte; far above any finger. Bounds the memory of the windows
)
OUTER = 9  # side of a window
NEIGHBOURHOOD = 7  # pixels: the file's non-maximum suppression


@dataclass(frozen=True, slots=True)
class Peaks:
    """n peaks of quality >= QUALITY_MIN by falling quality, n <= MINUTIAE_MAX, and behind them the corner.

    places: (n + 1, 2) int64, row and column in the image. quality: (n + 1,) float32.
    """

    places: str
    quality: str


@dataclass(frozen=True, slots=True)
class Windows:
    """rows: (n + 1, OUTER, OUTER, width) of planes at half the image's size, 0 beyond the border. inside: (n + 1, OUTER, OUTER, 1),
    1 within the border, else 0. phase: (n + 1, 1) int64, 2 * (row % 2) + column % 2.
    """

    rows: str
    inside: str
    phase: str


def add_peaks(nodes: Nodes, position: str, blur: Layer) -> Peaks:
    """The pixels of the blurred position map (1, 1, h, w) that nothing in their neighbourhood exceeds."""
    blurred = nodes.convolution(position, blur)
    reach = NEIGHBOURHOOD // 2  # by columns and rows, one after the other: the same maxima, a fifth of the time
    highest = nodes.add("MaxPool", blurred, kernel_shape=[NEIGHBOURHOOD, 1], pads=[reach, 0, reach, 0])
    highest = nodes.add("MaxPool", highest, kernel_shape=[1, NEIGHBOURHOOD], pads=[0, reach, 0, reach])
    enough = nodes.add("GreaterOrEqual", blurred, nodes.constant(np.array(QUALITY_MIN, np.float32)))
    found = nodes.add("NonZero", nodes.add("And", nodes.add("Equal", blurred, highest), enough))
    indices = nodes.add("Transpose", found, perm=[1, 0])
    quality = nodes.add("GatherND", blurred, indices)
    count = nodes.add("Min", nodes.add("Shape", quality), nodes.integers(MINUTIAE_MAX))
    best, ranks = nodes.add_many("TopK", 2, quality, count)  # of equals the first, says the standard
    places = nodes.slice(nodes.add("Gather", indices, ranks, axis=0), 2, 4, 1)
    return Peaks(
        nodes.add("Concat", places, nodes.constant(np.zeros((1, 2), np.int64)), axis=0),
        nodes.add("Concat", best, nodes.constant(np.zeros(1, np.float32)), axis=0),
    )


def add_windows(nodes: Nodes, value: Planes, peaks: Peaks) -> Windows:
    """value: planes at half the image's size."""
    two, zero, one = nodes.integers(2), nodes.integers(0), nodes.integers(1)
    steps = np.arange(OUTER) - OUTER // 2
    offsets = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 2).astype(np.int64)
    middle = nodes.add("Unsqueeze", nodes.add("Div", peaks.places, two), one)
    at = nodes.add("Add", middle, nodes.constant(offsets))  # (n + 1, OUTER * OUTER, 2)
    size = nodes.slice(nodes.add("Shape", value.name), 2, 4, 0)
    held = nodes.add("Min", nodes.add("Max", at, zero), nodes.add("Sub", size, one))
    within = nodes.add("Cast", nodes.add("Equal", at, held), to=TensorProto.FLOAT)
    inside = nodes.reshaped(nodes.add("ReduceMin", within, two, keepdims=1), -1, OUTER, OUTER, 1)
    line = nodes.add("Mul", nodes.slice(held, 0, 1, 2), nodes.slice(size, 1, 2, 0))
    flat = nodes.reshaped(nodes.add("Add", line, nodes.slice(held, 1, 2, 2)), -1, OUTER * OUTER)
    cells = nodes.reshaped(nodes.rows(value.name), -1, value.width)
    window = nodes.reshaped(nodes.add("Gather", cells, flat, axis=0), -1, OUTER, OUTER, value.width)
    phase = nodes.add("MatMul", nodes.add("Mod", peaks.places, two), nodes.constant(np.array([[2], [1]], np.int64)))
    return Windows(nodes.add("Mul", window, inside), inside, phase)
