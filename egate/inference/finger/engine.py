"""The finger engine: grey image to template, template against template. Implements egate.ports.FingerEngine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

import numpy as np
import onnxruntime

from egate.domain.biometric import ComparisonScore, FingerSample, FingerTemplate, Image
from egate.domain.finger import FINGER_POSITIONS, AbsenceReason, Enrolment, FingerPosition, FingerSetComparison
from egate.errors import ImageError
from egate.inference.engine_errors import engine_errors
from egate.inference.finger.minutiae import extract
from egate.inference.finger.quality import Models as ForestModels
from egate.inference.finger.quality import load_forest
from egate.inference.finger.resolution import DPI, resample
from egate.inference.image import decoder
from egate.matching.finger import minutiae, quality
from egate.matching.finger.hand.comparison import compare_hands
from egate.matching.finger.hand.enrolment import enrol
from egate.matching.finger.hand.fingers import fingers_of
from egate.matching.finger.hand.scale import comparison_scale
from egate.matching.finger.llr import llr
from egate.matching.finger.quality import Forest
from egate.matching.rates.calibration import Calibration

NETWORK = "leader"  # ids in models/manifest.toml
CALIBRATION = "finger-minutiae"

CONTRAST_MIN = 4.0  # grey levels between the 5th and 95th percentile: an empty sensor
MINUTIAE_MIN = 4  # the poorest of 400 corpus images has 4; three pairs can be found between any two fingers


class Models(ForestModels, Protocol):
    """What the engine needs of the model store."""

    def session(self, id: str) -> onnxruntime.InferenceSession: ...

    def calibration(self, id: str) -> Calibration: ...


class MinutiaeFingerEngine:
    """Thread-safe: it holds no state but the network, the calibration and the forest of quality."""

    def __init__(self, network: onnxruntime.InferenceSession, calibration: Calibration, forest: Forest) -> None:
        self._network = network
        self._calibration = calibration
        self._scale = comparison_scale(llr, calibration)
        self._forest = forest

    @property
    def models(self) -> tuple[str, ...]:
        return (NETWORK,)

    @property
    def calibration(self) -> str:
        return self._calibration.id

    def capture(self, image: Image, position: int = 0, dpi: float = DPI) -> FingerSample:
        """Template, quality and guidance of a grey image (h, w) uint8 of dpi pixels per inch, resampled to 500.

        position: ISO finger position code 0-10. Raises ImageError with code FINGER_RESOLUTION, FINGER_IMAGE_SIZE (too small or
        large), FINGER_IMAGE_TYPE, FINGER_IMAGE_BLANK, or FINGER_NOT_FOUND if fewer than MINUTIAE_MIN minutiae are in it.
        Raises ModelError if the network fails to run, ValueError for an unknown position.
        """
        if position not in FINGER_POSITIONS:
            raise ValueError("finger position is a code from 0 to 10")
        if image.ndim != 2 or image.dtype != np.uint8:
            raise ImageError("a finger image is grey, 8 bits a pixel", code="FINGER_IMAGE_TYPE")
        image = resample(image, dpi)
        _refuse_blank(image)
        with engine_errors():
            template = extract(self._network, image, position)
        if len(template.x) < MINUTIAE_MIN:
            raise ImageError(f"no fingerprint found: fewer than {MINUTIAE_MIN} minutiae", code="FINGER_NOT_FOUND")
        with engine_errors():
            score = quality.finger_quality(image, template, self._forest)
        return FingerSample(template, score, image, quality.guidance(template, score))

    def compare(self, probe: FingerTemplate, reference: FingerTemplate) -> ComparisonScore:
        """Score >= 0 (0 if one has too few minutiae) and its FMR. NaN, NaN if a template holds a NaN or infinity.

        Fingers of different known positions are compared like any: the caller knows whether that makes sense.
        """
        value = minutiae.compare(minutiae.prepare(probe), minutiae.prepare(reference))
        fmr = math.nan if math.isnan(value) else self._calibration.fmr(value)
        return ComparisonScore(value, fmr, self._calibration.id)

    def compare_fingers(
        self, probes: Sequence[FingerTemplate], references: Sequence[FingerTemplate]
    ) -> FingerSetComparison:
        """Impressions of one or several fingers of one person against those of one person.

        By position: equal ones are compared with each other, unknown ones with all that is left; impressions of one known position are
        one finger's. Its score is in the unit of `threshold`. Raises TemplateError beyond ten fingers, ten impressions of one
        or thirty of one side.
        """
        left, right = (fingers_of(side, minutiae.prepare) for side in (probes, references))
        found = compare_hands(left, right, minutiae.compare, self._scale)
        if len(probes) == len(references) == found.comparisons == 1:
            # By its rate alone every strong match has one score; where there is only one, the record keeps how strong it was.
            (probe,), (reference,) = left[0].impressions, right[0].impressions
            return replace(found, score=minutiae.compare(probe, reference))
        return found

    def enrol(
        self,
        samples: Sequence[FingerSample],
        *,
        wanted: Sequence[FingerPosition] = (),
        absent: Mapping[FingerPosition, AbsenceReason] = MappingProxyType({}),
    ) -> Enrolment:
        """See egate.matching.finger.hand.enrolment.enrol."""
        return enrol(samples, minutiae.prepare, minutiae.compare, self._scale, expected=wanted, absent=absent)

    def threshold(self, fmr: float) -> float:
        """Score at which the false match rate is fmr. Raises ConfigurationError if the calibration cannot support it."""
        return self._calibration.threshold(fmr)

    def warm_up(self) -> None:
        """Runs the network once and compiles the matcher, so that the first traveller does not wait for either."""
        minutiae.warm_up()
        decoder.warm_up()
        quality.warm_up(self._forest)
        extract(self._network, np.full((64, 64), 255, np.uint8), 0)


def load_finger_engine(store: Models) -> MinutiaeFingerEngine:
    """The engine with the store's network and calibration, warmed up. Raises ModelError if either is missing or wrong."""
    engine = MinutiaeFingerEngine(store.session(NETWORK), store.calibration(CALIBRATION), load_forest(store))
    engine.warm_up()
    return engine


def _refuse_blank(image: Image) -> None:
    """Before the network spends a tenth of a second on it."""
    low, high = np.percentile(image, (5, 95))
    if not high - low >= CONTRAST_MIN:
        raise ImageError("finger image is blank", code="FINGER_IMAGE_BLANK")
