"""The installed models: every file is hashed before it is used, and the bytes that were hashed are the bytes loaded."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import onnxruntime

from egate.errors import ConfigurationError, ModelError
from egate.inference.weights.local import LOCAL_FILE, SAMPLES_FOLDER, merged, read_local
from egate.inference.weights.manifest import (
    FILE,
    NOT_CALIBRATED,
    CalibrationFile,
    Manifest,
    Model,
    Sample,
    read_manifest,
)
from egate.inference.weights.session import open_session
from egate.matching.rates.calibration import Calibration, parse_calibration

MANIFEST_FILE = "manifest.toml"
CALIBRATION_FILE = "calibration.csv"
ROOT_VARIABLE = "EGATE_MODELS"
PROJECT_MODELS = Path(__file__).resolve().parents[3] / "models"


def models_root(option: str | Path | None = None) -> Path:
    """The models folder: the option, else the environment variable EGATE_MODELS, else `models` of the project."""
    return Path(option or os.environ.get(ROOT_VARIABLE) or PROJECT_MODELS)


class ModelStore:
    """Installed files below root. The manifest and its calibrations are root's own, if it has a manifest, else the project's.

    manifest: with what root's local.toml adds. local: that alone. Thread-safe: it holds no mutable state.
    """

    def __init__(self, root: str | Path | None = None) -> None:
        """Raises ModelError if the manifest is missing or malformed, or local.toml does not go with it."""
        self.root = models_root(root)
        self.facts = self.root if (self.root / MANIFEST_FILE).is_file() else PROJECT_MODELS
        self.local: Manifest = read_local(self.root / LOCAL_FILE)
        self.manifest: Manifest = merged(read_manifest(self.facts / MANIFEST_FILE), self.local)

    def place(self, entry: Model | Sample | CalibrationFile) -> Path:
        """Where the file of a manifest entry belongs, whether or not it is there."""
        if isinstance(entry, CalibrationFile):
            folder = self.root if entry.id in self.local.calibrations else self.facts
            return folder / entry.id / CALIBRATION_FILE
        return self.root / (entry.id if isinstance(entry, Model) else SAMPLES_FOLDER) / entry.file

    def path(self, id: str) -> Path:
        """The file of a model, verified. Raises ModelError if it is unknown, missing, or has another hash."""
        model = self._model(id)
        self.read(model)
        return self.place(model)

    def read(self, entry: Model | Sample | CalibrationFile) -> bytes:
        """The verified bytes of an entry. Raises ModelError with code MODEL_MISSING or MODEL_HASH."""
        name = entry.file if isinstance(entry, Sample) else entry.id
        try:
            data = self.place(entry).read_bytes()
        except OSError:
            raise ModelError(f"{name} is not installed: {_remedy(entry)}", code="MODEL_MISSING") from None
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise ModelError(f"{name} has another SHA-256 than the manifest: it is not loaded", code="MODEL_HASH")
        return data

    def session(self, id: str) -> onnxruntime.InferenceSession:
        """An onnxruntime session on one thread, made from the verified bytes. Raises ModelError."""
        return open_session(self.read(self._model(id)), id)

    def calibration(self, id: str) -> Calibration:
        """The calibration of comparison scores of this engine, verified as calibration_text does. Raises ModelError."""
        return parse_calibration(self.calibration_text(id))

    def calibration_text(self, id: str) -> str:
        """The calibration.csv of this engine, verified and measured with the weights of this manifest, whatever its scores are.

        Raises ModelError: MODEL_UNCALIBRATED if it was never measured, MODEL_MISSING, MODEL_HASH.
        """
        entry = self.manifest.calibrations.get(id)
        if entry is None and id not in self.manifest.models:
            raise ModelError(f"no calibration {id!r} in the manifest", code="MODEL_MISSING")
        if entry is None or entry.sha256 == NOT_CALIBRATED:
            raise ModelError(f"{id} is not calibrated: run `egate calibrate`", code="MODEL_UNCALIBRATED")
        text = self.read(entry).decode("utf-8", errors="replace")
        if not {f"# id: {id}", f"# weights: {self.weights(entry.models)}"} <= set(text.splitlines()):
            raise ModelError(f"calibration {id} was measured with other weights: measure it again", code="MODEL_HASH")
        return text

    def weights(self, models: tuple[str, ...]) -> str:
        """The models' names and hashes as calibrations record them."""
        return " ".join(f"{name}={self._model(name).sha256}" for name in models)

    def sample(self, file: str) -> Path:
        """A verified photograph or print. Raises ModelError."""
        entry = self.manifest.samples.get(file)
        if entry is None:
            raise ModelError(f"no sample {file!r} in the manifest", code="MODEL_MISSING")
        self.read(entry)
        return self.place(entry)

    def _model(self, id: str) -> Model:
        model = self.manifest.models.get(id)
        if model is None:
            raise ConfigurationError(f"no model {id!r} in the manifest")
        return model


def _remedy(entry: Model | Sample | CalibrationFile) -> str:
    if isinstance(entry, CalibrationFile):
        return "run `egate calibrate`"
    if isinstance(entry, Model) and entry.artefact == FILE:
        return f"bring the file {entry.member} with `egate models add`"
    return "run `egate models install`"
