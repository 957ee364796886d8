"""Goal: a user's file becomes a model once, whole or not at all, and stays unusable until it is calibrated.

Method: the real check in its own process, on small networks.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from egate.errors import ModelError
from egate.inference.weights.add import add_model, read_entry
from egate.inference.weights.files import locked
from egate.inference.weights.install import install, missing
from egate.inference.weights.store import ModelStore
from tests.inference.add_toy import GOOD, add, empty_store, files_of, refused
from tests.inference.toy_networks import embedding, entry, sha256

store = pytest.fixture(empty_store)


def test_model_is_added_and_runs_from_its_verified_bytes(store: ModelStore) -> None:
    add(store, GOOD)
    after = ModelStore(store.root)
    assert after.manifest.models["toy"].sha256 == sha256(GOOD) == sha256(after.path("toy").read_bytes())
    assert after.manifest.models["toy"] == read_entry(entry(GOOD).encode(), "entry.toml")
    assert set(files_of(store)) == {"manifest.toml", "local.toml", "toy/toy.onnx"}
    image = np.zeros((3, 3, 16, 16), np.float32)
    assert after.session("toy").run(["embedding"], {"image": image})[0].shape == (3, 32)


def test_again_is_the_same_and_writes_nothing(store: ModelStore) -> None:
    add(store, GOOD)
    before = {path: path.stat() for path in store.root.rglob("*.*ml")} | {
        path: path.stat() for path in store.root.rglob("*.onnx")
    }
    add(ModelStore(store.root), GOOD)
    add_model(ModelStore(store.root), GOOD, sha256(GOOD))  # local.toml knows by now what the file is
    assert {path: path.stat().st_ino for path in before} == {path: status.st_ino for path, status in before.items()}
    assert {path: path.stat().st_mtime_ns for path in before} == {p: status.st_mtime_ns for p, status in before.items()}


def test_damaged_file_is_repaired_by_bringing_it_again(store: ModelStore) -> None:
    add(store, GOOD)
    after = ModelStore(store.root)
    after.place(after.manifest.models["toy"]).write_bytes(b"damaged")
    with pytest.raises(ModelError) as caught:
        after.session("toy")
    assert caught.value.code == "MODEL_HASH"
    add_model(after, GOOD, sha256(GOOD))
    after.session("toy")


def test_unusable_until_calibrated(store: ModelStore) -> None:
    add(store, GOOD)
    with pytest.raises(ModelError, match="calibrate") as caught:
        ModelStore(store.root).calibration("toy")
    assert caught.value.code == "MODEL_UNCALIBRATED"


def test_engine_without_the_hash_of_a_calibration_is_known_and_unusable(store: ModelStore) -> None:
    add(store, GOOD)
    text = (store.root / "local.toml").read_text()
    (store.root / "local.toml").write_text(text + '\n[[calibration]]\nid = "mine"\nmodels = ["toy"]\nsha256 = ""\n')
    (store.root / "mine").mkdir()
    (store.root / "mine" / "calibration.csv").write_text("")  # whose hash nobody stated
    after = ModelStore(store.root)
    assert after.manifest.calibrations["mine"].models == ("toy",)
    with pytest.raises(ModelError) as caught:
        after.calibration("mine")
    assert caught.value.code == "MODEL_UNCALIBRATED"


# --- power loss, and another command


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_crash_leaves_the_old_or_the_new(store: ModelStore, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Every fsync and every rename once fails as if the process were stopped there."""
    real = {"fsync": os.fsync, "replace": Path.replace}
    survived: set[bool] = set()
    for stop_at in range(10):
        left = stop_at

        def stopping(*arguments: object) -> object:
            nonlocal left
            if not left:
                raise KeyboardInterrupt
            left -= 1
            return real[call](*arguments)  # type: ignore[operator]

        with monkeypatch.context() as patch:
            patch.setattr(os if call == "fsync" else Path, call, stopping)
            try:
                add(store, GOOD)
                done = True
            except KeyboardInterrupt:
                done = False
        now = ModelStore(store.root)
        known = "toy" in now.manifest.models
        if known:
            now.session("toy")
        survived.add(known)
        temporary = [path for path in store.root.rglob(".*") if path.name != ".local.lock"]
        assert not temporary
        if done:
            break
        (store.root / "local.toml").unlink(missing_ok=True)
        (store.root / "toy" / "toy.onnx").unlink(missing_ok=True)
    assert done and known and survived == {False, True}


def test_one_command_at_a_time(store: ModelStore) -> None:
    with locked(store.root):
        assert refused(store, GOOD) == "MODEL_BUSY"
    add(store, GOOD)


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file in its place")
    with pytest.raises(ModelError) as caught:
        add(ModelStore(tmp_path / "models"), GOOD)
    assert caught.value.code in {"MODEL_UNWRITABLE", "MODEL_MANIFEST"}


# --- models of the manifest that no package carries


def test_file_model_of_the_manifest_is_optional_and_needs_no_entry(store: ModelStore) -> None:
    (store.root / "manifest.toml").write_text(entry(GOOD), encoding="utf-8")
    shipped = ModelStore(store.root)
    assert missing(shipped) == [] and install(shipped) == []
    with pytest.raises(ModelError, match="models add") as caught:
        shipped.session("toy")
    assert caught.value.code == "MODEL_MISSING"
    add_model(shipped, GOOD, sha256(GOOD))
    assert set(files_of(store)) == {"manifest.toml", "toy/toy.onnx"}
    shipped.session("toy")
    other = embedding(seed=2).SerializeToString()
    assert refused(shipped, other) == "MODEL_MANIFEST"  # its id is the manifest's


def test_id_that_a_later_manifest_takes_too_is_an_error(store: ModelStore) -> None:
    add(store, GOOD)
    (store.root / "manifest.toml").write_text(entry(GOOD), encoding="utf-8")
    with pytest.raises(ModelError, match="already in the manifest") as caught:
        ModelStore(store.root)
    assert caught.value.code == "MODEL_MANIFEST"


def test_local_engine_of_an_unknown_model_is_an_error(store: ModelStore) -> None:
    text = 'format = 1\n[[calibration]]\nid = "mine"\nmodels = ["nobody"]\nsha256 = ""\n'
    (store.root / "local.toml").write_text(text)
    with pytest.raises(ModelError, match="unknown model"):
        ModelStore(store.root)
