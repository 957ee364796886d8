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
    assert all(tensor.data_type == TensorProto.FLOAT for tensor in graph.initializer)


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
