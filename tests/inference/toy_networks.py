"""Small ONNX networks for tests: a face embedding as it should be, and what can be wrong with one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE_PX, DIMENSION = 16, 32
OPSET = 18


def embedding(*, seed: int = 1, extra: Sequence[onnx.NodeProto] = (), scale: float = 0.01) -> onnx.ModelProto:
    """image (n, 3, 16, 16) -> embedding (n, 32). extra: nodes before it whose results nobody uses."""
    weight = (np.random.default_rng(seed).standard_normal((3 * SIDE_PX**2, DIMENSION)) * scale).astype(np.float32)
    nodes = [
        *extra,
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["embedding"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE_PX, SIDE_PX])
    result = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", DIMENSION])
    graph = helper.make_graph(nodes, "toy", [image], [result], [numpy_helper.from_array(weight, "weight")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def classes(count: int) -> onnx.ModelProto:
    """image (1, 3, 16, 16) -> class (1, count)."""
    weight = np.full((3 * SIDE_PX**2, count), 0.001, np.float32)
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["class"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE_PX, SIDE_PX])
    result = helper.make_tensor_value_info("class", TensorProto.FLOAT, [1, count])
    graph = helper.make_graph(nodes, "toy", [image], [result], [numpy_helper.from_array(weight, "weight")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def branch(nodes: Sequence[onnx.NodeProto], output: str, tensors: Sequence[TensorProto] = ()) -> onnx.NodeProto:
    """If with these nodes in its else branch, never taken."""
    empty = helper.make_node("Constant", [], ["nothing"], value_float=0.0)
    value = helper.make_tensor_value_info
    taken = helper.make_graph([empty], "then", [], [value("nothing", TensorProto.FLOAT, [])])
    other = helper.make_graph(list(nodes), "else", [], [value(output, TensorProto.FLOAT, None)], list(tensors))
    return helper.make_node("If", ["true"], [f"chosen_{output}"], then_branch=taken, else_branch=other)


def always() -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["true"], value=helper.make_tensor("t", TensorProto.BOOL, [], [True]))


def external(name: str = "outside", location: str = "/etc/passwd") -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[16], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def entry(data: bytes, *, id: str = "toy", network: str | None = None, **changed: str) -> str:
    """The entry file of a face embedding with these bytes. network: in place of its network table."""
    values = {
        "id": id,
        "role": "face embedding",
        "artefact": "file",
        "member": "toy.onnx",
        "member_sha256": sha256(data),
        "conversion": "none",
        "file": "toy.onnx",
        "sha256": sha256(data),
        "licence": "CC0-1.0",
        "input": "image: (n, 3, 16, 16) float32",
        "preprocessing": "five points onto the template, RGB 0-255",
        "output": "embedding: (n, 32) float32",
    } | changed
    rows = "\n".join(f'{key} = "{value}"' for key, value in values.items())
    return f"format = 1\n[[model]]\n{rows}\n{EMBEDDING_TABLE if network is None else network}"


EMBEDDING_TABLE = """[model.network]
input = "image"
output = "embedding"
side_px = 16
batch = true
mean = [127.5, 127.5, 127.5]
points = [[5, 5], [11, 5], [8, 8], [6, 11], [10, 11]]
"""
