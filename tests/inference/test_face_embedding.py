"""Goal: a network is fed as its manifest entry says, and an engine is any detector with any embeddings, nothing else."""

from __future__ import annotations

import hashlib
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from egate.domain.biometric import FaceTemplate, Image
from egate.errors import ModelError, TemplateError
from egate.inference.face.embedding import EmbeddingNetwork, choose_models, embed_face
from egate.inference.face.engine import OnnxFaceEngine, load_face_engine
from egate.inference.image.decoder import decode
from egate.inference.weights.network import Network
from egate.inference.weights.store import PROJECT_MODELS, ModelStore
from egate.matching.face.comparison import normalised, scores
from egate.matching.face.fusion import parse_fusion
from egate.matching.rates.calibration import format_calibration, measure
from tests.inference import toy_networks

SIDE = toy_networks.SIDE_PX
POINTS = ((5.0, 5.0), (11.0, 5.0), (8.0, 8.0), (6.0, 11.0), (10.0, 11.0))
FED = Network(input="image", output="embedding", side_px=SIDE, batch=True, points=POINTS)
SESSION = onnxruntime.InferenceSession(toy_networks.embedding().SerializeToString())
WEIGHT = (np.random.default_rng(1).standard_normal((3 * SIDE**2, toy_networks.DIMENSION)) * 0.01).astype(np.float32)


def network(**fed: object) -> EmbeddingNetwork:
    return EmbeddingNetwork("toy", SESSION, replace(FED, **fed))  # type: ignore[arg-type]


def faces(count: int) -> list[Image]:
    return list(np.random.default_rng(2).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8))


