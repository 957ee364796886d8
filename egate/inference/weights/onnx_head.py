"""Writes a fully connected layer on planes as a convolution over whole planes.

The sum is the same. The planes stay in onnxruntime's blocked layout, and its convolution reads the weights, which are most of the
network's bytes, faster than its product of one row with a matrix: 1.02 ms for 1.12 at 26 MB (one thread, AMD EPYC, Zen 4).
"""

from __future__ import annotations

import onnx
from onnx import helper, shape_inference

from egate.inference.weights.onnx_graph import Graph
from egate.inference.weights.onnx_linear import layer_behind


def convolve_planes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with Conv and Flatten for Flatten and Gemm, where the planes' size is known."""
    inferred = shape_inference.infer_shapes(model).graph
    shapes = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in [*inferred.value_info, *inferred.input]
    }
    graph = Graph(model)
    for flatten in list(graph.nodes):
        shape = shapes.get(flatten.input[0], []) if flatten.input else []
        if flatten.op_type != "Flatten" or len(shape) != 4 or not all(shape[1:]):
            continue
        gemm = layer_behind(graph, flatten.input[0])
        if gemm is None or gemm.op_type != "Gemm":
            continue
        result = gemm.output[0]
        weight = graph.weight(gemm.input[1]).reshape(-1, *shape[1:])
        inputs = [flatten.input[0], graph.add_weight(f"{result}.kernel", weight), *gemm.input[2:]]
        graph.replace(flatten, [helper.make_node("Conv", inputs, [f"{result}.planes"], kernel_shape=shape[2:])])
        graph.replace(gemm, [helper.make_node("Flatten", [f"{result}.planes"], [result])])
    return graph.model()
