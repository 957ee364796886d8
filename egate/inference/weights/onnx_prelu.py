"""Rewrites PRelu for onnxruntime's CPU provider.

PRelu has no kernel in the blocked channel layout: every convolution around one converts its planes there and back, and the kernel
itself goes value by value. With slope a and d = 1 - a, per channel:

    prelu(y) = a*y + d*relu(y) = d * (k*y + relu(y)),  k = a/d

Of the part in brackets every operator has a blocked kernel, and onnxruntime adds while it multiplies: two passes over the planes.
The factor d goes into the weights of the layer behind. Where that is a depthwise convolution with a stride, it does the products too:
one of a*y plus one of d*relu(y), each on fewer positions than the planes have. Without a stride, or with two depthwise
convolutions before the PRelu, that is slower (one thread, AMD EPYC, Zen 4; the whole network: bench/face/bench_speed.py).
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from egate.inference.weights.onnx_graph import Doubles, Graph, attribute
from egate.inference.weights.onnx_linear import layer_behind, scale_inputs

POSITIVE_MIN = 2.0**-40  # in place of d = 0, the identity: relu's share of the sum is then below float32's last bit


def split_prelu(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network with each PRelu as Relu, Mul and Add, and one more Mul where no layer behind it takes the factor over.

    Slopes must be initializers of shape (channels, 1, 1).
    """
    graph = Graph(model)
    for node in graph.nodes[::-1]:  # what is behind a PRelu is rewritten before it
        if node.op_type == "PRelu":
            layer = layer_behind(graph, node.output[0])
            if layer is not None and _is_strided_depthwise(graph, layer):
                _split_into_convolutions(graph, node, layer)
            else:
                _split(graph, node, layer)
    return graph.model()


def _split(graph: Graph, node: onnx.NodeProto, layer: onnx.NodeProto | None) -> None:
    value, (result,) = node.input[0], node.output
    slope, positive = factors(graph, node)
    ratio = graph.add_weight(f"{result}.ratio", slope / positive)
    total = result if layer is not None else f"{result}.sum"
    split = [
        helper.make_node("Relu", [value], [f"{result}.relu"]),
        helper.make_node("Mul", [value, ratio], [f"{result}.linear"]),
        helper.make_node("Add", [f"{result}.linear", f"{result}.relu"], [total]),
    ]
    if layer is not None:
        scale_inputs(graph, layer, positive.ravel())
    else:
        split.append(helper.make_node("Mul", [total, graph.add_weight(f"{result}.positive", positive)], [result]))
    graph.replace(node, split)


def _split_into_convolutions(graph: Graph, node: onnx.NodeProto, layer: onnx.NodeProto) -> None:
    value, (result,), (convolved,) = node.input[0], node.output, layer.output
    slope, positive = factors(graph, node)
    linear, relu = onnx.NodeProto(), onnx.NodeProto()
    for part, factor in ((linear, slope), (relu, positive)):
        part.CopyFrom(layer)
        part.ClearField("name")  # names of nodes must differ, and need not be there
        scale_inputs(graph, part, factor.ravel())
    del linear.input[2:]  # the bias counts once
    linear.input[0], linear.output[0] = value, f"{convolved}.linear"
    relu.input[0], relu.output[0] = f"{result}.relu", f"{convolved}.relu"
    graph.replace(node, [helper.make_node("Relu", [value], [f"{result}.relu"])])
    total = helper.make_node("Add", [f"{convolved}.linear", f"{convolved}.relu"], [convolved])
    graph.replace(layer, [linear, relu, total])


def factors(graph: Graph, node: onnx.NodeProto) -> tuple[Doubles, Doubles]:
    """a and d, (1, channels, 1, 1)."""
    slope = graph.weight(node.input[1])[np.newaxis]
    positive = 1.0 - slope
    positive[np.abs(positive) < POSITIVE_MIN] = POSITIVE_MIN
    return slope, positive


def _is_strided_depthwise(graph: Graph, layer: onnx.NodeProto) -> bool:
    strides = next((list(entry.ints) for entry in layer.attribute if entry.name == "strides"), [1])
    weight = graph.weight(layer.input[1])
    return layer.op_type == "Conv" and max(strides) > 1 and attribute(layer, "group", 1) == weight.shape[0]
