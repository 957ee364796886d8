"""An ONNX graph that is being rewritten: its nodes, who reads what, and its weights by name."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Doubles = NDArray[np.float64]


class Graph:
    """A copy of a model's graph. Weights are read as float64 and written as float32: one rounding per rewrite."""

    def __init__(self, model: onnx.ModelProto) -> None:
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        self._graph, self._opsets = copy.graph, list(copy.opset_import)
        self._weights = {tensor.name: tensor for tensor in copy.graph.initializer}
        self.nodes: list[onnx.NodeProto] = list(copy.graph.node)

    def is_weight(self, *names: str) -> bool:
        return all(name in self._weights for name in names)

    def weight(self, name: str) -> Doubles:
        return numpy_helper.to_array(self._weights[name]).astype(np.float64)

    def add_weight(self, name: str, values: Doubles) -> str:
        """A new float32 initializer. Returns its name, for a node's input: as asked for, or with dots behind it if that is taken."""
        return self.add_constant(name, values.astype(np.float32))

    def add_constant(self, name: str, values: NDArray[np.generic]) -> str:
        """As add_weight, in the type that values have."""
        while name in self._weights:
            name += "."
        self._weights[name] = numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name)
        return name

    def giver(self, value: str) -> onnx.NodeProto | None:
        """The node whose result value is; None for an input or a weight."""
        return next((node for node in self.nodes if value in node.output), None)

    def readers(self, value: str) -> list[onnx.NodeProto]:
        return [node for node in self.nodes if value in node.input]

    def only_reader(self, value: str) -> onnx.NodeProto | None:
        """The node that reads value, if nothing else does and it is no result of the graph."""
        readers = self.readers(value)
        return readers[0] if len(readers) == 1 and not self.is_result(value) else None

    def is_result(self, value: str) -> bool:
        return any(result.name == value for result in self._graph.output)

    def replace(self, node: onnx.NodeProto, nodes: list[onnx.NodeProto]) -> None:
        """Other nodes in the place of one."""
        index = next(index for index, other in enumerate(self.nodes) if other is node)
        self.nodes[index : index + 1] = nodes

    def remove(self, node: onnx.NodeProto) -> None:
        self.replace(node, [])

    def bypass(self, node: onnx.NodeProto) -> None:
        """Removes a node of which nothing is left to do; what read its result reads its first input."""
        self.remove(node)
        for reader in self.readers(node.output[0]):
            reader.input[:] = [node.input[0] if name == node.output[0] else name for name in reader.input]

    def model(self) -> onnx.ModelProto:
        """The rewritten model, without weights that nothing reads."""
        used = {name for node in self.nodes for name in node.input}
        weights = [tensor for name, tensor in self._weights.items() if name in used]
        graph = helper.make_graph(
            self.nodes, self._graph.name, list(self._graph.input), list(self._graph.output), weights
        )
        return helper.make_model(graph, opset_imports=self._opsets)


def attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((int(entry.i) for entry in node.attribute if entry.name == name), default)


def real_attribute(node: onnx.NodeProto, name: str, default: float) -> float:
    return next((float(entry.f) for entry in node.attribute if entry.name == name), default)
