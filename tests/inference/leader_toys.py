"""Runs a few nodes of LEADER's conversion by themselves."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from egate.inference.weights.leader.network import OPSET
from egate.inference.weights.leader.nodes import Nodes
from egate.inference.weights.onnx_bytes import IR_VERSION

Arrays = list[NDArray[np.float32]]


def run(nodes: Nodes, results: list[str], **values: NDArray[np.float32]) -> Arrays:
    """What onnxruntime computes with all its optimisations; sizes are dynamic."""
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * value.ndim) for name, value in values.items()
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in results]
    graph = helper.make_graph(nodes.nodes, "toy", inputs, outputs, nodes.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(result) for result in session.run(None, values)]
