"""JSON as signed documents use it: read within limits, and written canonically (RFC 8785).

Of numbers only integers: no signed document type defines others, and RFC 8785 writes those as ECMAScript does.
"""

from __future__ import annotations

import json
from typing import NoReturn, TypeAlias

from egate.errors import DocumentError

SIZE_MAX = 8192  # chosen: a QR code holds at most 4296 characters
DEPTH_MAX = 12  # chosen: VDS-NC nests seven deep
INTEGER_MAX = 2**53 - 1  # RFC 8785, 3.2.2.3: what a double holds exactly

JsonValue: TypeAlias = "str | int | bool | list[JsonValue] | dict[str, JsonValue] | None"


def parse_json(data: bytes) -> JsonValue:
    """data: UTF-8, at most SIZE_MAX bytes. Raises DocumentError: JSON_TOO_LONG, JSON_TOO_DEEP, JSON_TWICE (a name), JSON_NUMBER,
    JSON_MALFORMED."""
    if len(data) > SIZE_MAX:
        raise DocumentError("JSON too long", code="JSON_TOO_LONG")
    try:
        text = data.decode("utf-8")
        _require_depth(text)
        parsed: JsonValue = json.loads(
            text, object_pairs_hook=_unique, parse_int=_integer, parse_float=_no_number, parse_constant=_no_number
        )
    except ValueError:
        raise DocumentError("JSON malformed", code="JSON_MALFORMED") from None
    return parsed


def canonical_json(value: JsonValue) -> bytes:
    """RFC 8785. Raises DocumentError(JSON_MALFORMED) for text that is no Unicode (a lone surrogate)."""
    try:
        return _written(value).encode("utf-8")
    except UnicodeEncodeError:
        raise DocumentError("JSON malformed", code="JSON_MALFORMED") from None


def _written(value: JsonValue) -> str:
    if isinstance(value, dict):
        # 3.2.3: names in the order of their UTF-16 code units.
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{_written(name)}:{_written(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(item) for item in value) + "]"
    # 3.2.2: of text, true, false, null and integers Python writes the same.
    return json.dumps(value, ensure_ascii=False)


def _require_depth(text: str) -> None:
    """Before the parser recurses."""
    depth, inside, escaped = 0, False, False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise DocumentError("JSON too deep", code="JSON_TOO_DEEP")
        elif character in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """Two readers would take different ones."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DocumentError("JSON name comes twice", code="JSON_TWICE")
    return found


def _integer(digits: str) -> int:
    if len(digits) > len(str(-INTEGER_MAX)) or abs(int(digits)) > INTEGER_MAX:
        _no_number(digits)
    return int(digits)


def _no_number(_digits: str) -> NoReturn:
    raise DocumentError("JSON number", code="JSON_NUMBER")
