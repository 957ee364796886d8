"""The layers of LEADER.onnx by their names: the file is a TensorFlow export whose operators are decomposed, its names are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from egate.errors import ModelError

PREFIX = "functional_1/"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution of stride 1. weight: (filters, channels, rows, columns), or (filters, 1, rows, columns) if it is depthwise.
    bias: (filters,). float64, so that folding rounds once.
    """

    weight: Floats
    bias: Floats
    depthwise: bool = False

    @property
    def matrix(self) -> Floats:
        """(filters, channels) of a 1x1 convolution."""
        return self.weight[:, :, 0, 0]


class LeaderWeights:
    """Raises ModelError, as each of its methods does, where the graph is not LEADER's."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        self._givers = {name.removeprefix(PREFIX): node for node in model.graph.node for name in node.output}

    def layer(self, value: str) -> Layer:
        """The Conv whose result the file calls value."""
        node = self._giver(value, "Conv")
        weight = self._tensor(node.input[1], 4)
        bias = self._tensor(node.input[2], 1) if len(node.input) > 2 else np.zeros(len(weight))
        groups = next((entry.i for entry in node.attribute if entry.name == "group"), 1)
        return Layer(weight, bias, depthwise=groups > 1)

    def layer_before(self, value: str) -> Layer:
        """The Conv whose result is the input of the node that gives value."""
        return self.layer(self._giver(value).input[0].removeprefix(PREFIX))

    def dilated(self, name: str) -> Layer:
        """A convolution written as SpaceToBatch, Conv, BatchToSpace, Add."""
        return Layer(self.layer(f"{name}/convolution:0").weight, self._operand(f"{name}/BiasAdd:0"))

    def normalisation(self, name: str) -> tuple[Floats, Floats]:
        """gamma and beta of a LayerNormalization over the channels, (channels,) each."""
        return self._operand(f"{name}/mul:0"), self._operand(f"{name}/add_1:0")

    def _operand(self, value: str) -> Floats:
        """The weight that a Mul or Add has as its second input, flat."""
        return self._tensor(self._giver(value).input[1], 4).ravel()

    def _giver(self, value: str, operator: str | None = None) -> onnx.NodeProto:
        node = self._givers.get(value)
        if node is None or operator not in (None, node.op_type) or len(node.input) < 1 + (operator == "Conv"):
            raise ModelError(f"not LEADER: {value} is missing")
        return node

    def _tensor(self, name: str, rank: int) -> Floats:
        tensor = self._tensors.get(name)
        values = None if tensor is None else numpy_helper.to_array(tensor)
        if values is None or values.dtype != np.float32 or values.ndim != rank or not np.isfinite(values).all():
            raise ModelError(f"not LEADER: {name} is no finite float32 tensor of rank {rank}")
        return values.astype(np.float64)
