"""What must hold: a file that a command is told to read ends, whatever it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from egate.cli import main
from egate.commands.input_file import read_image, read_regular
from egate.errors import ImageError


def test_no_more_than_needed_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"123456789")
    assert read_regular(path, 4) == b"12345"
    assert read_regular(path, 9) == b"123456789"


@pytest.mark.parametrize("kind", ["fifo", "folder", "absent", "loop", "long"])
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "long":
        path = tmp_path / ("x" * 300)
    with pytest.raises(OSError) as caught:
        read_regular(path, 9)
    assert caught.value.strerror


def test_image_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("egate.commands.input_file.IMAGE_SIZE_MAX", 3)
    (tmp_path / "image").write_bytes(b"1234")
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / "image")
    assert caught.value.code == "IMAGE_SIZE"


@pytest.mark.parametrize("path", ["/dev/zero", "fifo"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["document", "mrz", "{}"], "IMAGE_FILE"),
        (["document", "seal", "{}", "--trust", "x"], "CONFIGURATION"),
        (["document", "verify", "--lds", "lds", "--trust", "x"], "CONFIGURATION"),
        pytest.param(["verify", "finger", "{}", "{}"], "IMAGE_FILE", marks=pytest.mark.models),
    ],
)
def test_endless_files_end_in_a_named_error(
    words: list[str],
    code: str,
    path: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    Path("lds").mkdir()
    Path("lds", "EF_DG1.bin").symlink_to(path if path.startswith("/") else f"../{path}")
    assert main([*(word.format(path) for word in words), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == code
