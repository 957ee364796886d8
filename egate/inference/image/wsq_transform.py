"""The subbands of a WSQ image and their inverse wavelet transform (IAFIS-IC-0110, version 3.1, annexes A and B).

A region splits into four: low and high in x, low and high in y. Of an odd length the low half is the longer. A half that is second
splits in turned order, high first, so that subbands lie by their true frequency. Five levels, uneven:

    root (1, quad, quad, leaf)     1 (14, 4, 5, leaf)     4, 5 (four quads)     14 (15, three quads)     15 (quad, three leaves)

Read depth first this is the order of the 64 subbands, of which the last leaf stands for four that are never transmitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

F4 = NDArray[np.float32]
Region = tuple[int, int, int, int]  # x, y, width, height

_LEAF: tuple[Any, ...] = ()
_QUAD = (_LEAF,) * 4
_FOUR_QUADS = (_QUAD,) * 4
_PLAN = (
    (((_QUAD, _LEAF, _LEAF, _LEAF), _QUAD, _QUAD, _QUAD), _FOUR_QUADS, _FOUR_QUADS, _LEAF),
    _QUAD,
    _QUAD,
    _LEAF,
)


@lru_cache(maxsize=16)
def band_regions(width: int, height: int) -> tuple[Region, ...]:
    """Where each subband lies in the array of coefficients, in the order of transmission; 61 of them."""
    return tuple(_leaves(_PLAN, (0, 0, width, height), False, False))


def synthesise(coefficients: F4, lowpass: F4, highpass: F4) -> F4:
    """(h, w) coefficients by band_regions -> (h, w) samples. lowpass, highpass: synthesis filters of odd length.

    Works in place. Sides: at least 64.
    """
    height, width = coefficients.shape
    _join(coefficients, _PLAN, (0, 0, width, height), False, False, (lowpass, highpass))
    return coefficients


def _parts(region: Region, turned_x: bool, turned_y: bool) -> tuple[Region, Region, Region, Region]:
    x, y, width, height = region
    first_x, first_y = _first(width, turned_x), _first(height, turned_y)
    rest_x, rest_y = width - first_x, height - first_y
    return (
        (x, y, first_x, first_y),
        (x + first_x, y, rest_x, first_y),
        (x, y + first_y, first_x, rest_y),
        (x + first_x, y + first_y, rest_x, rest_y),
    )


def _first(length: int, turned: bool) -> int:
    return length // 2 if turned else (length + 1) // 2


def _leaves(plan: tuple[Any, ...], region: Region, turned_x: bool, turned_y: bool) -> Iterator[Region]:
    if not plan:
        yield region
        return
    for index, (part, inner) in enumerate(zip(_parts(region, turned_x, turned_y), plan, strict=True)):
        yield from _leaves(inner, part, index in (1, 3), index in (2, 3))


def _join(
    image: F4, plan: tuple[Any, ...], region: Region, turned_x: bool, turned_y: bool, filters: tuple[F4, F4]
) -> None:
    if not plan:
        return
    for index, (part, inner) in enumerate(zip(_parts(region, turned_x, turned_y), plan, strict=True)):
        _join(image, inner, part, index in (1, 3), index in (2, 3), filters)
    x, y, width, height = region
    view = image[y : y + height, x : x + width]
    view[:] = _merge(view, turned_y, filters)
    view[:] = _merge(np.ascontiguousarray(view.T), turned_x, filters).T


def _merge(halves: F4, turned: bool, filters: tuple[F4, F4]) -> F4:
    """(n, m) low and high half along the first axis -> (n, m) samples, with whole-sample symmetry at the ends."""
    length = halves.shape[0]
    mixed = np.empty_like(halves)
    low_count = (length + 1) // 2
    low, high = (
        (halves[length - low_count :], halves[: length - low_count])
        if turned
        else (halves[:low_count], halves[low_count:])
    )
    mixed[0::2], mixed[1::2] = low, high
    reach = max(filter.size for filter in filters) // 2
    padded = np.pad(mixed, ((reach, reach), (0, 0)), mode="reflect")
    out = np.zeros_like(halves)
    for parity in (0, 1):
        target = out[parity::2]
        for shift in range(-reach, reach + 1):
            weights = filters[(parity + shift) % 2]  # low at even places, high at odd ones
            if abs(shift) <= weights.size // 2:
                start = reach + parity + shift
                target += weights[weights.size // 2 + shift] * padded[start : start + length - parity : 2]
    return out
