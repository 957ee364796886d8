"""BER-TLV as the logical data structure uses it (ICAO Doc 9303-10, 3.9; ISO/IEC 7816-4, 5.2.2).

Tags of one or two bytes, definite lengths of at most three bytes. Every length is held against what is really there.
"""

from __future__ import annotations

from collections.abc import Iterator

from egate.errors import DocumentError

# Chosen: portraits are 15-25 kB (Doc 9303-9), an uncompressed finger about 150 kB. Longer files are refused.
FILE_SIZE_MAX = 512 * 1024
ELEMENT_COUNT_MAX = 64  # in one template; chosen, the largest real one has about ten


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and value of each element, in order. Raises DocumentError if one is cut short, malformed, or there are too many."""
    position = 0
    for _ in range(ELEMENT_COUNT_MAX):
        if position == len(data):
            return
        tag, start, end = _header(data, position)
        yield tag, data[start:end]
        position = end
    if position != len(data):
        raise DocumentError("too many elements")


def single(data: bytes, tag: int) -> bytes:
    """The value of the one element that data must consist of. Raises DocumentError otherwise."""
    if len(data) > FILE_SIZE_MAX:
        raise DocumentError("file too long")
    found, start, end = _header(data, 0)
    if found != tag or end != len(data):
        raise DocumentError(f"not exactly one element {tag:X}")
    return data[start:end]


def first(data: bytes, tag: int) -> bytes:
    """The value of the first element with this tag. Raises DocumentError if there is none."""
    for found, value in elements(data):
        if found == tag:
            return value
    raise DocumentError(f"element {tag:X} is missing")


def element(tag: int, value: bytes) -> bytes:
    """One encoded element, with the shortest length. tag: one or two bytes."""
    size = len(value)
    if size < 0x80:
        length = bytes([size])
    else:
        octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(octets)]) + octets
    return tag.to_bytes(1 if tag < 0x100 else 2, "big") + length + value


def _header(data: bytes, position: int) -> tuple[int, int, int]:
    """Tag, start and end of the value of the element at position."""
    tag, position = _tag(data, position)
    if position >= len(data):
        raise DocumentError("element cut short")
    size = data[position]
    position += 1
    if size >= 0x80:
        count = size & 0x7F
        if not 1 <= count <= 3 or position + count > len(data):
            raise DocumentError("length malformed")
        size = int.from_bytes(data[position : position + count], "big")
        position += count
    if position + size > len(data):
        raise DocumentError("element cut short")
    return tag, position, position + size


def _tag(data: bytes, position: int) -> tuple[int, int]:
    if position >= len(data):
        raise DocumentError("element cut short")
    tag = data[position]
    if tag & 0x1F != 0x1F:
        return tag, position + 1
    if position + 1 >= len(data) or data[position + 1] & 0x80:
        raise DocumentError("tag malformed")
    return tag << 8 | data[position + 1], position + 2
