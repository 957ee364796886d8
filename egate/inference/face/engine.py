"""The face engine: image to capture, template against template. Implements egate.ports.FaceEngine."""

from __future__ import annotations

import numpy as np

from egate.domain.biometric import ComparisonScore, FaceCapture, FaceTemplate, Image
from egate.inference.engine_errors import engine_errors
from egate.inference.face.extractor import FaceExtractor, load_face_extractor
from egate.inference.weights.store import ModelStore
from egate.matching.calibration import Calibration
from egate.matching.face import scores

CALIBRATION = "face-fused"  # id in models/manifest.toml


class OnnxFaceEngine:
    """Thread-safe: it holds no state but the networks and the calibration."""

    def __init__(self, extractor: FaceExtractor, calibration: Calibration) -> None:
        self._extractor = extractor
        self._calibration = calibration

    @property
    def extractor(self) -> FaceExtractor:
        return self._extractor

    def capture(self, image: Image) -> FaceCapture:
        """See FaceExtractor.capture. Raises ImageError and ModelError, also for what the libraries below raise."""
        with engine_errors():
            return self._extractor.capture(image)

    def compare(self, probe: FaceTemplate, reference: FaceTemplate) -> ComparisonScore:
        """Fused score and its FMR; NaN, NaN if an embedding is not finite. Raises TemplateError if the models differ."""
        left = {model: values[np.newaxis] for model, values in probe.embeddings.items()}
        right = {model: values[np.newaxis] for model, values in reference.embeddings.items()}
        value = float(scores(left, right)[0, 0])
        return ComparisonScore(value, self._calibration.fmr(value), self._calibration.id)

    def threshold(self, fmr: float) -> float:
        """Score at which the false match rate is fmr. Raises ConfigurationError if the calibration cannot support it."""
        return self._calibration.threshold(fmr)

    def warm_up(self) -> None:
        """Runs every network once, so that the first traveller does not wait for their memory plans."""
        self._extractor.warm_up()


def load_face_engine(store: ModelStore) -> OnnxFaceEngine:
    """The engine with the store's networks and calibration, warmed up. Raises ModelError if one is missing or wrong."""
    engine = OnnxFaceEngine(
        load_face_extractor(store, store.manifest.calibrations[CALIBRATION].models), store.calibration(CALIBRATION)
    )
    engine.warm_up()
    return engine
