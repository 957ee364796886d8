"""How the process gives memory back. glibc only; elsewhere nothing happens."""

from __future__ import annotations

import contextlib
import ctypes

# malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
BLOCK_SIZE = 1 << 20  # measured: sixteen rounds of refused 20 MB requests leave 34 instead of 66 MiB


def return_large_blocks() -> None:
    """Blocks of a MiB and more come from the system and go back to it when they are freed.

    Left alone glibc raises that limit to whatever was freed last, up to 32 MiB: then one refused request of 20 MB makes every
    later image live between other blocks of the heap, which never shrinks again.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, BLOCK_SIZE)
        libc.mallopt(_M_TRIM_THRESHOLD, BLOCK_SIZE)
