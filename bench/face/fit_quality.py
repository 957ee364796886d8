"""Prints the weights of the unified face quality score: `python -m bench.face.fit_quality` (EGATE_CORPUS; about ten minutes on one core).

Mated scores of one half of the people of pairs_lfw, and of the same images made worse, explained by the defects of both images: least
squares with weights >= 0. Given in shares of the embedding magnitude's weight; without it, in shares of the weight that it would have.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from egate.commands.bench.face_trials import read_trials
from egate.commands.bench.quality_trials import Captured, capture_all, mated_pairs
from egate.domain.biometric import Image
from egate.inference.face.engine import OnnxFaceEngine, load_face_engine
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore
from egate.matching.face.quality import FACE_QUALITY_MIN_GOOD, FACE_QUALITY_MIN_USABLE
from egate.matching.face.quality.unified import MAGNITUDE

NAMES = (
    MAGNITUDE,
    "inter_eye_distance",
    "head_pose_yaw",
    "sharpness",
    "under_exposure_prevention",
    "over_exposure_prevention",
    "dynamic_range",
    "illumination_uniformity",
    "compression_artifacts",
    "eyes_visible",
    "mouth_closed",
)
WORSE_PER_PERSON = 4
WORSE_WEIGHT = 0.5  # of a comparison with a worse image; chosen: both kinds weigh about the same
OTHERS_MAX = 3  # images that a worse one is compared with
SWEEPS = 2000  # of coordinate descent: the weights no longer move in the third digit

Random = np.random.Generator
Floats = NDArray[np.float64]
Row = tuple[Captured | None, Captured | None, float]  # two images of a person, and what their comparison weighs


def main() -> None:
    cv2.setNumThreads(1)
    root = Path(os.environ.get("EGATE_CORPUS", "../shared/corpus")) / "faces"
    engine, trials = load_face_engine(ModelStore()), read_trials(root / "pairs_lfw.csv", None)
    fitted = [path for path, person in zip(trials.paths, trials.person, strict=True) if person % 2 == 0]
    captured = dict(zip(fitted, capture_all(engine, root, fitted, lambda items: items), strict=True))
    found = [captured.get(path) for path in trials.paths]
    pairs = [pair for pair in mated_pairs(trials) if trials.person[pair[0]] % 2 == 0]
    images = np.bincount(trials.person)
    rows: list[Row] = [
        (found[a], found[b], 1 / np.sqrt(images[trials.person[a]] * (images[trials.person[a]] - 1) / 2))
        for a, b in pairs
    ]
    rows += _worse(engine, root, trials.paths, trials.person, found)
    known = [(one, other, weight) for one, other, weight in rows if one and other]
    scores = np.array([engine.compare(one.template, other.template).value for one, other, _ in known])
    defects = np.array([_defects(one) + _defects(other) for one, other, _ in known])
    weights = np.array([weight for _, _, weight in known])
    whole = _fit(defects, scores, weights)
    print("with", dict(zip(NAMES, np.round(whole / whole[0], 3).tolist(), strict=True)))
    without = _fit(defects[:, 1:], scores, weights) / whole[0]
    print("without", dict(zip(NAMES[1:], np.round(without, 3).tolist(), strict=True)))
    _print_limits(engine, [each for each in captured.values() if each], [row for row in rows if row[2] == WORSE_WEIGHT])


def _worse(
    engine: OnnxFaceEngine,
    root: Path,
    paths: Sequence[str],
    person: NDArray[np.int64],
    found: Sequence[Captured | None],
) -> list[Row]:
    """One image of each person made worse in several ways, against the others as they are."""
    random, kinds, rows = np.random.default_rng(7), list(DEFECTS.values()), []
    for number in np.unique(person[person % 2 == 0]):
        images = random.permutation(np.flatnonzero(person == number))
        if len(images) < 2:
            continue
        image = decode((root / paths[images[0]]).read_bytes())
        for _ in range(WORSE_PER_PERSON):
            kind = kinds[int(random.integers(len(kinds)))]
            face = engine.capture(kind(image, float(random.random()), random)).face
            worse = Captured(face.template, face.quality) if face else None
            rows += [(worse, found[other], WORSE_WEIGHT) for other in images[1 : 1 + OTHERS_MAX]]
    return rows


def _print_limits(engine: OnnxFaceEngine, plain: Sequence[Captured], rows: Sequence[Row]) -> None:
    """Shares of images below the limits, and errors of worse images against good ones."""
    worse = [one.quality.unified if one else 0.0 for one, _, _ in rows]
    good = [(one, other) for one, other, _ in rows if one and other and other.quality.unified >= FACE_QUALITY_MIN_GOOD]
    scores = np.array([engine.compare(*(each.template for each in pair)).value for pair in good])
    quality = np.array([one.quality.unified for one, _ in good])
    for limit in (FACE_QUALITY_MIN_USABLE, FACE_QUALITY_MIN_GOOD):
        shares = [
            float(np.mean(np.array(values) < limit)) for values in ([each.quality.unified for each in plain], worse)
        ]
        print(f"below {limit:g}: {shares[0]:.4f} of {len(plain)} images, {shares[1]:.3f} of those made worse")
        for name, part in (("below", quality < limit), ("from there", quality >= limit)):
            errors = [float((~(scores[part] >= engine.threshold(fmr))).mean()) for fmr in (1e-3, 1e-4)]
            print(f"  {name}: {part.sum()} comparisons, FNMR {errors[0]:.3f} at FMR 1e-3, {errors[1]:.3f} at 1e-4")


def _defects(captured: Captured) -> Floats:
    return np.array([100.0 - captured.quality.components[name] for name in NAMES])


def _fit(defects: Floats, scores: Floats, weights: Floats) -> Floats:
    """(k,) losses of score per point of defect, none below 0, by coordinate descent."""
    a = np.column_stack([-defects, np.ones(len(defects))])
    gram, target = (a * weights[:, None]).T @ a, (a * weights[:, None]).T @ scores
    x = np.zeros(a.shape[1])
    for _ in range(SWEEPS):
        for k in np.flatnonzero(np.diag(gram) > 0.0):
            x[k] += (target[k] - gram[k] @ x) / gram[k, k]
            if k < len(x) - 1:
                x[k] = max(x[k], 0.0)
    return np.asarray(x[:-1], np.float64)


def _clipped(values: NDArray[np.floating]) -> Image:
    return np.ascontiguousarray(np.clip(values, 0, 255).astype(np.uint8))


def _dark(image: Image, amount: float, random: Random) -> Image:
    return _clipped(image * (0.5 * (1 - amount) ** 2 + 0.01) + random.normal(0, 2, image.shape))


def _compressed(image: Image, amount: float, _: Random) -> Image:
    quality = max(1, int(35 * (1 - amount) ** 2))
    data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert bgr is not None
    return np.ascontiguousarray(bgr[:, :, ::-1], np.uint8)


def _lit_from_the_side(image: Image, amount: float, random: Random) -> Image:
    across = np.linspace(-1, 1, image.shape[1])[None, :, None] * random.choice([-1, 1])
    return _clipped(image * (1 / (1 + np.exp(8 * across))) ** (2.5 * amount))


def _small(image: Image, amount: float, _: Random) -> Image:
    side = max(40, round(image.shape[0] * (1 - 0.85 * amount)))
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


DEFECTS: dict[str, Callable[[Image, float, Random], Image]] = {
    "blur": lambda image, amount, _: np.asarray(cv2.GaussianBlur(image, (0, 0), 0.3 + 5 * amount), np.uint8),
    "dark": _dark,
    "bright": lambda image, amount, _: _clipped(image * (1.3 + 5 * amount**1.5) + 40 * amount),
    "compressed": _compressed,
    "side": _lit_from_the_side,
    "small": _small,
    "contrast": lambda image, amount, random: _clipped(
        (image - 128.0) * (1 - 0.95 * amount) + 128 + random.normal(0, 1, image.shape)
    ),
    "noise": lambda image, amount, random: _clipped(image + random.normal(0, 5 + 45 * amount, image.shape)),
}

if __name__ == "__main__":
    main()
