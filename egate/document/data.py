"""The holder's data as an officer sees it in the dossier. The repr shows none of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, repr=False)
class PartialDate:
    """A date of which some is unknown (None), at least one part is known (Doc 9303-3, 3.8). year: all four digits.

    Its text has X for each unknown digit, e.g. "1964-XX-XX" (ISO 8601-2, 4.7.2).
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None

    def __str__(self) -> str:
        year = "XXXX" if self.year is None else f"{self.year:04}"
        return "-".join((year, *("XX" if part is None else f"{part:02}" for part in (self.month, self.day))))

    def __repr__(self) -> str:
        return "PartialDate(redacted)"


@dataclass(frozen=True, slots=True, repr=False)
class DocumentData:
    """What the machine readable zone says, fillers removed.

    document_code: one or two letters, e.g. "P". issuing_state, nationality: one to three letters, Doc 9303-3 section 5.
    primary_identifier, secondary_identifier: names in the MRZ's alphabet, parts separated by one space; the secondary
    one may be empty. date_of_birth: what the document knows of it; None where that is nothing or it is no date. sex: "M", "F"
    or "" (unspecified). date_of_expiry: None if it is no date. optional_data: personal number or what the issuer put there.
    optional_data_2: the second such field of a TD1.
    """

    document_code: str
    issuing_state: str
    primary_identifier: str
    secondary_identifier: str
    document_number: str
    nationality: str
    date_of_birth: date | PartialDate | None
    sex: str
    date_of_expiry: date | None
    optional_data: str = ""
    optional_data_2: str = ""

    def __repr__(self) -> str:
        return "DocumentData(redacted)"
