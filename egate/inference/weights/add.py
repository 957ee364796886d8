"""Takes in a model that the user brings as a file: hashed, converted, tried, then put in place. Nothing is fetched.

Until every check has passed nothing is written. Then the file comes first and the entry in local.toml second, each whole: after a
crash the model is there or it is not, and doing it again does the rest.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from egate.errors import ModelError
from egate.inference.weights.convert import CONVERSIONS
from egate.inference.weights.files import locked, write_whole
from egate.inference.weights.local import parse_local, write_local
from egate.inference.weights.manifest import FILE, SHA256, Model
from egate.inference.weights.onnx_trial import try_network
from egate.inference.weights.store import ModelStore

ONNX_CONVERSIONS = "onnx-"  # start of the names of those that read ONNX: the file is checked before they see it


def read_entry(text: bytes, name: str) -> Model:
    """The one model of an entry file. Raises ModelError MODEL_MANIFEST if there is another number, or anything else in it."""
    found = parse_local(text, name)
    if len(found.models) != 1 or found.calibrations:
        raise ModelError(f"{name}: an entry holds one [[model]] and nothing else", code="MODEL_MANIFEST")
    return next(iter(found.models.values()))


def add_model(store: ModelStore, data: bytes, sha256: str, entry: Model | None = None) -> Model:
    """Installs these bytes below store's root as the model of `entry`; without one, as the model that names them. Idempotent.

    Raises ModelError: MODEL_HASH if data, or what its conversion makes of it, has another hash; MODEL_MANIFEST if there is no
    entry for it or the entry does not fit; MODEL_FILE, MODEL_UNSAFE; MODEL_BUSY, MODEL_UNWRITABLE.
    """
    if not SHA256.fullmatch(sha256):
        raise ModelError("--sha256 is not a SHA-256 in lower-case hex", code="MODEL_HASH")
    _verify(data, sha256, "the file")
    model = _entry_for(store, sha256, entry)
    content = _content(data, model)
    try_network(content, model)
    with locked(store.root):
        _put(ModelStore(store.root), model, content)  # as it is now that nobody else changes it
    return model


def _entry_for(store: ModelStore, sha256: str, entry: Model | None) -> Model:
    known = store.manifest.models
    if entry is None:
        named = [model for model in known.values() if model.artefact == FILE and model.member_sha256 == sha256]
        if len(named) != 1:
            count = "no model" if not named else f"{len(named)} models"
            raise ModelError(
                f"{count} of the manifest is this file: say with --entry what it is", code="MODEL_MANIFEST"
            )
        return named[0]
    if entry.member_sha256 != sha256:
        raise ModelError(f"the entry of {entry.id} names another member_sha256", code="MODEL_HASH")
    if known.get(entry.id, entry) != entry:
        raise ModelError(f"there is another model {entry.id!r} already: choose another id", code="MODEL_MANIFEST")
    return entry


def _content(data: bytes, model: Model) -> bytes:
    """What is installed for this model, with the hash that its entry states."""
    convert = CONVERSIONS.get(model.conversion)
    if convert is None:
        raise ModelError(f"model {model.id}: unknown conversion {model.conversion!r}", code="MODEL_MANIFEST")
    if model.conversion.startswith(ONNX_CONVERSIONS):
        try_network(data, None)
    try:
        content = convert(data)
    except ModelError as error:
        raise ModelError(str(error), code="MODEL_FILE") from None
    except (
        ArithmeticError,
        LookupError,
        TypeError,
        ValueError,
    ):  # a network of another form than the conversion is for
        raise ModelError(f"the file is none that {model.conversion!r} converts", code="MODEL_FILE") from None
    _verify(content, model.sha256, f"the converted {model.id}")
    return content


def _put(store: ModelStore, model: Model, content: bytes) -> None:
    if store.manifest.models.get(model.id, model) != model:
        raise ModelError(f"there is another model {model.id!r} already: choose another id", code="MODEL_MANIFEST")
    place = store.place(model)
    if not place.is_file() or place.read_bytes() != content:
        write_whole(place, content)
    if model.id not in store.manifest.models:
        write_local(store.root, replace(store.local, models={**store.local.models, model.id: model}))


def _verify(data: bytes, sha256: str, what: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelError(f"{what} has the SHA-256 {found}, not {sha256}", code="MODEL_HASH")
