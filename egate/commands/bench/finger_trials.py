"""The comparisons of `egate bench accuracy finger`: sets of F_I.png, and their scores."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egate.commands.bench.face_trials import Progress
from egate.domain.biometric import FingerTemplate
from egate.errors import ConfigurationError, ImageError
from egate.inference.finger.engine import CALIBRATION, NETWORK, load_finger_engine
from egate.inference.finger.image import finger_image
from egate.inference.finger.resolution import DPI, choose_dpi
from egate.inference.weights.store import ModelStore
from egate.matching.rates.accuracy import Accuracy, measure_accuracy
from egate.ports import FingerEngine

NAME = re.compile(r"(\d+)_(\d+)\.png")  # F_I.png: finger, impression
MODELS = (NETWORK,)

__all__ = ["CALIBRATION", "MODELS", "SetScores", "find_sets", "measure_sets", "pool"]

Set = Sequence[tuple[int, Path]]  # finger, image


@dataclass(frozen=True, slots=True, eq=False)
class SetScores:
    mated: NDArray[np.float64]
    non_mated: NDArray[np.float64]
    accuracy: Accuracy


def find_sets(root: Path) -> dict[str, Set]:
    """Each folder at or below root that holds F_I.png, by its path relative to root. Raises ConfigurationError if none."""
    sets: dict[str, list[tuple[int, Path]]] = {}
    for path in sorted(root.rglob("*.png")):
        if match := NAME.fullmatch(path.name):
            sets.setdefault(path.parent.relative_to(root).as_posix(), []).append((int(match[1]), path))
    if not sets:
        raise ConfigurationError(f"no folder below {root.name} holds F_I.png")
    return dict(sets)


def measure_sets(
    store: ModelStore, sets: Mapping[str, Set], progress: Progress, dpi: float = DPI
) -> dict[str, SetScores]:
    """All mated pairs and all cross-finger pairs of each set. An image without a print never matches.

    dpi: of images that state none; FVC's do not, and have 500. Raises ImageError if no image has that.
    """
    choose_dpi(None, dpi)
    engine = load_finger_engine(store)
    images = [(name, finger, path) for name, members in sets.items() for finger, path in members]
    templates: dict[str, list[tuple[int, FingerTemplate | None]]] = {name: [] for name in sets}
    for name, finger, path in progress(images):
        templates[name].append((finger, _template(engine, path, dpi)))
    return {name: _scores(engine, members) for name, members in templates.items()}


def pool(parts: Sequence[SetScores]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.concatenate([part.mated for part in parts]), np.concatenate([part.non_mated for part in parts])


def _template(engine: FingerEngine, path: Path, dpi: float) -> FingerTemplate | None:
    try:
        image = finger_image(path.read_bytes(), otherwise=dpi)
        return engine.capture(image.pixels, dpi=image.dpi).template
    except ImageError:
        return None


def _scores(engine: FingerEngine, members: Sequence[tuple[int, FingerTemplate | None]]) -> SetScores:
    mated: list[float] = []
    non_mated: list[float] = []
    for (finger, probe), (other, reference) in itertools.combinations(members, 2):
        value = float("nan") if probe is None or reference is None else engine.compare(probe, reference).value
        (mated if finger == other else non_mated).append(value)
    failures = sum(template is None for _, template in members)
    left, right = np.array(mated), np.array(non_mated)
    return SetScores(left, right, measure_accuracy(left, right, failures))
