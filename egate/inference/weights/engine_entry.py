"""An engine's entry and its calibration, put where the store will look for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from egate.errors import ModelError
from egate.inference.weights.files import locked, write_whole
from egate.inference.weights.local import SAMPLES_FOLDER, write_local
from egate.inference.weights.manifest import NAME, NOT_CALIBRATED, CalibrationFile
from egate.inference.weights.store import CALIBRATION_FILE, ModelStore


def engine_entry(store: ModelStore, id: str, models: Sequence[str]) -> CalibrationFile:
    """The entry of the engine `id`: the one that there is, else a new one, not calibrated yet. models may be empty if there is one.

    Raises ModelError MODEL_MANIFEST if id is no plain name, a model is unknown, or the engine has other models.
    """
    if not NAME.fullmatch(id) or id == SAMPLES_FOLDER:
        raise _bad(f"{id!r} cannot be an engine's id")
    known = store.manifest.calibrations.get(id)
    if known is None and not models:
        raise _bad(f"there is no engine {id!r}: name its models")
    if known is not None and models and tuple(models) != known.models:
        raise _bad(f"the engine {id!r} has the models {', '.join(known.models)}: choose another id for others")
    entry = known or CalibrationFile(id, tuple(models), NOT_CALIBRATED)
    for model in entry.models:
        if model not in store.manifest.models:
            raise _bad(f"no model {model!r} in the manifest")
    if len(set(entry.models)) != len(entry.models):
        raise _bad("a model is named twice")
    return entry


def put_calibration(store: ModelStore, entry: CalibrationFile, text: str) -> CalibrationFile:
    """Writes root/<id>/calibration.csv and returns the entry with its hash, which is in local.toml from now on.

    Where the manifest ships an entry of that id, the file alone is written: the hash belongs into the manifest. The file
    comes first: a crash between leaves a new engine uncalibrated, and one that was calibrated refused by its hash until this is repeated.
    Raises ModelError MODEL_MANIFEST if another command has defined that engine meanwhile, MODEL_BUSY, MODEL_UNWRITABLE.
    """
    data = text.encode()
    calibrated = replace(entry, sha256=hashlib.sha256(data).hexdigest())
    with locked(store.root):
        now = ModelStore(store.root)
        engine_entry(now, entry.id, entry.models)
        write_whole(store.root / entry.id / CALIBRATION_FILE, data)
        if not is_shipped(now, entry.id):
            local = now.local
            write_local(store.root, replace(local, calibrations={**local.calibrations, entry.id: calibrated}))
    return calibrated


def is_shipped(store: ModelStore, id: str) -> bool:
    """True if the manifest itself, not local.toml, defines this engine."""
    return id in store.manifest.calibrations and id not in store.local.calibrations


def _bad(what: str) -> ModelError:
    return ModelError(what, code="MODEL_MANIFEST")
