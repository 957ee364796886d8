"""ASN.1 elements of certificates and signed data: DER, and the BER that issuers publish (ITU-T X.690).

A signature covers bytes as they were sent, so an element keeps its encoding. Own reader because limits come first: tags of one
octet; depth, count and size are bounded; lengths may be longer than needed or indefinite, as some issuers write them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egate.document.encoding.oid import decode_oid
from egate.errors import DocumentError

SIZE_MAX = 4 * 1024 * 1024  # chosen: the German master list has 0.9 MB
COUNT_MAX = 4096  # elements in one; chosen: the German master list has 588 certificates
DEPTH_MAX = 16  # of indefinite lengths; chosen: a certificate in an SOD lies 12 deep
INTEGER_SIZE_MAX = 2048 + 1  # 16,384-bit RSA; beyond, arithmetic takes too long

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
SEQUENCE, SET = 0x30, 0x31
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
CONSTRUCTED = 0x20


def context(number: int, *, constructed: bool = True) -> int:
    """Identifier octet of [number]."""
    return 0x80 | (CONSTRUCTED if constructed else 0) | number


@dataclass(frozen=True, slots=True, repr=False)
class Element:
    """tag: identifier octet. raw: the whole encoding. value: the content octets, without the end mark of an indefinite length."""

    tag: int
    raw: bytes
    value: bytes

    def __repr__(self) -> str:
        return f"Element({self.tag:02x}, {len(self.value)} bytes)"

    def children(self) -> list[Element]:
        """Raises DocumentError if this is primitive or its content malformed."""
        if not self.tag & CONSTRUCTED:
            raise malformed("element is primitive")
        return read_all(self.value)


class Fields:
    """The children of a sequence, taken in order."""

    def __init__(self, element: Element, tag: int = SEQUENCE) -> None:
        if element.tag != tag:
            raise malformed(f"not an element {tag:02x}")
        self._children = element.children()
        self._position = 0

    def take(self, tag: int) -> Element:
        found = self.optional(tag)
        if found is None:
            raise malformed(f"element {tag:02x} is missing")
        return found

    def optional(self, tag: int) -> Element | None:
        if self._position < len(self._children) and self._children[self._position].tag == tag:
            self._position += 1
            return self._children[self._position - 1]
        return None

    def take_any(self) -> Element:
        if self._position >= len(self._children):
            raise malformed("element is missing")
        self._position += 1
        return self._children[self._position - 1]

    def rest(self) -> Sequence[Element]:
        found, self._position = self._children[self._position :], len(self._children)
        return found

    def end(self) -> None:
        if self._position != len(self._children):
            raise malformed("more elements than the type has")


def malformed(what: str) -> DocumentError:
    return DocumentError(what, code="DER_MALFORMED")


def read(data: bytes, tag: int) -> Element:
    """The one element with this tag that data consists of. Raises DocumentError otherwise."""
    if len(data) > SIZE_MAX:
        raise malformed("too long")
    element, end = _element(data, 0, DEPTH_MAX)
    if element.tag != tag or end != len(data):
        raise malformed(f"not exactly one element {tag:02x}")
    return element


def read_all(data: bytes, count_max: int = COUNT_MAX) -> list[Element]:
    """The elements that follow one another in data, to its end."""
    found: list[Element] = []
    position = 0
    while position < len(data):
        if len(found) == count_max:
            raise malformed("too many elements")
        element, position = _element(data, position, DEPTH_MAX)
        found.append(element)
    return found


def inner(element: Element, tag: int) -> Element:
    """The only child of an explicitly tagged element."""
    children = element.children()
    if len(children) != 1 or children[0].tag != tag:
        raise malformed(f"not exactly one element {tag:02x}")
    return children[0]


def integer(element: Element) -> int:
    """Two's complement. Also for encodings that are longer than needed."""
    if element.tag != INTEGER or not 1 <= len(element.value) <= INTEGER_SIZE_MAX:
        raise malformed("no integer")
    return int.from_bytes(element.value, "big", signed=True)


def oid(element: Element) -> str:
    """Dotted."""
    if element.tag != OID:
        raise malformed("no object identifier")
    try:
        return decode_oid(element.value)
    except DocumentError as error:
        raise malformed(str(error)) from None


def boolean(element: Element) -> bool:
    if element.tag != BOOLEAN or len(element.value) != 1:
        raise malformed("no boolean")
    return element.value != b"\x00"


def bit_string(element: Element) -> bytes:
    """The octets of a bit string that has no unused bits (keys and signatures)."""
    if element.tag != BIT_STRING or not element.value or element.value[0] != 0:
        raise malformed("no string of whole octets")
    return element.value[1:]


def octets(element: Element) -> bytes:
    """An octet string's content, joined where BER split it."""
    if element.tag == OCTET_STRING:
        return element.value
    if element.tag != OCTET_STRING | CONSTRUCTED:
        raise malformed("no octet string")
    parts = element.children()
    if any(part.tag != OCTET_STRING for part in parts):
        raise malformed("octet string nested")
    return b"".join(part.value for part in parts)


def encode(tag: int, value: bytes) -> bytes:
    """DER of one element."""
    size = len(value)
    if size < 0x80:
        return bytes([tag, size]) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


def _element(data: bytes, start: int, depth: int) -> tuple[Element, int]:
    """The element at start and where it ends."""
    tag, body, size = _header(data, start)
    if size is not None:
        end = body + size
        return Element(tag, data[start:end], data[body:end]), end
    if depth == 0 or not tag & CONSTRUCTED:
        raise malformed("indefinite length not allowed here")
    position = body
    for _ in range(COUNT_MAX):
        if data[position : position + 2] == b"\x00\x00":
            return Element(tag, data[start : position + 2], data[body:position]), position + 2
        position = _end(data, position, depth - 1)
    raise malformed("too many elements")


def _end(data: bytes, start: int, depth: int) -> int:
    """Where the element at start ends, without copying it."""
    tag, position, size = _header(data, start)
    if size is not None:
        return position + size
    if depth == 0 or not tag & CONSTRUCTED:
        raise malformed("indefinite lengths too deep")
    for _ in range(COUNT_MAX):
        if data[position : position + 2] == b"\x00\x00":
            return position + 2
        position = _end(data, position, depth - 1)
    raise malformed("too many elements")


def _header(data: bytes, start: int) -> tuple[int, int, int | None]:
    """Tag, start of the content and its size, None if that is indefinite."""
    if start + 2 > len(data):
        raise malformed("element cut short")
    tag, size, body = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F or tag == 0:
        raise malformed("tag malformed")
    if size == 0x80:
        return tag, body, None
    if size > 0x80:
        count = size & 0x7F
        if count > 4 or body + count > len(data):
            raise malformed("length malformed")
        size, body = int.from_bytes(data[body : body + count], "big"), body + count
    if body + size > len(data):
        raise malformed("element cut short")
    return tag, body, size
