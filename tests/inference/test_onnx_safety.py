"""Goal: nothing that reaches outside the file, hides an operator or claims the machine's memory is taken for a network.

Method: one network that passes, and the same one with each fault planted; the fault alone makes the difference.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from egate.errors import ModelError
from egate.inference.weights import onnx_safety
from egate.inference.weights.onnx_safety import check_safe
from egate.inference.weights.session import open_session
from tests.inference.toy_networks import always, branch, embedding, external

CUSTOM = helper.make_node("Open", [], ["opened"], domain="com.example")


def with_external_initializer() -> onnx.ModelProto:
    model = embedding()
    model.graph.initializer.append(external())
    return model


def with_location_but_no_mark() -> onnx.ModelProto:
    """The path without data_location EXTERNAL."""
    model = embedding()
    model.graph.initializer.append(external())
    model.graph.initializer[-1].data_location = TensorProto.DEFAULT
    return model


def with_external_constant() -> onnx.ModelProto:
    return embedding(extra=[helper.make_node("Constant", [], ["c"], value=external())])


def with_external_initializer_in_a_branch() -> onnx.ModelProto:
    used = helper.make_node("Identity", ["outside"], ["copy"])
    return embedding(extra=[always(), branch([used], "copy", [external()])])


def with_external_sparse_initializer() -> onnx.ModelProto:
    model = embedding()
    indices = helper.make_tensor("i", TensorProto.INT64, [16], range(16))
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(external("values"), indices, [100]))
    return model


def with_external_sparse_attribute() -> onnx.ModelProto:
    indices = helper.make_tensor("i", TensorProto.INT64, [16], range(16))
    sparse = helper.make_sparse_tensor(external("values"), indices, [100])
    return embedding(extra=[helper.make_node("Constant", [], ["c"], sparse_value=sparse)])


def with_custom_operator() -> onnx.ModelProto:
    return embedding(extra=[CUSTOM])


def with_custom_operator_in_a_branch() -> onnx.ModelProto:
    return embedding(extra=[always(), branch([CUSTOM], "opened")])


def with_custom_operator_two_branches_deep() -> onnx.ModelProto:
    return embedding(extra=[always(), branch([branch([CUSTOM], "opened")], "chosen_opened")])


def _function(domain: str, name: str, nodes: list[onnx.NodeProto]) -> onnx.ModelProto:
    model = embedding()
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.example", 1)]
    model.functions.append(helper.make_function(domain, name, ["x"], ["y"], nodes, opsets))
    return model


def with_function_of_another_domain() -> onnx.ModelProto:
    return _function("com.example", "F", [helper.make_node("Identity", ["x"], ["y"])])


def with_function_that_redefines_an_operator() -> onnx.ModelProto:
    return _function("", "MatMul", [helper.make_node("Identity", ["x"], ["y"])])


def with_custom_operator_in_a_function() -> onnx.ModelProto:
    return _function("", "F", [helper.make_node("Open", ["x"], ["y"], domain="com.example")])


def with_training_graph() -> onnx.ModelProto:
    model = embedding()
    model.training_info.add().initialization.CopyFrom(helper.make_graph([CUSTOM], "t", [], []))
    return model


def with_tensor_of_3_gb() -> onnx.ModelProto:
    model = embedding()
    model.graph.initializer.add(name="big", data_type=TensorProto.FLOAT, dims=[750_000_000], raw_data=bytes(16))
    return model


def with_tensor_larger_than_its_data() -> onnx.ModelProto:
    model = embedding()
    model.graph.initializer.add(name="big", data_type=TensorProto.FLOAT, dims=[1_000_000], raw_data=bytes(16))
    return model


def with_tensor_of_negative_size() -> onnx.ModelProto:
    model = embedding()
    model.graph.initializer.add(name="big", data_type=TensorProto.FLOAT, dims=[-4, -4], raw_data=bytes(64))
    return model


def with_sparse_tensor_of_3_gb() -> onnx.ModelProto:
    model = embedding()
    values = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [750_000_000]))
    return model


def with_too_many_nodes() -> onnx.ModelProto:
    return embedding(extra=[onnx.NodeProto(op_type="Identity")] * (onnx_safety.NODES_MAX + 1))


def with_too_many_tensors() -> onnx.ModelProto:
    model = embedding()
    model.graph.initializer.extend([TensorProto()] * (onnx_safety.TENSORS_MAX + 1))
    return model


UNSAFE: list[Callable[[], onnx.ModelProto]] = [
    with_external_initializer,
    with_location_but_no_mark,
    with_external_constant,
    with_external_initializer_in_a_branch,
    with_external_sparse_initializer,
    with_external_sparse_attribute,
    with_custom_operator,
    with_custom_operator_in_a_branch,
    with_custom_operator_two_branches_deep,
    with_function_of_another_domain,
    with_function_that_redefines_an_operator,
    with_custom_operator_in_a_function,
    with_training_graph,
    with_tensor_of_3_gb,
    with_tensor_larger_than_its_data,
    with_tensor_of_negative_size,
    with_sparse_tensor_of_3_gb,
    with_too_many_nodes,
    with_too_many_tensors,
]


def test_a_plain_network_is_safe_also_with_branches() -> None:
    check_safe(embedding().SerializeToString())
    inside = helper.make_node("Constant", [], ["inside"], value_float=1.0)
    check_safe(embedding(extra=[always(), branch([inside], "inside")]).SerializeToString())


@pytest.mark.parametrize("make", UNSAFE)
def test_planted_fault_is_unsafe(make: Callable[[], onnx.ModelProto]) -> None:
    with pytest.raises(ModelError) as caught:
        check_safe(make().SerializeToString())
    assert caught.value.code == "MODEL_UNSAFE"


def test_what_our_onnx_does_not_know_is_unsafe() -> None:
    unknown_field = b"\xfa\x3f\x03abc"  # field 1023, three bytes
    with pytest.raises(ModelError, match="does not know") as caught:
        check_safe(embedding().SerializeToString() + unknown_field)
    assert caught.value.code == "MODEL_UNSAFE"


def polyglot() -> bytes:
    """ONNX whose producer's name puts the mark of onnxruntime's own format where that is looked for."""
    model = embedding()
    model.producer_name = ""
    return b"\x12\x06xxORTM" + model.SerializeToString()


def test_file_that_is_onnxs_and_onnxruntimes_format_at_once() -> None:
    with pytest.raises(ModelError, match="own format") as caught:
        check_safe(polyglot())
    assert caught.value.code == "MODEL_UNSAFE"
    # And where it is loaded the name of the format decides, not the mark: it runs as the ONNX it is.
    session = open_session(polyglot(), "toy")
    assert session.run(None, {"image": np.zeros((1, 3, 16, 16), np.float32)})[0].shape == (1, 32)


@pytest.mark.parametrize("data", [b"", b"garbage", b"\xff" * 100, embedding().SerializeToString()[:-500]])
def test_what_is_no_onnx_is_a_file_error(data: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        check_safe(data)
    assert caught.value.code == "MODEL_FILE"
