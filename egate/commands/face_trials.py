"""The comparisons of `egate bench accuracy face`: which pairs, and their scores."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egate.errors import ConfigurationError, ImageError
from egate.inference.face.engine import CALIBRATION
from egate.inference.face.extractor import FaceExtractor, load_face_extractor
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore
from egate.matching.face import SCALES, scores

BLOCK_ROWS = 512  # of the score matrix at a time: 9 MB at 4,554 images

MODELS = ("yunet", "dlib-resnet29", "sface")

Progress = Callable[[Sequence[Any]], Iterable[Any]]

__all__ = ["CALIBRATION", "MODELS", "Progress", "Trials", "compare", "enrol", "read_trials"]


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """paths: images, sorted. person: (n,) number of each path's person. mated: (m, 2) indices into paths.

    excluded: pairs of person numbers that are one person under two names.
    """

    paths: tuple[str, ...]
    person: NDArray[np.int64]
    mated: NDArray[np.int64]
    excluded: frozenset[tuple[int, int]]


def read_trials(pairs: Path, exclude: Path | None) -> Trials:
    """Raises ConfigurationError if a file or a column is missing."""
    rows = _rows(pairs, ("path_a", "path_b", "same"))
    paths = tuple(sorted({row[key] for row in rows for key in ("path_a", "path_b")}))
    names = _persons(paths)
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    index = {path: number for number, path in enumerate(paths)}
    mated = [(index[row["path_a"]], index[row["path_b"]]) for row in rows if row["same"] == "1"]
    excluded = {
        (numbers[a], numbers[b])
        for row in (_rows(exclude, ("name_a", "name_b")) if exclude else [])
        for a, b in ((row["name_a"], row["name_b"]), (row["name_b"], row["name_a"]))
        if a in numbers and b in numbers
    }
    person = np.array([numbers[name] for name in names], np.int64)
    return Trials(paths, person, np.array(mated, np.int64).reshape(-1, 2), frozenset(excluded))


def enrol(
    store: ModelStore, root: Path, paths: Sequence[str], progress: Progress
) -> tuple[Mapping[str, NDArray[np.float32]], int]:
    """Embeddings by model, (n, d) with NaN rows where no face was found, and how many those are."""
    extractor = load_face_extractor(store, MODELS)
    captured = [_embeddings(extractor, root / path) for path in progress(paths)]
    failures = sum(found is None for found in captured)
    templates: dict[str, NDArray[np.float32]] = {}
    for model in SCALES:
        dimension = next((len(found[model]) for found in captured if found), 1)
        missing = np.full(dimension, np.nan, np.float32)
        templates[model] = np.stack([found[model] if found else missing for found in captured])
    return templates, failures


def compare(
    trials: Trials, templates: Mapping[str, NDArray[np.float32]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores of the mated pairs, and of every pair of images of two different people."""
    mated = np.empty(len(trials.mated), np.float32)
    non_mated: list[NDArray[np.float32]] = []
    n = len(trials.paths)
    for start in range(0, n, BLOCK_ROWS):
        rows = slice(start, min(start + BLOCK_ROWS, n))
        block = scores({model: values[rows] for model, values in templates.items()}, templates)
        here = (trials.mated[:, 0] >= rows.start) & (trials.mated[:, 0] < rows.stop)
        mated[here] = block[trials.mated[here, 0] - start, trials.mated[here, 1]]
        non_mated.append(block[non_mated_pairs(trials, rows)])
    return mated, np.concatenate(non_mated)


def non_mated_pairs(trials: Trials, rows: slice) -> NDArray[np.bool_]:
    """(rows, n) True for each unordered pair of two people, once."""
    people = trials.person[rows]
    later = np.arange(len(trials.paths)) > np.arange(rows.start, rows.stop)[:, np.newaxis]
    different = (people[:, np.newaxis] != trials.person) & later
    for left, right in trials.excluded:
        different[np.ix_(people == left, trials.person == right)] = False
    return np.asarray(different, np.bool_)


def _embeddings(extractor: FaceExtractor, path: Path) -> Mapping[str, NDArray[np.float32]] | None:
    try:
        face = extractor.capture(decode(path.read_bytes())).face
    except ImageError:
        return None
    return face.template.embeddings if face else None


def _persons(paths: Sequence[str]) -> list[str]:
    """The file's folder; where all files share one, the name up to the first underscore."""
    pure = [PurePosixPath(path) for path in paths]
    if len({path.parent for path in pure}) == 1:
        return [path.name.split("_", 1)[0] for path in pure]
    return [path.parent.name for path in pure]


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        raise ConfigurationError(f"cannot read {path.name}") from None
    if not rows or any(column not in rows[0] for column in columns):
        raise ConfigurationError(f"{path.name} needs the columns {', '.join(columns)}")
    return rows
