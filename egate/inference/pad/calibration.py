"""The calibration of an attack detection engine, verified: its file's hash, and the weights it was measured with."""

from __future__ import annotations

from egate.errors import ModelError
from egate.inference.pad.networks import choose_models
from egate.inference.weights.store import ModelStore
from egate.matching.pad.calibration import PadCalibration
from egate.matching.pad.calibration_file import parse_pad_calibration


def load_pad_calibration(store: ModelStore, id: str) -> PadCalibration:
    """Raises ModelError as ModelStore.calibration_text, and MODEL_HASH if the fusion is of other models than the engine."""
    calibration = parse_pad_calibration(store.calibration_text(id))
    if calibration.fusion.models != choose_models(store, store.manifest.calibrations[id].models)[1]:
        raise ModelError(f"calibration {id} was measured with other models: measure it again", code="MODEL_HASH")
    return calibration
