"""A key's file and its successor beside it, so that a power cut leaves at least one that opens the device.

    lane1.scbk.part ──rename──▶ lane1.scbk.next ──device opens with it──▶ rename ──▶ lane1.scbk

Each rename is atomic and made durable before the next step. `.part` may be half a key and is never read.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from egate.errors import ConfigurationError
from hw.osdp.keys import INSTALL_KEY, KEY_BYTES

MODE = 0o600
FILE_BYTES_MAX = 256  # chosen: a key is 32 characters


class KeyFiles:
    """Of one device. Its `repr` and errors name files, never what is in them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.next_path = path.with_name(path.name + ".next")
        self._part_path = path.with_name(path.name + ".part")

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
            self._part_path.unlink(missing_ok=True)
            descriptor = os.open(self._part_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
            with os.fdopen(descriptor, "wb") as file:
                self._hand_to_owner(file.fileno())
                file.write(key.hex().encode("ascii") + b"\n")
                file.flush()
                os.fsync(file.fileno())
            self._rename(self._part_path, self.next_path)
        except OSError as error:
            raise ConfigurationError(f"{self.next_path} cannot be written: {error.strerror}") from None

    def promote(self) -> None:
        """The successor becomes the key, and the old one is gone."""
        try:
            self._rename(self.next_path, self.path)
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be replaced: {error.strerror}") from None

    def _hand_to_owner(self, descriptor: int) -> None:
        """To whom the old key belongs: the service must be able to read what root has written."""
        with contextlib.suppress(OSError):
            owner = self.path.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)

    def _rename(self, source: Path, target: Path) -> None:
        source.replace(target)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            key = bytes.fromhex(file.read(FILE_BYTES_MAX).decode("ascii").strip())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(f"{path} is not hexadecimal text") from None
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{path} does not hold {KEY_BYTES} bytes")
    return key
