"""LZW and PackBits of TIFF 6.0 (sections 13 and 9), byte by byte: numba, without any memory but what they are given."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

U1 = NDArray[np.uint8]

CLEAR, END, FIRST_FREE = 256, 257, 258
BITS_MIN, BITS_MAX = 9, 12
TABLE_SIZE = 1 << BITS_MAX


@njit(cache=True, error_model="numpy", nogil=True)
def unpack_lzw(data: U1, out: U1) -> int:
    """Bytes written to out, all of it where the data is right; -1 if a code is wrong or there are more bytes than out holds.

    Codes are written from the highest bit; the width grows one code early, as all writers since 1988 do.
    """
    prefix = np.zeros(TABLE_SIZE, np.int32)
    last = np.zeros(TABLE_SIZE, np.uint8)
    length = np.ones(TABLE_SIZE, np.int32)
    last[:CLEAR] = np.arange(CLEAR).astype(np.uint8)
    free, width, previous, written = FIRST_FREE, BITS_MIN, -1, 0
    buffer, held = 0, 0
    for byte in data:
        buffer = (buffer << 8 | int(byte)) & 0xFFFFF
        held += 8
        if held < width:
            continue
        held -= width
        code = (buffer >> held) & ((1 << width) - 1)
        if code == END:
            return written
        if code == CLEAR:
            free, width, previous = FIRST_FREE, BITS_MIN, -1
            continue
        if code > free or (code == free and (previous < 0 or free >= TABLE_SIZE)) or (previous < 0 and code > CLEAR):
            return -1
        known = code if code < free else previous
        size = length[known] + (1 if code == free else 0)
        if written + size > out.size:
            return -1
        at = written + length[known]
        step = known
        while at > written:
            at -= 1
            out[at] = last[step]
            step = prefix[step]
        if code == free:
            out[written + size - 1] = out[written]
        if previous >= 0 and free < TABLE_SIZE:
            prefix[free], last[free], length[free] = previous, out[written], length[previous] + 1
            free += 1
            if free == (1 << width) - 1 and width < BITS_MAX:
                width += 1
        written += size
        previous = code
    return written


@njit(cache=True, error_model="numpy", nogil=True)
def unpack_packbits(data: U1, out: U1) -> int:
    """As unpack_lzw. A byte n: below 128, n + 1 bytes follow; above, the next byte 257 - n times; 128 means nothing."""
    at, written = 0, 0
    while at < data.size and written < out.size:
        head = int(data[at])
        at += 1
        if head == 128:
            continue
        size = head + 1 if head < 128 else 257 - head
        taken = size if head < 128 else 1
        if at + taken > data.size or written + size > out.size:
            return -1
        if head < 128:
            out[written : written + size] = data[at : at + size]
        else:
            out[written : written + size] = data[at]
        at += taken
        written += size
    return written


def warm_up() -> None:
    """Compiles the kernels (or loads them from numba's cache), so that no traveller waits for them."""
    data, out = np.zeros(2, np.uint8), np.zeros(1, np.uint8)
    data.flags.writeable = False  # as what numpy makes of bytes is: another type to numba
    unpack_lzw(data, out), unpack_packbits(data, out)
