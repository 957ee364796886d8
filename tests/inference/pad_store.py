"""A models folder with the attack detection networks: no package carries them, so they come from the corpus, or are installed already."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from egate.errors import ModelError
from egate.inference.pad.engine import CALIBRATION
from egate.inference.weights.convert import CONVERSIONS
from egate.inference.weights.manifest import FILE
from egate.inference.weights.network import Network
from egate.inference.weights.session import open_session
from egate.inference.weights.store import ModelStore
from tests.corpus import CORPUS


def corpus_file(path: str) -> Path:
    """Skips the test where the corpus is absent."""
    found = CORPUS / path
    if not found.exists():
        pytest.skip(f"needs {path} of the corpus (EGATE_CORPUS)")
    return found


def make_pad_store(root: Path) -> ModelStore:
    """The installed models, else root with the corpus's files converted into it; skips where there are neither."""
    installed = ModelStore()
    models = [installed.manifest.models[id] for id in installed.manifest.calibrations[CALIBRATION].models]
    try:
        for model in models:
            installed.read(model)
    except ModelError:
        pass
    else:
        return installed
    store = ModelStore(root)
    for model in models:
        place = store.place(model)
        place.parent.mkdir(parents=True)
        if model.artefact == FILE:
            place.write_bytes(CONVERSIONS[model.conversion](corpus_file(f"models/{model.member}").read_bytes()))
        else:
            try:
                shutil.copyfile(installed.path(model.id), place)
            except ModelError as error:
                pytest.skip(str(error))
    return store


def classifier(
    bias: tuple[float, float], channels: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> tuple[onnxruntime.InferenceSession, Network]:
    """A network of these logits, and how it is fed. channels: what the mean of each input channel adds to the first logit."""
    table = np.zeros((3 * 16 * 16, len(bias)), np.float32)
    table[:, 0] = np.repeat(np.array(channels, np.float32) / 256, 256)
    weight = numpy_helper.from_array(table, "weight")
    summand = numpy_helper.from_array(np.array(bias, np.float32), "bias")
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 16, 16])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(bias)])
    graph = helper.make_graph(nodes, "toy", [image], [logits], [weight, summand])
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    network = Network(input="image", output="logits", side_px=16, margin=1.5, bona_fide=0)
    return open_session(model.SerializeToString(), "toy"), network
