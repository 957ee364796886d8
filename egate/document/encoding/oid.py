"""Object identifiers <-> the content bytes of their encoding (ITU-T X.690, 8.19)."""

from __future__ import annotations

from egate.errors import DocumentError

SIZE_MAX = 64  # chosen: those of travel documents have about ten bytes, one made from a UUID twenty


def decode_oid(content: bytes) -> str:
    """Dotted text. Raises DocumentError (OID_MALFORMED) unless content is the shortest encoding of one identifier."""
    if not content or len(content) > SIZE_MAX or content[-1] & 0x80:
        raise _malformed()
    arcs: list[int] = []
    value, fresh = 0, True
    for byte in content:
        if fresh and byte == 0x80:  # a leading zero digit
            raise _malformed()
        value, fresh = value << 7 | byte & 0x7F, not byte & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    root = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (root, arcs[0] - 40 * root, *arcs[1:]))


def encode_oid(dotted: str) -> bytes:
    """Content bytes. Raises ValueError unless dotted has at least two arcs, all numbers."""
    root, second, *rest = (int(arc) for arc in dotted.split("."))
    if root > 2 or second < 0 or (root < 2 and second >= 40) or any(arc < 0 for arc in rest):
        raise ValueError("no object identifier")
    return b"".join(_digits(arc) for arc in (40 * root + second, *rest))


def _digits(arc: int) -> bytes:
    digits = [arc & 0x7F]
    while arc := arc >> 7:
        digits.append(arc & 0x7F | 0x80)
    return bytes(reversed(digits))


def _malformed() -> DocumentError:
    return DocumentError("object identifier malformed", code="OID_MALFORMED")
