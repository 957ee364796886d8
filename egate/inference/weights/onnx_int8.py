"""Pointwise convolutions and the head of an embedding in 8-bit integers, without data to calibrate on.

Where an activation (PRelu) feeds a 1x1 convolution or, flattened, a Gemm, that layer's inputs and weights become integers and its
products exact sums of them. All else stays float32: depthwise convolutions are cheap, and quantising their few weights costs most.

Ranges without data: a batch normalisation tells mean and deviation of what it gives, channel by channel; inputs are cut at
DEVIATIONS of them (after Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, sections 4.1,
4.2). One scale serves all channels of a layer's input, so they are equalised before: a factor s in the layer that gives a channel,
which PRelu passes on, and 1/s in the weights that take it. s = sqrt(largest weight / largest input), so both use their range alike.

Weights have 7 bits. onnxruntime's kernel for CPUs without VNNI adds two products of unsigned by signed bytes in 16 bits, and would
saturate with 8: the same file would give other embeddings there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, shape_inference

from egate.inference.weights.onnx_fold import fold
from egate.inference.weights.onnx_graph import Doubles, Graph, attribute, real_attribute
from egate.inference.weights.onnx_linear import change_outputs, is_layer, layer_behind, scale_inputs
from egate.inference.weights.onnx_prelu import factors

DEVIATIONS = 6.0  # measured on 200 faces of LFW: mean cosine to float32 0.9938 at 4, 0.9982 at 6, 0.9978 at 8 (weights of 8 bits)
WEIGHT_MAX = 63
INPUT_STEPS = 255
TINY = 1e-12  # in place of a channel without weights or inputs


@dataclass(frozen=True, slots=True)
class Range:
    """Real values that a layer's inputs are quantised between; 0 lies in it."""

    low: float
    high: float

    @property
    def step(self) -> float:
        return float(np.float32((self.high - self.low) / INPUT_STEPS))


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """What integers mean: scale * value + shift. Both (channels,)."""

    scale: Doubles
    shift: Doubles


