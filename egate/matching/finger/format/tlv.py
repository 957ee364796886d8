"""The little of BER-TLV that minutiae need: definite lengths, tags of one or two bytes, everything held against what is there.

`egate.document` has a reader of its own for whole documents; neither package may know the other.
"""

from __future__ import annotations

from egate.errors import TemplateError

OBJECTS_MAX = 512  # chosen, in one value: twice the minutiae a finger can have in any format
LENGTH_BYTES_MAX = 3  # 16 MiB, more than any template


def objects(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and value of all objects in data. Raises TemplateError with code TEMPLATE_MALFORMED unless they fill it exactly."""
    found: list[tuple[int, bytes]] = []
    view = memoryview(data)
    while view:
        if len(found) == OBJECTS_MAX:
            raise _broken("too many data objects")
        tag, value, view = _take(view)
        found.append((tag, bytes(value)))
    return found


def only(data: bytes, tag: int) -> bytes:
    """The value of the one object that data consists of."""
    found = objects(data)
    if len(found) != 1 or found[0][0] != tag:
        raise _broken(f"not one data object {tag:X}")
    return found[0][1]


def by_tag(data: bytes) -> dict[int, bytes]:
    """Values by tag. Refuses a tag that comes twice: two readers would take different ones."""
    found = objects(data)
    values = dict(found)
    if len(values) != len(found):
        raise _broken("a data object comes twice")
    return values


def member(values: dict[int, bytes], tag: int) -> bytes:
    if tag not in values:
        raise _broken(f"data object {tag:X} is missing")
    return values[tag]


def encoded(tag: int, *values: bytes) -> bytes:
    """One object around the values, with the shortest length."""
    value = b"".join(values)
    size = len(value)
    if size < 0x80:
        length = bytes((size,))
    else:
        count = -(-size.bit_length() // 8)
        length = bytes((0x80 | count,)) + size.to_bytes(count, "big")
    return tag.to_bytes(2 if tag > 0xFF else 1, "big") + length + value


def _take(view: memoryview) -> tuple[int, memoryview, memoryview]:
    """Tag, value and what follows."""
    tag_size = 2 if view[0] & 0x1F == 0x1F else 1
    if len(view) <= tag_size or (tag_size == 2 and view[1] & 0x80):
        raise _broken("tag of a data object malformed")
    first, start = view[tag_size], tag_size + 1
    if first < 0x80:
        size = first
    else:
        count = first - 0x80
        if not 1 <= count <= LENGTH_BYTES_MAX or len(view) < start + count:
            raise _broken("length of a data object malformed")
        size, start = int.from_bytes(view[start : start + count], "big"), start + count
    if len(view) < start + size:
        raise _broken("a data object is cut off")
    return int.from_bytes(view[:tag_size], "big"), view[start : start + size], view[start + size :]


def _broken(what: str) -> TemplateError:
    return TemplateError(what, code="TEMPLATE_MALFORMED")
