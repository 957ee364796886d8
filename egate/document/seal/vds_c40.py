"""C40: three characters in two bytes, as visible digital seals write text (ICAO Doc 9303-13, 2.6; ISO/IEC 16022).

Only what seals use: A-Z, 0-9 and space, which stands for the filler of a machine readable zone.
"""

from __future__ import annotations

from egate.errors import DocumentError

ALPHABET = " 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FIRST = 3  # value of the alphabet's first character; below are the shifts, of which seals use none but for padding
_PADDING = 0  # shift 1 in the third place: two characters remained
_UNLATCH = 0xFE  # one character remained; it follows as ASCII plus one
_VALUES = {character: _FIRST + index for index, character in enumerate(ALPHABET)}


def c40_size(count: int) -> int:
    """Bytes of so many characters."""
    return (count + 2) // 3 * 2


def decode_c40(data: bytes) -> str:
    """Raises DocumentError(VDS_C40): an odd length, another character, padding before the end."""
    if len(data) % 2:
        raise _malformed()
    last = len(data) - 2
    return "".join(_decode_pair(data[at], data[at + 1], last=at == last) for at in range(0, len(data), 2))


def encode_c40(text: str) -> bytes:
    """text: of ALPHABET; fillers "<" become spaces. Raises ValueError for other characters."""
    values = [_value(character) for character in text.replace("<", " ")]
    encoded = bytearray()
    for at in range(0, len(values), 3):
        group = values[at : at + 3]
        if len(group) == 1:
            encoded += bytes([_UNLATCH, ord(ALPHABET[group[0] - _FIRST]) + 1])
            continue
        first, second, third = (*group, _PADDING)[:3]
        encoded += (1600 * first + 40 * second + third + 1).to_bytes(2, "big")
    return bytes(encoded)


def _decode_pair(high: int, low: int, *, last: bool) -> str:
    if high == _UNLATCH:
        character = chr(low - 1) if low else ""
        if not last or character not in _VALUES:
            raise _malformed()
        return character
    number = 256 * high + low - 1
    values = [number // 1600, number // 40 % 40, number % 40]
    if last and values[2] == _PADDING:
        del values[2]
    if number < 0 or not all(_FIRST <= value < 40 for value in values):
        raise _malformed()
    return "".join(ALPHABET[value - _FIRST] for value in values)


def _value(character: str) -> int:
    if character not in _VALUES:
        raise ValueError("not of the C40 alphabet")
    return _VALUES[character]


def _malformed() -> DocumentError:
    return DocumentError("C40 malformed", code="VDS_C40")