def quantise_pointwise(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network, its normalisations folded, with integer layers where it has the form for them; PRelus beside those are split."""
    spreads = _spreads(model)
    folded = fold(model)
    sides = _plane_sides(folded)
    graph = Graph(folded)
    split = [node for node in graph.nodes if node.op_type == "PRelu" and layer_behind(graph, node.output[0])]
    ratios = {node.output[0]: _take_over(graph, node) for node in split}
    ranges = {}
    for node in split:
        layer = layer_behind(graph, node.output[0])
        assert layer is not None
        planes_known = layer.op_type == "Gemm" or layer.output[0] in sides
        if (
            planes_known
            and _is_pointwise(graph, layer)
            and node.input[0] in spreads
            and graph.giver(node.input[0]) is not None
        ):
            ranges[layer.output[0]] = _equalise(graph, node, layer, spreads[node.input[0]], ratios[node.output[0]])
    meanings = {}
    for layer in list(graph.nodes):
        if layer.output[0] in ranges and layer.op_type == "Gemm":
            _quantise_head(graph, layer, ranges[layer.output[0]])
        elif layer.output[0] in ranges:
            value = layer.output[0]
            meanings[value] = _quantise(graph, layer, ranges[value], sides[value])
    for node in split:
        _split(graph, node, ratios[node.output[0]], meanings.pop(node.input[0], None))
    for value, meaning in meanings.items():
        _give_meaning(graph, value, meaning)
    return graph.model()


def _spreads(model: onnx.ModelProto) -> dict[str, Affine]:
    """Deviation (scale) and mean (shift) of the values that normalisations give, by channel."""
    graph = Graph(model)
    found = {}
    for node in graph.nodes:
        if node.op_type == "BatchNormalization" and graph.is_weight(*node.input[1:]):
            scale, bias, _, variance = (graph.weight(name) for name in node.input[1:5])
            epsilon = real_attribute(node, "epsilon", 1e-5)
            found[node.output[0]] = Affine(np.abs(scale) * np.sqrt(variance / (variance + epsilon)), bias)
    return found


def _plane_sides(model: onnx.ModelProto) -> dict[str, tuple[int, int]]:
    """Rows and columns of the planes that are known."""
    sides = {}
    for value in shape_inference.infer_shapes(model).graph.value_info:
        shape = [size.dim_value for size in value.type.tensor_type.shape.dim]
        if len(shape) == 4 and all(shape[2:]):
            sides[value.name] = (shape[2], shape[3])
    return sides


def _is_pointwise(graph: Graph, layer: onnx.NodeProto) -> bool:
    if layer.op_type == "Gemm":
        return True
    strides = next((list(entry.ints) for entry in layer.attribute if entry.name == "strides"), [1])
    return graph.weight(layer.input[1]).shape[2:] == (1, 1) and attribute(layer, "group", 1) == 1 and max(strides) == 1


def _take_over(graph: Graph, prelu: onnx.NodeProto) -> Doubles:
    """(channels,) k of k*y + relu(y); the layer behind takes the factor d over (onnx_prelu)."""
    slope, positive = (part.ravel() for part in factors(graph, prelu))
    layer = layer_behind(graph, prelu.output[0])
    assert layer is not None
    scale_inputs(graph, layer, positive)
    return np.asarray(slope / positive, np.float64)


def _equalise(graph: Graph, prelu: onnx.NodeProto, layer: onnx.NodeProto, spread: Affine, ratio: Doubles) -> Range:
    """Scales the channels between two layers. Returns the range of the second one's inputs."""
    edges = [spread.shift + way * DEVIATIONS * spread.scale for way in (-1.0, 1.0)]
    bent = [ratio * edge + np.maximum(edge, 0.0) for edge in edges] + [np.zeros_like(ratio)]
    low, high = np.minimum.reduce(bent), np.maximum.reduce(bent)
    weight = np.abs(graph.weight(layer.input[1]))
    by_channel = weight.reshape(weight.shape[0], len(ratio), -1).max(axis=(0, 2))
    factor = np.sqrt(np.maximum(by_channel, TINY) / np.maximum(np.maximum(high, -low), TINY))
    giver = graph.giver(prelu.input[0])
    assert giver is not None
    assert is_layer(graph, giver)
    change_outputs(graph, giver, factor, np.zeros_like(factor))
    scale_inputs(graph, layer, 1.0 / factor)
    return Range(float((low * factor).min()), float((high * factor).max()))


def _quantise(graph: Graph, layer: onnx.NodeProto, inputs: Range, sides: tuple[int, int]) -> Affine:
    """A 1x1 convolution as a product of weights (unsigned) with planes (signed), whose sums are its result from now on."""
    value, (result,) = layer.input[0], layer.output
    weight, steps = _integers(graph.weight(layer.input[1])[:, :, 0, 0])
    filters, channels = weight.shape
    zero = graph.add_constant(f"{result}.zero", np.array(round(-128 - inputs.low / inputs.step), np.int8))
    step = graph.add_weight(f"{result}.step", np.array(inputs.step))
    rows = graph.add_constant(f"{result}.rows", np.array([0, channels, -1], np.int64))
    planes = graph.add_constant(f"{result}.planes", np.array([0, filters, *sides], np.int64))
    unsigned = graph.add_constant(f"{result}.weight", (weight + WEIGHT_MAX + 1).astype(np.uint8))
    weight_zero = graph.add_constant(f"{result}.weight.zero", np.array(WEIGHT_MAX + 1, np.uint8))
    names = [f"{result}.{part}" for part in ("quantised", "flat", "sums", "real")]
    bias = graph.weight(layer.input[2]) if len(layer.input) > 2 else np.zeros(filters)
    graph.replace(
        layer,
        [
            helper.make_node("QuantizeLinear", [value, step, zero], [names[0]]),
            helper.make_node("Reshape", [names[0], rows], [names[1]]),
            helper.make_node("MatMulInteger", [unsigned, names[1], weight_zero, zero], [names[2]]),
            helper.make_node("Cast", [names[2]], [names[3]], to=onnx.TensorProto.FLOAT),
            helper.make_node("Reshape", [names[3], planes], [result]),
        ],
    )
    return Affine(steps * inputs.step, bias)


def _quantise_head(graph: Graph, layer: onnx.NodeProto, inputs: Range) -> None:
    """A Gemm as a product of rows (unsigned) with weights (signed); its result stays what it was."""
    value, (result,) = layer.input[0], layer.output
    weight, steps = _integers(graph.weight(layer.input[1]))
    zero = graph.add_constant(f"{result}.zero", np.array(round(-inputs.low / inputs.step), np.uint8))
    step = graph.add_weight(f"{result}.step", np.array(inputs.step))
    signed = graph.add_constant(f"{result}.weight", weight.T.astype(np.int8))
    names = [f"{result}.{part}" for part in ("quantised", "sums", "real", "scaled")]
    bias = graph.weight(layer.input[2]) if len(layer.input) > 2 else np.zeros(len(weight))
    graph.replace(
        layer,
        [
            helper.make_node("QuantizeLinear", [value, step, zero], [names[0]]),
            helper.make_node("MatMulInteger", [names[0], signed, zero], [names[1]]),
            helper.make_node("Cast", [names[1]], [names[2]], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [names[2], graph.add_weight(f"{result}.scale", steps * inputs.step)], [names[3]]),
            helper.make_node("Add", [names[3], graph.add_weight(f"{result}.bias", bias)], [result]),
        ],
    )


def _integers(weight: Doubles) -> tuple[Doubles, Doubles]:
    """(filters, inputs) whole numbers of at most WEIGHT_MAX, and the step (filters,) of each filter."""
    steps = np.maximum(np.abs(weight).max(axis=1), TINY) / WEIGHT_MAX
    return np.round(weight / steps[:, np.newaxis]), steps


def _split(graph: Graph, prelu: onnx.NodeProto, ratio: Doubles, meaning: Affine | None) -> None:
    """k*y + relu(y) for y, which stands there as it is or as sums with a meaning; in two passes either way."""
    value, (result,) = prelu.input[0], prelu.output
    linear, relu = f"{result}.linear", f"{result}.relu"
    if meaning is None:
        factor = graph.add_weight(f"{result}.ratio", ratio.reshape(1, -1, 1, 1))
        nodes = [helper.make_node("Mul", [value, factor], [linear]), helper.make_node("Relu", [value], [relu])]
    else:
        nodes = [
            _by_channel(graph, value, linear, Affine(ratio * meaning.scale, ratio * meaning.shift)),
            _by_channel(graph, value, f"{result}.real", meaning),
            helper.make_node("Relu", [f"{result}.real"], [relu]),
        ]
    graph.replace(prelu, [*nodes, helper.make_node("Add", [linear, relu], [result])])


def _give_meaning(graph: Graph, value: str, meaning: Affine) -> None:
    """The sums called value become the real values they mean."""
    reshape = graph.giver(value)
    assert reshape is not None
    reshape.output[0] = f"{value}.counted"
    graph.replace(reshape, [reshape, _by_channel(graph, reshape.output[0], value, meaning)])


def _by_channel(graph: Graph, value: str, result: str, affine: Affine) -> onnx.NodeProto:
    """scale * value + shift as a depthwise convolution, which has a kernel in the blocked layout and takes a Relu or a sum along."""
    scale = graph.add_weight(f"{result}.scale", affine.scale.reshape(-1, 1, 1, 1))
    shift = graph.add_weight(f"{result}.shift", affine.shift)
    return helper.make_node("Conv", [value, scale, shift], [result], kernel_shape=[1, 1], group=len(affine.scale))
