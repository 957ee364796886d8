"""BER-TLV as the logical data structure uses it (ICAO Doc 9303-10, 3.9; ISO/IEC 7816-4, 5.2.2).

Tags of one to three bytes, definite lengths of at most three bytes. Every length is held against what is really there. Nothing here
descends by itself: the depth of a file is the number of calls its parser makes.
"""

from __future__ import annotations

from collections.abc import Iterator

from egate.errors import DocumentError

# Chosen: portraits are 15-25 kB (Doc 9303-9), an uncompressed finger about 150 kB. Longer files are refused.
FILE_SIZE_MAX = 512 * 1024
ELEMENT_COUNT_MAX = 64  # in one template; chosen, the largest real one has about twenty
# Known deviation: Belgian passports carry an undocumented tag 5F85 of two bytes, although its last bit announces a third
# (RfidResearchGroup/proxmark3, pull request 1125).
_TWO_BYTE_DEVIATION = 0x5F85


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
        raise DocumentError("too many elements", code="TLV_TOO_MANY")


def single(data: bytes, tag: int) -> bytes:
    """The value of the one element that data must consist of. Raises DocumentError otherwise."""
    if len(data) > FILE_SIZE_MAX:
        raise DocumentError("file too long", code="FILE_TOO_LONG")
    found, start, end = _header(data, 0)
    if found != tag or end != len(data):
        raise DocumentError(f"not exactly one element {tag:X}", code="TLV_UNEXPECTED")
    return data[start:end]


def first(data: bytes, *tags: int) -> bytes:
    """The value of the first element with the first tag, in it the first with the second, and so on.

    Raises DocumentError if one is missing or anything beside them is malformed.
    """
    for tag in tags:
        data = _first(data, tag)
    return data


def unique(data: bytes) -> dict[int, bytes]:
    """Values by tag. Raises DocumentError if a tag comes twice: two readers would take different ones."""
    found: dict[int, bytes] = {}
    for tag, value in elements(data):
        if tag in found:
            raise DocumentError(f"element {tag:X} comes twice", code="TLV_TWICE")
        found[tag] = value
    return found


def tags(data: bytes) -> tuple[int, ...]:
    """The tags of a tag list (5C), at most ELEMENT_COUNT_MAX. Raises DocumentError if one is malformed."""
    found: list[int] = []
    position = 0
    while position < len(data):
        if len(found) == ELEMENT_COUNT_MAX:
            raise DocumentError("too many tags", code="TLV_TOO_MANY")
        tag, position = _tag(data, position)
        found.append(tag)
    return tuple(found)


def element(tag: int, value: bytes) -> bytes:
    """One encoded element, with the shortest length. tag: one to three bytes, as in a file."""
    size = len(value)
    if size < 0x80:
        length = bytes([size])
    else:
        octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(octets)]) + octets
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length + value


def _first(data: bytes, tag: int) -> bytes:
    for found, value in elements(data):
        if found == tag:
            return value
    raise DocumentError(f"element {tag:X} is missing", code="TLV_MISSING")


def _header(data: bytes, position: int) -> tuple[int, int, int]:
    """Tag, start and end of the value of the element at position."""
    tag, position = _tag(data, position)
    if position >= len(data):
        raise _cut_short()
    size = data[position]
    position += 1
    if size >= 0x80:
        count = size & 0x7F  # 0 would be the indefinite form, which 7816-4 does not have
        if not 1 <= count <= 3 or position + count > len(data):
            raise DocumentError("length malformed", code="TLV_LENGTH")
        size = int.from_bytes(data[position : position + count], "big")
        position += count
    if position + size > len(data):
        raise _cut_short()
    return tag, position, position + size


def _tag(data: bytes, position: int) -> tuple[int, int]:
    """The tag at position, and where it ends. 7816-4, 5.2.2.1: one to three bytes."""
    if position >= len(data):
        raise _cut_short()
    end = position + 1
    if data[position] & 0x1F == 0x1F:
        if data[end : end + 1] == b"\x80":
            raise DocumentError("tag malformed", code="TLV_TAG")
        if int.from_bytes(data[position : position + 2], "big") == _TWO_BYTE_DEVIATION:
            return _TWO_BYTE_DEVIATION, position + 2
        while end < len(data) and data[end] & 0x80 and end - position < 3:
            end += 1
        end += 1
        if end - position > 3 or end > len(data):
            raise DocumentError("tag malformed", code="TLV_TAG")
    return int.from_bytes(data[position:end], "big"), end


def _cut_short() -> DocumentError:
    return DocumentError("element cut short", code="TLV_CUT_SHORT")
