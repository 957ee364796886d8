"""Files that a command is told to read: regular ones, and never more of them than it needs."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from egate.errors import ImageError

IMAGE_SIZE_MAX = 64 * 1024 * 1024  # bytes; chosen: above the 60 MB that as many pixels as are decoded have raw


def read_regular(path: Path, size_max: int) -> bytes:
    """At most one byte more than size_max, so that a longer file shows.

    Raises OSError, also for a pipe or a device, which may never end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer would block here
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(size_max + 1)
    finally:
        os.close(descriptor)


def read_image(path: Path) -> bytes:
    """Raises ImageError: IMAGE_FILE if it cannot be read, IMAGE_SIZE."""
    try:
        content = read_regular(path, IMAGE_SIZE_MAX)
    except OSError as error:
        raise ImageError(f"cannot read {path.name}: {error.strerror}", code="IMAGE_FILE") from None
    if len(content) > IMAGE_SIZE_MAX:
        raise ImageError(f"{path.name} is too long", code="IMAGE_SIZE")
    return content
