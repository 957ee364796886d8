"""The resolution that a JP2 file states (T.800, I.5.3.7): in the header box, a box "res " with "resc" (of the capture) or "resd" (to show).

resc, resd: numerator and denominator down 2 + 2, across 2 + 2, exponents down 1, across 1 (signed, of ten): pixels a metre
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

METRES_PER_INCH = 0.0254
BOX_COUNT_MAX = 16  # chosen: the standard has seven in the header
_RATIO = struct.Struct(">HHHHbb")


def read_resolution(header: bytes) -> tuple[float, float] | None:
    """Pixels per inch across and down; the capture's before the one to show it in. header: what is in the box jp2h.

    None if there is none. Malformed boxes state none: they make no pixels, and OpenJPEG passes over them.
    """
    for kind, body in _boxes(header):
        if kind == b"res ":
            found = {name: _dpi(content) for name, content in _boxes(body) if len(content) == _RATIO.size}
            return found.get(b"resc") or found.get(b"resd")
    return None


def _dpi(body: bytes) -> tuple[float, float]:
    """Infinite or NaN where a denominator is 0."""
    down, per_down, across, per_across, exponent_down, exponent_across = _RATIO.unpack(body)
    return _ratio(across, per_across, exponent_across), _ratio(down, per_down, exponent_down)


def _ratio(numerator: int, denominator: int, exponent: int) -> float:
    if denominator == 0:
        return float("inf") if numerator else float("nan")
    return numerator / denominator * 10.0**exponent * METRES_PER_INCH


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body, up to the first that is malformed."""
    offset = 0
    for _ in range(BOX_COUNT_MAX):
        length = int.from_bytes(data[offset : offset + 4], "big")
        if length < 8 or offset + length > len(data):
            return
        yield data[offset + 4 : offset + 8], data[offset + 8 : offset + length]
        offset += length
