"""Folds what scales and shifts channels into the linear layer beside it.

onnxruntime folds a batch normalisation into the convolution before it, and leaves the others; each costs a pass.
"""

from __future__ import annotations

import numpy as np
import onnx

from egate.inference.weights.onnx_graph import Doubles, Graph, real_attribute
from egate.inference.weights.onnx_linear import change_outputs, is_layer, layer_behind, scale_inputs, shift_inputs

EPSILON = 1e-5  # ONNX BatchNormalization: default of epsilon


def fold(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network without Dropout, and without BatchNormalization and scalar Mul beside a layer that takes them over."""
    graph = Graph(model)
    for node in list(graph.nodes):
        if node.op_type == "Dropout" and not graph.is_result(node.output[0]):  # it acts in training only
            graph.bypass(node)
    for node in list(graph.nodes):
        if node.op_type == "BatchNormalization" and graph.is_weight(*node.input[1:]):
            _fold_normalisation(graph, node)
        elif node.op_type == "Mul" and graph.is_weight(node.input[1]) and graph.weight(node.input[1]).size == 1:
            layer = layer_behind(graph, node.output[0])
            if layer is not None:
                scale_inputs(graph, layer, graph.weight(node.input[1]).reshape(1))
                graph.bypass(node)
    used = {name for node in graph.nodes for name in node.input}
    for node in list(graph.nodes):
        if node.op_type == "Constant" and node.output[0] not in used:
            graph.remove(node)
    return graph.model()


def _fold_normalisation(graph: Graph, node: onnx.NodeProto) -> None:
    scale, shift = _affine(graph, node)
    before = graph.giver(node.input[0])
    if before is not None and is_layer(graph, before) and graph.only_reader(before.output[0]) is node:
        change_outputs(graph, before, scale, shift)
        graph.remove(node)
        before.output[0] = node.output[0]
        return
    behind = layer_behind(graph, node.output[0])
    if behind is not None and behind.op_type == "Gemm":
        shift_inputs(graph, behind, shift)
        scale_inputs(graph, behind, scale)
        graph.bypass(node)


def _affine(graph: Graph, node: onnx.NodeProto) -> tuple[Doubles, Doubles]:
    """ONNX BatchNormalization: (x - mean) / sqrt(variance + epsilon) * scale + bias, as factor and summand."""
    scale, bias, mean, variance = (graph.weight(name) for name in node.input[1:5])
    factor = scale / np.sqrt(variance + real_attribute(node, "epsilon", EPSILON))
    return factor, bias - mean * factor
