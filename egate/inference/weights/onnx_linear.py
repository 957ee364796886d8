"""Scales and shifts a linear layer's inputs and outputs by changing its weights.

A layer is a Conv, or a Gemm that reads rows (transB = 1), perhaps behind a Flatten, whose weights are initializers.
"""

from __future__ import annotations

import math

import numpy as np
import onnx

from egate.inference.weights.onnx_graph import Doubles, Graph, attribute


def layer_behind(graph: Graph, value: str) -> onnx.NodeProto | None:
    """The layer that alone reads value, if there is one whose inputs can be scaled."""
    node = graph.only_reader(value)
    if node is not None and node.op_type == "Flatten" and attribute(node, "axis", 1) == 1:
        node = graph.only_reader(node.output[0])
        return node if node is not None and node.op_type == "Gemm" and is_layer(graph, node) else None
    if node is None or not is_layer(graph, node) or node.input[0] != value:
        return None
    return node


def is_layer(graph: Graph, node: onnx.NodeProto) -> bool:
    if node.op_type == "Gemm" and not (attribute(node, "transA", 0) == 0 and attribute(node, "transB", 0) == 1):
        return False
    return node.op_type in ("Conv", "Gemm") and graph.is_weight(*node.input[1:])


def scale_inputs(graph: Graph, layer: onnx.NodeProto, factor: Doubles) -> None:
    """Changes layer so that it computes of x what it computed of factor * x. factor: (channels,) or (1,)."""
    weight = graph.weight(layer.input[1])
    if layer.op_type == "Conv":  # (filters, channels / groups, rows, columns)
        groups = attribute(layer, "group", 1)
        by_group = np.broadcast_to(factor, groups * weight.shape[1]).reshape(groups, -1)
        weight = weight * np.repeat(by_group, weight.shape[0] // groups, axis=0)[:, :, None, None]
    else:
        weight = weight * np.repeat(factor, weight.shape[1] // len(factor))  # (filters, channels * positions)
    layer.input[1] = graph.add_weight(f"{layer.output[0]}.weight", weight)


def shift_inputs(graph: Graph, layer: onnx.NodeProto, shift: Doubles) -> None:
    """Changes a Gemm so that it computes of x what it computed of x + shift. shift: (channels,)."""
    assert layer.op_type == "Gemm", "a convolution's padding would have to be shifted too"
    weight = graph.weight(layer.input[1])
    terms = weight * np.repeat(shift, weight.shape[1] // len(shift))
    # math.fsum rounds once, so the bytes do not depend on the order in which a machine's BLAS adds.
    _set_bias(graph, layer, _bias(graph, layer) + np.array([math.fsum(row) for row in terms]))


def change_outputs(graph: Graph, layer: onnx.NodeProto, scale: Doubles, shift: Doubles) -> None:
    """Changes layer so that it computes scale * what it computed + shift. Both (filters,)."""
    weight = graph.weight(layer.input[1])
    bias = _bias(graph, layer)
    spread = scale.reshape(-1, *[1] * (weight.ndim - 1))
    layer.input[1] = graph.add_weight(f"{layer.output[0]}.weight", weight * spread)
    _set_bias(graph, layer, bias * scale + shift)


def _bias(graph: Graph, layer: onnx.NodeProto) -> Doubles:
    return graph.weight(layer.input[2]) if len(layer.input) > 2 else np.zeros(graph.weight(layer.input[1]).shape[0])


def _set_bias(graph: Graph, layer: onnx.NodeProto, bias: Doubles) -> None:
    layer.input[:] = [*layer.input[:2], graph.add_weight(f"{layer.output[0]}.bias", bias)]
