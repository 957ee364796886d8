"""Biometric values (ISO/IEC 2382-37). Their repr never shows samples, templates or pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (h, w, 3) RGB for faces, (h, w) grey for fingers


class Guidance(StrEnum):
    """What the traveller should do so that the next capture is better. Codes; texts are translated."""

    COME_CLOSER = "COME_CLOSER"
    STEP_BACK = "STEP_BACK"
    LOOK_AT_CAMERA = "LOOK_AT_CAMERA"
    ONE_PERSON_ONLY = "ONE_PERSON_ONLY"
    STEP_INTO_VIEW = "STEP_INTO_VIEW"
    HOLD_STILL = "HOLD_STILL"
    HOLD_HEAD_STRAIGHT = "HOLD_HEAD_STRAIGHT"
    MOVE_TO_CENTRE = "MOVE_TO_CENTRE"
    OPEN_EYES = "OPEN_EYES"
    CLOSE_MOUTH = "CLOSE_MOUTH"
    TAKE_OFF_GLASSES = "TAKE_OFF_GLASSES"
    TOO_DARK = "TOO_DARK"
    TOO_BRIGHT = "TOO_BRIGHT"
    TOO_BRIGHT_BEHIND = "TOO_BRIGHT_BEHIND"
    PLACE_DOCUMENT = "PLACE_DOCUMENT"
    PLACE_FINGER = "PLACE_FINGER"
    LIFT_FINGER = "LIFT_FINGER"
    CENTRE_FINGER = "CENTRE_FINGER"
    PRESS_HARDER = "PRESS_HARDER"
    PRESS_LIGHTER = "PRESS_LIGHTER"
    CLEAN_SENSOR = "CLEAN_SENSOR"
    USE_ENROLLED_FINGER = "USE_ENROLLED_FINGER"
    GO_AHEAD = "GO_AHEAD"
    GO_TO_MANUAL_LANE = "GO_TO_MANUAL_LANE"


@dataclass(frozen=True, slots=True)
class ComparisonScore:
    """A comparison score; larger means more alike. NaN where the comparison failed.

    fmr: false match rate at this score by the calibration named in `calibration`, in [0, 1]; NaN if score is NaN.
    parts: log-likelihood ratio (natural logarithm) by each fused model's own calibration, by model id; empty where nothing is fused.
    """

    value: float
    fmr: float
    calibration: str
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PadScore:
    """Presentation attack detection over one or several frames, ISO/IEC 30107-3; larger means more like a bona fide presentation.

    value: log-likelihood ratio of bona fide against attack by the calibration named; NaN where it could not be computed.
    apcer, bpcer: error rates of a threshold at this score by that calibration, in [0, 1]; NaN if value is NaN.
    """

    value: float
    apcer: float
    bpcer: float
    calibration: str
    frames: int = 1


@dataclass(frozen=True, slots=True)
class MorphScore:
    """Differential morphing attack detection: larger means that the reference face looks more like a mixture of two people.

    NaN where it could not be computed. Evidence only: nothing decides by it.
    """

    value: float


@dataclass(frozen=True, slots=True)
class QualityScore:
    """Unified quality score and its components, each 0 (worst) to 100, ISO/IEC 29794-1. NaN if not computed."""

    unified: float
    components: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FaceTemplate:
    """Embeddings by model id: float32 (d,), L2-normalised, C-contiguous."""

    embeddings: Mapping[str, NDArray[np.float32]]

    def __repr__(self) -> str:
        return f"FaceTemplate(models={sorted(self.embeddings)}, redacted)"


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A face found in a frame. x, y, width, height: pixels of the frame. confidence in [0, 1]."""

    x: float
    y: float
    width: float
    height: float
    confidence: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FaceSample:
    """One face found in an image.

    box: x, y, width, height in pixels of the source image. points: (5, 2) float32 pixels: right eye, left
    eye, nose, right and left mouth corner (the subject's right). confidence in [0, 1]. iod_px: inter-eye distance.
    crop: (h, w, 3) RGB portrait crop for the dossier.
    """

    box: tuple[float, float, float, float]
    points: NDArray[np.float32]
    confidence: float
    iod_px: float
    quality: QualityScore
    template: FaceTemplate
    crop: Image

    def __repr__(self) -> str:
        return f"FaceSample(iod_px={self.iod_px:.0f}, quality={self.quality.unified:.0f}, redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class FaceCapture:
    """All a frame yields: the traveller's face (None if none is usable), how many faces of comparable size, and guidance.

    faces: every face found, the traveller's first.
    """

    face: FaceSample | None
    face_count: int
    guidance: tuple[Guidance, ...] = ()
    faces: tuple[FaceBox, ...] = ()

    def __repr__(self) -> str:
        return f"FaceCapture(face_count={self.face_count}, redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class EncodedFinger:
    """One impression as it came: image, an encoded file. position: ISO finger position code 0-10. dpi: pixels per inch as whoever took
    it says; None where only the file can tell."""

    image: bytes
    position: int = 0
    dpi: float | None = None

    def __repr__(self) -> str:
        return "EncodedFinger(redacted)"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FingerTemplate:
    """Minutiae of one impression, sorted by falling quality.

    x, y: (n,) float32 pixels at 500 dpi, origin top left, y down. angle: (n,) float32 radians in [0, 2*pi),
    counter-clockwise, y up, 0 = east (ISO/IEC 19794-2). ending: (n,) bool, True = ridge ending, False =
    bifurcation. quality: (n,) float32 in [0, 1]. width, height: pixels at 500 dpi. position: ISO finger
    position code 0-10, 0 = unknown.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    angle: NDArray[np.float32]
    ending: NDArray[np.bool_]
    quality: NDArray[np.float32]
    width: int
    height: int
    position: int = 0

    def __repr__(self) -> str:
        return f"FingerTemplate(minutiae={len(self.x)}, redacted)"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FingerSample:
    """One impression: its template, quality and grey image at 500 dpi."""

    template: FingerTemplate
    quality: QualityScore
    image: Image
    guidance: tuple[Guidance, ...] = ()

    def __repr__(self) -> str:
        return f"FingerSample(minutiae={len(self.template.x)}, redacted)"
