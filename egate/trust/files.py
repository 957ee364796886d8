"""The directory a trust store lives in: files named by the hash of their content, and one index that says which of them count.

Written so that a crash leaves the old state or the new one, never a mixture: new files first, then the index by rename, then the
files that no index names any more are removed. A file that the index does not name is rubbish of an interrupted import.

A folder is touched only if it is a store, or empty, or holds nothing but what an interrupted first import leaves behind. Whoever may
replace the folder or its index decides whom the gate trusts: both must belong to root or to the user we run as.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from egate.errors import ConfigurationError

INDEX_FILE, LOCK_FILE = "index.json", ".lock"
CERTIFICATES, CRLS, LISTS = "certificates", "crls", "lists"  # folders; files are named by their hash
FOLDER_MODE, FILE_MODE = 0o700, 0o600
INDEX_SIZE_MAX = 64 * 1024 * 1024  # chosen: 25,000 document signers need about 8 MB
FILE_SIZE_MAX = 8 * 1024 * 1024  # of one stored certificate or list
_WRITABLE_BY_OTHERS = 0o022
_FOLDERS = (CERTIFICATES, CRLS, LISTS)
_TEMPORARY = ".new"
_OWN_NAME = re.compile(r"[0-9a-f]{64}\.(der|crl)(\.new)?")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder if need be and keeps other imports out.

    Raises ConfigurationError: TRUST_STORE_FORMAT if the folder holds other things, TRUST_STORE_BUSY, TRUST_STORE_UNWRITABLE.
    """
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        _require_store(folder)
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise ConfigurationError(f"{folder}: {error.strerror}", code="TRUST_STORE_UNWRITABLE") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(f"{folder}: another import is running", code="TRUST_STORE_BUSY") from None
        yield
    finally:
        os.close(descriptor)


def read_index(folder: Path) -> bytes | None:
    """None if there is no store yet.

    Raises ConfigurationError: TRUST_STORE_EXPOSED if others own it, may write to it or may replace it, TRUST_STORE_DAMAGED.
    """
    path = folder / INDEX_FILE
    try:
        for parent in {folder.absolute().parent, folder.resolve().parent}:
            _require_parent(parent)
        for checked in (folder, path):
            _require_own(checked)
        return _read(path, INDEX_SIZE_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{folder}: {error.strerror}", code="TRUST_STORE_DAMAGED") from None
    except RuntimeError:  # of Path.resolve, before Python 3.13
        raise ConfigurationError(f"{folder}: symbolic links lead in a circle", code="TRUST_STORE_DAMAGED") from None


def read_file(folder: Path, name: str, sha256: str) -> bytes:
    """Content of a file the index names. Raises ConfigurationError (TRUST_STORE_CHANGED) unless it has that hash."""
    try:
        data = _read(folder / name, FILE_SIZE_MAX)
    except FileNotFoundError:
        raise ConfigurationError(f"{folder / name}: missing", code="TRUST_STORE_CHANGED") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ConfigurationError(f"{folder / name}: changed since it was imported", code="TRUST_STORE_CHANGED")
    return data


def replace_state(folder: Path, files: Mapping[str, bytes], index: bytes) -> None:
    """files: name -> content of everything the new index names; those already there are not written again.

    Durable when it returns. Call it inside `locked`. Raises ConfigurationError (TRUST_STORE_UNWRITABLE), the old state is then kept.
    """
    try:
        folder.chmod(FOLDER_MODE)
        for sub in sorted({str(Path(name).parent) for name in files}):
            (folder / sub).mkdir(mode=FOLDER_MODE, exist_ok=True)
        for name, data in files.items():
            if not _holds(folder / name, data):
                _write(folder / name, data)
        for sub in sorted({str(Path(name).parent) for name in files}):
            _sync_folder(folder / sub)
        _write(folder / INDEX_FILE, index)
        _sync_folder(folder)
    except OSError as error:
        raise ConfigurationError(f"{folder}: {error.strerror}", code="TRUST_STORE_UNWRITABLE") from None
    _sweep(folder, files)


def _require_own(path: Path) -> None:
    status = path.stat()
    if status.st_uid not in (0, os.geteuid()):
        raise ConfigurationError(f"{path}: belongs to another user", code="TRUST_STORE_EXPOSED")
    if status.st_mode & _WRITABLE_BY_OTHERS:
        raise ConfigurationError(f"{path}: others may write to it", code="TRUST_STORE_EXPOSED")


def _require_parent(parent: Path) -> None:
    """Whoever may rename the store's folder may put another one there. Our own group may: it holds whom this user lets in."""
    status = parent.stat()
    others = stat.S_IWOTH | (stat.S_IWGRP if status.st_gid != os.getegid() else 0)
    if status.st_mode & others and not status.st_mode & stat.S_ISVTX:
        raise ConfigurationError(f"{parent}: others may replace what is in it", code="TRUST_STORE_EXPOSED")


def _require_store(folder: Path) -> None:
    """Raises ConfigurationError (TRUST_STORE_FORMAT) for a folder that an import would take over from something else."""
    names = {path.name for path in folder.iterdir()}
    strange = set() if INDEX_FILE in names else names - {LOCK_FILE, INDEX_FILE + _TEMPORARY, *_FOLDERS}
    for sub in names & set(_FOLDERS):
        if not stat.S_ISDIR((folder / sub).lstat().st_mode):
            strange.add(sub)
        elif INDEX_FILE not in names:
            strange |= {path.name for path in (folder / sub).iterdir() if not _OWN_NAME.fullmatch(path.name)}
    if strange:
        raise ConfigurationError(f"{folder}: no trust store, and not empty", code="TRUST_STORE_FORMAT")


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: under another name, to the disk, then renamed."""
    temporary = path.with_name(path.name + _TEMPORARY)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False


def _read(path: Path, size_max: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(size_max + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", code="TRUST_STORE_DAMAGED") from None
    if len(data) > size_max:
        raise ConfigurationError(f"{path}: too long", code="TRUST_STORE_DAMAGED")
    return data


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path, files: Mapping[str, bytes]) -> None:
    """Removes what imports left and the index does not name; a failure leaves rubbish, never a wrong state."""
    for sub in _FOLDERS:
        with suppress(OSError):
            descriptor = os.open(folder / sub, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                for name in os.listdir(descriptor):  # noqa: PTH208  a descriptor has no path
                    if _OWN_NAME.fullmatch(name) and f"{sub}/{name}" not in files:
                        os.unlink(name, dir_fd=descriptor)
            finally:
                os.close(descriptor)
