"""Where the figures of an accuracy report come from: host, versions, commit, weights, data set. No path, no host name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy
import onnxruntime

from egate.commands.bench.measurement import commit, host
from egate.inference.weights.store import ModelStore


def provenance(store: ModelStore, engine: str, models: Sequence[str], command: str) -> dict[str, object]:
    """engine: id of the manifest; models: those it runs."""
    return {
        "engine": engine,
        "weights": {name: store.manifest.models[name].sha256 for name in models},
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "host": host(),
        "versions": {
            "numpy": numpy.__version__,
            "onnxruntime": onnxruntime.__version__,
            "opencv": cv2.__version__,
        },
    }


def file_json(path: Path) -> dict[str, str]:
    """Which list of comparisons it was: name and hash."""
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
