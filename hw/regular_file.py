"""Reads a small file that a setting names. What is no regular file would hang whoever opens or reads it: a FIFO, a terminal."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class NotRegular(OSError):
    """It is a folder, a FIFO or a device, or larger than allowed; strerror says which."""


def read_regular(path: Path, size_max: int) -> tuple[bytes, os.stat_result]:
    """All of its bytes, at most size_max, and its status. Waits for no writer. Raises OSError, of that NotRegular."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotRegular(0, "not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(size_max + 1)
    finally:
        os.close(descriptor)
    if len(data) > size_max:
        raise NotRegular(0, f"more than {size_max} bytes")
    return data, status
