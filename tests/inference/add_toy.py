"""A models folder that ships nothing, and toy models brought into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from egate.errors import ModelError
from egate.inference.weights.add import add_model, read_entry
from egate.inference.weights.store import ModelStore
from tests.inference.toy_networks import embedding, entry, sha256

GOOD = embedding().SerializeToString()


def empty_store(tmp_path: Path) -> ModelStore:
    """A models folder whose manifest ships nothing."""
    root = tmp_path / "models"
    root.mkdir()
    (root / "manifest.toml").write_text("format = 1\n", encoding="utf-8")
    return ModelStore(root)


def add(store: ModelStore, data: bytes, text: str | None = None) -> None:
    wanted = entry(data) if text is None else text
    add_model(store, data, sha256(data), read_entry(wanted.encode(), "entry.toml"))


def files_of(store: ModelStore) -> dict[str, bytes]:
    """Everything below root but the lock, whose content says nothing."""
    paths = [path for path in store.root.rglob("*") if path.is_file() and path.name != ".local.lock"]
    return {path.relative_to(store.root).as_posix(): path.read_bytes() for path in paths}


def refused(store: ModelStore, data: bytes, text: str | None = None) -> str:
    """The code of the refusal. Nothing was written."""
    before = files_of(store)
    with pytest.raises(ModelError) as caught:
        add(store, data, text)
    assert files_of(store) == before
    return caught.value.code
