"""Document numbers of more than nine characters, as a TD1's or TD2's zone splits them (ICAO Doc 9303-5 and -6, 4.2.2.2 note j)."""

from __future__ import annotations

from egate.document.zone.check_digit import FILLER

NUMBER_SIZE = 9


def whole_number(number: str, digit: str, optional: str) -> tuple[str, str, str]:
    """The number, its check digit, and what is left of the optional data. Arguments: the three fields as they are in the zone.

    A filler in the check digit's place says that the number goes on in the optional data, up to a filler, its check digit last.
    """
    rest, _, others = optional.partition(FILLER)
    if digit != FILLER or len(rest) < 2:
        return number, digit, optional
    return number + rest[:-1], rest[-1], others
