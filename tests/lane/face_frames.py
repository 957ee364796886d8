"""A face engine on the workbench: frames say by themselves what they show, so that a test is about the order of things only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from egate.domain.biometric import (
    ComparisonScore,
    FaceBox,
    FaceCapture,
    FaceSample,
    FaceTemplate,
    Guidance,
    Image,
    PadScore,
    QualityScore,
)

DIMENSION = 16
MATCH_MIN = 0.9  # cosine; the workbench's people are orthogonal


@dataclass(frozen=True, slots=True)
class Shown:
    """What a frame shows: which person (None: nobody), how well, how alive, how many, where."""

    person: int | None = 0
    quality: float = 90.0
    pad: float = 5.0
    count: int = 1
    x: float = 100.0

    def encoded(self) -> bytes:
        """A PNG whose pixels spell it."""
        text = json.dumps([self.person, self.quality, self.pad, self.count, self.x]).encode()
        pixels = np.zeros((32, 32, 3), np.uint8)
        pixels.reshape(-1)[: len(text)] = np.frombuffer(text, np.uint8)
        done, data = cv2.imencode(".png", pixels[:, :, ::-1])
        assert done
        return data.tobytes()


def shown(image: Image) -> Shown:
    text = bytes(image.reshape(-1)).rstrip(b"\0").decode()
    return Shown(*json.loads(text))


def sample(what: Shown) -> FaceSample:
    assert what.person is not None
    embedding = np.zeros(DIMENSION, np.float32)
    embedding[what.person] = 1.0
    box = (what.x, 100.0, 100.0, 120.0)
    points = np.zeros((5, 2), np.float32)
    crop = np.full((20, 16, 3), what.person, np.uint8)
    return FaceSample(box, points, 0.9, 60.0, QualityScore(what.quality), FaceTemplate({"bench": embedding}), crop)


class BenchFaceEngine:
    """Implements ports.FaceEngine. compared: how many comparisons were asked for a decision (not of frames with one another)."""

    def capture(self, image: Image) -> FaceCapture:
        what = shown(image)
        if what.person is None:
            return FaceCapture(None, 0, (Guidance.STEP_INTO_VIEW,))
        face = sample(what)
        boxes = (FaceBox(*face.box, 0.9), *(FaceBox(500.0, 100.0, 100.0, 120.0, 0.9) for _ in range(what.count - 1)))
        return FaceCapture(face, what.count, (Guidance.GO_AHEAD,), boxes)

    def compare(self, probe: FaceTemplate, reference: FaceTemplate) -> ComparisonScore:
        value = float(probe.embeddings["bench"] @ reference.embeddings["bench"])
        return ComparisonScore(value, 1.0 - value, "bench", {"bench": value})

    def threshold(self, fmr: float) -> float:
        return MATCH_MIN


class BenchPadEngine:
    """Implements ports.PadEngine: the mean of what the frames say. seen: scores asked for."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def score(self, image: Image, face: FaceSample) -> float:
        self.seen.append(shown(image).pad)
        return shown(image).pad

    def combine(self, scores: Sequence[float]) -> PadScore:
        return PadScore(float(np.mean(scores)), 0.0, 0.0, "bench", len(scores))

    def threshold(self, apcer: float) -> float:
        return 0.0


def varied(what: Shown, **changes: object) -> Shown:
    return replace(what, **changes)  # type: ignore[arg-type]  # the caller names fields of Shown
