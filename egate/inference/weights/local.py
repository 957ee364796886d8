"""models/local.toml: what this site added to the models, in the manifest's own format. Written by our commands only.

Sections: model (artefact "file": its bytes were brought by the user) and calibration (in the folder beside it). An id that the
manifest defines too is an error: nobody's model takes the place of another behind the journal's back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import tomli_w

from egate.errors import ModelError
from egate.inference.weights.files import write_whole
from egate.inference.weights.manifest import (
    FILE,
    FORMAT,
    CalibrationFile,
    Manifest,
    Model,
    check_references,
    parse_entries,
)
from egate.inference.weights.network import Network

LOCAL_FILE = "local.toml"
LOCAL_SECTIONS = ("model", "calibration")
LOCAL_BYTES_MAX = 1_000_000  # chosen: a thousand models; a larger file was not written by us
SUFFIX = ".onnx"  # of every installed file: none can be a calibration or a card
SAMPLES_FOLDER = "samples"  # of the store; no model's
HEAD = "# Models and calibrations of this site. Written by `egate models add` and `egate calibrate`; not meant to be edited.\n"

EMPTY = Manifest((), {}, {}, {}, {})


def read_local(path: Path) -> Manifest:
    """The local entries; none if there is no file. Raises ModelError MODEL_MANIFEST if it is malformed."""
    try:
        with path.open("rb") as file:
            text = file.read(LOCAL_BYTES_MAX + 1)
    except FileNotFoundError:
        return EMPTY
    except OSError as error:
        raise ModelError(f"cannot read {path.name}: {error.strerror}", code="MODEL_MANIFEST") from None
    return parse_local(text, path.name)


def parse_local(text: bytes, name: str) -> Manifest:
    """The entries of local.toml, or of an entry that a user wrote for it. Raises ModelError MODEL_MANIFEST naming `name`."""
    if len(text) > LOCAL_BYTES_MAX:
        raise _bad(name, "is too long")
    try:
        local = parse_entries(text, LOCAL_SECTIONS)
    except ModelError as error:
        raise ModelError(f"{name}: {error}", code=error.code) from None
    for model in local.models.values():
        if model.artefact != FILE:
            raise _bad(name, f"artefact of {model.id} must be {FILE!r}")
        if not model.file.endswith(SUFFIX):
            raise _bad(name, f"file of {model.id} must end in {SUFFIX}")
        if model.id == SAMPLES_FOLDER:
            raise _bad(name, f"{model.id!r} cannot be a model's id")
    return local


def merged(shipped: Manifest, local: Manifest) -> Manifest:
    """Both together. Raises ModelError MODEL_MANIFEST if an id is in both, or a local engine names an unknown model."""
    for ours, theirs in ((shipped.models, local.models), (shipped.calibrations, local.calibrations)):
        if twice := sorted(set(ours) & set(theirs)):
            raise _bad(LOCAL_FILE, f"id {twice[0]!r} is already in the manifest")
    whole = replace(
        shipped,
        models={**shipped.models, **local.models},
        calibrations={**shipped.calibrations, **local.calibrations},
    )
    check_references(whole)
    return whole


def write_local(root: Path, local: Manifest) -> None:
    """Replaces root's local.toml, whole or not at all. Call it inside `locked`. Raises ModelError MODEL_UNWRITABLE."""
    text = format_local(local)
    if parse_local(text, LOCAL_FILE) != local:
        raise AssertionError("local.toml would not read back as written")
    write_whole(root / LOCAL_FILE, text)


def format_local(local: Manifest) -> bytes:
    """TOML that parse_local reads back to the same entries."""
    table: dict[str, Any] = {"format": FORMAT}
    if local.models:
        table["model"] = [_model_row(model) for model in local.models.values()]
    if local.calibrations:
        table["calibration"] = [_calibration_row(item) for item in local.calibrations.values()]
    return (HEAD + tomli_w.dumps(table)).encode()


def _model_row(model: Model) -> Mapping[str, object]:
    row = asdict(model)
    del row["network"]
    return row if model.network is None else row | {"network": _network_row(model.network)}


def _network_row(network: Network) -> Mapping[str, object]:
    """Only what differs from the defaults: an entry reads as its author wrote it."""
    return {
        field.name: _plain(getattr(network, field.name))
        for field in fields(network)
        if getattr(network, field.name) != field.default
    }


def _calibration_row(item: CalibrationFile) -> Mapping[str, object]:
    return {"id": item.id, "models": list(item.models), "sha256": item.sha256}


def _plain(value: object) -> object:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _bad(name: str, what: str) -> ModelError:
    return ModelError(f"{name}: {what}", code="MODEL_MANIFEST")
