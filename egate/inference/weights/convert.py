"""The conversions that models/manifest.toml can name: bytes of an artefact's member to the bytes that are installed."""

from __future__ import annotations

from collections.abc import Callable

import onnx
from onnx import numpy_helper

from egate.inference.weights.dlib_onnx import dlib_resnet
from egate.inference.weights.leader.network import leader
from egate.inference.weights.minifasnet_onnx import minifasnet
from egate.inference.weights.onnx_bytes import canonical, parse
from egate.inference.weights.onnx_dequantise import dequantise
from egate.inference.weights.onnx_fold import fold
from egate.inference.weights.onnx_head import convolve_planes
from egate.inference.weights.onnx_heads import merge_heads
from egate.inference.weights.onnx_int8 import quantise_pointwise
from egate.inference.weights.onnx_prelu import split_prelu


def _any_size(model: onnx.ModelProto) -> onnx.ModelProto:
    """A fully convolutional detector, declared for one image size, takes any multiple of its stride."""
    shape = model.graph.input[0].type.tensor_type.shape
    shape.dim[2].dim_param, shape.dim[3].dim_param = "height", "width"
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"cells_{output.name.rsplit('_', 1)[1]}"
    return model


def _any_count(model: onnx.ModelProto) -> onnx.ModelProto:
    """A network declared for one image takes any number, unless it fixes that inside."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    shapes = [constants.get(node.input[1]) for node in model.graph.node if node.op_type == "Reshape"]
    if all(shape is not None and shape[0] == 0 for shape in shapes):  # ONNX Reshape: 0 is the input's own size
        for value in [*model.graph.input, *model.graph.output]:
            value.type.tensor_type.shape.dim[0].dim_param = "n"
    return model


CONVERSIONS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "onnx-detector": lambda data: canonical(_any_count(_any_size(merge_heads(dequantise(parse(data)))))),
    "onnx-embedding": lambda data: canonical(_any_count(convolve_planes(split_prelu(fold(dequantise(parse(data))))))),
    "onnx-embedding-int8": lambda data: canonical(_any_count(split_prelu(quantise_pointwise(dequantise(parse(data)))))),
    "onnx-attack": lambda data: canonical(split_prelu(parse(data))),
    "dlib-resnet": dlib_resnet,
    "onnx-leader": leader,
    "torch-minifasnet": minifasnet,
}
