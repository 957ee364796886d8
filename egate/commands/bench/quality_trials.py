"""The images and mated comparisons of `egate bench quality`: all pairs of images of one person, each image captured once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egate.commands.bench.face_trials import Progress, Trials
from egate.domain.biometric import FaceSample, FaceTemplate, QualityScore
from egate.errors import ImageError
from egate.inference.face.engine import OnnxFaceEngine
from egate.inference.image.decoder import decode
from egate.matching.face.quality.unified import MAGNITUDE, unified

UNIFIED, WITHOUT_MAGNITUDE = "unified", "unified without embedding magnitude"


@dataclass(frozen=True, slots=True, repr=False)
class Captured:
    """What is kept of an image: enough to compare it and to judge its quality."""

    template: FaceTemplate
    quality: QualityScore


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MatedTrials:
    """m comparisons of n images. pairs: (m, 2) indices of images. scores: (m,), NaN where an image gave no template.

    subject: (m,) number of the person. qualities: (n,) by name: the unified score, with and without the embedding, and each component;
    NaN where there is no template.
    """

    pairs: NDArray[np.int64]
    scores: NDArray[np.float64]
    subject: NDArray[np.int64]
    qualities: Mapping[str, NDArray[np.float64]]


def capture_all(engine: OnnxFaceEngine, root: Path, paths: Sequence[str], progress: Progress) -> list[Captured | None]:
    """One for each path; None where no face gave a template."""
    return [_captured(engine, root / path) for path in progress(paths)]


def mated_trials(engine: OnnxFaceEngine, trials: Trials, captured: Sequence[Captured | None]) -> MatedTrials:
    """Every pair of images of one person."""
    pairs = mated_pairs(trials)
    scores = np.array([_score(engine, captured[left], captured[right]) for left, right in pairs], np.float64)
    known = next((each.quality for each in captured if each), QualityScore(0.0))
    qualities = {name: np.array([_component(each, name) for each in captured]) for name in known.components}
    qualities[UNIFIED] = np.array([each.quality.unified if each else np.nan for each in captured])
    if MAGNITUDE in known.components:
        qualities[WITHOUT_MAGNITUDE] = np.array([_without_magnitude(each) for each in captured])
    return MatedTrials(pairs, scores, trials.person[pairs[:, 0]], qualities)


def mated_pairs(trials: Trials) -> NDArray[np.int64]:
    """(m, 2) indices of all pairs of images of one person, the first index the smaller one."""
    order = np.argsort(trials.person, kind="stable")
    people = np.split(order, np.flatnonzero(np.diff(trials.person[order])) + 1)
    pairs = [np.stack(np.triu_indices(len(images), 1), axis=1) for images in people]
    found = [np.sort(images[pair], axis=1) for images, pair in zip(people, pairs, strict=True)]
    return np.concatenate(found).astype(np.int64).reshape(-1, 2)


def _captured(engine: OnnxFaceEngine, path: Path) -> Captured | None:
    try:
        face: FaceSample | None = engine.capture(decode(path.read_bytes())).face
    except ImageError:
        return None
    return Captured(face.template, face.quality) if face else None


def _score(engine: OnnxFaceEngine, one: Captured | None, other: Captured | None) -> float:
    return engine.compare(one.template, other.template).value if one and other else float("nan")


def _component(captured: Captured | None, name: str) -> float:
    return captured.quality.components[name] if captured else float("nan")


def _without_magnitude(captured: Captured | None) -> float:
    if captured is None:
        return float("nan")
    return unified({name: value for name, value in captured.quality.components.items() if name != MAGNITUDE})
