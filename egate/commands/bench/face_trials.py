"""The comparisons of `egate bench accuracy face`: which pairs, and their scores."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egate.errors import ConfigurationError, ImageError
from egate.inference.face.embedding import choose_models
from egate.inference.face.engine import CALIBRATION
from egate.inference.face.extractor import FaceExtractor, load_face_extractor
from egate.inference.image.decoder import decode
from egate.inference.weights.store import ModelStore
from egate.matching.face.comparison import Embeddings, Scores, seen_from
from egate.matching.face.fusion import Centre, FaceFusion, centre_array
from egate.matching.face.fusion_fit import centre_of, fit_fusion, loss_alone

BLOCK_ROWS = 512  # of the score matrix at a time: 9 MB at 4,554 images
FOLD_ROWS = 600  # rows of a fold in LFW's pairs.txt (300 mated, then 300 non-mated), whose order the CSV keeps

Progress = Callable[[Sequence[Any]], Iterable[Any]]
Cosines = Mapping[str, Scores]


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """paths: images, sorted. person: (n,) number of each path's person. mated: (m, 2) indices into paths.

    excluded: pairs of person numbers that are one person under two names. fold: (n,) number of each path's fold: that of the first
    row of the CSV that names it, FOLD_ROWS rows each; empty if there are none.
    """

    paths: tuple[str, ...]
    person: NDArray[np.int64]
    mated: NDArray[np.int64]
    excluded: frozenset[tuple[int, int]]
    fold: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


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
    fold = np.full(len(paths), -1, np.int64)
    for number, row in reversed(list(enumerate(rows))):
        fold[[index[row["path_a"]], index[row["path_b"]]]] = number // FOLD_ROWS
    return Trials(paths, person, np.array(mated, np.int64).reshape(-1, 2), frozenset(excluded), fold)


def enrol(
    store: ModelStore, root: Path, paths: Sequence[str], progress: Progress, models: Sequence[str] = ()
) -> tuple[Mapping[str, NDArray[np.float32]], int]:
    """Embeddings by model, (n, d) with NaN rows where no face was found, and how many those are.

    models: a face detector and the embeddings; those of the default engine if none are named.
    """
    chosen = models or store.manifest.calibrations[CALIBRATION].models
    extractor = load_face_extractor(store, chosen)
    captured = [_embeddings(extractor, root / path) for path in progress(paths)]
    failures = sum(found is None for found in captured)
    templates: dict[str, NDArray[np.float32]] = {}
    for model in choose_models(store, chosen)[1]:
        dimension = next((len(found[model]) for found in captured if found), 1)
        missing = np.full(dimension, np.nan, np.float32)
        templates[model] = np.stack([found[model] if found else missing for found in captured])
    return templates, failures


def compare(trials: Trials, templates: Embeddings, fusion: FaceFusion | None = None) -> tuple[Scores, Scores]:
    """Fused scores of the mated pairs, (m,), and of every pair of images of two different people, (n,).

    fusion: fitted on these very comparisons if None is given.
    """
    fusion = fusion or fit_face(trials, templates)
    centres = {model: row.centre for model, row in fusion.models.items()}
    mated, non_mated = compare_models(trials, templates, centres)
    return fuse(fusion, mated), fuse(fusion, non_mated)


def fit_face(trials: Trials, templates: Embeddings) -> FaceFusion:
    """The fusion of the templates' models, fitted on all comparisons of trials. Raises ValueError if there are none.

    A model is compared as seen from the mean of its embeddings where that tells people apart better than the embeddings as they are.
    """
    mated: dict[str, Scores] = {}
    non_mated: dict[str, Scores] = {}
    centres: dict[str, Centre] = {}
    for model, rows in templates.items():
        choices: list[Centre] = [(), centre_of(rows)]
        found = [compare_models(trials, {model: rows}, {model: centre}) for centre in choices]
        losses = [loss_alone(same[model], different[model]) for same, different in found]
        best = int(np.argmin(losses))
        centres[model], mated[model], non_mated[model] = choices[best], found[best][0][model], found[best][1][model]
    return fit_fusion(mated, non_mated, centres)


def compare_models(trials: Trials, templates: Embeddings, centres: Mapping[str, Centre]) -> tuple[Cosines, Cosines]:
    """Cosines by model as seen from its centre: of the mated pairs, (m,), and of every pair of images of two different people, (n,)."""
    n = len(trials.paths)
    blocks = [slice(start, min(start + BLOCK_ROWS, n)) for start in range(0, n, BLOCK_ROWS)]
    masks = [non_mated_pairs(trials, rows) for rows in blocks]
    mated: dict[str, Scores] = {}
    non_mated: dict[str, Scores] = {}
    for model, embeddings in templates.items():
        seen = seen_from(centre_array(centres[model]), embeddings)
        left, right = trials.mated.T
        mated[model] = np.einsum("nd,nd->n", seen[left], seen[right])
        non_mated[model] = np.concatenate(
            [(seen[rows] @ seen.T)[mask] for rows, mask in zip(blocks, masks, strict=True)]
        )
    return mated, non_mated


def fuse(fusion: FaceFusion, cosines: Cosines) -> Scores:
    """(n,) scores of each model's (n,) cosines."""
    parts = {model: fusion.llr(model, values) for model, values in cosines.items()}
    return np.asarray(fusion.fuse(parts), np.float32)


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
