"""What can be wrong with a zone that can be read. A zone that cannot be read is a DocumentError instead."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MrzDefect(StrEnum):
    """Members are reason codes: never rename one."""

    CHECK_DIGIT_WRONG = "CHECK_DIGIT_WRONG"
    DATE_INVALID = "DATE_INVALID"  # no date of the calendar, or unknown where it must be known
    DATES_CONTRADICT = "DATES_CONTRADICT"  # the document expired before its holder was born
    STATE_UNKNOWN = "STATE_UNKNOWN"  # not in Doc 9303-3, section 5
    DOCUMENT_CODE_RESERVED = "DOCUMENT_CODE_RESERVED"  # a second letter that Doc 9303-5 and -6 forbid
    NAMES_MALFORMED = (
        "NAMES_MALFORMED"  # fillers before, inside or between identifiers that Doc 9303-3 4.6 does not allow
    )
    SEX_DEVIATES = "SEX_DEVIATES"  # X, which the printed page has and the zone may not


@dataclass(frozen=True, slots=True)
class FieldDefect:
    """field: its name in snake case, e.g. "date_of_birth"; never its value."""

    defect: MrzDefect
    field: str
