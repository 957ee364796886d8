"""The frame of DG11 and DG12: a tag list, single fields, and a template of further names (ICAO Doc 9303-10, 4.7.11 and 4.7.12).

    5C   tag list
    5Fxx fields
    A0   02 count, then one element per further name
The tag list is not held against the fields: in the BSI specimen and in documents of several states they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from egate.document.encoding.tlv import element, elements, single, tags
from egate.document.lds.lds_text import PersonName, write_name
from egate.errors import DocumentError

TAG_LIST_TAG = 0x5C
_OTHERS_TAG = 0xA0
_COUNT_TAG = 0x02
T = TypeVar("T")
D = TypeVar("D")


class Details:
    """Fields by tag, read one after the other. malformed: the names of those that could not be."""

    __slots__ = ("_fields", "_others", "malformed")

    def __init__(self, fields: Mapping[int, bytes], others: Sequence[bytes]) -> None:
        self._fields = fields
        self._others = others
        self.malformed: list[str] = []

    def read(self, tag: int, name: str, parse: Callable[[bytes], T], default: D) -> T | D:
        """The field's value; default where it is absent, empty, or malformed."""
        value = self.octets(tag)
        try:
            return parse(value) if value else default
        except DocumentError:
            self.malformed.append(name)
            return default

    def read_others(self, name: str, parse: Callable[[bytes], T]) -> tuple[T, ...]:
        try:
            return tuple(parse(value) for value in self._others)
        except DocumentError:
            self.malformed.append(name)
            return ()

    def octets(self, tag: int) -> bytes:
        return self._fields.get(tag, b"")


def parse_details(data: bytes, tag: int, other_tag: int) -> Details:
    """The fields of a file with this tag. other_tag: that of a further name, which may come several times, also outside A0.

    Raises DocumentError if the structure is malformed or a field comes twice.
    """
    fields: dict[int, bytes] = {}
    others: list[bytes] = []
    for found, value in elements(single(data, tag)):
        if found == _OTHERS_TAG:
            others += [name for inner, name in elements(value) if inner == other_tag]
        elif found == other_tag:
            others.append(value)
        elif found in fields:
            raise DocumentError(f"element {found:X} comes twice", code="TLV_TWICE")
        else:
            fields[found] = value
    tags(fields.get(TAG_LIST_TAG, b""))
    return Details(fields, others)


def write_details(tag: int, fields: Mapping[int, bytes], others: bytes) -> bytes:
    """A file with the fields that are not empty, in this order, the further names last."""
    present = {found: value for found, value in fields.items() if value}
    listed = b"".join(found.to_bytes(2, "big") for found in present) + (bytes([_OTHERS_TAG]) if others else b"")
    body = b"".join(element(found, value) for found, value in present.items())
    return element(tag, element(TAG_LIST_TAG, listed) + body + others)


def write_other_names(tag: int, names: Sequence[PersonName]) -> bytes:
    """The template A0; nothing where there are no names."""
    if not names:
        return b""
    content = b"".join(element(tag, write_name(name)) for name in names)
    return element(_OTHERS_TAG, element(_COUNT_TAG, bytes([len(names)])) + content)
