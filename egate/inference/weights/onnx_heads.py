"""Merges a detector's parallel heads: one pair of convolutions per stride instead of one for each kind of output.

A head is a 1x1 convolution, a depthwise one, Transpose to (n, rows, columns, k), Reshape to (1, cells, k) and perhaps a Sigmoid, with 1 to
10 channels. onnxruntime pads each to a block of channels and leaves its layout for each: merged, YuNet's four heads are one block.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

from egate.inference.weights.onnx_graph import Graph, attribute


@dataclass(frozen=True, slots=True)
class Head:
    """Its nodes in order; sigmoid is None where it has none. result: what the graph calls it. channels: k."""

    pointwise: onnx.NodeProto
    depthwise: onnx.NodeProto
    transpose: onnx.NodeProto
    reshape: onnx.NodeProto
    sigmoid: onnx.NodeProto | None
    channels: int

    @property
    def result(self) -> str:
        return str((self.sigmoid or self.reshape).output[0])

    @property
    def nodes(self) -> list[onnx.NodeProto]:
        return [node for node in (self.pointwise, self.depthwise, self.transpose, self.reshape, self.sigmoid) if node]


def merge_heads(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same outputs of the same values, for any number of images; other graphs stay as they are."""
    graph = Graph(model)
    by_value: dict[str, list[Head]] = defaultdict(list)
    for node in graph.nodes:
        head = _head(graph, node)
        if head is not None:
            by_value[node.input[0]].append(head)
    for value, heads in by_value.items():
        if len(heads) > 1:
            _merge(graph, value, heads)
    return graph.model()


def _head(graph: Graph, pointwise: onnx.NodeProto) -> Head | None:
    """The head that begins with this node, if one does."""
    chain = [pointwise]
    for operator in ("Conv", "Transpose", "Reshape"):
        following = graph.only_reader(chain[-1].output[0])
        if following is None or following.op_type != operator:
            return None
        chain.append(following)
    _, depthwise, transpose, reshape = chain
    if pointwise.op_type != "Conv" or not all(graph.is_weight(*node.input[1:]) for node in (pointwise, depthwise)):
        return None
    channels = graph.weight(depthwise.input[1]).shape[0]
    fits = (
        len(pointwise.input) == len(depthwise.input) == 3
        and graph.weight(pointwise.input[1]).shape[2:] == (1, 1)
        and attribute(depthwise, "group", 1) == channels
        and _numbers(transpose, "perm") == [0, 2, 3, 1]
        and graph.is_weight(reshape.input[1])
        and [int(size) for size in graph.weight(reshape.input[1])] == [1, -1, channels]
    )
    if not fits:
        return None
    if graph.is_result(reshape.output[0]):
        return Head(pointwise, depthwise, transpose, reshape, None, channels)
    sigmoid = graph.only_reader(reshape.output[0])
    if sigmoid is None or sigmoid.op_type != "Sigmoid" or not graph.is_result(sigmoid.output[0]):
        return None
    return Head(pointwise, depthwise, transpose, reshape, sigmoid, channels)


def _merge(graph: Graph, value: str, heads: list[Head]) -> None:
    first = heads[0].depthwise
    kept = {
        entry.name: list(entry.ints) for entry in first.attribute if entry.name in ("pads", "strides", "kernel_shape")
    }
    assert all(_numbers(head.depthwise, name) == numbers for head in heads for name, numbers in kept.items())
    name, channels = f"{value}.heads", [head.channels for head in heads]
    pointwise = [_joined(graph, [head.pointwise for head in heads], index, f"{name}.pointwise") for index in (1, 2)]
    depthwise = [_joined(graph, [head.depthwise for head in heads], index, f"{name}.depthwise") for index in (1, 2)]
    rows = graph.add_constant(f"{name}.rows", np.array([0, -1, sum(channels)], np.int64))
    sizes = graph.add_constant(f"{name}.sizes", np.array(channels, np.int64))
    parts = [f"{head.result}.logit" if head.sigmoid else head.result for head in heads]
    merged = [
        helper.make_node("Conv", [value, *pointwise], [f"{name}.1"], kernel_shape=[1, 1]),
        helper.make_node("Conv", [f"{name}.1", *depthwise], [f"{name}.2"], group=sum(channels), **kept),  # type: ignore[arg-type]
        helper.make_node("Transpose", [f"{name}.2"], [f"{name}.3"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", [f"{name}.3", rows], [f"{name}.4"]),
        helper.make_node("Split", [f"{name}.4", sizes], parts, axis=2),
    ]
    merged += [
        helper.make_node("Sigmoid", [part], [head.result])
        for part, head in zip(parts, heads, strict=True)
        if head.sigmoid
    ]
    for head in heads:
        for node in head.nodes:
            if node is not heads[-1].pointwise:
                graph.remove(node)
    graph.replace(heads[-1].pointwise, merged)  # what they read stands before it


def _joined(graph: Graph, nodes: list[onnx.NodeProto], index: int, name: str) -> str:
    """The nodes' weights (1) or biases (2), one filter after another."""
    return graph.add_weight(f"{name}.{index}", np.concatenate([graph.weight(node.input[index]) for node in nodes]))


def _numbers(node: onnx.NodeProto, name: str) -> list[int]:
    return next((list(entry.ints) for entry in node.attribute if entry.name == name), [])
