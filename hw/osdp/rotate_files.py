"""A key's file and its successor beside it, so that a power cut leaves at least one that opens the device.

    lane1.scbk.part ──rename──▶ lane1.scbk.next ──device opens with it──▶ rename ──▶ lane1.scbk

Each rename is atomic and made durable before the next step. `.part` may be half a key and is never read.
One file is the key of one device: whatever other device's URL names it, too, does not open with it after a rotation.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from egate.errors import ConfigurationError
from hw.osdp.keys import INSTALL_KEY, KEY_BYTES
from hw.regular_file import read_regular

MODE = 0o600
MODE_KEPT = stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IWGRP  # of the old file's; a key is for nobody else
FILE_BYTES_MAX = 256  # chosen: a key is 32 characters


class KeyFiles:
    """Of one device. Its `repr` and errors name files, never what is in them. A symlink stays: the file it leads to is replaced."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError."""
        try:
            self.path = path.resolve()
        except (OSError, RuntimeError):  # the latter until Python 3.13, of a loop
            raise ConfigurationError(f"{path} leads nowhere") from None
        self.next_path = self.path.with_name(self.path.name + ".next")
        self._part_path = self.path.with_name(self.path.name + ".part")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """For one rotation at a time: holds the folder, as the file itself is replaced. Raises ConfigurationError if another one does."""
        try:
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ConfigurationError(f"{self.path.parent} cannot be opened: {error.strerror}") from None
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ConfigurationError(f"another rotation is at work in {self.path.parent}; run it again") from None
            yield
        finally:
            os.close(folder)

    def current(self) -> bytes:
        """Raises ConfigurationError if there is none, or it is the install key."""
        key = _read(self.path)
        if key is None:
            raise ConfigurationError(f"{self.path} does not exist; does the device still have the install key?")
        if key == INSTALL_KEY:
            raise ConfigurationError(f"{self.path} holds the public install key; rotate from the install key")
        return key

    def successor(self) -> bytes | None:
        """What an earlier rotation has written and not finished with."""
        return _read(self.next_path)

    def write_successor(self, key: bytes) -> None:
        """When it returns, the key outlasts a power cut."""
        try:
            self._write(key, self.next_path)
        except OSError as error:
            raise ConfigurationError(f"{self.next_path} cannot be written: {error.strerror}") from None

    def promote(self, key: bytes) -> None:
        """key, the successor with which the device was seen to open, becomes its key, and the old one is gone.

        Raises ConfigurationError, also if the successor is another one by now: that is left where it is.
        """
        try:
            if _read(self.next_path) == key:
                self._rename(self.next_path, self.path)
                return
            self._write(key, self.path)
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be replaced: {error.strerror}") from None
        raise ConfigurationError(f"somebody else changed {self.next_path}; the device opens with {self.path}")

    def _write(self, key: bytes, target: Path) -> None:
        self._part_path.unlink(missing_ok=True)
        descriptor = os.open(self._part_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        with os.fdopen(descriptor, "wb") as file:
            self._hand_to_owner(file.fileno())
            file.write(key.hex().encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._rename(self._part_path, target)

    def _hand_to_owner(self, descriptor: int) -> None:
        """To whom the old key belongs, with its rights: the service must be able to read what root has written. Raises OSError."""
        try:
            old = self.path.stat()
        except FileNotFoundError:
            return
        new = os.fstat(descriptor)
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.fchown(descriptor, old.st_uid, old.st_gid)
        if not old.st_mode & stat.S_IRWXO:  # else its rights were not chosen for a key
            os.fchmod(descriptor, old.st_mode & MODE_KEPT)

    def _rename(self, source: Path, target: Path) -> None:
        source.replace(target)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _read(path: Path) -> bytes | None:
    try:
        key = bytes.fromhex(read_regular(path, FILE_BYTES_MAX)[0].decode("ascii").strip())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(f"{path} is not hexadecimal text") from None
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{path} does not hold {KEY_BYTES} bytes")
    return key
