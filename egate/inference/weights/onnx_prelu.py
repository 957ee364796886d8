"""Rewrites PRelu for onnxruntime's CPU provider.

PRelu has no kernel in the blocked channel layout, so every convolution around one converts its planes there and back.
a*x + (1 - a)*relu(x) is the same function from operators that have one: SFace 21.9 ms -> 8.0 ms on one thread
(bench/bench_face.py), embeddings equal to 1e-6.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper


def split_prelu(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network with each PRelu as Relu, two Mul and Add. Slopes must be initializers of shape (channels, 1, 1)."""
    slopes = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    initializers = dict(slopes)
    for node in model.graph.node:
        if node.op_type != "PRelu":
            nodes.append(node)
            continue
        value, slope_name = node.input
        result = node.output[0]
        slope = numpy_helper.to_array(slopes[slope_name])[np.newaxis].astype(np.float32)
        initializers.pop(slope_name, None)
        for name, weight in ((f"{slope_name}.linear", slope), (f"{slope_name}.positive", np.float32(1) - slope)):
            initializers[name] = numpy_helper.from_array(weight, name)
        nodes += [
            helper.make_node("Relu", [value], [f"{result}.relu"]),
            helper.make_node("Mul", [f"{result}.relu", f"{slope_name}.positive"], [f"{result}.positive"]),
            helper.make_node("Mul", [value, f"{slope_name}.linear"], [f"{result}.linear"]),
            helper.make_node("Add", [f"{result}.positive", f"{result}.linear"], [result]),
        ]
    graph = helper.make_graph(
        nodes, model.graph.name, list(model.graph.input), list(model.graph.output), list(initializers.values())
    )
    return helper.make_model(graph, opset_imports=list(model.opset_import))
