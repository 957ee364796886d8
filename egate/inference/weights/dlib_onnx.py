"""Builds an ONNX network from the layers of dlib's face ResNet-29.

Input "image": (n, 3, 150, 150) float32 RGB 0-255; output "embedding": (n, 128) float32, not normalised.
Affine layers are folded into the convolution before them. A block ends in AddPrevious; where it halves the plane, dlib
sums it with its average-pooled input, zero-padding whichever is smaller in channels, rows or columns.

Padding is written as convolutions with ones. onnxruntime's Pad has no kernel in the blocked channel layout and would take the rest
of the network out of it: with convolutions the sums and activations become parts of the convolutions before them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from egate.errors import ModelError
from egate.inference.weights.dlib_weights import (
    AddPrevious,
    Affine,
    Convolution,
    Input,
    Layer,
    Linear,
    Pool,
    Relu,
    parse_network,
)
from egate.inference.weights.onnx_bytes import canonical

OPSET = 17
INPUT_SCALE = 1.0 / 256.0  # dlib input_rgb_image: (pixel - mean) / 256
# Measured, AMD EPYC (Zen 4), one thread: a 3x3 convolution of 256 4x4 planes that pads takes 287 us, of planes padded before 250 in all;
# onnxruntime's kernel goes along a row in pieces, and those that touch padding hold one pixel. From 17 pixels on it is slower.
PADDED_BEFORE_ROWS_MAX = 8


def dlib_resnet(data: bytes) -> bytes:
    """ONNX bytes of a dlib face recognition network (`.dat`). Raises ModelError if it is another network."""
    return canonical(_Graph(parse_network(data)).build())


class _Graph:
    """The network under construction. `name` and `shape` (channels, rows, columns) are those of the newest result."""

    def __init__(self, layers: list[Layer]) -> None:
        self.layers = layers
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.name = "image"
        self.shape = (3, 0, 0)

    def build(self) -> onnx.ModelProto:
        first, *rest = self.layers
        if not isinstance(first, Input):
            raise ModelError("dlib network: the first layer is not the input")
        if not rest or not isinstance(rest[0], Convolution):
            raise ModelError("dlib network: the second layer is not a convolution")
        rest[0] = _normalising(first, rest[0])
        self.shape = (3, first.size, first.size)
        block_input, block_input_shape = self.name, self.shape
        branch: tuple[str, tuple[int, int, int]] | None = None
        for index, layer in enumerate(rest):
            following = rest[index + 1] if index + 1 < len(rest) else None
            match layer:
                case Convolution():
                    self._convolution(layer, following)
                case Affine():
                    pass  # folded
                case Relu():
                    self._node("Relu", [self.name])
                    if index and isinstance(rest[index - 1], AddPrevious):
                        block_input, block_input_shape = self.name, self.shape
                case Pool() if isinstance(following, AddPrevious):
                    branch = (self.name, self.shape)
                    self.name, self.shape = block_input, block_input_shape
                    self._pool(layer)
                case Pool():
                    self._pool(layer)
                    block_input, block_input_shape = self.name, self.shape
                case AddPrevious():
                    self._add(*(branch or (block_input, block_input_shape)))
                    branch = None
                case Linear():
                    self._linear(layer)
                case _:
                    raise ModelError("dlib network: unexpected layer")
        return self._model(first.size)

    def _convolution(self, layer: Convolution, following: Layer | None) -> None:
        if not isinstance(following, Affine):
            raise ModelError("dlib network: convolution without affine layer")
        weight = layer.weight * following.gamma[:, None, None, None]
        bias = layer.bias * following.gamma + following.beta
        filters, _, window, _ = weight.shape
        index = len(self.weights)
        names = [self._weight(f"conv{index:03d}.weight", weight), self._weight(f"conv{index:03d}.bias", bias)]
        padding, windows, strides = layer.padding, [window] * 2, [layer.stride] * 2
        if padding and self.shape[1] <= PADDED_BEFORE_ROWS_MAX:
            self._pad_plane([padding] * 4)
            padding = 0
        self._node("Conv", [self.name, *names], kernel_shape=windows, strides=strides, pads=[padding] * 4)
        self.shape = (filters, *self._plane(window, layer.stride, padding))

    def _pool(self, layer: Pool) -> None:
        if layer.window == 0:
            self._node("GlobalAveragePool", [self.name])
            self.shape = (self.shape[0], 1, 1)
            return
        operator = {"max": "MaxPool", "avg": "AveragePool"}[layer.kind]
        window, stride = [layer.window] * 2, [layer.stride] * 2
        self._node(operator, [self.name], kernel_shape=window, strides=stride, pads=[layer.padding] * 4)
        self.shape = (self.shape[0], *self._plane(layer.window, layer.stride, layer.padding))

    def _add(self, other: str, other_shape: tuple[int, int, int]) -> None:
        # dlib add_prev: the sum has the larger of each dimension; what is missing counts as zero.
        channels, rows, columns = (max(pair) for pair in zip(self.shape, other_shape, strict=True))
        sum_shape = (channels, rows, columns)
        left = self._padded(self.name, self.shape, sum_shape)
        right = self._padded(other, other_shape, sum_shape)
        self._node("Add", [left, right])
        self.shape = sum_shape

    def _padded(self, name: str, shape: tuple[int, int, int], target: tuple[int, int, int]) -> str:
        """name with zeros behind its channels, rows and columns up to target."""
        self.name, self.shape = name, shape
        channels, rows, columns = (wanted - have for wanted, have in zip(target, shape, strict=True))
        if rows or columns:
            self._pad_plane([0, 0, rows, columns])
        if channels:
            weight = np.eye(target[0], shape[0], dtype=np.float32)[:, :, None, None]
            self._node(
                "Conv", [self.name, self._weight(f"pad{len(self.weights):03d}.weight", weight)], kernel_shape=[1, 1]
            )
        self.shape = target
        return self.name

    def _pad_plane(self, pads: list[int]) -> None:
        """Zeros around every plane: top, left, bottom, right."""
        channels, rows, columns = self.shape
        weight = self._weight(f"pad{len(self.weights):03d}.weight", np.ones((channels, 1, 1, 1), np.float32))
        self._node("Conv", [self.name, weight], kernel_shape=[1, 1], group=channels, pads=pads)
        self.shape = (channels, rows + pads[0] + pads[2], columns + pads[1] + pads[3])

    def _linear(self, layer: Linear) -> None:
        if layer.weight.shape[0] != self.shape[0] or self.shape[1:] != (1, 1):
            raise ModelError("dlib network: the linear layer does not fit")
        self._node("Flatten", [self.name], axis=1)
        self._node("MatMul", [self.name, self._weight("linear.weight", layer.weight)])

    def _plane(self, window: int, stride: int, padding: int) -> tuple[int, int]:
        rows, columns = ((size + 2 * padding - window) // stride + 1 for size in self.shape[1:])
        return rows, columns

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> None:
        self.name = f"{operator.lower()}{len(self.nodes):03d}"
        self.nodes.append(helper.make_node(operator, inputs, [self.name], **attributes))

    def _weight(self, name: str, values: NDArray[np.float32]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _model(self, size: int) -> onnx.ModelProto:
        self.nodes[-1].output[0] = "embedding"
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, size, size])
        embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 128])
        graph = helper.make_graph(self.nodes, "egate", [image], [embedding], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])


def _normalising(image: Input, layer: Convolution) -> Convolution:
    """The convolution that does with the image as it comes what layer does with (image - mean) / 256."""
    if layer.padding:
        raise ModelError("dlib network: the first convolution pads, and its padding would be normalised too")
    weight = layer.weight.astype(np.float64) * INPUT_SCALE
    means = weight * image.mean.astype(np.float64).reshape(1, 3, 1, 1)
    # math.fsum rounds once, so the bytes are the same on every machine.
    bias = np.array([value - math.fsum(row.flat) for value, row in zip(layer.bias.astype(float), means, strict=True)])
    return replace(layer, weight=weight.astype(np.float32), bias=bias.astype(np.float32))
