"""Goal: `egate models` says what is there, what the user must bring, and refuses to fetch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from egate.cli import main
from egate.commands.models import MODEL_BYTES_MAX
from egate.inference.weights.store import ModelStore
from tests.inference.toy_networks import embedding, entry, sha256

GOOD = embedding().SerializeToString()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder whose manifest knows one model, which the user brings; and the width that the tables need."""
    monkeypatch.setenv("COLUMNS", "200")
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "manifest.toml").write_text(entry(GOOD, id="shipped"), encoding="utf-8")
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "toy.onnx"
    path.write_bytes(GOOD)
    return path


def egate(root: Path, *words: str | Path) -> int:
    return main(["models", *map(str, words), "--models", str(root)])


def test_what_the_user_may_bring_is_listed_and_missed_by_nobody(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert egate(root, "install") == egate(root, "verify") == egate(root, "list") == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "shipped" in line and "toy.onnx" in line]
    assert "no: egate models add" in row and "none yet" in row


def test_brought_model_is_listed_and_verified(root: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert egate(root, "add", file, "--sha256", sha256(GOOD)) == 0
    assert "egate calibrate" in capsys.readouterr().out
    assert egate(root, "verify") == egate(root, "list") == 0
    assert "egate models add" not in capsys.readouterr().out
    store = ModelStore(root)
    store.place(store.manifest.models["shipped"]).write_bytes(GOOD[:-1])
    assert egate(root, "verify") == 1 and egate(root, "install") == 0
    assert egate(root, "list") == 0
    assert "damaged: egate models add" in capsys.readouterr().out


def test_model_of_the_users_own_entry_is_local(
    root: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = embedding(seed=2).SerializeToString()
    file.write_bytes(other)
    (tmp_path / "entry.toml").write_text(entry(other, id="mine"))
    words: list[str | Path] = ["add", file, "--sha256", sha256(other), "--entry", tmp_path / "entry.toml"]
    assert egate(root, *words) == egate(root, *words) == 0
    with (root / "local.toml").open("a") as local:
        local.write('\n[[calibration]]\nid = "own"\nmodels = ["mine"]\nsha256 = ""\n')
    assert egate(root, "verify") == egate(root, "list") == 0
    rows = capsys.readouterr().out.splitlines()
    assert any("mine" in row and "local: toy.onnx" in row and "yes" in row for row in rows)
    assert any("own" in row and "local" in row and "no: egate calibrate" in row for row in rows)


@pytest.mark.parametrize(
    "name",
    [
        "https://example.com/toy.onnx",
        "HTTP://example.com/x",
        "file:///tmp/toy.onnx",
        "file:toy.onnx",
        "s3:x",
        "//host/x",
    ],
)
def test_nothing_is_fetched(root: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert egate(root, "add", name, "--sha256", sha256(GOOD)) == 1
    assert capsys.readouterr().err == "egate: MODEL_FILE: FILE is a local file: nothing is fetched\n"


def test_files_that_cannot_be_read_are_named_errors(
    root: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    huge, pipe = tmp_path / "huge.onnx", tmp_path / "pipe"
    with huge.open("wb") as sparse:
        sparse.truncate(3_000_000_000)
    os.mkfifo(pipe)
    assert huge.stat().st_size > MODEL_BYTES_MAX
    for wrong in (huge, pipe, tmp_path, tmp_path / "absent"):
        assert egate(root, "add", wrong, "--sha256", sha256(GOOD)) == 1
        assert capsys.readouterr().err.startswith("egate: MODEL_FILE: ")
        assert egate(root, "add", file, "--sha256", sha256(GOOD), "--entry", wrong) == 1
        assert capsys.readouterr().err.startswith("egate: MODEL_MANIFEST: ")
    assert {path.name for path in root.iterdir()} == {"manifest.toml"}


def test_without_a_hash_nothing_is_added(root: Path, file: Path) -> None:
    with pytest.raises(SystemExit):
        egate(root, "add", file)
