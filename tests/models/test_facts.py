"""Goal: what models/ states about itself is complete and true."""

from __future__ import annotations

import subprocess

import pytest

from egate.inference.pad.calibration import load_pad_calibration
from egate.inference.weights.convert import CONVERSIONS
from egate.inference.weights.manifest import FILE
from egate.inference.weights.onnx_role import ATTACK_DETECTION
from egate.inference.weights.store import PROJECT_MODELS, ModelStore

STORE = ModelStore(PROJECT_MODELS)
ATTACK_DETECTORS = [
    item.id
    for item in STORE.manifest.calibrations.values()
    if any(STORE.manifest.models[model].role == ATTACK_DETECTION for model in item.models)
]
COMPARISONS = [id for id in STORE.manifest.calibrations if id not in ATTACK_DETECTORS]


@pytest.mark.parametrize("id", [*STORE.manifest.models, *STORE.manifest.calibrations])
def test_every_model_and_calibration_has_a_card(id: str) -> None:
    card = PROJECT_MODELS / id / "CARD.md"
    assert card.read_text(encoding="utf-8").startswith(f"# {id}")


def test_every_conversion_exists_and_is_used() -> None:
    assert {model.conversion for model in STORE.manifest.models.values()} == set(CONVERSIONS)


def test_every_model_states_its_licence_and_preprocessing() -> None:
    for model in STORE.manifest.models.values():
        assert model.licence in {"MIT", "Apache-2.0", "CC0-1.0"}
        assert model.input
        assert model.preprocessing


@pytest.mark.parametrize("id", COMPARISONS)
def test_calibration_supports_the_default_operating_point_and_names_its_command(id: str) -> None:
    calibration = STORE.calibration(id)
    assert calibration.fmr(calibration.threshold(5e-4)) <= 5e-4
    assert calibration.command
    assert calibration.dataset
    assert calibration.date


@pytest.mark.parametrize("id", ATTACK_DETECTORS)
def test_attack_detection_supports_an_operating_point_and_says_what_was_measured(id: str) -> None:
    calibration = load_pad_calibration(STORE, id)
    threshold = calibration.threshold(0.05)
    assert calibration.apcer(threshold) <= 0.05
    assert calibration.bpcer(threshold) <= 0.03
    assert calibration.command
    assert calibration.dataset
    assert calibration.date


@pytest.mark.models
@pytest.mark.parametrize("id", list(STORE.manifest.models))
def test_installed_model_is_what_the_manifest_says(id: str) -> None:
    store = ModelStore()
    model = store.manifest.models[id]
    if model.artefact == FILE and not store.place(model).exists():
        pytest.skip(f"{id} is a file that the user brings, and has not brought")
    store.path(id)


@pytest.mark.models
@pytest.mark.parametrize("file", list(STORE.manifest.samples))
def test_installed_sample_is_what_the_manifest_says(file: str) -> None:
    ModelStore().sample(file)


def test_weights_and_samples_are_not_committed() -> None:
    root = PROJECT_MODELS.parent
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "models"], cwd=root, capture_output=True, text=True, check=True).stdout
    names = {line.rsplit("/", 1)[-1] for line in listed.splitlines()}
    assert names <= {"manifest.toml", "README.md", "CARD.md", "calibration.csv"}
