"""Whether a network is what its entry says: its inputs and outputs, and what it makes of a neutral image."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from egate.errors import ModelError
from egate.inference.weights.network import Network

FACE_DETECTION = "face detection"
FACE_EMBEDDING = "face embedding"
ATTACK_DETECTION = "presentation attack detection"

NEUTRAL = 127.0  # grey level of every pixel
DIMENSION_MIN, DIMENSION_MAX = 16, 4096  # of an embedding; chosen: published ones have 64 to 2048
CLASSES_MIN, CLASSES_MAX = 2, 16  # bona fide and kinds of attack; chosen
# YuNet's head: values per cell of each output `<name>_<stride>`.
YUNET_VALUES = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
YUNET_STRIDES = (8, 16, 32)
YUNET_SIZES = ((320, 320), (64, 96))  # rows, columns: it is looked through at several sizes

Output = NDArray[np.generic]


def check_role(session: onnxruntime.InferenceSession, role: str, network: Network | None) -> None:
    """Raises ModelError: MODEL_MANIFEST if the entry and the network disagree, MODEL_FILE if its numbers are of no use."""
    if role == FACE_DETECTION:
        _check_detector(session)
    elif role not in (FACE_EMBEDDING, ATTACK_DETECTION):
        raise _differs(f"no engine takes a model of role {role!r}")
    elif network is None:
        raise _differs("the entry needs a [model.network] table")
    elif role == FACE_EMBEDDING:
        _check_embedding(session, network)
    else:
        _check_attack_detection(session, network)


def _check_embedding(session: onnxruntime.InferenceSession, network: Network) -> None:
    if not network.points:
        raise _differs("a face embedding needs points")
    for count in _counts(network):
        embedding = _neutral(session, network, count)
        if embedding.ndim != 2 or len(embedding) != count or not DIMENSION_MIN <= embedding.shape[1] <= DIMENSION_MAX:
            raise _differs(f"the embedding of {count} faces has the shape {embedding.shape}, not ({count}, d)")


def _check_attack_detection(session: onnxruntime.InferenceSession, network: Network) -> None:
    if not network.margin > 0.0:
        raise _differs("attack detection needs a margin")
    for count in _counts(network):
        classes = _neutral(session, network, count)
        if classes.ndim != 2 or len(classes) != count or not CLASSES_MIN <= classes.shape[1] <= CLASSES_MAX:
            raise _differs(f"the classes of {count} faces have the shape {classes.shape}, not ({count}, classes)")
        if not 0 <= network.bona_fide < classes.shape[1]:
            raise _differs(f"bona_fide {network.bona_fide} is none of the {classes.shape[1]} classes")


def _check_detector(session: onnxruntime.InferenceSession) -> None:
    names = [f"{head}_{stride}" for stride in YUNET_STRIDES for head in YUNET_VALUES]
    _check_names(session, "input", names)
    for rows, columns in YUNET_SIZES:
        image = np.full((1, 3, rows, columns), NEUTRAL, np.float32)
        for name, found in zip(names, _run(session, names, {"input": image}), strict=True):
            head, stride = name.split("_")
            shape = (1, (rows // int(stride)) * (columns // int(stride)), YUNET_VALUES[head])
            if found.shape != shape:
                raise _differs(f"not shaped like YuNet: {name} is {found.shape}, not {shape}")


def _counts(network: Network) -> tuple[int, ...]:
    return (1, 2) if network.batch else (1,)


def _neutral(session: onnxruntime.InferenceSession, network: Network, count: int) -> Output:
    """The network's output for `count` grey images."""
    _check_names(session, network.input, [network.output])
    level = (NEUTRAL - np.array(network.mean, np.float32)) / np.array(network.deviation, np.float32)
    shape = (count, 3, network.side_px, network.side_px)
    image = np.ascontiguousarray(np.broadcast_to(level[:, np.newaxis, np.newaxis], shape), np.float32)
    return _run(session, [network.output], {network.input: image})[0]


def _check_names(session: onnxruntime.InferenceSession, input_name: str, outputs: list[str]) -> None:
    inputs = {node.name: node.type for node in session.get_inputs()}
    if inputs != {input_name: "tensor(float)"}:
        raise _differs(f"the inputs are {sorted(inputs)}, not one of float32 named {input_name!r}")
    if missing := sorted(set(outputs) - {node.name for node in session.get_outputs()}):
        raise _differs(f"there is no output {missing[0]!r}")


def _run(session: onnxruntime.InferenceSession, names: list[str], feed: Mapping[str, Output]) -> list[Output]:
    """Raises ModelError unless it runs on images of this size and gives finite float32 numbers."""
    try:
        found = session.run(names, dict(feed))
    except Exception:  # onnxruntime raises a dozen unrelated types
        shape = next(iter(feed.values())).shape
        raise _differs(f"the network does not run on an image of shape {shape}") from None
    arrays = [np.asarray(output) for output in found]
    for name, output in zip(names, arrays, strict=True):
        if output.dtype != np.float32:
            raise _differs(f"output {name!r} is not float32")
        if not np.isfinite(output).all():
            raise ModelError(f"output {name!r} is not finite for a grey image", code="MODEL_FILE")
    return arrays


def _differs(what: str) -> ModelError:
    return ModelError(what, code="MODEL_MANIFEST")
