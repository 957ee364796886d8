"""Which way up a picture is: the orientation in its EXIF data (CIPA DC-008, 4.6.5.1.1; TIFF 6.0, section 2).

byte order "II*\\0" or "MM\\0*"   offset of the directory 4   (at it: count 2, then entries: tag 2, type 2, count 4, value 4)
"""

from __future__ import annotations

import numpy as np

from egate.domain.biometric import Image

_ORDERS = {b"II*\x00": "little", b"MM\x00*": "big"}
_TAG, _SHORT = 0x0112, 3
_ENTRY_SIZE, _ENTRIES_MAX = 12, 256  # chosen: cameras write about twenty
UPRIGHT = 1


def read_orientation(tiff: bytes) -> int:
    """1 to 8; 1 where the data says none or is malformed: viewers show such a picture as it is stored."""
    order = _ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT

    def number(offset: int, size: int) -> int:
        return int.from_bytes(tiff[offset : offset + size], "little" if order == "little" else "big")

    directory = number(4, 4)
    for index in range(min(number(directory, 2), _ENTRIES_MAX)):
        entry = directory + 2 + index * _ENTRY_SIZE
        if entry + _ENTRY_SIZE > len(tiff):
            break
        if number(entry, 2) == _TAG and number(entry + 2, 2) == _SHORT and number(entry + 4, 4) == 1:
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else UPRIGHT
    return UPRIGHT


def upright(pixels: Image, orientation: int) -> Image:
    """The picture as it is meant to be seen; pixels (h, w) or (h, w, 3), C-contiguous. orientation: 1 to 8.

    Orientation says where the stored first row and first column belong: 3 bottom and right, 6 right and top, 8 left and bottom.
    """
    if orientation == UPRIGHT:
        return pixels
    if orientation >= 5:  # first row is a side
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
