"""The graph that the conversion of LEADER writes: its nodes and weights, and the layers they form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from egate.inference.weights.leader.weights import Floats, Layer

EPSILON = 1e-3  # of every LayerNormalization in the file: Keras' default
STRIP_ROWS = 4  # divides the height of all levels but the two lowest; a strip and its expansion are 0.7 MB, less than a core's cache


class Nodes:
    """Nodes in order, and weights. Methods add nodes and return the name of their result.

    Values are planes (1, c, h, w), as convolutions want them, or rows (1, h, w, c), where an operator works along the channels.
    """

    def __init__(self, prefix: str = "") -> None:
        """prefix: of all names; a graph inside another may not use the other's."""
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._prefix = prefix

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        return self.add_many(operator, 1, *inputs, **attributes)[0]

    def add_many(self, operator: str, results: int, *inputs: str, **attributes: Any) -> list[str]:
        name = f"{self._prefix}{operator.lower()}{len(self.nodes):03d}"
        names = [name, *(f"{name}.{index}" for index in range(1, results))]
        # With names: onnxruntime 1.20 names what it makes of two nodes after them, and refuses a name given twice.
        self.nodes.append(helper.make_node(operator, list(inputs), names, name, **attributes))
        return names

    def constant(self, values: NDArray[np.generic]) -> str:
        name = f"{self._prefix}weight{len(self.weights):03d}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name))
        return name

    def weight(self, values: Floats) -> str:
        return self.constant(values.astype(np.float32))

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def convolution(self, planes: str, layer: Layer, *, dilation: int = 1, padded: bool = True) -> str:
        """padded: with zeros, so that the planes keep their size."""
        side = layer.weight.shape[2]
        return self.add(
            "Conv",
            planes,
            self.weight(layer.weight),
            *self._bias(layer),
            kernel_shape=[side, side],
            pads=[side // 2 * dilation * padded] * 4,
            dilations=[dilation] * 2,
            group=len(layer.weight) if layer.depthwise else 1,
        )

    def matrix(self, rows: str, layer: Layer) -> str:
        """A 1x1 layer."""
        result = self.add("MatMul", rows, self.weight(layer.matrix.T))
        return self.add("Add", result, *self._bias(layer)) if layer.bias.any() else result

    def normalised(self, rows: str, gamma: Floats, beta: Floats | None = None) -> str:
        """gamma * (x - mean) / sqrt(variance + EPSILON) + beta, mean and variance over the channels."""
        shift = [] if beta is None else [self.weight(beta)]
        return self.add("LayerNormalization", rows, self.weight(gamma), *shift, axis=-1, epsilon=EPSILON)

    def gelu(self, value: str) -> str:
        return self.add("Gelu", value, approximate="tanh")

    def rows(self, planes: str) -> str:
        return self.add("Transpose", planes, perm=[0, 2, 3, 1])

    def planes(self, rows: str) -> str:
        return self.add("Transpose", rows, perm=[0, 3, 1, 2])

    def slice(self, value: str, start: int, end: int, axis: int) -> str:
        return self.add("Slice", value, self.integers(start), self.integers(end), self.integers(axis))

    def reshaped(self, value: str, *shape: int) -> str:
        """One -1: what is left. 0: as long as that axis of value is."""
        return self.add("Reshape", value, self.integers(*shape))

    def pooled(self, planes: str, operator: str) -> str:
        """Half as high and wide."""
        return self.add(operator, planes, kernel_shape=[2, 2], strides=[2, 2])

    def halved(self, planes: str, channels: int) -> str:
        """Half as high and wide: the maxima of the first half of the channels, the means of the others."""
        first, others = (self.slice(planes, start, start + channels // 2, 1) for start in (0, channels // 2))
        return self.add("Concat", self.pooled(first, "MaxPool"), self.pooled(others, "AveragePool"), axis=1)

    def doubled(self, planes: str) -> str:
        """Twice as high and wide, every value four times."""
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        nearest = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.add("Resize", planes, "", scales, **nearest)

    def strips(self, rows: str, body: Callable[[Nodes, str], str]) -> str:
        """What body makes of rows (1, h, w, c), STRIP_ROWS at a time: between its steps the values stay in the core's cache.

        body adds to the nodes it is given and sees (STRIP_ROWS, w, c). h must be a multiple of STRIP_ROWS.
        """
        inner = Nodes(f"{self._prefix}strip{len(self.nodes):03d}.")
        strip = f"{inner._prefix}rows"
        result = body(inner, strip)
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [STRIP_ROWS, None, None]) for name in (strip, result)
        ]
        graph = helper.make_graph(inner.nodes, inner._prefix, ends[:1], ends[1:], inner.weights)
        stacked = self.reshaped(rows, -1, STRIP_ROWS, 0, 0)
        return self.reshaped(self.add("Scan", stacked, body=graph, num_scan_inputs=1), 1, -1, 0, 0)

    def _bias(self, layer: Layer) -> list[str]:
        return [self.weight(layer.bias)] if layer.bias.any() else []
