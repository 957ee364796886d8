"""DG12: additional document details (ICAO Doc 9303-10, 4.7.12). All of it optional, for the officer's eyes; nothing here decides."""

from __future__ import annotations

from dataclasses import dataclass

from egate.document.lds.detail_fields import parse_details, write_details, write_other_names
from egate.document.lds.lds_text import PersonName, parse_date, parse_name, parse_text, parse_time

DG12_TAG = 0x6C
_AUTHORITY, _ISSUE, _OBSERVATIONS, _TAX, _FRONT, _REAR = 0x5F19, 0x5F26, 0x5F1B, 0x5F1C, 0x5F1D, 0x5F1E
_PERSONALISED, _SYSTEM = 0x5F55, 0x5F56
_PERSONALISED_DEVIATION = 0x5F85  # see egate.document.encoding.tlv
_OTHER_NAME = 0x5F1A


@dataclass(frozen=True, slots=True, repr=False)
class DocumentDetails:
    """Empty where the issuer stored nothing.

    date_of_issue: CCYYMMDD. personalised_at: CCYYMMDDhhmmss. front, rear: encoded images of the document, as they are.
    malformed: names of the fields that were there but could not be read.
    """

    issuing_authority: str = ""
    date_of_issue: str = ""
    other_names: tuple[PersonName, ...] = ()
    observations: str = ""
    tax_exit_requirements: str = ""
    front: bytes = b""
    rear: bytes = b""
    personalised_at: str = ""
    personalisation_system: str = ""
    malformed: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"DocumentDetails(redacted, malformed={self.malformed})"


def parse_dg12(data: bytes) -> DocumentDetails:
    """Raises DocumentError if the file's structure is malformed; a field that is goes to `malformed`."""
    details = parse_details(data, DG12_TAG, _OTHER_NAME)
    personalised = _PERSONALISED if details.octets(_PERSONALISED) else _PERSONALISED_DEVIATION
    return DocumentDetails(
        issuing_authority=details.read(_AUTHORITY, "issuing_authority", parse_text, ""),
        date_of_issue=details.read(_ISSUE, "date_of_issue", parse_date, ""),
        other_names=details.read_others("other_names", parse_name),
        observations=details.read(_OBSERVATIONS, "observations", parse_text, ""),
        tax_exit_requirements=details.read(_TAX, "tax_exit_requirements", parse_text, ""),
        front=details.octets(_FRONT),
        rear=details.octets(_REAR),
        personalised_at=details.read(personalised, "personalised_at", parse_time, ""),
        personalisation_system=details.read(_SYSTEM, "personalisation_system", parse_text, ""),
        malformed=tuple(details.malformed),
    )


def write_dg12(details: DocumentDetails) -> bytes:
    fields = {
        _AUTHORITY: details.issuing_authority.encode("utf-8"),
        _ISSUE: details.date_of_issue.encode("ascii"),
        _OBSERVATIONS: details.observations.encode("utf-8"),
        _TAX: details.tax_exit_requirements.encode("utf-8"),
        _FRONT: details.front,
        _REAR: details.rear,
        _PERSONALISED: details.personalised_at.encode("ascii"),
        _SYSTEM: details.personalisation_system.encode("utf-8"),
    }
    return write_details(DG12_TAG, fields, write_other_names(_OTHER_NAME, details.other_names))
