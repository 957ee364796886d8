"""DG11: additional personal details (ICAO Doc 9303-10, 4.7.11). All of it optional, for the officer's eyes; nothing here decides."""

from __future__ import annotations

from dataclasses import dataclass

from egate.document.lds.detail_fields import parse_details, write_details, write_other_names
from egate.document.lds.lds_text import PersonName, parse_date, parse_name, parse_parts, parse_text, write_name
from egate.document.zone.check_digit import FILLER

DG11_TAG = 0x6B
_NAME, _PERSONAL_NUMBER, _BIRTH, _PLACE, _ADDRESS, _TELEPHONE = 0x5F0E, 0x5F10, 0x5F2B, 0x5F11, 0x5F42, 0x5F12
_PROFESSION, _TITLE, _SUMMARY, _CITIZENSHIP, _DOCUMENTS, _CUSTODY = 0x5F13, 0x5F14, 0x5F15, 0x5F16, 0x5F17, 0x5F18
_OTHER_NAME = 0x5F0F


@dataclass(frozen=True, slots=True, repr=False)
class PersonalDetails:
    """Empty where the issuer stored nothing.

    date_of_birth: CCYYMMDD with zeros for what is unknown. proof_of_citizenship: an encoded image, as it is.
    malformed: names of the fields that were there but could not be read.
    """

    name: PersonName | None = None
    other_names: tuple[PersonName, ...] = ()
    personal_number: str = ""
    date_of_birth: str = ""
    place_of_birth: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    telephone: str = ""
    profession: str = ""
    title: str = ""
    summary: str = ""
    proof_of_citizenship: bytes = b""
    other_documents: tuple[str, ...] = ()
    custody: str = ""
    malformed: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"PersonalDetails(redacted, malformed={self.malformed})"


def parse_dg11(data: bytes) -> PersonalDetails:
    """Raises DocumentError if the file's structure is malformed; a field that is goes to `malformed`."""
    details = parse_details(data, DG11_TAG, _OTHER_NAME)
    return PersonalDetails(
        name=details.read(_NAME, "name", parse_name, None),
        other_names=details.read_others("other_names", parse_name),
        personal_number=details.read(_PERSONAL_NUMBER, "personal_number", parse_text, ""),
        date_of_birth=details.read(_BIRTH, "date_of_birth", parse_date, ""),
        place_of_birth=details.read(_PLACE, "place_of_birth", parse_parts, ()),
        address=details.read(_ADDRESS, "address", parse_parts, ()),
        telephone=details.read(_TELEPHONE, "telephone", parse_text, ""),
        profession=details.read(_PROFESSION, "profession", parse_text, ""),
        title=details.read(_TITLE, "title", parse_text, ""),
        summary=details.read(_SUMMARY, "summary", parse_text, ""),
        proof_of_citizenship=details.octets(_CITIZENSHIP),
        other_documents=details.read(_DOCUMENTS, "other_documents", parse_parts, ()),
        custody=details.read(_CUSTODY, "custody", parse_text, ""),
        malformed=tuple(details.malformed),
    )


def write_dg11(details: PersonalDetails) -> bytes:
    fields = {
        _NAME: write_name(details.name) if details.name is not None else b"",
        _PERSONAL_NUMBER: details.personal_number.encode("utf-8"),
        _BIRTH: details.date_of_birth.encode("ascii"),
        _PLACE: FILLER.join(details.place_of_birth).encode("utf-8"),
        _ADDRESS: FILLER.join(details.address).encode("utf-8"),
        _TELEPHONE: details.telephone.encode("utf-8"),
        _PROFESSION: details.profession.encode("utf-8"),
        _TITLE: details.title.encode("utf-8"),
        _SUMMARY: details.summary.encode("utf-8"),
        _CITIZENSHIP: details.proof_of_citizenship,
        _DOCUMENTS: FILLER.join(details.other_documents).encode("utf-8"),
        _CUSTODY: details.custody.encode("utf-8"),
    }
    return write_details(DG11_TAG, fields, write_other_names(_OTHER_NAME, details.other_names))
