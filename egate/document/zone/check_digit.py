"""Check digits of the machine readable zone (ICAO Doc 9303-3, 4.9)."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FILLER = "<"

# Doc 9303-3, 4.9: digits count as themselves, A = 10 to Z = 35, the filler as 0.
_VALUES = {character: value for value, character in enumerate(ALPHABET)} | {FILLER: 0}
_WEIGHTS = (7, 3, 1)


def check_digit(field: str) -> str:
    """The check digit of a field: weights 7 3 1 repeating, modulus 10. Raises KeyError outside A-Z, 0-9 and `<`."""
    total = sum(_VALUES[character] * _WEIGHTS[index % 3] for index, character in enumerate(field))
    return str(total % 10)
