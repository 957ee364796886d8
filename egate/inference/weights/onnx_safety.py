"""What an ONNX file of unknown origin may not hold, found without running it.

- Data outside the file: a path that onnxruntime would open.
- Operators other than ONNX's own, and functions that define some: what they do is not in the standard.
- More nodes, tensors or elements than any network a gate can use: a file of a few bytes must not cost the machine's memory.

Every message of the protobuf is visited, wherever it hangs: subgraphs of If and Loop, attributes, functions, sparse and training
initializers. What this version of ONNX does not know is refused, since onnxruntime might.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from egate.errors import ModelError
from egate.inference.weights.onnx_bytes import parse

DOMAINS = ("", "ai.onnx")  # two names of the standard's own operators
NODES_MAX = 20_000  # chosen: the largest of the manifest has 1,337
TENSORS_MAX = 20_000  # chosen, like the nodes
ELEMENTS_MAX = (
    250_000_000  # of one tensor; chosen: 1 GB of float32, twice the largest file that `egate models add` reads
)
ELEMENTS_PER_BYTE = 4  # of the smallest type, two bits
ORT_MARK = slice(4, 8), b"ORTM"  # onnxruntime's own format, a flatbuffer


def check_safe(data: bytes) -> onnx.ModelProto:
    """The model of these bytes. Raises ModelError: MODEL_FILE if they are no ONNX, MODEL_UNSAFE naming what it may not hold."""
    place, mark = ORT_MARK
    if data[place] == mark:
        raise _unsafe("is in onnxruntime's own format")
    try:
        model = parse(data)
    except ModelError as error:
        raise ModelError(str(error), code="MODEL_FILE") from None
    if not model.graph.node:
        raise ModelError("not an ONNX network: it has no nodes", code="MODEL_FILE")
    nodes = tensors = 0
    for message in _messages(model):
        if len(UnknownFieldSet(message)):
            raise _unsafe("holds fields that this version of ONNX does not know")
        match message:
            case onnx.NodeProto():
                nodes += 1
                _check_node(message)
            case onnx.TensorProto():
                tensors += 1
                _check_tensor(message)
            case onnx.SparseTensorProto():
                _check_elements(message.dims)
            case onnx.FunctionProto():
                raise _unsafe("defines functions of its own")
            case onnx.TrainingInfoProto():
                raise _unsafe("holds training graphs")
        if nodes > NODES_MAX or tensors > TENSORS_MAX:
            raise _unsafe(f"has more than {NODES_MAX} nodes or {TENSORS_MAX} tensors")
    return model


def _messages(message: Message) -> Iterator[Message]:
    """The message and all below it. Protobuf's parser has bounded the depth."""
    waiting = [message]
    while waiting:
        current = waiting.pop()
        yield current
        for field, value in current.ListFields():
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                waiting.extend(value if field.is_repeated else [value])


def _check_node(node: onnx.NodeProto) -> None:
    if node.domain not in DOMAINS:
        raise _unsafe(f"uses the operator {node.op_type!r} of {node.domain!r}, which is not ONNX's own")


def _check_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise _unsafe("keeps data outside the file")
    _check_elements(tensor.dims)
    if tensor.data_type != onnx.TensorProto.STRING and math.prod(tensor.dims) > ELEMENTS_PER_BYTE * tensor.ByteSize():
        raise _unsafe("declares a tensor larger than its data")


def _check_elements(dims: Iterable[int]) -> None:
    sizes = list(dims)
    if any(size < 0 for size in sizes) or math.prod(sizes) > ELEMENTS_MAX:
        raise _unsafe(f"declares a tensor of more than {ELEMENTS_MAX} elements, or of a negative size")


def _unsafe(what: str) -> ModelError:
    return ModelError(f"the network {what}", code="MODEL_UNSAFE")
