"""BER-TLV data objects in APDUs (ISO/IEC 7816-4, 6.3): one- and two-byte tags, at most three length bytes, a handful of objects.

Lengths that are longer than needed are read, as chips write them; none is written.
"""

from __future__ import annotations

COUNT_MAX = 8  # in one template; chosen, the protocols use at most four
_LENGTH_COUNT_MAX = 3


def encode(tag: int, value: bytes) -> bytes:
    """tag: one or two bytes."""
    head = bytes([tag]) if tag < 0x100 else tag.to_bytes(2, "big")
    size = len(value)
    if size < 0x80:
        return head + bytes([size]) + value
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return head + bytes([0x80 | len(octets)]) + octets + value


def parse(data: bytes) -> list[tuple[int, bytes]] | None:
    """Tag and value of each object in order. None unless data is whole objects, at most COUNT_MAX of them."""
    found: list[tuple[int, bytes]] = []
    position = 0
    while position < len(data):
        tag_size = 2 if data[position] & 0x1F == 0x1F else 1
        tag = int.from_bytes(data[position : position + tag_size], "big")
        position += tag_size
        if position >= len(data) or len(found) == COUNT_MAX:
            return None
        count = data[position] & 0x7F if data[position] >= 0x80 else 0
        start = position + 1 + count
        if data[position] == 0x80 or count > _LENGTH_COUNT_MAX or start > len(data):
            return None
        size = int.from_bytes(data[position + 1 : start], "big") if count else data[position]
        position = start + size
        if position > len(data):
            return None
        found.append((tag, data[start:position]))
    return found


def parse_unique(data: bytes) -> dict[int, bytes] | None:
    """Values by tag; None also where a tag comes twice."""
    found = parse(data)
    if found is None or len({tag for tag, _ in found}) != len(found):
        return None
    return dict(found)


def single(data: bytes, tag: int) -> bytes | None:
    """The value of the one object that data must be."""
    found = parse(data)
    return found[0][1] if found is not None and len(found) == 1 and found[0][0] == tag else None
