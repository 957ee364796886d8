"""Goal: an engine is usable with the calibration that was written for it, and only with that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from egate.errors import ModelError
from egate.inference.weights.engine_entry import engine_entry, is_shipped, put_calibration
from egate.inference.weights.files import locked
from egate.inference.weights.store import ModelStore
from egate.matching.rates.calibration import format_calibration, measure
from tests.inference.add_toy import GOOD, add, empty_store, files_of
from tests.inference.toy_networks import entry, sha256

store = pytest.fixture(empty_store)


def calibration(store: ModelStore, id: str, models: tuple[str, ...], shift: float = 2.0) -> str:
    scores = np.random.default_rng(1).standard_normal((2, 500))
    return format_calibration(measure(scores[0] + shift, scores[1], id=id, weights=store.weights(models)))


def calibrated(store: ModelStore, id: str = "mine", shift: float = 2.0) -> ModelStore:
    now = ModelStore(store.root)
    put_calibration(now, engine_entry(now, id, ["toy"]), calibration(now, id, ("toy",), shift))
    return ModelStore(store.root)


def test_a_local_engine_is_usable_once_it_is_calibrated(store: ModelStore) -> None:
    add(store, GOOD)
    after = calibrated(store)
    assert after.calibration("mine").non_mated == 500
    assert after.place(after.manifest.calibrations["mine"]) == store.root / "mine" / "calibration.csv"
    assert after.manifest.calibrations["mine"].sha256 == sha256(files_of(store)["mine/calibration.csv"])
    assert "toy" in after.manifest.models  # what was in local.toml stays


def test_calibrating_again_replaces_it(store: ModelStore) -> None:
    add(store, GOOD)
    first = calibrated(store).calibration("mine").threshold(0.1)
    assert calibrated(store, shift=3.0).calibration("mine").threshold(0.1) == first
    assert calibrated(store, shift=3.0).calibration("mine").fnmr(first) < calibrated(store).calibration("mine").fnmr(
        first
    )
    again = engine_entry(ModelStore(store.root), "mine", [])
    assert again.models == ("toy",)


def test_a_shipped_engines_hash_belongs_into_the_manifest(store: ModelStore) -> None:
    text = entry(GOOD) + '[[calibration]]\nid = "mine"\nmodels = ["toy"]\nsha256 = ""\n'
    (store.root / "manifest.toml").write_text(text)
    shipped = ModelStore(store.root)
    assert is_shipped(shipped, "mine")
    hash = put_calibration(shipped, engine_entry(shipped, "mine", []), calibration(shipped, "mine", ("toy",))).sha256
    assert set(files_of(store)) == {"manifest.toml", "mine/calibration.csv"}
    with pytest.raises(ModelError) as caught:
        ModelStore(store.root).calibration("mine")
    assert caught.value.code == "MODEL_UNCALIBRATED"
    (store.root / "manifest.toml").write_text(text.replace('sha256 = ""', f'sha256 = "{hash}"'))
    assert ModelStore(store.root).calibration("mine").mated == 500


def test_a_folder_without_manifest_leaves_the_projects_calibrations_alone(tmp_path: Path) -> None:
    project = ModelStore(tmp_path)
    shipped = project.place(project.manifest.calibrations["face-fused"])
    before = shipped.read_bytes()
    put_calibration(project, engine_entry(project, "face-fused", []), "other")
    assert shipped.read_bytes() == before and (tmp_path / "face-fused" / "calibration.csv").read_text() == "other"


@pytest.mark.parametrize("id", ["../mine", "/mine", "", ".", "..", "samples", "a b", "x" * 65])
def test_id_that_is_no_plain_name(store: ModelStore, id: str) -> None:
    add(store, GOOD)
    with pytest.raises(ModelError) as caught:
        engine_entry(ModelStore(store.root), id, ["toy"])
    assert caught.value.code == "MODEL_MANIFEST"


@pytest.mark.parametrize("models", [[], ["nobody"], ["toy", "toy"], ["toy", "nobody"]])
def test_models_that_are_none(store: ModelStore, models: list[str]) -> None:
    add(store, GOOD)
    with pytest.raises(ModelError) as caught:
        engine_entry(ModelStore(store.root), "mine", models)
    assert caught.value.code == "MODEL_MANIFEST"


def test_an_engine_keeps_its_models(store: ModelStore) -> None:
    add(store, GOOD)
    add(ModelStore(store.root), GOOD, entry(GOOD, id="second", file="second.onnx"))
    now = calibrated(store)
    with pytest.raises(ModelError, match="choose another id"):
        engine_entry(now, "mine", ["second"])


def test_crash_between_file_and_entry_is_refused_by_the_hash(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopping(*arguments: object) -> None:
        raise KeyboardInterrupt

    add(store, GOOD)
    for known, code in ((False, "MODEL_MISSING"), (True, "MODEL_HASH")):
        if known:
            calibrated(store)
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("egate.inference.weights.engine_entry.write_local", stopping)
            calibrated(store, shift=3.0)
        with pytest.raises(ModelError) as caught:
            ModelStore(store.root).calibration("mine")
        assert caught.value.code == code
        calibrated(store, shift=3.0).calibration("mine")
        (store.root / "mine" / "calibration.csv").unlink()


def test_one_command_at_a_time(store: ModelStore) -> None:
    add(store, GOOD)
    with locked(store.root), pytest.raises(ModelError) as caught:
        calibrated(store)
    assert caught.value.code == "MODEL_BUSY"
