"""Goal: the engine gives one number a frame from all its networks, none where it cannot, and refuses what it was not measured with."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from egate.domain.biometric import FaceSample, FaceTemplate, Image, QualityScore
from egate.errors import ConfigurationError, ImageError, ModelError
from egate.inference.face.search import find_faces
from egate.inference.image.decoder import decode
from egate.inference.pad.calibration import load_pad_calibration
from egate.inference.pad.engine import CALIBRATION, OnnxPadEngine, load_pad_engine
from egate.inference.pad.networks import FACE_PX_MIN, PadNetwork, choose_models, load_pad_networks
from egate.inference.weights.convert import CONVERSIONS
from egate.inference.weights.network import Network
from egate.inference.weights.store import MANIFEST_FILE, PROJECT_MODELS, ModelStore
from egate.ports import PadEngine
from tests.inference.pad_store import classifier, corpus_file, make_pad_store

SAMPLES = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")


@pytest.fixture(scope="module")
def pad_store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return make_pad_store(tmp_path_factory.mktemp("pad"))


@pytest.fixture(scope="module")
def engine(pad_store: ModelStore) -> OnnxPadEngine:
    return load_pad_engine(pad_store)


def sample_of(image: Image, box: tuple[float, float, float, float]) -> FaceSample:
    """A face as capture gives it, as far as attack detection looks at it."""
    points = np.zeros((5, 2), np.float32)
    return FaceSample(box, points, 0.9, 60.0, QualityScore(90.0), FaceTemplate({}), image[:1, :1])


def face_in(store: ModelStore, image: Image) -> FaceSample:
    found = find_faces(store.session("yunet"), image).traveller
    assert found is not None
    x, y, width, height = (float(value) for value in found.box)
    return sample_of(image, (x, y, width, height))


def photograph(name: str) -> Image:
    return decode(ModelStore().sample(name).read_bytes())


@pytest.mark.models
@pytest.mark.parametrize("name", SAMPLES)
def test_photographed_people_are_bona_fide(pad_store: ModelStore, engine: OnnxPadEngine, name: str) -> None:
    image = photograph(name)
    port: PadEngine = engine
    score = port.score(image, face_in(pad_store, image))
    verdict = port.combine([score, score])
    assert verdict.value >= port.threshold(0.05)
    assert verdict.frames == 2
    assert verdict.calibration == CALIBRATION
    assert 3 / 180 <= verdict.apcer <= 0.05
    assert verdict.bpcer < 1.0


@pytest.mark.models
def test_score_is_the_fusion_of_each_networks_own(pad_store: ModelStore, engine: OnnxPadEngine) -> None:
    image = photograph("obama.jpg")
    face = face_in(pad_store, image)
    networks = load_pad_networks(pad_store, pad_store.manifest.calibrations[CALIBRATION].models)
    fusion = load_pad_calibration(pad_store, CALIBRATION).fusion
    odds = networks.log_odds(image, face.box)
    assert networks.models == fusion.models
    assert len(set(odds)) == 3
    assert engine.score(image, face) == pytest.approx(fusion.bias + float(np.dot(fusion.weights, odds)))


def test_channels_are_in_the_networks_order_and_scaled_as_it_says() -> None:
    """Inputs (pixel - mean) / deviation of a frame of R 10, G 20, B 30; the network weighs its channels 1, 10 and 100."""
    frame: Image = np.full((200, 200, 3), (10, 20, 30), np.uint8)
    box = (50.0, 50.0, 100.0, 100.0)
    session, network = classifier((0.0, 0.0), (1.0, 10.0, 100.0))
    assert PadNetwork(session, network).log_odds(frame, box) == pytest.approx(10 + 200 + 3000)
    reversed_ = dataclasses.replace(network, colour="BGR")
    assert PadNetwork(session, reversed_).log_odds(frame, box) == pytest.approx(30 + 200 + 1000)
    scaled = dataclasses.replace(network, colour="BGR", mean=(10.0, 0.0, 0.0), deviation=(2.0, 4.0, 5.0))
    assert PadNetwork(session, scaled).log_odds(frame, box) == pytest.approx(20 / 2 + 10 * 20 / 4 + 100 * 10 / 5)
    other = dataclasses.replace(network, bona_fide=1)
    assert PadNetwork(session, other).log_odds(frame, box) == pytest.approx(-3210)


@pytest.mark.models
def test_face_too_small_or_cut_off_gets_no_number(pad_store: ModelStore, engine: OnnxPadEngine) -> None:
    image = photograph("obama.jpg")
    face = face_in(pad_store, image)
    assert math.isfinite(engine.score(image, face))
    scale = (FACE_PX_MIN - 4.0) / max(face.box[2:])
    small: Image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    box = tuple(value * scale for value in face.box)
    assert math.isnan(engine.score(small, sample_of(small, (box[0], box[1], box[2], box[3]))))
    x, y, width, height = face.box
    cut = image[:, int(x + width * 0.2) :]
    assert math.isnan(engine.score(cut, sample_of(cut, (x - int(x + width * 0.2), y, width, height))))
    for broken in (math.nan, math.inf, -1.0):
        assert math.isnan(engine.score(image, sample_of(image, (x, y, broken, height))))


@pytest.mark.models
def test_frame_of_another_form_is_an_image_error(engine: OnnxPadEngine) -> None:
    grey: Image = np.zeros((200, 200), np.uint8)
    deep: NDArray[np.generic] = np.zeros((200, 200, 3), np.uint16)
    for image in (grey, deep, np.zeros((200, 200, 4), np.uint8)):
        with pytest.raises(ImageError) as caught:
            engine.score(image, sample_of(grey, (50.0, 50.0, 100.0, 100.0)))  # type: ignore[arg-type]
        assert caught.value.code == "IMAGE_TYPE"


@pytest.mark.models
def test_frames_that_cannot_be_judged_refuse(engine: OnnxPadEngine) -> None:
    verdict = engine.combine([5.0, math.nan, 5.0])
    assert math.isnan(verdict.value)
    assert math.isnan(verdict.apcer)
    assert math.isnan(verdict.bpcer)
    assert not verdict.value >= engine.threshold(0.05)
    with pytest.raises(ValueError, match="no frame"):
        engine.combine([])


@pytest.mark.models
def test_threshold_the_trials_cannot_support_is_refused(engine: OnnxPadEngine) -> None:
    with pytest.raises(ConfigurationError, match="180 attacks"):
        engine.threshold(0.001)
    assert math.isfinite(engine.threshold(0.017))


@pytest.mark.parametrize("id", ["minifasnet-v2", "minifasnet-v1se", "minifasnet-v2se-128"])
def test_conversion_gives_the_bytes_that_the_manifest_pins(id: str) -> None:
    model = ModelStore(PROJECT_MODELS).manifest.models[id]
    network = CONVERSIONS[model.conversion](corpus_file(f"models/{model.member}").read_bytes())
    assert hashlib.sha256(network).hexdigest() == model.sha256


def test_network_without_a_number_gives_none() -> None:
    image: Image = np.full((200, 200, 3), 90, np.uint8)
    box = (50.0, 50.0, 100.0, 100.0)
    sound = PadNetwork(*classifier(bias=(1.0, -1.0)))
    assert sound.log_odds(image, box) == pytest.approx(2.0)
    broken = PadNetwork(*classifier(bias=(math.nan, -1.0)))
    assert math.isnan(broken.log_odds(image, box))


def test_network_of_another_output_is_a_model_error() -> None:
    session, network = classifier(bias=(1.0, -1.0))
    image: Image = np.full((200, 200, 3), 90, np.uint8)
    with pytest.raises(ModelError) as caught:
        PadNetwork(session, dataclasses.replace(network, bona_fide=2)).log_odds(image, (50.0, 50.0, 100.0, 100.0))
    assert caught.value.code == "MODEL_OUTPUT"


@pytest.mark.parametrize(
    "models",
    [(), ("yunet",), ("minifasnet-v2",), ("yunet", "sface"), ("yunet", "minifasnet-v2", "sface"), ("yunet", "unknown")],
)
def test_engine_of_other_models_is_refused(models: tuple[str, ...]) -> None:
    with pytest.raises(ModelError) as caught:
        choose_models(ModelStore(PROJECT_MODELS), models)
    assert caught.value.code == "MODEL_MANIFEST"


def facts(tmp_path: Path, change: dict[str, str], calibration: dict[str, str] | None = None) -> ModelStore:
    """The project's manifest and PAD calibration with texts replaced; the calibration's hash is made to fit."""
    manifest = (PROJECT_MODELS / MANIFEST_FILE).read_text(encoding="utf-8")
    text = (PROJECT_MODELS / CALIBRATION / "calibration.csv").read_text(encoding="utf-8")
    before = hashlib.sha256(text.encode()).hexdigest()
    assert before in manifest
    for old, new in (calibration or {}).items():
        assert old in text
        text = text.replace(old, new)
    manifest = manifest.replace(before, hashlib.sha256(text.encode()).hexdigest())
    for old, new in change.items():
        assert old in manifest
        manifest = manifest.replace(old, new)
    (tmp_path / MANIFEST_FILE).write_text(manifest, encoding="utf-8")
    (tmp_path / CALIBRATION).mkdir()
    (tmp_path / CALIBRATION / "calibration.csv").write_text(text, encoding="utf-8")
    return ModelStore(tmp_path)


V2_SHA256 = ModelStore(PROJECT_MODELS).manifest.models["minifasnet-v2"].sha256


@pytest.mark.parametrize(
    ("change", "calibration", "code"),
    [
        ({}, {}, None),
        ({V2_SHA256: "0" * 64}, {}, "MODEL_HASH"),  # another network under the same name
        ({}, {"# fusion: bias=": "# fusion: bias=1 other=1 bias="}, "MODEL"),
        ({}, {" minifasnet-v2=0.": " other=0."}, "MODEL_HASH"),  # a fusion of other models
        ({}, {"# id: pad-print": "# id: other"}, "MODEL_HASH"),
        ({'"yunet", "minifasnet-v2", ': '"yunet", '}, {}, "MODEL_HASH"),
    ],
)
def test_calibration_of_another_engine_is_refused(
    tmp_path: Path, change: dict[str, str], calibration: dict[str, str], code: str | None
) -> None:
    store = facts(tmp_path, change, calibration)
    if code is None:
        assert load_pad_calibration(store, CALIBRATION).trials == 180
        return
    with pytest.raises(ModelError) as caught:
        load_pad_calibration(store, CALIBRATION)
    assert caught.value.code == code


def test_engine_without_its_files_or_calibration_says_what_is_missing(tmp_path: Path) -> None:
    store = facts(tmp_path, {})
    shutil.copytree(PROJECT_MODELS / "yunet", tmp_path / "yunet")
    with pytest.raises(ModelError, match="egate models add") as caught:
        load_pad_engine(store)
    assert caught.value.code == "MODEL_MISSING"
    with pytest.raises(ModelError) as unknown:
        load_pad_engine(store, "other")
    assert unknown.value.code == "MODEL_MISSING"


def test_attack_detection_needs_margin_and_class(tmp_path: Path) -> None:
    for key in ("margin = 2.4", "bona_fide = 1"):
        folder = tmp_path / key.split()[0]
        folder.mkdir()
        store = facts(folder, {f"{key}\n": ""})
        with pytest.raises(ModelError) as caught:
            load_pad_networks(store, ("yunet", "minifasnet-v2"))
        assert caught.value.code == "MODEL_MANIFEST"


def test_network_table_is_what_the_engine_reads() -> None:
    network = ModelStore(PROJECT_MODELS).manifest.models["minifasnet-v2se-128"].network
    assert network == Network(
        input="input", output="output", side_px=128, batch=True, deviation=(255.0,) * 3, margin=1.5, bona_fide=0
    )
