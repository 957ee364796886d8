"""Rewrites PRelu for onnxruntime's CPU provider.

PRelu has no kernel in the blocked channel layout: every convolution around one converts its planes there and back, and the kernel
itself goes value by value. With slope a and d = 1 - a, per channel:

    prelu(y) = a*y + d*relu(y) = d * (k*y + relu(y)),  k = a/d

Of the part in brackets every operator has a blocked kernel, and onnxruntime adds while it multiplies: two passes over the planes.
The factor d goes into the weights of the layer behind. Considered and measured (AMD EPYC, Zen 4): with two
depthwise convolutions that take y and relu(y) apart, or give d*relu and a*y, a pass of 3x3 stands for each of 1x1: not faster.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from egate.inference.weights.onnx_graph import Graph
from egate.inference.weights.onnx_linear import layer_behind, scale_inputs

POSITIVE_MIN = 2.0**-40  # in place of d = 0, the identity: relu's share of the sum is then below float32's last bit


def split_prelu(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network with each PRelu as Relu, Mul and Add, and one more Mul where no layer behind it takes the factor over.

    Slopes must be initializers of shape (channels, 1, 1).
    """
    graph = Graph(model)
    for index, node in reversed(list(enumerate(graph.nodes))):
        if node.op_type == "PRelu":
            graph.nodes[index : index + 1] = _split(graph, node)
    return graph.model()


def _split(graph: Graph, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    (value, slope_name), (result,) = node.input, node.output
    slope = graph.weight(slope_name)[np.newaxis]
    positive = 1.0 - slope
    positive[np.abs(positive) < POSITIVE_MIN] = POSITIVE_MIN
    relu, linear = f"{result}.relu", f"{result}.linear"
    ratio = graph.add_weight(f"{result}.ratio", slope / positive)
    layer = layer_behind(graph, result)
    total = result if layer is not None else f"{result}.sum"
    split = [
        helper.make_node("Relu", [value], [relu]),
        helper.make_node("Mul", [value, ratio], [linear]),
        helper.make_node("Add", [linear, relu], [total]),
    ]
    if layer is not None:
        scale_inputs(graph, layer, positive.ravel())
    else:
        split.append(helper.make_node("Mul", [total, graph.add_weight(f"{result}.positive", positive)], [result]))
    return split
