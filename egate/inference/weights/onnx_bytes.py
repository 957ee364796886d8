"""ONNX models from and to bytes; written deterministically, so that the result of a conversion can be pinned by hash."""

from __future__ import annotations

import onnx

from egate.errors import ModelError

IR_VERSION = 10  # ONNX IR of opset 21; onnx would otherwise write its own newest


def parse(data: bytes) -> onnx.ModelProto:
    """Raises ModelError if data is no ONNX model."""
    try:
        return onnx.load_model_from_string(data)
    except Exception:  # protobuf's DecodeError has no public name that is stable across its versions
        raise ModelError("not an ONNX file") from None


def canonical(model: onnx.ModelProto) -> bytes:
    """Bytes that depend on the network only: no producer, no documentation, initializers by name, protobuf field order."""
    clean = onnx.ModelProto()
    clean.ir_version = IR_VERSION
    clean.opset_import.extend(model.opset_import)
    clean.graph.CopyFrom(model.graph)
    del clean.graph.value_info[:]
    clean.graph.doc_string = ""
    for node in clean.graph.node:
        node.doc_string = ""
    initializers = sorted(clean.graph.initializer, key=lambda tensor: tensor.name)
    del clean.graph.initializer[:]
    clean.graph.initializer.extend(initializers)
    return bytes(clean.SerializeToString(deterministic=True))
