"""Goal: nothing is loaded whose hash differs, and no threshold comes from a calibration of other weights."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from egate.errors import ConfigurationError, EgateError, ModelError
from egate.inference.face.engine import load_face_engine
from egate.inference.weights.store import PROJECT_MODELS, ModelStore

pytestmark = pytest.mark.models


@pytest.fixture
def copy(tmp_path: Path) -> ModelStore:
    """A models folder of its own, with the project's manifest, calibrations and face models."""
    shutil.copy(PROJECT_MODELS / "manifest.toml", tmp_path)
    for folder in ("yunet", "sface", "sface-int8", "dlib-resnet29", "face-fused", "face-int8", "samples"):
        shutil.copytree(PROJECT_MODELS / folder, tmp_path / folder)
    return ModelStore(tmp_path)


def flip(path: Path, position: int = -1000) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_copy_loads(copy: ModelStore) -> None:
    load_face_engine(copy)


@pytest.mark.parametrize("id", ["yunet", "sface-int8", "dlib-resnet29"])
def test_swapped_weight_file_is_not_loaded(copy: ModelStore, id: str) -> None:
    flip(copy.path(id))
    for use in (copy.path, copy.session, lambda _: load_face_engine(copy)):
        with pytest.raises(ModelError) as caught:
            use(id)
        assert caught.value.code == "MODEL_HASH"


def test_another_valid_network_under_the_same_name_is_not_loaded(copy: ModelStore) -> None:
    shutil.copy(copy.path("dlib-resnet29"), copy.place(copy.manifest.models["sface"]))
    with pytest.raises(ModelError) as caught:
        copy.session("sface")
    assert caught.value.code == "MODEL_HASH"


def test_missing_model_says_what_to_do(copy: ModelStore) -> None:
    copy.path("sface").unlink()
    with pytest.raises(ModelError, match="egate models install") as caught:
        copy.session("sface")
    assert caught.value.code == "MODEL_MISSING"


def test_changed_calibration_is_not_used(copy: ModelStore) -> None:
    path = copy.facts / "face-fused" / "calibration.csv"
    path.write_text(path.read_text().replace("\n-", "\n-1", 1))
    with pytest.raises(ModelError) as caught:
        copy.calibration("face-fused")
    assert caught.value.code == "MODEL_HASH"


def test_model_swap_with_its_own_hash_cannot_keep_the_old_calibration(copy: ModelStore) -> None:
    # The operator installs other weights properly, hash and all, and forgets to measure a calibration.
    weights = copy.place(copy.manifest.models["sface"])
    old = hashlib.sha256(weights.read_bytes()).hexdigest()
    flip(weights)
    manifest = copy.root / "manifest.toml"
    manifest.write_text(manifest.read_text().replace(old, hashlib.sha256(weights.read_bytes()).hexdigest()))
    swapped = ModelStore(copy.root)
    swapped.path("sface")
    with pytest.raises(ModelError, match="other weights"):
        swapped.calibration("face-fused")


def test_sample_is_verified(copy: ModelStore) -> None:
    assert copy.sample("obama.jpg").is_file()
    flip(copy.sample("obama.jpg"))
    with pytest.raises(ModelError):
        copy.sample("obama.jpg")


@pytest.mark.parametrize("name", ["../yunet", "nothing", ""])
def test_unknown_names_are_refused(store: ModelStore, name: str) -> None:
    for use in (store.path, store.session, store.calibration, store.sample):
        with pytest.raises((ModelError, ConfigurationError)):
            use(name)


def test_root_without_manifest_uses_the_projects(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    assert store.calibration("face-fused").non_mated > 10_000_000
    with pytest.raises(EgateError, match="not installed"):
        store.path("yunet")


def test_environment_names_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGATE_MODELS", str(tmp_path))
    assert ModelStore().root == tmp_path
    assert ModelStore(tmp_path / "other").root == tmp_path / "other"


def test_weights_name_every_model_with_its_hash(store: ModelStore) -> None:
    assert re.fullmatch(r"yunet=[0-9a-f]{64} sface=[0-9a-f]{64}", store.weights(("yunet", "sface")))
