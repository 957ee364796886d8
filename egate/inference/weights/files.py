"""Writes of the models folder: whole or not at all, and one command at a time."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from egate.errors import ModelError

LOCK_FILE = ".local.lock"
FILE_MODE = 0o644  # the daemon may run as another user than the one who installs


def write_whole(path: Path, data: bytes) -> None:
    """Durable when it returns; until then, and after a crash, a reader sees the old file or the new one, whole.

    Raises ModelError MODEL_UNWRITABLE; then the old file is kept.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).chmod(FILE_MODE)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        _sync_folder(path.parent)
    except OSError as error:
        raise ModelError(f"cannot write {path.name}: {error.strerror}", code="MODEL_UNWRITABLE") from None


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keeps other commands out that change root's list of local models. Raises ModelError MODEL_BUSY, MODEL_UNWRITABLE."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise ModelError(f"cannot write to the models folder: {error.strerror}", code="MODEL_UNWRITABLE") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel releases it when the process dies
        except OSError:
            raise ModelError("another command is changing the models folder", code="MODEL_BUSY") from None
        yield
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
