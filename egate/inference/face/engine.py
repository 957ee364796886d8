"""The face engine: image to capture, template against template. Implements egate.ports.FaceEngine."""

from __future__ import annotations

import numpy as np

from egate.domain.biometric import ComparisonScore, FaceCapture, FaceTemplate, Image
from egate.errors import ModelError
from egate.inference.engine_errors import engine_errors
from egate.inference.face.embedding import choose_models
from egate.inference.face.extractor import FaceExtractor, load_face_extractor
from egate.inference.weights.store import ModelStore
from egate.matching.face.comparison import llrs
from egate.matching.face.fusion import parse_fusion
from egate.matching.rates.calibration import Calibration

CALIBRATION = "face-int8"  # id in models/manifest.toml


class OnnxFaceEngine:
    """Thread-safe: it holds no state but the networks, the calibration and its fusion."""

    def __init__(self, extractor: FaceExtractor, calibration: Calibration) -> None:
        """Raises ModelError if the calibration's fusion is missing or malformed."""
        self._extractor = extractor
        self._calibration = calibration
        self._fusion = parse_fusion(calibration.fusion)

    @property
    def extractor(self) -> FaceExtractor:
        return self._extractor

    def capture(self, image: Image) -> FaceCapture:
        """See FaceExtractor.capture. Raises ImageError and ModelError, also for what the libraries below raise."""
        with engine_errors():
            return self._extractor.capture(image)

    def compare(self, probe: FaceTemplate, reference: FaceTemplate) -> ComparisonScore:
        """Fused score, its FMR and each model's LLR; NaN where an embedding is not finite. Raises TemplateError if the models differ."""
        left = {model: values[np.newaxis] for model, values in probe.embeddings.items()}
        right = {model: values[np.newaxis] for model, values in reference.embeddings.items()}
        parts = llrs(self._fusion, left, right)
        value = float(self._fusion.fuse(parts)[0, 0])
        shares = {model: float(part[0, 0]) for model, part in parts.items()}
        return ComparisonScore(value, self._calibration.fmr(value), self._calibration.id, shares)

    def threshold(self, fmr: float) -> float:
        """Score at which the false match rate is fmr. Raises ConfigurationError if the calibration cannot support it."""
        return self._calibration.threshold(fmr)

    def warm_up(self) -> None:
        """Runs every network once, so that the first traveller does not wait for their memory plans."""
        self._extractor.warm_up()


def load_face_engine(store: ModelStore, id: str = CALIBRATION) -> OnnxFaceEngine:
    """The engine that the manifest's calibration `id` was measured with, warmed up.

    Raises ModelError if a model or the calibration is missing or wrong, or the models are not those of a face engine.
    """
    entry = store.manifest.calibrations.get(id)
    if entry is None:
        raise ModelError(f"no calibration {id!r} in the manifest", code="MODEL_MISSING")
    _, embeddings = choose_models(store, entry.models)
    calibration = store.calibration(id)
    if set(parse_fusion(calibration.fusion).models) != set(embeddings):
        raise ModelError(f"calibration {id} does not fuse the models of its manifest entry", code="MODEL_FUSION")
    engine = OnnxFaceEngine(load_face_extractor(store, entry.models), calibration)
    engine.warm_up()
    return engine
