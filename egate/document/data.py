"""The holder's data as an officer sees it in the dossier. The repr shows none of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, repr=False)
class DocumentData:
    """What the machine readable zone says, fillers removed.

    document_code: one or two letters, e.g. "P". issuing_state, nationality: one to three letters, Doc 9303-3 section 5.
    primary_identifier, secondary_identifier: names in the MRZ's alphabet, parts separated by one space; the secondary
    one may be empty. date_of_birth: None where the document leaves it unknown or it is no date. sex: "M", "F" or ""
    (unspecified). date_of_expiry: None if it is no date. optional_data: personal number or what the issuer put there.
    optional_data_2: the second such field of a TD1.
    """

    document_code: str
    issuing_state: str
    primary_identifier: str
    secondary_identifier: str
    document_number: str
    nationality: str
    date_of_birth: date | None
    sex: str
    date_of_expiry: date | None
    optional_data: str = ""
    optional_data_2: str = ""

    def __repr__(self) -> str:
        return "DocumentData(redacted)"
