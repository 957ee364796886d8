"""Goal: converted networks compute what the originals define. Oracle: onnx's own reference evaluator."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from egate.errors import ModelError
from egate.inference.weights.convert import CONVERSIONS
from egate.inference.weights.onnx_bytes import canonical, parse

RNG = np.random.default_rng(7)
BLOCK = 9


def quantised_network(*, weights_as_inputs: bool) -> onnx.ModelProto:
    """Conv with block-quantised 3x3 weights, then PRelu: the form of the files we convert, in small."""
    filters = 4
    initializers = [
        numpy_helper.from_array(RNG.integers(-128, 127, (filters, 27), np.int8), "w_quantized"),
        numpy_helper.from_array(RNG.uniform(0.001, 0.02, (filters, 3)).astype(np.float32), "w_scales"),
        numpy_helper.from_array(RNG.integers(-9, 9, (filters, 3), np.int8), "w_zero_point"),
        numpy_helper.from_array(np.array([filters, 3, 3, 3], np.int64), "w_shape"),
        numpy_helper.from_array(RNG.uniform(-0.5, 1.5, (filters, 1, 1)).astype(np.float32), "slope"),
    ]
    nodes = [
        helper.make_node(
            "DequantizeLinear", ["w_quantized", "w_scales", "w_zero_point"], ["w_flat"], axis=1, block_size=BLOCK
        ),
        helper.make_node("Reshape", ["w_flat", "w_shape"], ["w"]),
        helper.make_node("Conv", ["image", "w"], ["convolved"], pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["convolved", "slope"], ["out"]),
    ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])]
    if weights_as_inputs:
        inputs.append(helper.make_tensor_value_info("w_scales", TensorProto.FLOAT, [filters, 3]))
        inputs.append(helper.make_tensor_value_info("w_original", TensorProto.FLOAT, [filters, 3, 3, 3]))
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, filters, 8, 8])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], producer_name="test")


def run(data: bytes, image: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"image": image})[0], np.float32)


@pytest.mark.parametrize("weights_as_inputs", [False, True])
def test_embedding_conversion_computes_the_same(weights_as_inputs: bool) -> None:
    model = quantised_network(weights_as_inputs=weights_as_inputs)
    image = RNG.standard_normal((1, 3, 8, 8)).astype(np.float32)
    expected = np.asarray(ReferenceEvaluator(quantised_network_like(model)).run(None, {"image": image}))[0]
    converted = CONVERSIONS["onnx-embedding"](model.SerializeToString())
    np.testing.assert_allclose(run(converted, image), expected, atol=1e-5)


def quantised_network_like(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network without the surplus inputs, which the evaluator would want fed."""
    clean = onnx.ModelProto()
    clean.CopyFrom(model)
    del clean.graph.input[1:]
    return clean


def test_converted_network_has_float_weights_one_input_and_no_prelu() -> None:
    model = quantised_network(weights_as_inputs=True)
    graph = parse(CONVERSIONS["onnx-embedding"](model.SerializeToString())).graph
    assert [value.name for value in graph.input] == ["image"]
    assert {node.op_type for node in graph.node} == {"Conv", "Relu", "Mul", "Add"}
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"
    assert all(tensor.data_type == TensorProto.FLOAT for tensor in graph.initializer)