def expected(
    face: Image, mean: float = 0.0, deviation: float = 1.0
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The toy network by hand, on an RGB image."""
    planes = (face.transpose(2, 0, 1).astype(np.float32) - np.float32(mean)) / np.float32(deviation)
    return normalised(np.asarray(planes.reshape(-1) @ WEIGHT, np.float32))


def test_embedding_is_the_networks_output_of_length_one() -> None:
    rows = network().embed(faces(3))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [expected(face) for face in faces(3)], atol=1e-5)


def test_colour_mean_and_deviation_are_the_manifests() -> None:
    (face,) = faces(1)
    np.testing.assert_allclose(network(colour="BGR").embed([face])[0], expected(face[..., ::-1]), atol=1e-5)
    fed = network(mean=(127.5, 127.5, 127.5), deviation=(128.0, 128.0, 128.0))
    np.testing.assert_allclose(fed.embed([face])[0], expected(face, 127.5, 128.0), atol=1e-5)


def test_mean_and_deviation_are_in_the_order_of_colour() -> None:
    face = np.full((SIDE, SIDE, 3), (10, 20, 30), np.uint8)
    planes = network(colour="BGR", mean=(30.0, 20.0, 10.0), deviation=(1.0, 2.0, 3.0))._planes(face[np.newaxis])
    assert (planes == 0.0).all()
    assert (network(mean=(9.0, 18.0, 27.0), deviation=(1.0, 2.0, 3.0))._planes(face[np.newaxis]) == 1.0).all()


def test_mirrored_embedding_is_that_of_the_mean_output() -> None:
    (face,) = faces(1)
    raw = [part.transpose(2, 0, 1).astype(np.float32).reshape(-1) @ WEIGHT for part in (face, face[:, ::-1])]
    rows = network(mirror=True).embed([face, np.ascontiguousarray(face[:, ::-1])])
    np.testing.assert_allclose(rows[0], normalised(np.asarray((raw[0] + raw[1]) / 2, np.float32)), atol=1e-5)
    np.testing.assert_allclose(rows[1], rows[0], atol=1e-5)


@pytest.mark.parametrize("mirror", [False, True])
def test_batch_equals_one_by_one(mirror: bool) -> None:
    chips = faces(5)
    together = network(mirror=mirror).embed(chips)
    alone = network(mirror=mirror, batch=False).embed(chips)
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(
        together, np.concatenate([network(mirror=mirror).embed([chip]) for chip in chips]), atol=1e-6
    )


def test_image_without_a_direction_gives_nan() -> None:
    rows = network().embed([np.zeros((SIDE, SIDE, 3), np.uint8), faces(1)[0]])
    assert np.isnan(rows[0]).all()
    assert np.isfinite(rows[1]).all()


def test_chip_holds_the_face_where_the_network_wants_it() -> None:
    """A frame with the template's points, twice as large, turned by 90 degrees and moved: the chip shows them upright."""
    frame = np.zeros((100, 120, 3), np.uint8)
    points = np.array([(20 + 2 * y, 80 - 2 * x) for x, y in POINTS], np.float32)
    for x, y in points.astype(int):
        frame[y - 1 : y + 2, x - 1 : x + 2] = 255
    chip = network().chip(frame, points)
    assert chip.shape == (SIDE, SIDE, 3)
    assert all(chip[int(y), int(x), 0] > 200 for x, y in POINTS)
    assert np.count_nonzero(chip[..., 0] > 100) <= 5 * 4


def test_template_and_lengths_are_of_every_network() -> None:
    frame = np.random.default_rng(4).integers(0, 256, (60, 80, 3), np.uint8)
    points = np.array(POINTS, np.float32) * 2 + 3
    networks = {"plain": network(), "mirrored": network(mirror=True, batch=False)}
    template, lengths = embed_face(networks, frame, points)
    assert list(template.embeddings) == list(lengths) == ["plain", "mirrored"]
    for id, each in networks.items():
        chip = each.chip(frame, points)
        assert template.embeddings[id].flags.c_contiguous
        np.testing.assert_array_equal(template.embeddings[id], each.embed([chip])[0])
        images = (chip, chip[:, ::-1]) if each.network.mirror else (chip,)
        raw = np.mean([image.transpose(2, 0, 1).astype(np.float64).reshape(-1) @ WEIGHT for image in images], axis=0)
        assert lengths[id] == pytest.approx(float(np.linalg.norm(raw)), rel=1e-5)


@pytest.mark.parametrize("output", ["flat", "embedding"])
def test_output_that_is_no_vector_for_each_face_is_a_model_error(output: str) -> None:
    graph = toy_networks.embedding()
    graph.graph.output[0].name = "reshaped"
    graph.graph.node.append(
        helper.make_node("Unsqueeze", ["embedding", "axes"], ["reshaped"])
        if output == "embedding"
        else helper.make_node("Squeeze", ["embedding"], ["reshaped"])
    )
    graph.graph.initializer.append(numpy_helper.from_array(np.array([2]), "axes"))
    del graph.graph.output[0].type.tensor_type.shape.dim[:]
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    odd = EmbeddingNetwork("toy", session, replace(FED, output="reshaped"))
    with pytest.raises(ModelError) as caught:
        odd.embed(faces(1))
    assert caught.value.code == "MODEL_OUTPUT"


@pytest.mark.parametrize(
    "models",
    [
        (),
        ("yunet",),
        ("sface",),
        ("dlib-resnet29", "sface"),
        ("yunet", "leader"),
        ("yunet", "sface", "leader"),
        ("yunet", "sface", "mrz-text"),
        ("yunet", "yunet", "sface"),
        ("yunet", "sface", "sface"),
    ],
)
def test_models_of_other_roles_are_no_face_engine(store: ModelStore, models: tuple[str, ...]) -> None:
    with pytest.raises(ModelError) as caught:
        choose_models(store, models)
    assert caught.value.code == "MODEL_ROLE"


def test_order_of_the_models_is_free_and_one_embedding_is_enough(store: ModelStore) -> None:
    assert choose_models(store, ("sface", "yunet", "dlib-resnet29")) == ("yunet", ("sface", "dlib-resnet29"))
    assert choose_models(store, ("yunet", "sface")) == ("yunet", ("sface",))
    with pytest.raises(ModelError) as caught:
        choose_models(store, ("yunet", "nobody"))
    assert caught.value.code == "MODEL_MISSING"


FUSIONS = {
    "sface": "offset=0.25 sface=30.0,-8.0,1.0",
    "both": "offset=0.25 sface=30.0,-8.0,1.0 dlib-resnet29=80.0,-74.0,0.5",
}


def engine_store(root: Path, models: tuple[str, ...], fusion: str) -> ModelStore:
    """The project's face models with one engine `alone`, whose calibration is measured on made-up scores."""
    for id in ("yunet", "sface", "dlib-resnet29"):
        shutil.copytree(PROJECT_MODELS / id, root / id)
    manifest = (PROJECT_MODELS / "manifest.toml").read_text(encoding="utf-8")
    (root / "manifest.toml").write_text(manifest, encoding="utf-8")
    mated, non_mated = np.random.default_rng(3).normal(np.array([[8.0], [-4.0]]), size=(2, 4000))
    calibration = measure(mated, non_mated, id="alone", weights=ModelStore(root).weights(models), fusion=fusion)
    text = format_calibration(calibration)
    (root / "alone").mkdir()
    (root / "alone" / "calibration.csv").write_text(text, encoding="utf-8", newline="\n")
    entry = f'\n[[calibration]]\nid = "alone"\nmodels = {list(models)}\nsha256 = "{hashlib.sha256(text.encode()).hexdigest()}"\n'
    (root / "manifest.toml").write_text(manifest + entry.replace("'", '"'), encoding="utf-8")
    return ModelStore(root)


@pytest.mark.models
def test_engine_of_one_embedding_tells_people_apart(store: ModelStore, tmp_path: Path) -> None:
    engine = load_face_engine(engine_store(tmp_path, ("yunet", "sface"), FUSIONS["sface"]), "alone")
    first, second, other = (template(engine, store, name) for name in ("obama.jpg", "obama2.jpg", "biden.jpg"))
    assert list(first.embeddings) == ["sface"]
    same, different = engine.compare(first, second), engine.compare(first, other)
    assert same.value > engine.threshold(1e-3) > different.value
    assert same.calibration == "alone"
    assert list(same.parts) == ["sface"]
    assert same.value == pytest.approx(same.parts["sface"] + 0.25, abs=1e-4)


@pytest.mark.models
def test_parts_are_each_models_llr_and_add_up_to_the_score(store: ModelStore, tmp_path: Path) -> None:
    models = ("dlib-resnet29", "yunet", "sface")  # another order than the fusion's
    engine = load_face_engine(engine_store(tmp_path, models, FUSIONS["both"]), "alone")
    first, second = (template(engine, store, name) for name in ("obama.jpg", "obama3.jpg"))
    score = engine.compare(first, second)
    for id, slope, offset in (("sface", 30.0, -8.0), ("dlib-resnet29", 80.0, -74.0)):
        cosine = float(first.embeddings[id].astype(float) @ second.embeddings[id].astype(float))
        assert score.parts[id] == pytest.approx(slope * cosine + offset, abs=1e-3)
    assert score.value == pytest.approx(score.parts["sface"] + 0.5 * score.parts["dlib-resnet29"] + 0.25, abs=1e-3)
    left, right = ({id: row[np.newaxis] for id, row in side.embeddings.items()} for side in (first, second))
    assert score.value == pytest.approx(float(scores(parse_fusion(FUSIONS["both"]), left, right)[0, 0]), abs=1e-4)
    assert engine.compare(second, first).value == pytest.approx(score.value, abs=1e-4)
    broken = FaceTemplate({**first.embeddings, "sface": first.embeddings["sface"] * np.float32(math.nan)})
    failed = engine.compare(broken, second)
    assert math.isnan(failed.value)
    assert math.isnan(failed.parts["sface"])
    assert math.isfinite(failed.parts["dlib-resnet29"])
    with pytest.raises(TemplateError):
        engine.compare(first, FaceTemplate({"sface": second.embeddings["sface"]}))


@pytest.mark.models
@pytest.mark.parametrize(
    ("models", "fusion", "code"),
    [
        (("yunet", "sface"), FUSIONS["both"], "MODEL_FUSION"),
        (("yunet", "sface", "dlib-resnet29"), FUSIONS["sface"], "MODEL_FUSION"),
        (("yunet", "sface"), "", "MODEL"),
        (("yunet", "sface"), "offset=nan sface=30.0,-8.0,1.0", "MODEL"),
        (("sface", "dlib-resnet29"), FUSIONS["both"], "MODEL_ROLE"),
    ],
)
def test_engine_whose_calibration_does_not_fit_its_models_is_refused(
    tmp_path: Path, models: tuple[str, ...], fusion: str, code: str
) -> None:
    with pytest.raises(ModelError) as caught:
        load_face_engine(engine_store(tmp_path, models, fusion), "alone")
    assert caught.value.code == code


@pytest.mark.models
def test_unknown_engine_is_a_model_error(store: ModelStore) -> None:
    with pytest.raises(ModelError) as caught:
        load_face_engine(store, "nobody")
    assert caught.value.code == "MODEL_MISSING"


def template(engine: OnnxFaceEngine, store: ModelStore, name: str) -> FaceTemplate:
    face = engine.capture(decode(store.sample(name).read_bytes())).face
    assert face is not None
    return face.template
