"""Goal: integer layers compute what the float network does within their steps, and the same on every CPU.

Method: a small network whose normalisations tell the truth about the images it is shown, as a trained one's do.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from egate.inference.weights.convert import CONVERSIONS
from egate.inference.weights.onnx_bytes import parse

Floats = NDArray[np.float32]
SIDE, DIMENSIONS = 8, 16
IMAGES = np.random.default_rng(5).standard_normal((64, 3, SIDE, SIDE)).astype(np.float32)
COSINE_MIN = 0.995  # measured: 0.9967 for the worst of the images


class _Growing:
    """A network that grows node by node; each normalisation gets mean and variance of what it is shown."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng(7)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.value = "image"

    def weight(self, values: NDArray[np.generic]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def random(self, *shape: int) -> str:
        # Channels of very different size: what one scale for all of them could not serve.
        spread = np.exp(self.generator.normal(0.0, 1.0, (shape[0], *[1] * (len(shape) - 1))))
        return self.weight(self.generator.standard_normal(shape) * spread)

    def add(self, operator: str, *weights: str, **attributes: object) -> None:
        result = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [self.value, *weights], [result], **attributes))  # type: ignore[arg-type]
        self.value = result

    def convolution(self, inputs: int, filters: int, window: int, group: int = 1) -> None:
        weight = self.random(filters, inputs // group, window, window)
        self.add("Conv", weight, pads=[window // 2] * 4, group=group, kernel_shape=[window] * 2)
        self.normalisation(filters)
        self.add("PRelu", self.weight(self.generator.uniform(-0.5, 1.2, (filters, 1, 1))))

    def normalisation(self, channels: int) -> None:
        seen = run(self.model([len(IMAGES), 3, SIDE, SIDE]).SerializeToString(), IMAGES)
        axes = (0, 2, 3) if seen.ndim == 4 else 0
        bias = self.weight(self.generator.normal(0.0, 0.5, channels))
        one = self.weight(np.ones(channels))
        mean, variance = self.weight(seen.mean(axis=axes)), self.weight(seen.var(axis=axes))
        self.add("BatchNormalization", one, bias, mean, variance)

    def model(self, shape: list[int]) -> onnx.ModelProto:
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
        result = helper.make_tensor_value_info(self.value, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "g", [image], [result], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def embedding_network(*, residual: bool = False) -> onnx.ModelProto:
    """Two blocks of depthwise and pointwise convolutions and a head; residual: something else reads a pointwise one's result."""
    network = _Growing()
    network.convolution(3, 16, 3)
    for _ in range(2):
        network.convolution(16, 16, 3, group=16)
        network.convolution(16, 16, 1)
    if residual:
        network.convolution(16, 16, 3, group=16)
        network.add("Conv", network.random(16, 16, 1, 1), kernel_shape=[1, 1])
        network.normalisation(16)
        network.add("Add", network.value)
    network.add("Flatten")
    network.add("Gemm", network.random(DIMENSIONS, 16 * SIDE * SIDE), network.random(DIMENSIONS), transB=1)
    network.normalisation(DIMENSIONS)
    model = network.model([1, 3, SIDE, SIDE])
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(network.value, TensorProto.FLOAT, [1, DIMENSIONS]))
    return model


def run(data: bytes, images: Floats) -> Floats:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: images})[0], np.float32)


def cosines(left: Floats, right: Floats) -> Floats:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.asarray((left * right).sum(axis=1) / lengths, np.float32)


@pytest.mark.parametrize("residual", [False, True])
def test_integer_network_points_where_the_float_network_does(residual: bool) -> None:
    data = embedding_network(residual=residual).SerializeToString()
    exact, integer = (run(CONVERSIONS[name](data), IMAGES) for name in ("onnx-embedding", "onnx-embedding-int8"))
    assert cosines(exact, integer).min() >= COSINE_MIN


@pytest.mark.parametrize(("residual", "layers"), [(False, 3), (True, 3)])
def test_pointwise_layers_and_the_head_are_integers(residual: bool, layers: int) -> None:
    graph = parse(CONVERSIONS["onnx-embedding-int8"](embedding_network(residual=residual).SerializeToString())).graph
    assert sum(node.op_type == "MatMulInteger" for node in graph.node) == layers
    assert not any(node.op_type == "PRelu" for node in graph.node)
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"


def test_two_products_of_unsigned_by_signed_bytes_never_pass_16_bits() -> None:
    """What a CPU without VNNI adds in 16 bits: its kernel would saturate, and the embedding would depend on the CPU."""
    graph = parse(CONVERSIONS["onnx-embedding-int8"](embedding_network().SerializeToString())).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            weight = next(tensors[name] for name in node.input[:2] if name in tensors)
            largest = int(np.abs(weight.astype(int)).max())
            other = 128 if weight.dtype == np.uint8 else 255
            assert 0 < 2 * largest * other < 2**15


def test_onnxruntime_computes_what_onnx_defines() -> None:
    data = CONVERSIONS["onnx-embedding-int8"](embedding_network().SerializeToString())
    expected = np.asarray(ReferenceEvaluator(parse(data)).run(None, {"image": IMAGES[:4]}))[0]
    np.testing.assert_allclose(run(data, IMAGES[:4]), expected, atol=2e-2 * float(np.abs(expected).max()))


def test_one_by_one_gives_what_a_batch_gives() -> None:
    data = CONVERSIONS["onnx-embedding-int8"](embedding_network().SerializeToString())
    batch = run(data, IMAGES[:5])
    for image, row in zip(IMAGES[:5], batch, strict=True):
        np.testing.assert_allclose(run(data, image[np.newaxis])[0], row, atol=1e-5 * float(np.abs(batch).max()))


def test_a_network_without_statistics_stays_float() -> None:
    model = embedding_network()
    graph = parse(CONVERSIONS["onnx-embedding"](model.SerializeToString())).graph
    del model.graph.node[:]
    model.graph.node.extend(graph.node)
    del model.graph.initializer[:]
    model.graph.initializer.extend(graph.initializer)
    converted = parse(CONVERSIONS["onnx-embedding-int8"](model.SerializeToString()))
    assert not any(node.op_type == "MatMulInteger" for node in converted.graph.node)
