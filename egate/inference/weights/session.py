"""The one way a network's bytes become an onnxruntime session."""

from __future__ import annotations

import onnxruntime

from egate.errors import ModelError

ERRORS_ONLY = 3  # onnxruntime severity; its warnings print graph internals


def open_session(data: bytes, name: str) -> onnxruntime.InferenceSession:
    """A session on one thread. Raises ModelError naming the model if onnxruntime does not take the bytes as an ONNX model."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # parallelism is the caller's pool
    options.log_severity_level = ERRORS_ONLY
    # Else bytes 4-7 decide: a file that is ONNX to whoever checks it could be onnxruntime's own format to whoever loads it.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception:  # onnxruntime raises a dozen unrelated types
        raise ModelError(f"model {name} cannot be loaded") from None