def embedding_network(stride: int) -> onnx.ModelProto:
    """SFace in small: Mul, Conv, BN, PRelu, depthwise Conv, PRelu, Conv in two groups, PRelu, BN, Dropout, Flatten, Gemm, BN."""
    generator = np.random.default_rng(11)

    def weight(name: str, *shape: int, low: float = -1.0, high: float = 1.0) -> str:
        initializers.append(numpy_helper.from_array(generator.uniform(low, high, shape).astype(np.float32), name))
        return name

    def normalisation(name: str, channels: int) -> list[str]:
        names = [weight(f"{name}.{part}", channels) for part in ("scale", "bias", "mean")]
        return [*names, weight(f"{name}.variance", channels, low=0.5, high=2.0)]

    initializers: list[onnx.TensorProto] = []
    slopes = weight("slope1", 4, 1, 1, low=-0.7, high=0.9)
    # d = 1 - a of either sign, and 0: the identity
    numpy_slopes = np.array([1.3, 1.0, -0.5, 0.25], np.float32).reshape(4, 1, 1)
    initializers.append(numpy_helper.from_array(numpy_slopes, "slope2"))
    initializers.append(numpy_helper.from_array(np.array([0.5], np.float32), "half"))
    nodes = [
        helper.make_node("Mul", ["image", "half"], ["halved"]),
        helper.make_node("Conv", ["halved", weight("w1", 4, 3, 3, 3)], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c1", *normalisation("bn1", 4)], ["n1"], epsilon=1e-3),
        helper.make_node("PRelu", ["n1", slopes], ["p1"]),
        helper.make_node(
            "Conv",
            ["p1", weight("w2", 4, 1, 3, 3), weight("b2", 4)],
            ["c2"],
            name="second",
            pads=[1] * 4,
            strides=[stride] * 2,
            group=4,
        ),
        helper.make_node("PRelu", ["c2", "slope2"], ["p2"]),
        helper.make_node("Conv", ["p2", weight("w3", 6, 2, 1, 1)], ["c3"], group=2),
        helper.make_node("PRelu", ["c3", weight("slope3", 6, 1, 1)], ["p3"]),
        helper.make_node("BatchNormalization", ["p3", *normalisation("bn3", 6)], ["n3"]),
        helper.make_node("Constant", [], ["ratio"], value=numpy_helper.from_array(np.array(0.4, np.float32))),
        helper.make_node("Dropout", ["n3", "ratio"], ["d3"]),
        helper.make_node("Flatten", ["d3"], ["f3"]),
        helper.make_node("Gemm", ["f3", weight("w4", 5, 6 * (8 // stride) ** 2), weight("b4", 5)], ["g4"], transB=1),
        helper.make_node("BatchNormalization", ["g4", *normalisation("bn4", 5)], ["out"]),
    ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 5])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


STEP = ["Conv", "Relu", "Mul", "Add"]


@pytest.mark.parametrize(
    ("stride", "operators"),
    [
        (1, [*STEP, *STEP, *STEP, "Conv", "Flatten"]),
        (2, ["Conv", "Relu", "Conv", "Conv", "Add", "Relu", "Mul", "Add", *STEP, "Conv", "Flatten"]),
    ],
)
def test_folding_leaves_what_costs_two_passes_and_computes_the_same(stride: int, operators: list[str]) -> None:
    model = embedding_network(stride)
    images = RNG.standard_normal((3, 3, 8, 8)).astype(np.float32)
    evaluator = ReferenceEvaluator(model)
    expected = np.concatenate([np.asarray(evaluator.run(None, {"image": image[np.newaxis]}))[0] for image in images])
    converted = CONVERSIONS["onnx-embedding"](model.SerializeToString())
    np.testing.assert_allclose(run(converted, images), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    assert [node.op_type for node in parse(converted).graph.node] == operators


def test_a_factor_is_not_folded_where_something_else_reads_the_value() -> None:
    """The sum of a PRelu and a convolution of it: only the convolution could take the factor over."""
    slope = numpy_helper.from_array(RNG.uniform(-0.5, 0.5, (3, 1, 1)).astype(np.float32), "slope")
    weight = numpy_helper.from_array(RNG.standard_normal((3, 3, 1, 1)).astype(np.float32), "w")
    nodes = [
        helper.make_node("PRelu", ["image", "slope"], ["bent"]),
        helper.make_node("Conv", ["bent", "w"], ["convolved"]),
        helper.make_node("Add", ["bent", "convolved"], ["out"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("image", "out")]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], [slope, weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    image = RNG.standard_normal((1, 3, 8, 8)).astype(np.float32)
    expected = np.asarray(ReferenceEvaluator(model).run(None, {"image": image}))[0]
    np.testing.assert_allclose(
        run(CONVERSIONS["onnx-embedding"](model.SerializeToString()), image), expected, atol=1e-5
    )


def detector(*, shared: bool) -> onnx.ModelProto:
    """A body and three heads of 1, 4 and 10 channels, YuNet in small. shared: something else reads a head's first convolution."""
    generator = np.random.default_rng(13)
    weights: list[onnx.TensorProto] = []

    def weight(*shape: int) -> str:
        weights.append(numpy_helper.from_array(generator.standard_normal(shape).astype(np.float32), f"w{len(weights)}"))
        return f"w{len(weights) - 1}"

    nodes = [helper.make_node("Conv", ["image", weight(8, 3, 3, 3)], ["body"], pads=[1] * 4, kernel_shape=[3, 3])]
    names = {"cls_8": 1, "bbox_8": 4, "kps_8": 10}
    for name, channels in names.items():
        a, b, c, d = (f"{name}.{part}" for part in "abcd")
        weights.append(numpy_helper.from_array(np.array([1, -1, channels], np.int64), f"{name}.shape"))
        nodes += [
            helper.make_node("Conv", ["body", weight(channels, 8, 1, 1), weight(channels)], [a], kernel_shape=[1, 1]),
            helper.make_node(
                "Conv",
                [a, weight(channels, 1, 3, 3), weight(channels)],
                [b],
                group=channels,
                pads=[1] * 4,
                kernel_shape=[3, 3],
            ),
            helper.make_node("Transpose", [b], [c], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", [c, f"{name}.shape"], [d if name == "cls_8" else name]),
        ]
    nodes.append(helper.make_node("Sigmoid", ["cls_8.d"], ["cls_8"]))
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 64, k]) for name, k in names.items()]
    if shared:
        nodes.append(helper.make_node("Relu", ["bbox_8.a"], ["extra_8"]))
        outputs.append(helper.make_tensor_value_info("extra_8", TensorProto.FLOAT, [1, 4, 8, 8]))
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


@pytest.mark.parametrize(("shared", "convolutions"), [(False, 3), (True, 5)])
def test_merged_heads_give_what_each_gave(shared: bool, convolutions: int) -> None:
    model = detector(shared=shared)
    converted = CONVERSIONS["onnx-detector"](model.SerializeToString())
    session = onnxruntime.InferenceSession(converted, providers=["CPUExecutionProvider"])
    image = RNG.standard_normal((1, 3, 8, 8)).astype(np.float32)
    expected = ReferenceEvaluator(model).run(None, {"image": image})
    assert isinstance(expected, list)
    for ours, theirs in zip(session.run(None, {"image": image}), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert sum(node.op_type == "Conv" for node in parse(converted).graph.node) == convolutions


def test_bytes_depend_on_the_network_only() -> None:
    model = quantised_network(weights_as_inputs=False)
    first = canonical(model)
    model.producer_name, model.doc_string, model.ir_version = "other", "text", 9
    model.graph.node[0].doc_string = "comment"
    initializers = list(model.graph.initializer)[::-1]
    del model.graph.initializer[:]
    model.graph.initializer.extend(initializers)
    assert canonical(model) == first


@pytest.mark.parametrize("data", [b"garbage", b"\xff" * 100])
@pytest.mark.parametrize("name", ["onnx-embedding", "onnx-detector", "dlib-resnet"])
def test_garbage_is_a_model_error(name: str, data: bytes) -> None:
    with pytest.raises(ModelError):
        CONVERSIONS[name](data)
