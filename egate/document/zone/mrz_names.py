"""Names in a zone: two identifiers, their parts, and what is done when they do not fit (ICAO Doc 9303-3 4.6, -4 4.2.3)."""

from __future__ import annotations

from dataclasses import dataclass

from egate.document.zone.check_digit import ALPHABET, FILLER

_LETTERS = frozenset(ALPHABET[10:])
_SEPARATOR = FILLER * 2


@dataclass(frozen=True, slots=True, repr=False)
class Names:
    """primary, secondary: parts separated by one space. truncated: the field is full to its last place, which says that
    something may be missing. malformed: fillers stand where Doc 9303-3, 4.6 has none."""

    primary: str
    secondary: str
    truncated: bool
    malformed: bool

    def __repr__(self) -> str:
        return "Names(redacted)"


def parse_names(field: str) -> Names | None:
    """None if the field holds no name or something else than letters and fillers."""
    if not (_LETTERS | {FILLER}).issuperset(field):
        return None
    bare = field.rstrip(FILLER)
    primary, _, secondary = bare.partition(_SEPARATOR)
    if not primary.strip(FILLER):
        return None
    # One filler between parts, two between the identifiers, none before them, two identifiers at most.
    malformed = bare.startswith(FILLER) or FILLER * 3 in bare or _SEPARATOR in secondary
    return Names(_parts(primary), _parts(secondary), truncated=len(bare) == len(field), malformed=malformed)


def write_names(primary: str, secondary: str, size: int) -> str:
    """The field, filled up. Names that are too long are truncated so that the last place holds a letter.

    Doc 9303-4, 4.2.3: a part is never cut to nothing while it is kept. A primary identifier that is too long leaves
    room for the separator and the first letter of the secondary identifier; where that is all that fits, it is all
    that is kept. Names are in the zone's alphabet already, parts separated by blanks.
    """
    first, second = primary.split(), secondary.split()
    whole = FILLER.join(first) + (_SEPARATOR + FILLER.join(second) if second else "")
    if len(whole) <= size:
        return whole.ljust(size, FILLER)
    if not second:
        return _fitted(first, size).ljust(size, FILLER)
    head = _fitted(first, size - len(_SEPARATOR) - 1)
    return (head + _SEPARATOR + _fitted(second, size - len(head) - len(_SEPARATOR))).ljust(size, FILLER)


def _fitted(parts: list[str], room: int) -> str:
    """Parts joined, each kept with at least its initial, the earlier ones as whole as room allows."""
    kept = parts[: (room + 1) // 2]
    spare = room - (2 * len(kept) - 1)
    cut = []
    for part in kept:
        size = 1 + min(spare, len(part) - 1)
        spare -= size - 1
        cut.append(part[:size])
    return FILLER.join(cut)


def _parts(identifier: str) -> str:
    return " ".join(part for part in identifier.split(FILLER) if part)
