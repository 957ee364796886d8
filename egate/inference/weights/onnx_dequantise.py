"""Turns block-quantised ONNX weights into plain float32 initializers.

The files of OpenCV's zoo ("int8bq", ONNX opset 21 DequantizeLinear with block_size) store each weight as int8 plus
scales and zero points, followed by a Reshape; SFace also declares every weight as a graph input. onnxruntime loads
that, and fails when it runs. Weights stay what they were: (quantised - zero point) * scale, in float32.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from egate.errors import ModelError

Array = NDArray[np.generic]


def dequantise(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with float32 weights and one input, the image. Raises ModelError if it has another form."""
    graph = model.graph
    constants: dict[str, Array] = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kept: list[onnx.NodeProto] = []
    for node in graph.node:  # ONNX lists nodes in topological order
        inputs_known = all(name in constants for name in node.input)
        if node.op_type == "DequantizeLinear" and inputs_known:
            constants[node.output[0]] = _dequantise_linear(node, constants)
        elif node.op_type == "Reshape" and inputs_known:
            shape = [int(size) for size in constants[node.input[1]]]
            constants[node.output[0]] = constants[node.input[0]].reshape(shape)
        else:
            kept.append(node)
    used = {name for node in kept for name in node.input}
    inputs = [value for value in graph.input if value.name not in constants and value.name in used]
    if len(inputs) != 1:
        raise ModelError(f"expected one image input, found {len(inputs)}")
    initializers = [
        numpy_helper.from_array(np.ascontiguousarray(constants[name]), name) for name in constants if name in used
    ]
    weightless = onnx.helper.make_graph(kept, "egate", inputs, list(graph.output), initializers)
    return onnx.helper.make_model(weightless, opset_imports=list(model.opset_import))


def _dequantise_linear(node: onnx.NodeProto, constants: dict[str, Array]) -> Array:
    """ONNX operator DequantizeLinear-21: y = (x - zero_point) * scale, blocked along `axis`."""
    values, scale, zero_point = (constants[name] for name in node.input)
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    axis, block = attributes.get("axis", 1), attributes.get("block_size", 0)
    if block == 0:
        raise ModelError("DequantizeLinear without block_size is not expected here")

    def spread(blocks: Array) -> Array:
        return np.repeat(blocks, block, axis=axis).take(range(values.shape[axis]), axis=axis)

    difference = values.astype(np.int32) - spread(zero_point).astype(np.int32)
    return difference.astype(np.float32) * spread(scale).astype(np.float32)
