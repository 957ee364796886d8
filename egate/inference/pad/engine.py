"""The attack detection engine: is what stands before the camera a living face? Implements egate.ports.PadEngine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from egate.domain.biometric import FaceSample, Image, PadScore
from egate.inference.engine_errors import engine_errors
from egate.inference.pad.calibration import load_pad_calibration
from egate.inference.pad.networks import PadNetworks, load_pad_networks
from egate.inference.weights.store import ModelStore
from egate.matching.pad.calibration import PadCalibration
from egate.matching.pad.combination import combined, fused

CALIBRATION = "pad-print"  # id in models/manifest.toml


class OnnxPadEngine:
    """Thread-safe: it holds no state but the networks and the calibration."""

    def __init__(self, networks: PadNetworks, calibration: PadCalibration) -> None:
        self._networks = networks
        self._calibration = calibration

    @property
    def calibration(self) -> str:
        """Its id, as verdicts and the journal name it."""
        return self._calibration.id

    def score(self, image: Image, face: FaceSample) -> float:
        """Log-likelihood ratio of bona fide against attack; NaN if the face is too small or cut off, or a network gave no number.

        image: RGB (h, w, 3) uint8, the frame that face was found in. Raises ImageError and ModelError.
        """
        with engine_errors():
            odds = self._networks.log_odds(image, face.box)
        return float(fused(self._calibration.fusion, odds[np.newaxis])[0])

    def combine(self, scores: Sequence[float]) -> PadScore:
        """The verdict's score over frames of one track (egate.matching.pad.combination.combined). Raises ValueError if scores is empty.

        apcer, bpcer: of single frames, on which the calibration was measured; none is claimed for several.
        """
        value = combined(scores)
        calibration = self._calibration
        return PadScore(value, calibration.apcer(value), calibration.bpcer(value), calibration.id, len(scores))

    def threshold(self, apcer: float) -> float:
        """Score at which APCER is at most apcer with 95 % confidence. Raises ConfigurationError if the trials cannot support it."""
        return self._calibration.threshold(apcer)

    def warm_up(self) -> None:
        """Runs every network once, so that the first traveller does not wait for their memory plans."""
        self._networks.warm_up()


def load_pad_engine(store: ModelStore, id: str = CALIBRATION) -> OnnxPadEngine:
    """The engine of this id with the store's networks, warmed up. Raises ModelError if one or the calibration is missing or wrong."""
    calibration = load_pad_calibration(store, id)
    engine = OnnxPadEngine(load_pad_networks(store, store.manifest.calibrations[id].models), calibration)
    engine.warm_up()
    return engine
