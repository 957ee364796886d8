"""What a machine-readable zone contributes to the keys of BAC and PACE (ICAO Doc 9303-11, 4.3.2 and 9.7.2).

    MRZ_information = document number, its check digit | date of birth, its check digit | date of expiry, its check digit

as printed. A document number longer than nine characters continues in the optional data of TD1 and TD2, ended by its check digit
and a filler (Doc 9303-5, 4.2.2; Doc 9303-6, 4.2.2). Check digits are not verified here: a chip holds what was printed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from egate.document.zone.document_number import whole_number
from egate.errors import DocumentError

_LINE = re.compile(r"[A-Z0-9<]+")
_SEED_SIZE = 16  # of BAC: the first half of the digest, 4.3.2


def mrz_key(lines: Sequence[str]) -> bytes:
    """MRZ_information. lines: 3 of 30, 2 of 36 or 2 of 44 characters. Raises DocumentError (MRZ_UNREADABLE) for anything else."""
    if not all(_LINE.fullmatch(line) for line in lines):
        raise DocumentError("zone holds other characters", code="MRZ_UNREADABLE")
    match [len(line) for line in lines]:
        case [30, 30, 30]:
            number, dates = _number(lines[0][5:14], lines[0][14], lines[0][15:30]), lines[1]
            return (number + dates[0:7] + dates[8:15]).encode()
        case [36, 36]:
            number = _number(lines[1][0:9], lines[1][9], lines[1][28:35])
        case [44, 44]:
            number = lines[1][0:10]
        case _:
            raise DocumentError("zone of another size", code="MRZ_UNREADABLE")
    return (number + lines[1][13:20] + lines[1][21:28]).encode()


def key_seed(information: bytes) -> bytes:
    """K_seed of BAC."""
    return hashlib.sha1(information).digest()[:_SEED_SIZE]


def password_key(password: bytes) -> bytes:
    """K of PACE for a zone: SHA-1 of MRZ_information (9.7.3). Other passwords are used as they are."""
    return hashlib.sha1(password).digest()


def _number(head: str, check_digit: str, optional: str) -> str:
    """Document number with its check digit."""
    number, digit, _ = whole_number(head, check_digit, optional)
    return number + digit
