"""The presentations of `egate bench pad` and `egate calibrate pad`: which frames, and what an engine's networks say of each.

labels: a CSV with the columns path, label and subject; optional species, split and sequence. label is `live` or `bona_fide`, or names an
attack; species, else the label, is its species. sequence names frames of one presentation that follow each other in the file; without it,
frames of one folder whose names are the same up to the last underscore.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import onnxruntime

from egate.errors import ConfigurationError, ImageError
from egate.inference.face.search import find_faces
from egate.inference.image.decoder import decode
from egate.inference.pad.networks import PadNetworks, choose_models, load_pad_networks
from egate.inference.weights.store import ModelStore
from egate.matching.pad.calibration_file import SPECIES
from egate.matching.pad.combination import Floats
from egate.matching.pad.rates import BONA_FIDE

COLUMNS = ("path", "label", "subject")
BONA_FIDE_LABELS = ("live", "bona_fide")
RANGE = re.compile(r"(\d+)-(\d+)")

Progress = Callable[[Sequence[Any]], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Presentation:
    """One frame. species: BONA_FIDE or the attack's. sequence: the frames it belongs to."""

    path: str
    species: str
    subject: str
    split: str
    sequence: str


def read_presentations(labels: Path) -> list[Presentation]:
    """Raises ConfigurationError if the file or a column is missing, or a species has no plain name."""
    try:
        with labels.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"cannot read {labels.name}") from None
    if not rows or any(column not in rows[0] for column in COLUMNS):
        raise ConfigurationError(f"{labels.name} needs the columns {', '.join(COLUMNS)}")
    return [_presentation(row, labels.name) for row in rows]


def _presentation(row: dict[str, str], name: str) -> Presentation:
    label, path = row["label"], PurePosixPath(row["path"])
    species = BONA_FIDE if label in BONA_FIDE_LABELS else row.get("species") or label
    if species != BONA_FIDE and not SPECIES.fullmatch(species):
        raise ConfigurationError(f"{name}: a species is named in lower-case letters, digits, - and _, not {species!r}")
    sequence = row.get("sequence") or f"{path.parent}/{path.stem.rpartition('_')[0] or path.stem}"
    return Presentation(row["path"], species, row["subject"], row.get("split") or "", sequence)


def log_odds(
    store: ModelStore, models: Sequence[str], root: Path, presentations: Sequence[Presentation], progress: Progress
) -> Floats:
    """(n, attack detection networks) log odds of each frame's most prominent face; NaN where there is none, or it gets no response.

    Raises ConfigurationError if a frame cannot be read.
    """
    networks = load_pad_networks(store, models)
    detector = store.session(choose_models(store, models)[0])
    rows = [_of_frame(detector, networks, root / one.path) for one in progress(presentations)]
    return np.array(rows, np.float64).reshape(len(presentations), len(networks.models))


def _of_frame(detector: onnxruntime.InferenceSession, networks: PadNetworks, path: Path) -> Floats:
    nothing = np.full(len(networks.models), np.nan)
    try:
        image = decode(path.read_bytes())
    except OSError:
        raise ConfigurationError(f"cannot read {path.name}") from None
    except ImageError:
        return nothing
    face = find_faces(detector, image).traveller
    if face is None:
        return nothing
    x, y, width, height = (float(value) for value in face.box)
    return networks.log_odds(image, (x, y, width, height))


def parse_subjects(text: str) -> frozenset[str]:
    """Names separated by commas; 0001-0004 stands for the numbers between, in as many digits. Raises ValueError."""
    names: set[str] = set()
    for part in text.split(","):
        found = RANGE.fullmatch(part)
        if found is None:
            names.add(part)
            continue
        first, last = found.groups()
        if len(first) != len(last) or int(first) > int(last):
            raise ValueError(f"{part!r} is no range of subjects")
        names |= {f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)}
    if "" in names:
        raise ValueError("a subject without a name")
    return frozenset(names)


def groups(presentations: Sequence[Presentation], frames: int) -> list[list[int]]:
    """Indices of `frames` frames that follow each other in one sequence of one presentation; what is left over is left out."""
    sequences: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for index, one in enumerate(presentations):
        sequences[one.species, one.subject, one.sequence].append(index)
    return [
        members[start : start + frames]
        for members in sequences.values()
        for start in range(0, len(members) - frames + 1, frames)
    ]
