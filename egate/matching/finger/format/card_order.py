"""The order a card wants its minutiae in (ISO/IEC 19794-2:2005, 8.3: biometric matching algorithm parameters, tag 82).

A card that compares has no time to sort. Direction and key are separate bits: 1 ascending, 2 descending; 4 x then y, 8 y then x,
12 angle, 16 distance from the root (codes and ties as NIST's BiomDI, isobit.h and fmrsort.c). Sorted are the numbers on the card,
not those they were rounded from.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from egate.matching.finger.format.grid import Rows


class MinutiaOrder(IntEnum):
    """Codes of the standard; every other byte is reserved, 0x20 (coordinates beyond 8 bits) is not supported."""

    NONE = 0x00
    XY_ASCENDING = 0x05
    XY_DESCENDING = 0x06
    YX_ASCENDING = 0x09
    YX_DESCENDING = 0x0A
    ANGLE_ASCENDING = 0x0D
    ANGLE_DESCENDING = 0x0E
    POLAR_ASCENDING = 0x11
    POLAR_DESCENDING = 0x12


_DESCENDING = 0x02
_KEY = 0x1C


def arrange(rows: Rows, order: MinutiaOrder) -> Rows:
    """The rows in this order; NONE leaves them as they are."""
    if order is MinutiaOrder.NONE:
        return rows
    ascending = np.lexsort(_keys(rows, order))
    return rows.at(ascending[::-1] if order & _DESCENDING else ascending)


def _keys(rows: Rows, order: MinutiaOrder) -> tuple[NDArray[np.int64], ...]:
    """Sort keys, the main one last."""
    match order & _KEY:
        case 0x04:
            return rows.y, rows.x
        case 0x08:
            return rows.x, rows.y
        case 0x0C:
            return (rows.angle,)
        case _:
            return rows.angle, root_distance(rows)


def root_distance(rows: Rows) -> NDArray[np.int64]:
    """(n,) squared distance from the root: the centre of mass of all minutiae, in whole steps."""
    count = max(len(rows.x), 1)
    across, down = rows.x - int(rows.x.sum()) // count, rows.y - int(rows.y.sum()) // count
    return across * across + down * down
